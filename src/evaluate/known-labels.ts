/** What is known of how good a logged answer was, how likely that was to become known, and how often arms fail. */

import { PENDING } from '../bandit/evidence.ts';
import { type Fold, isSeen, nextOf, ratingIn, shareIn } from '../bandit/fold.ts';
import { fittingHierarchy, type HierarchyPrior } from '../bandit/hierarchy.ts';
import { QUALITY_PRIOR } from '../bandit/priors.ts';
import { isFollowed, pairOf, type SignWorth } from '../bandit/sign-sums.ts';
import { addObservation, emptySums } from '../bandit/sums.ts';
import { encoder } from '../context/encoder.ts';
import { BETWEEN_PAUSES } from './learn-by-block.ts';
import type { LoggedDecision } from './logged.ts';
import { isArm, type ReportArm } from './targets.ts';
import { withPauses } from './with-pauses.ts';

export type LabelKind = 'explicit' | 'implicit' | 'failures' | 'none';

export interface KnownLabel {
  value: number;
  /** Beside an explicit one, which is worth 1; 0 where nothing is known. */
  weight: number;
  kind: LabelKind;
}

/** What people said, else what the signs amount to on their scale. */
export function labelOf({ label, failed, at }: LoggedDecision, fold: Fold, worth: SignWorth): KnownLabel {
  if (failed) return { value: 0, weight: 1, kind: 'failures' };
  const rating = ratingIn(label);
  if (rating) return { value: rating.quality, weight: 1, kind: 'explicit' };
  const next = nextOf(fold, { next: label.next, at });
  // What nothing has followed yet may still come to something: its own signs alone are hardly worth a label.
  if (!isSeen(label) || next === PENDING) return NOTHING_KNOWN;
  const weight = (isFollowed(next) ? worth.followed : worth.unfollowed) * shareIn(label);
  if (!(weight > 0)) return NOTHING_KNOWN;
  return { value: worth.labelOf(pairOf(label.shown, next)), weight, kind: 'implicit' };
}
const NOTHING_KNOWN: KnownLabel = { value: 0, weight: 0, kind: 'none' };

/** How likely it is that something becomes known of an answer, by a regression on what was there before the block. */
const LABELLING_PRIOR: Omit<HierarchyPrior, 'mean'> = QUALITY_PRIOR;
/** Of the mean: less likely than this nothing is taken to be. */
const LEAST_LABELLING = 0.1;

/** By decision: the expected weight of its label, whatever that was, so that what is seldom told of counts as it should. */
export async function labellingOf(
  log: readonly LoggedDecision[],
  labels: readonly KnownLabel[],
  blocks: Int32Array,
  arms: readonly ReportArm[],
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const expected = new Float64Array(log.length).fill(1);
  if (labels.every(({ weight }) => weight === 1)) return expected;
  const sums = arms.map(() => emptySums(encoder.dimensions));
  let all = 0;
  let count = 0;
  let fits: readonly Float64Array[] = [];
  let fitted = -1;
  for (const [i, { x, chosen, failed }] of log.entries()) {
    if (i % BETWEEN_PAUSES === 0) await pause();
    const mean = count > 0 ? all / count : 1;
    if (blocks[i]! > fitted) {
      fitted = blocks[i]!;
      const prior = { ...LABELLING_PRIOR, mean };
      const fit = await withPauses(fittingHierarchy(sums, encoder.dimensions, 1, prior), pause);
      fits = fit.arms.map((arm) => arm.mean);
    }
    const arm = arms.findIndex((one) => isArm(one, chosen));
    // That an arm failed is always known.
    if (failed) continue;
    const { weight } = labels[i]!;
    let at = 0;
    for (const [j, value] of (fits[arm] ?? []).entries()) at += value * x[j]!;
    if (fits.length > 0) expected[i] = Math.min(1, Math.max(LEAST_LABELLING * mean, at));
    addObservation(sums[arm]!, x, weight, 1);
    all += weight;
    count++;
  }
  return expected;
}

/** Requests of which an arm that was never tried is taken to fail in one of … */
const FAILURE_PRIOR = { failures: 0.1, requests: 10 };

/** By block and arm: the part of its requests that it had failed before. */
export function failingOf(
  log: readonly LoggedDecision[],
  blocks: Int32Array,
  arms: readonly ReportArm[],
): Float64Array[] {
  const { failures, requests } = FAILURE_PRIOR;
  const failed = arms.map(() => failures);
  const tried = arms.map(() => requests);
  const shares: Float64Array[] = [];
  for (const [i, decision] of log.entries()) {
    while (shares.length <= blocks[i]!) shares.push(Float64Array.from(failed, (count, k) => count / tried[k]!));
    const arm = arms.findIndex((one) => isArm(one, decision.chosen));
    tried[arm] = tried[arm]! + 1;
    if (decision.failed) failed[arm] = failed[arm]! + 1;
  }
  return shares;
}
