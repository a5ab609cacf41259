/** Lays targets over a log: what each would have drawn at each decision, what was observed, and what was predicted of it. */
import type { KnownLabel } from './known-labels.ts';
import { BETWEEN_PAUSES } from './learn-by-block.ts';
import type { LoggedDecision } from './logged.ts';
import { emptyOverlap, type Overlap, putOverlap, type Values } from './off-policy.ts';
import { distributionOf, type Known, type Target, weigh } from './targets.ts';

const MEASURES = ['quality', 'costUsd', 'seconds'] as const;
export type Measure = (typeof MEASURES)[number];

/** One target over the log. */
export interface Laid {
  overlap: Overlap;
  values: Record<Measure, Values>;
}

export interface LayingSettings {
  blocks: Int32Array;
  known: readonly Known[];
  /** By decision; and what weight a label of it was expected to have. */
  labels: readonly KnownLabel[];
  labelling: Float64Array;
  /** By block and arm: how often it fails. */
  failing: readonly Float64Array[];
  targets: readonly Target[];
}

export async function layOver(
  log: readonly LoggedDecision[],
  { blocks, known, labels, labelling, failing, targets }: LayingSettings,
  pause: () => Promise<void>,
): Promise<Laid[]> {
  const column = (): Float64Array => new Float64Array(log.length);
  // What was observed is the same for all targets.
  const shared = () => ({ observed: column(), known: column(), predicted: column() });
  const [quality, costUsd, seconds] = [shared(), shared(), shared()];
  const laid = targets.map(
    (): Laid => ({
      overlap: emptyOverlap(log.length),
      values: {
        quality: { ...quality, expected: column() },
        costUsd: { ...costUsd, expected: column() },
        seconds: { ...seconds, expected: column() },
      },
    }),
  );
  for (const [i, decision] of log.entries()) {
    if (i % BETWEEN_PAUSES === 0) await pause();
    const block = blocks[i]!;
    if (block < 0) continue;
    const before = known[block]!;
    const weighed = weigh(decision, before);
    const { predicted, propensities, chosen } = weighed;
    const predictedOf: Record<Measure, number[]> = {
      quality: predicted.map((arm, k) => arm.quality.mean * (1 - failing[block]![k]!)),
      costUsd: predicted.map((arm) => arm.costUsd),
      seconds: predicted.map((arm) => arm.totalMs / 1000),
    };
    const { value, weight } = labels[i]!;
    put(quality, i, value, weight > 0 ? weight / labelling[i]! : 0, predictedOf.quality[chosen]!);
    put(costUsd, i, decision.costUsd, 1, predictedOf.costUsd[chosen]!);
    put(seconds, i, decision.seconds ?? 0, decision.seconds === null ? 0 : 1, predictedOf.seconds[chosen]!);
    for (const [t, target] of targets.entries()) {
      const { overlap, values } = laid[t]!;
      const wanted = distributionOf(target, decision, weighed, before);
      putOverlap(overlap, i, chosen, wanted, propensities);
      // However seldom the log tried an arm: what it did is what it did.
      if (target.kind === 'as_logged') putCertain(overlap, i);
      for (const measure of MEASURES) values[measure].expected[i] = weightedSum(wanted, predictedOf[measure]);
    }
  }
  return laid;
}

function put(of: Omit<Values, 'expected'>, at: number, observed: number, known: number, predicted: number): void {
  of.observed[at] = observed;
  of.known[at] = known;
  of.predicted[at] = predicted;
}

function putCertain({ weight, spread, missed }: Overlap, at: number): void {
  weight[at] = 1;
  spread[at] = 1;
  missed[at] = 0;
}

function weightedSum(weights: Float64Array, values: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) if (weights[k]! > 0) sum += weights[k]! * values[k]!;
  return sum;
}
