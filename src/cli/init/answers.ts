/** What a config depends on beside what was found: the answers that a person or the options give, and their defaults. */

import { matchesGlob } from '../../config/glob.ts';
import type { Environment } from '../../config/interpolate.ts';
import type { Keeping, StartingConfig } from '../../config/starting-config.ts';
import { CommandFailed } from '../command-failed.ts';
import { type CALLERS, KEEPINGS } from './choices.ts';
import type { Found } from './found.ts';

export interface Answers {
  /** Ids of found models, at least one. */
  models: readonly string[];
  prefer: StartingConfig['prefer'];
  /** The name that programs send today; null where there are none. */
  today: string | null;
  usdPerDay: number | null;
  callers: (typeof CALLERS)[number];
  keeping: Keeping;
}

/** For people. */
export const KEPT: Readonly<Record<Keeping, string>> = {
  folder: 'in the folder .conduit',
  redis: 'in the folder .conduit and the Redis of REDIS_URL',
  supabase: 'in the Supabase project of SUPABASE_URL',
  'redis+supabase': 'in the Redis of REDIS_URL and the Supabase project of SUPABASE_URL',
};

/** As the command line gives them. */
export interface AnswerOptions {
  model: readonly string[];
  prefer?: Answers['prefer'];
  today?: string;
  usdPerDay?: string;
  callers?: Answers['callers'];
  keep?: Keeping;
}

export function defaultAnswers(found: Found, env: Environment): Answers {
  return {
    models: found.models.map(({ id }) => id),
    prefer: 'balanced',
    today: null,
    usdPerDay: null,
    callers: 'this-machine',
    keeping: keepingsIn(env).at(-1) as Keeping,
  };
}

/** Where the environment has what it takes to keep things, the folder first and all together last. */
export function keepingsIn(env: Environment): Keeping[] {
  const redis = Boolean(env.REDIS_URL);
  const supabase = Boolean(env.SUPABASE_URL && env.SUPABASE_SERVICE_ROLE_KEY);
  return KEEPINGS.filter(
    (keeping) => (redis || !keeping.includes('redis')) && (supabase || !keeping.includes('supabase')),
  );
}

/** The answers that the options give. Throws `CommandFailed` that names the option and what it allows. */
export function answersIn(options: AnswerOptions, found: Found): Partial<Answers> {
  const { model, prefer, today, usdPerDay, callers, keep } = options;
  const nameProblem = today === undefined ? undefined : todayProblem(today);
  if (nameProblem) throw new CommandFailed(`--today: ${nameProblem}`);
  const usdProblem = usdPerDay === undefined ? undefined : usdPerDayProblem(usdPerDay);
  if (usdProblem) throw new CommandFailed(`--usd-per-day: ${usdProblem}`);
  return {
    ...(model.length > 0 && { models: model.flatMap((pattern) => matching(pattern, found)) }),
    ...(prefer && { prefer }),
    ...(today !== undefined && { today: nameIn(today) }),
    ...(usdPerDay !== undefined && { usdPerDay: usdIn(usdPerDay) }),
    ...(callers && { callers }),
    ...(keep && { keeping: keep }),
  };
}

function matching(pattern: string, found: Found): string[] {
  const ids = found.models.map(({ id }) => id).filter((id) => matchesGlob(pattern, id));
  if (ids.length > 0) return ids;
  const all = found.models.map(({ id }) => id).join(', ');
  throw new CommandFailed(`--model: ${JSON.stringify(pattern)} is none of the models found (${all})`);
}

/** Why this is no name of a model; undefined where it is one, or `none` or empty. */
export function todayProblem(text: string): string | undefined {
  return /^[^\s\p{C},]{0,200}$/u.test(text.trim()) ? undefined : 'allowed are a model name without spaces, and none';
}

export const nameIn = (text: string): string | null => (['', 'none'].includes(text.trim()) ? null : text.trim());

/** Why this is no amount; undefined where it is one, or `none` or empty. */
export function usdPerDayProblem(text: string): string | undefined {
  const usd = usdIn(text);
  return usd === null || (usd > 0 && Number.isFinite(usd)) ? undefined : 'allowed are USD above 0, and none';
}

export function usdIn(text: string): number | null {
  if (['', 'none'].includes(text.trim())) return null;
  return /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
}
