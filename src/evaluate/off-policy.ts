/**
 * What a policy that did not choose would have given, from the log of one that did: self-normalised inverse propensities
 * (Swaminathan & Joachims 2015, §5) and doubly robust (Dudík, Langford & Li 2011, §3), with intervals from influence functions.
 *
 * With w = π(a|x)/p(a|x), p being the logged propensity, and k the value's weight where it is known, else 0:
 *
 *   SNIPS = Σ h·w·k·y / Σ h·w·k
 *   DR    = Σ h·Σ_a π(a|x)·q̂(x,a) / Σ h  +  Σ h·w·k·(y − q̂(x,a)) / Σ h·w·k
 *
 * The log's propensities move with what it learns, and may come close to 0. So the weight h of a decision's time block is that of
 * stabilised variance, 1/√(E Σ_a π²/p) (Hadad et al. 2021, §2.3; Zhan et al. 2021, §3), and π and q̂ of a block must come
 * of what was before it: then each block's terms are martingale differences, which is what the intervals rest on (Bibaut et al.
 * 2021, §2). Propensities are never clipped: where one is next to nothing the target's share of it counts as missed.
 */

/** How a target lies over the log: all arrays by the decision's position. */
export interface Overlap {
  /** w, of the arm that was chosen. */
  weight: Float64Array;
  /** Σ_a π²/p over the arms that the log could tell of: the expected square of w. */
  spread: Float64Array;
  /** Σ_a π over the arms that the log hardly ever tries there, in [0, 1]: of them the model speaks alone. */
  missed: Float64Array;
}

/** One measure (quality, USD, …) of the log and under a target, by the decision's position. */
export interface Values {
  observed: Float64Array;
  /** k ≥ 0: 0 where nothing was observed; the inverse of how likely it was to be, where it was. */
  known: Float64Array;
  /** q̂ of the arm that was chosen. */
  predicted: Float64Array;
  /** Σ_a π·q̂. */
  expected: Float64Array;
}

export interface Estimate {
  mean: number;
  /** By the decision's position; their squares add up to the estimate's variance. */
  influence: Float64Array;
}

/** At 95%. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
}

/** A propensity below this is next to nothing. */
export const LEAST_PROPENSITY = 0.005;
/** A block in which more than this of a target is missed tells nothing of it. */
const MOST_MISSED = 0.1;
/** Where the effective size is less than this, the log cannot tell. */
export const LEAST_EFFECTIVE_SIZE = 100;

export function emptyOverlap(decisions: number): Overlap {
  return {
    weight: new Float64Array(decisions),
    spread: new Float64Array(decisions),
    missed: new Float64Array(decisions),
  };
}

/** Writes how a target lies over one decision; `wanted` and `propensities` are distributions over the same arms. */
export function putOverlap(
  { weight, spread, missed }: Overlap,
  at: number,
  chosen: number,
  wanted: ArrayLike<number>,
  propensities: ArrayLike<number>,
): void {
  let squares = 0;
  let beyond = 0;
  for (let k = 0; k < wanted.length; k++) {
    const part = wanted[k]!;
    if (part === 0) continue;
    if (propensities[k]! < LEAST_PROPENSITY) beyond += part;
    else squares += (part * part) / propensities[k]!;
  }
  weight[at] = propensities[chosen]! < LEAST_PROPENSITY ? 0 : wanted[chosen]! / propensities[chosen]!;
  spread[at] = squares;
  missed[at] = beyond;
}

/**
 * h by the decision's position, for one target, or for several that are compared. `blocks` are numbers from 0 in order of time; a
 * decision of block −1 is not judged.
 */
export function timeWeights(blocks: Int32Array, overlaps: readonly Overlap[]): Float64Array {
  const count = blocks.reduce((most, block) => Math.max(most, block), -1) + 1;
  const sizes = new Float64Array(count);
  const spreads = new Float64Array(count);
  const missed = overlaps.map(() => new Float64Array(count));
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    if (block < 0) continue;
    sizes[block] = sizes[block]! + 1;
    for (let t = 0; t < overlaps.length; t++) {
      spreads[block] = spreads[block]! + overlaps[t]!.spread[i]!;
      missed[t]![block] = missed[t]![block]! + overlaps[t]!.missed[i]!;
    }
  }
  const weights = Float64Array.from(sizes, (size, block) => {
    const silent = missed.some((ofTarget) => ofTarget[block]! > MOST_MISSED * size);
    return silent || !(spreads[block]! > 0) ? 0 : Math.sqrt(size / spreads[block]!);
  });
  return Float64Array.from(blocks, (block) => (block < 0 ? 0 : weights[block]!));
}

/**
 * How many decisions of the target's own the log is worth (Kish 1965, §11.2), at least 0: by the weights that came out and by those
 * that were to be expected, whichever is less.
 */
export function effectiveSize(h: Float64Array, { weight, spread }: Overlap, known: Float64Array): number {
  let sum = 0;
  let squares = 0;
  let all = 0;
  let expected = 0;
  for (let i = 0; i < h.length; i++) {
    const w = h[i]! * weight[i]! * known[i]!;
    sum += w;
    squares += w * w;
    all += h[i]!;
    expected += h[i]! * h[i]! * spread[i]!;
  }
  if (!(squares > 0 && expected > 0)) return 0;
  return Math.min((sum * sum) / squares, (all * all) / expected);
}

export function snips(h: Float64Array, overlap: Overlap, { observed, known }: Values): Estimate {
  const { mean, influence } = weightedMean(h, overlap, known, (i) => observed[i]!);
  return { mean, influence };
}

export function doublyRobust(h: Float64Array, overlap: Overlap, values: Values): Estimate {
  const { observed, known, predicted, expected } = values;
  const { mean: correction, influence } = weightedMean(h, overlap, known, (i) => observed[i]! - predicted[i]!);
  let all = 0;
  let sum = 0;
  for (let i = 0; i < h.length; i++) {
    all += h[i]!;
    sum += h[i]! * expected[i]!;
  }
  const model = sum / all;
  for (let i = 0; i < h.length; i++) influence[i] = influence[i]! + (h[i]! * (expected[i]! - model)) / all;
  return { mean: model + correction, influence };
}

function weightedMean(
  h: Float64Array,
  { weight }: Overlap,
  known: Float64Array,
  valueAt: (at: number) => number,
): Estimate {
  let all = 0;
  let sum = 0;
  for (let i = 0; i < h.length; i++) {
    const w = h[i]! * weight[i]! * known[i]!;
    if (w === 0) continue;
    all += w;
    sum += w * valueAt(i);
  }
  const mean = sum / all;
  const influence = new Float64Array(h.length);
  for (let i = 0; i < h.length; i++) {
    const w = h[i]! * weight[i]! * known[i]!;
    if (w !== 0) influence[i] = (w * (valueAt(i) - mean)) / all;
  }
  return { mean, influence };
}

/** Of estimates over the same log. */
export function difference(one: Estimate, other: Estimate): Estimate {
  return {
    mean: one.mean - other.mean,
    influence: one.influence.map((value, i) => value - other.influence[i]!),
  };
}

/** 1 − one/other, by the delta method. */
export function shareSaved(one: Estimate, other: Estimate): Estimate {
  const ratio = one.mean / other.mean;
  return {
    mean: 1 - ratio,
    influence: one.influence.map((value, i) => (ratio * other.influence[i]! - value) / other.mean),
  };
}

export function intervalOf({ mean, influence }: Estimate): Interval {
  let variance = 0;
  for (let i = 0; i < influence.length; i++) variance += influence[i]! * influence[i]!;
  const reach = 1.96 * Math.sqrt(variance);
  return { mean, low: mean - reach, high: mean + reach };
}
