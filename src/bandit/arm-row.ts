/**
 * What is believed of one arm as one row of numbers, in the order in which a request reads them: it reads them all, and
 * what does not lie together takes it longer to fetch than to work with.
 */
import type { ArmFit } from './hierarchy.ts';

/** Of quality the mean and both covariances' lower triangles, then of each outcome the mean, the covariance's, and the noise. */
export function rowOf(quality: ArmFit, outcomes: readonly ArmFit[]): Float64Array {
  const n = quality.mean.length;
  const row = new Float64Array(outcomes.reduce((sum, { mean }) => sum + outcomeLength(mean.length), qualityLength(n)));
  row.set(quality.mean);
  putTriangle(row, n, quality.covariance, n, 2);
  putTriangle(row, n + 1, quality.ownCovariance, n, 2);
  let from = qualityLength(n);
  for (const { mean, covariance, noise } of outcomes) {
    row.set(mean, from);
    putTriangle(row, from + mean.length, covariance, mean.length, 1);
    from += outcomeLength(mean.length);
    row[from - 1] = noise;
  }
  return row;
}

/** How many numbers there are of quality, and of an outcome. */
export const qualityLength = (n: number): number => n + n * (n + 1);
export const outcomeLength = (n: number): number => n + (n * (n + 1)) / 2 + 1;

/** Every `step`-th number becomes one of the lower triangle. */
function putTriangle(row: Float64Array, from: number, matrix: Float64Array, n: number, step: number): void {
  let at = from;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++, at += step) row[at] = matrix[i * n + j]!;
}

/** mean·x, of n coordinates; the mean begins at `from`. */
export function dotAt(row: Float64Array, from: number, x: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += row[from + i]! * x[i]!;
  return sum;
}

/** xᵀ·A·x of a lower triangle, added up as `quadratic` does. */
export function quadraticAt(row: Float64Array, from: number, x: Float64Array, n: number): number {
  let sum = 0;
  let at = from;
  for (let i = 0; i < n; i++) {
    const diagonal = at + i;
    let even = 0.5 * row[diagonal]! * x[i]!;
    let odd = 0;
    let j = 0;
    for (; j + 1 < i; j += 2, at += 2) {
      even += row[at]! * x[j]!;
      odd += row[at + 1]! * x[j + 1]!;
    }
    if (j < i) even += row[at]! * x[j]!;
    sum += (even + odd) * x[i]!;
    at = diagonal + 1;
  }
  return 2 * sum;
}

/** The same of two triangles, each number of the one beside that of the other: both in one pass, into `both`. */
export function quadraticsAt(row: Float64Array, from: number, x: Float64Array, n: number, both: Float64Array): void {
  let sumOne = 0;
  let sumOther = 0;
  let at = from;
  for (let i = 0; i < n; i++) {
    const diagonal = at + 2 * i;
    const own = x[i]!;
    let evenOne = 0.5 * row[diagonal]! * own;
    let evenOther = 0.5 * row[diagonal + 1]! * own;
    let oddOne = 0;
    let oddOther = 0;
    let j = 0;
    for (; j + 1 < i; j += 2, at += 4) {
      const left = x[j]!;
      const right = x[j + 1]!;
      evenOne += row[at]! * left;
      evenOther += row[at + 1]! * left;
      oddOne += row[at + 2]! * right;
      oddOther += row[at + 3]! * right;
    }
    if (j < i) {
      evenOne += row[at]! * x[j]!;
      evenOther += row[at + 1]! * x[j]!;
    }
    sumOne += (evenOne + oddOne) * own;
    sumOther += (evenOther + oddOther) * own;
    at = diagonal + 2;
  }
  both[0] = 2 * sumOne;
  both[1] = 2 * sumOther;
}
