/** What the log tells of a target laid over it, alone and against the baseline; and whether it can tell at all. */
import type { Laid, Measure } from './lay-over.ts';
import {
  difference,
  doublyRobust,
  type Estimate,
  effectiveSize,
  type Interval,
  intervalOf,
  LEAST_EFFECTIVE_SIZE,
  shareSaved,
  snips,
  timeWeights,
  type Values,
} from './off-policy.ts';

/** One measure of one target, estimated both ways. */
export interface Measured {
  snips: Interval;
  doublyRobust: Interval;
}

/** Against always the baseline, doubly robust. */
export interface AgainstBaseline {
  effectiveSize: number;
  qualityDifference: Interval;
  /** A request. */
  savingsUsd: Interval;
  /** Of what the baseline would have cost; null where that is nothing. */
  savingsShare: Interval | null;
}

/** What the log tells of one target. */
export interface Judgement {
  /** Of the target's own decisions, as many as the log is worth. */
  effectiveSize: number;
  /** The part of the judged decisions in whose time the log could tell of it. */
  coveredShare: number;
  /** By block, the first left out: how much it counts. They add up to 1, where any counts. */
  timeWeights: number[];
  /** Null where the log cannot tell. */
  estimates: Estimates | null;
}

export interface Estimates {
  quality: Measured;
  /** A request. */
  costUsd: Measured;
  /** A request; null where too few answers ended. */
  seconds: Measured | null;
}

/** `pause` is awaited between estimates. */
export async function judge(laid: Laid, blocks: Int32Array, pause: () => Promise<void>): Promise<Judgement> {
  const { overlap, values } = laid;
  await pause();
  const h = timeWeights(blocks, [overlap]);
  const size = effectiveSize(h, overlap, values.quality.known);
  const judged = blocks.filter((block) => block >= 0).length;
  const coveredShare = judged > 0 ? h.filter((weight) => weight > 0).length / judged : 0;
  const told = { effectiveSize: size, coveredShare, timeWeights: byBlock(h, blocks) };
  if (size < LEAST_EFFECTIVE_SIZE) return { ...told, estimates: null };
  const measured = async (of: Values): Promise<Measured> => {
    await pause();
    return { snips: intervalOf(snips(h, overlap, of)), doublyRobust: intervalOf(doublyRobust(h, overlap, of)) };
  };
  const { quality, costUsd, seconds } = values;
  const isTimed = effectiveSize(h, overlap, seconds.known) >= LEAST_EFFECTIVE_SIZE;
  const estimates: Estimates = {
    quality: await measured(quality),
    costUsd: await measured(costUsd),
    seconds: isTimed ? await measured(seconds) : null,
  };
  return { ...told, estimates };
}

function byBlock(h: Float64Array, blocks: Int32Array): number[] {
  const sums: number[] = [];
  const all = h.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < h.length; i++)
    if (blocks[i]! >= 0) sums[blocks[i]!] = (sums[blocks[i]!] ?? 0) + h[i]! / (all || 1);
  return sums;
}

/** By the weights that suit both, so that the same times are compared; null where the log cannot tell of both. */
export async function compare(
  target: Laid,
  baseline: Laid,
  blocks: Int32Array,
  pause: () => Promise<void>,
): Promise<AgainstBaseline | null> {
  await pause();
  const h = timeWeights(blocks, [target.overlap, baseline.overlap]);
  const sizes = [target, baseline].map(({ overlap, values }) => effectiveSize(h, overlap, values.quality.known));
  const size = Math.min(...sizes);
  if (size < LEAST_EFFECTIVE_SIZE) return null;
  const of = ({ overlap, values }: Laid, measure: Measure): Estimate => doublyRobust(h, overlap, values[measure]);
  const qualityDifference = intervalOf(difference(of(target, 'quality'), of(baseline, 'quality')));
  await pause();
  const cost = of(target, 'costUsd');
  const baselineCost = of(baseline, 'costUsd');
  return {
    effectiveSize: size,
    qualityDifference,
    savingsUsd: intervalOf(difference(baselineCost, cost)),
    savingsShare: baselineCost.mean > 0 ? intervalOf(shareSaved(cost, baselineCost)) : null,
  };
}
