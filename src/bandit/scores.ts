/** An arm's score as a random number with a piecewise linear distribution function. */

/** In plain arrays: typed ones of more than a few numbers lie outside the heap, where making and freeing them is dear. */
export interface Score {
  /** Ascending. */
  nodes: readonly number[];
  /** The distribution function at the nodes: 0 at the first, 1 at the last, straight lines in between. */
  cumulative: readonly number[];
}

/** Deviations at which a normal score has its nodes; beyond the outermost there is nothing. */
const NORMAL_NODES = [-3.2, -2.2, -1.6, -1.1, -0.7, -0.33, 0, 0.33, 0.7, 1.1, 1.6, 2.2, 3.2];
const NORMAL_CUMULATIVE = NORMAL_NODES.map((z, i) =>
  i === 0 ? 0 : i === NORMAL_NODES.length - 1 ? 1 : normalCumulative(z),
);

export function normalScore(mean: number, deviation: number): Score {
  const nodes = NORMAL_NODES.slice();
  for (let i = 0; i < nodes.length; i++) nodes[i] = mean + nodes[i]! * deviation;
  return { nodes, cumulative: NORMAL_CUMULATIVE };
}

/** A certain value; equal values are told apart by lot. */
export function pointScore(value: number): Score {
  const half = 1e-9 * Math.max(1, Math.abs(value));
  return { nodes: [value - half, value + half], cumulative: CERTAIN };
}
const CERTAIN = [0, 1];

/** Beta(a, b) with a, b ≥ 1, its density summed up on a grid around the mean. */
export function betaScore(a: number, b: number): Score {
  const mean = a / (a + b);
  const deviation = Math.sqrt((mean * (1 - mean)) / (a + b + 1));
  const low = Math.max(0, mean - 4 * deviation);
  const high = Math.min(1, mean + 4 * deviation);
  const nodes = Array.from({ length: BETA_NODES }, (_, i) => low + ((high - low) * i) / (BETA_NODES - 1));
  // Gauss's two points a cell, exact for cubics, and relative to the highest density, which may be far beyond e^700.
  const logDensities = new Float64Array(2 * BETA_NODES - 2);
  for (let i = 0; i < logDensities.length; i++) {
    const cell = i >> 1;
    const middle = (nodes[cell]! + nodes[cell + 1]!) / 2;
    const reach = (nodes[cell + 1]! - nodes[cell]!) / 2 / Math.sqrt(3);
    const q = i % 2 === 0 ? middle - reach : middle + reach;
    logDensities[i] = (a - 1) * Math.log(q) + (b - 1) * Math.log1p(-q);
  }
  const highest = Math.max(...logDensities);
  const cumulative = [0];
  for (let i = 1; i < BETA_NODES; i++) {
    const mass = Math.exp(logDensities[2 * i - 2]! - highest) + Math.exp(logDensities[2 * i - 1]! - highest);
    cumulative.push(cumulative[i - 1]! + mass);
  }
  const total = cumulative[BETA_NODES - 1]!;
  return { nodes, cumulative: cumulative.map((mass) => mass / total) };
}
const BETA_NODES = 17;

export function shifted({ nodes, cumulative }: Score, by: number): Score {
  return { nodes: nodes.map((node) => node + by), cumulative };
}

/** Drawn together around a middle: 1 leaves the score, 0 would leave only the middle. */
export function narrowed({ nodes, cumulative }: Score, middle: number, factor: number): Score {
  if (factor === 1) return { nodes, cumulative };
  const drawn = nodes.slice();
  for (let i = 0; i < nodes.length; i++) drawn[i] = middle + (nodes[i]! - middle) * factor;
  return { nodes: drawn, cumulative };
}

/** The value below which the score lies with probability `uniform`. */
export function quantileOf({ nodes, cumulative }: Score, uniform: number): number {
  let i = 1;
  while (i < nodes.length - 1 && cumulative[i]! <= uniform) i++;
  const rise = cumulative[i]! - cumulative[i - 1]!;
  const part = rise > 0 ? (uniform - cumulative[i - 1]!) / rise : 0;
  return nodes[i - 1]! + part * (nodes[i]! - nodes[i - 1]!);
}

/** Φ(z) to 1e-7 (Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.17). */
function normalCumulative(z: number): number {
  if (z < 0) return 1 - normalCumulative(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}
