/** Simulated traffic with every arm's outcome, and beside it the truth, by which a policy, a promise or an estimate can be judged. */
import { encoder } from '../../context/encoder.ts';
import type { ContextInput } from '../../context/text.ts';
import { estimatePromptTokens } from '../../context/tokens.ts';
import { createDice, seedOf } from '../dice.ts';
import type { Recorded, RecordedOutcome, RecordedPrompt } from '../recorded.ts';
import type { ReplayArm, ReplayRow, ReplayRun } from '../replay.ts';
import { changesOfArms, checkDrifts, type Drift, isThereAt, mixAt, priceAt, remainsAt } from './drift.ts';
import { KINDS } from './kinds.ts';
import { expectedOutcome, throwOutcome } from './outcomes.ts';
import { drawNature, type Mix, type Nature, writePrompt } from './prompts.ts';
import { type SimulatedArm, surfaceOf, type World } from './surfaces.ts';
import { WORLDS, type WorldName } from './worlds.ts';

export interface SimulationSettings {
  /** The same seed gives the same simulation, and its first rows do not depend on how many follow. */
  seed: number;
  rows: number;
  /** By name, or one's own. */
  world: WorldName | World;
  drifts?: readonly Drift[];
}

/** Expectations by the arm's position in `World.arms`, then by row; also for rows at which the arm is not there. */
export interface Truth {
  /** In [0, 1]. */
  quality: readonly Float64Array[];
  costUsd: readonly Float64Array[];
}

export interface Simulation {
  world: World;
  /** For `replay`: arms that are there, at their prices, with their outcomes. */
  rows: readonly ReplayRow[];
  truth: Truth;
  /** What each prompt is, which no policy sees. */
  natures: readonly Nature[];
  /** The same outcomes as a recording. It knows no arrival and no removal, and the prices are those without drift: costs hold it. */
  recorded: Recorded;
}

/** Throws a RangeError for a drift that cannot be (`checkDrifts`), and for an arm that cannot be as good as it says (`surfaceOf`). */
export function simulate({ seed, rows: count, world: which, drifts = [] }: SimulationSettings): Simulation {
  const world = typeof which === 'string' ? WORLDS[which] : which;
  checkDrifts(
    drifts,
    world.arms.map(({ id }) => id),
  );
  const surfaces = world.arms.map((arm) => surfaceOf(arm, world));
  const truth = {
    quality: world.arms.map(() => new Float64Array(count)),
    costUsd: world.arms.map(() => new Float64Array(count)),
  };
  const simulation = { world, rows: [] as ReplayRow[], truth, natures: [] as Nature[] };
  const prompts: RecordedPrompt[] = [];
  const phases = phasesOf(world.arms, drifts);
  const write = createWriter(seed);
  let phase = -1;
  for (let row = 0; row < count; row++) {
    while (phases[phase + 1] && phases[phase + 1]!.from <= row) phase++;
    const { prices, there, arms } = phases[phase]!;
    const { nature, input } = write(row, mixAt(drifts, row));
    const promptTokensEstimate = estimatePromptTokens(input);
    const shape = world.scores === 'by kind' ? KINDS[nature.kind].shape : world.scores;
    const outcomes = world.arms.map((arm, k): RecordedOutcome => {
      const quality = surfaces[k]!(nature) * remainsAt(drifts, arm.id, row);
      const expected = expectedOutcome(arm, prices[k]!, quality, nature, promptTokensEstimate);
      truth.quality[k]![row] = expected.quality;
      truth.costUsd[k]![row] = expected.costUsd;
      return throwOutcome(arm, prices[k]!, expected, nature, shape, createDice(seedOf(seed, OUTCOMES, row, k)));
    });
    simulation.natures.push(nature);
    simulation.rows.push({
      x: encoder.encode(input),
      promptTokensEstimate,
      arms,
      outcomes: there.length === outcomes.length ? outcomes : there.map((k) => outcomes[k]!),
    });
    prompts.push({ id: `sim-${seed}-${row}`, input, outcomes });
  }
  return { ...simulation, recorded: { models: world.arms.map(({ id, price }) => ({ id, price })), prompts } };
}

/** What was expected of the arms that a run chose, by row: the truth of what it served. */
export function servedTruth(
  { world, rows, truth }: Simulation,
  { chosen }: Pick<ReplayRun, 'chosen'>,
): { quality: Float64Array; costUsd: Float64Array } {
  const position = new Map(world.arms.map(({ id }, k) => [id, k]));
  const served = { quality: new Float64Array(chosen.length), costUsd: new Float64Array(chosen.length) };
  for (const [row, at] of chosen.entries()) {
    const k = position.get(rows[row]!.arms[at]!.id)!;
    served.quality[row] = truth.quality[k]![row]!;
    served.costUsd[row] = truth.costUsd[k]![row]!;
  }
  return served;
}

/** Parts of the seed: what is thrown for one thing leaves the throws of the others alone. */
const PROMPTS = 1;
const OUTCOMES = 2;

interface Phase {
  from: number;
  /** By position in the world. */
  prices: readonly SimulatedArm['price'][];
  /** Positions in the world. */
  there: readonly number[];
  /** The same array for every row of the phase, since a learner knows by it that nothing has changed. */
  arms: readonly ReplayArm[];
}

function phasesOf(arms: readonly SimulatedArm[], drifts: readonly Drift[]): Phase[] {
  return changesOfArms(drifts).map((from) => {
    const prices = arms.map(({ id, price }) => priceAt(drifts, id, price, from));
    const there = [...arms.keys()].filter((k) => isThereAt(drifts, arms[k]!.id, from));
    return { from, prices, there, arms: there.map((k) => ({ id: arms[k]!.id, price: prices[k]! })) };
  });
}

const MOST_TRIES = 100;

/** Writes prompts, none like one before. Throws an Error where the templates have no further one. */
function createWriter(seed: number): (row: number, mix: Mix) => { nature: Nature; input: ContextInput } {
  const seen = new Set<string>();
  return (row, mix) => {
    const random = createDice(seedOf(seed, PROMPTS, row));
    const nature = drawNature(mix, random);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const input = writePrompt(nature, random);
      const text = input.messages.map(textOfMessage).join('\n');
      if (seen.has(text)) continue;
      seen.add(text);
      return { nature, input };
    }
    throw new Error(`no further ${nature.kind} prompt in ${nature.language} can be written`);
  };
}

const textOfMessage = (message: unknown): string => (message as { content: string }).content;
