/** Asks a person at a terminal what the options did not say; enter takes the default of each question. */
import type { Environment } from '../../config/interpolate.ts';
import type { Keeping, StartingModel } from '../../config/starting-config.ts';
import { CommandFailed } from '../command-failed.ts';
import { redraws } from '../terminal/screen.ts';
import {
  type Answers,
  defaultAnswers,
  KEPT,
  keepingsIn,
  nameIn,
  todayProblem,
  usdIn,
  usdPerDayProblem,
} from './answers.ts';
import { type Asking, type Choice, Left } from './asking.ts';
import type { Found } from './found.ts';

const PREFERENCES: readonly Choice<Answers['prefer']>[] = [
  { value: 'balanced', label: 'balanced', hint: 'a dear model where it is worth it' },
  { value: 'quality', label: 'quality' },
  { value: 'cost', label: 'cost' },
  { value: 'speed', label: 'speed' },
];

const CALLERS: readonly Choice<Answers['callers']>[] = [
  { value: 'this-machine', label: 'programs on this machine', hint: 'without a key' },
  { value: 'network', label: 'other machines too', hint: 'with keys that are made now' },
];

/** Rejects with `CommandFailed` and exit code 130 where the person leaves. */
export async function ask(found: Found, given: Partial<Answers>, env: Environment): Promise<Answers> {
  try {
    return await answers(await asking(), found, given, env);
  } catch (error) {
    throw error instanceof Left ? new CommandFailed('left, and nothing was written', 130) : error;
  }
}

/** ACCESSIBLE is what screen readers are announced by. */
async function asking(): Promise<Asking> {
  const draws = redraws(process.stderr) && !process.env.ACCESSIBLE;
  return draws ? (await import('./asking-drawn.ts')).askingDrawn() : (await import('./asking-plain.ts')).askingPlain;
}

async function answers(asks: Asking, found: Found, given: Partial<Answers>, env: Environment): Promise<Answers> {
  const defaults = defaultAnswers(found, env);
  const models = given.models ?? (await chosenModels(asks, found.models));
  const prefer = given.prefer ?? (await asks.one('What matters most?', PREFERENCES, defaults.prefer));
  const today =
    given.today !== undefined
      ? given.today
      : nameIn(await asks.line('Which model name do your programs send today?', todayProblem));
  const usdPerDay =
    given.usdPerDay !== undefined
      ? given.usdPerDay
      : usdIn(await asks.line('How many USD may a day cost at most?', usdPerDayProblem));
  const callers = given.callers ?? (await asks.one('Who may call it?', CALLERS, defaults.callers));
  const keeping = given.keeping ?? (await chosenKeeping(asks, keepingsIn(env), defaults.keeping));
  return { models, prefer, today, usdPerDay, callers, keeping };
}

/** A question only where there is a choice. */
async function chosenModels(asks: Asking, models: readonly StartingModel[]): Promise<readonly string[]> {
  if (models.length === 1) return models.map(({ id }) => id);
  const choices = models.map(({ id, price }) => ({ value: id, label: id, hint: priceHint(price) }));
  return asks.several('Which models may it choose from? (USD a million tokens in, out)', choices);
}

function priceHint(price: StartingModel['price']): string {
  return price === 'free' ? 'a machine of your own' : `${price.input}, ${price.output}`;
}

/** A question only where there is a choice. */
async function chosenKeeping(asks: Asking, keepings: readonly Keeping[], preset: Keeping): Promise<Keeping> {
  if (keepings.length === 1) return preset;
  const choices = keepings.map((keeping) => ({ value: keeping, label: KEPT[keeping] }));
  return asks.one('Where shall it keep what it learns?', choices, preset);
}
