/** One run of a policy by its seed: the seed makes the order of the rows, and the dice that are thrown. */
import { createDice, shuffled } from './dice.ts';
import { type ReplayRow, type ReplayRun, type ReplaySettings, replay } from './replay.ts';

/** Which policies can be run. */
export { POLICY_NAMES } from '../bandit/policies/index.ts';

/** What all runs have in common. */
export interface Replayed {
  rows: readonly ReplayRow[];
  /** Every arm's outcome of these is known before the first request. */
  warmUp: readonly ReplayRow[];
  /** Else each seed has an order of its own, the same one for every policy. */
  inOrder: boolean;
}

export interface Job {
  settings: ReplaySettings;
  seed: number;
}

/** Keeps the dice of a seed's order apart from those of its draws: they would be the same numbers. */
const OF_DRAWS = 0x5bd1e995;

export function runSeed({ rows, warmUp, inOrder }: Replayed, { settings, seed }: Job): ReplayRun {
  const order = inOrder ? rows : shuffled(rows, createDice(seed));
  return replay(order, settings, createDice(seed ^ OF_DRAWS), warmUp);
}
