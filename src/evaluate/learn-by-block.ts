/** Goes through a log in blocks of time, and keeps what was known before each: a block is judged by nothing that came in it or after. */
import { emptyFold, type Fold, foldEntry, OPEN } from '../bandit/fold.ts';
import { derivingPosterior } from '../bandit/posterior.ts';
import type { Calibrate, SignWorth } from '../bandit/sign-sums.ts';
import { encoder } from '../context/encoder.ts';
import type { LoggedDecision } from './logged.ts';
import { isArm, type Known, type ReportArm } from './targets.ts';
import { withPauses } from './with-pauses.ts';

/** Time blocks; each is judged by what those before it taught, so that the first only teaches. */
const BLOCKS = 10;
/** Decisions that are looked at between two pauses: some milliseconds. */
export const BETWEEN_PAUSES = 20;
/** Requests of which a budget's price is made. */
const LATEST = 50;

/** By the position of a decision in a log of so many: its block. The one that only teaches has the number −1. */
export const blocksOf = (decisions: number): Int32Array =>
  Int32Array.from({ length: decisions }, (_, i) => Math.floor((i * BLOCKS) / decisions) - 1);

export interface LearningSettings {
  arms: readonly ReportArm[];
  baseline: string;
  explore: { floor: number };
  halfLifeMs: number | null;
  calibrate: Calibrate;
}

export interface LearnedByBlock {
  /** By block, what was known before it. */
  known: Known[];
  /** What signs were worth in the end, which is as well as that is known. */
  worth: SignWorth;
  fold: Fold;
}

/** `log` in order of time. Awaits `pause` between steps of some milliseconds. */
export async function learnByBlock(
  log: readonly LoggedDecision[],
  blocks: Int32Array,
  { arms: configured, baseline, explore, halfLifeMs, calibrate }: LearningSettings,
  pause: () => Promise<void>,
): Promise<LearnedByBlock> {
  const arms = withRetired(configured, log);
  const fold = emptyFold({
    encoder: encoder.id,
    dimensions: encoder.dimensions,
    halfLifeMs,
    ...OPEN,
  });
  const known: Known[] = [];
  for (const [i, { evidence }] of log.entries()) {
    if (i % BETWEEN_PAUSES === 0) await pause();
    while (known.length <= blocks[i]!) {
      known.push({
        arms,
        baseline,
        explore,
        posterior: await withPauses(derivingPosterior(fold, arms, calibrate), pause),
        rates: new Map(),
        latest: log.slice(Math.max(0, i - LATEST), i),
        prices: new Map(),
      });
      await pause();
    }
    if (evidence) foldEntry(fold, evidence);
  }
  const { worth } = await withPauses(derivingPosterior(fold, arms, calibrate), pause);
  return { known, worth, fold };
}

/** The router's arms, and behind them those that were eligible once and are no longer there. */
function withRetired(arms: readonly ReportArm[], log: readonly LoggedDecision[]): ReportArm[] {
  const all = [...arms];
  for (const { eligible } of log) {
    for (const { model } of eligible) {
      if (!all.some((arm) => isArm(arm, model)))
        all.push({ id: model, price: { input: 0, output: 0 }, was: [], retired: true });
    }
  }
  return all;
}
