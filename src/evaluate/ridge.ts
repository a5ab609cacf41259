/** Ridge regressions of several targets on the features of rows, for cross-validation: of any parts of the rows, from their sums. */
import { choleskyInto, dot } from '../bandit/linear-algebra.ts';
import { shuffled } from './dice.ts';
import type { ReplayRow } from './replay.ts';

export const OUTER_FOLDS = 5;
export const INNER_FOLDS = 4;
/** On standardised features. The largest leaves hardly more than each target's mean. */
export const PENALTIES = [10, 30, 100, 300, 1e3, 3e3, 1e4, 1e5, 1e7];

/** The rows that are in one outer and one inner fold, and their sums, of which all regressions are made. */
export interface Part {
  outer: number;
  inner: number;
  rows: ReplayRow[];
  /** Σ x·xᵀ, row by row. x[0] is 1. */
  xx: Float64Array;
  /** Σ y·x for each target. */
  xy: Float64Array[];
}

/** `targetsOf` gives what is to be predicted for a row, the same number of values for each. */
export function partsOf(
  rows: readonly ReplayRow[],
  targetsOf: (row: ReplayRow) => readonly number[],
  random: () => number,
): Part[] {
  const d = rows[0]!.x.length;
  const targets = targetsOf(rows[0]!).length;
  const parts: Part[] = [];
  for (let outer = 0; outer < OUTER_FOLDS; outer++) {
    for (let inner = 0; inner < INNER_FOLDS; inner++) {
      const xy = Array.from({ length: targets }, () => new Float64Array(d));
      parts.push({ outer, inner, rows: [], xx: new Float64Array(d * d), xy });
    }
  }
  for (const [i, row] of shuffled(rows, random).entries()) {
    const part = parts[i % parts.length]!;
    part.rows.push(row);
    const { x } = row;
    for (let a = 0; a < d; a++) for (let b = 0; b < d; b++) part.xx[a * d + b]! += x[a]! * x[b]!;
    for (const [k, y] of targetsOf(row).entries()) {
      const sums = part.xy[k]!;
      for (let a = 0; a < d; a++) sums[a]! += y * x[a]!;
    }
  }
  return parts;
}

/** For each target what is added up with x to its prediction. */
export type Fitted = readonly Float64Array[];

export function valueAt(weights: Float64Array, x: readonly number[]): number {
  let value = 0;
  for (let a = 0; a < weights.length; a++) value += weights[a]! * x[a]!;
  return value;
}

/**
 * With x centred, (Σxxᵀ + λ·diag(s²))·β = Σxy, s² being each feature's variance: the same as a penalty λ on standardised
 * features (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, §3.4.1). The constant is not penalised.
 */
export function regress(parts: readonly Part[], penalty: number): Fitted {
  const first = parts[0]!;
  const d = Math.round(Math.sqrt(first.xx.length));
  const xx = summed(parts.map((part) => part.xx));
  const xy = first.xy.map((_, k) => summed(parts.map((part) => part.xy[k]!)));
  const count = Math.max(1, xx[0]!);
  const n = d - 1;
  const centred = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) centred[a * n + b] = xx[(a + 1) * d + b + 1]! - (xx[a + 1]! * xx[b + 1]!) / count;
  }
  for (let a = 0; a < n; a++) {
    const sum = Math.max(0, centred[a * n + a]!);
    // A feature that is the same in all rows says nothing: its weight is 0.
    centred[a * n + a] = sum > 1e-12 * count ? sum + (penalty * sum) / count : 1;
  }
  const lower = new Float64Array(n * n);
  const solvable = choleskyInto(lower, centred, n);
  return xy.map((sums) => {
    const weights = new Float64Array(d);
    const right = Float64Array.from({ length: n }, (_, a) => sums[a + 1]! - (sums[0]! * xx[a + 1]!) / count);
    if (solvable) weights.set(solved(lower, right, n), 1);
    weights[0] = (sums[0]! - dot(weights.subarray(1), xx.subarray(1, d))) / count;
    return weights;
  });
}

function summed(terms: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(terms[0]!.length);
  for (const term of terms) for (let i = 0; i < sum.length; i++) sum[i]! += term[i]!;
  return sum;
}

/** L·Lᵀ·β = right, forwards and back. */
function solved(lower: Float64Array, right: Float64Array, n: number): Float64Array {
  const beta = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) beta[i]! -= lower[i * n + k]! * beta[k]!;
    beta[i]! /= lower[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) beta[i]! -= lower[k * n + i]! * beta[k]!;
    beta[i]! /= lower[i * n + i]!;
  }
  return beta;
}
