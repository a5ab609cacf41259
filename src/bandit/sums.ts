/** The sums from which a weighted linear regression can be worked out, and how an observation goes into and out of them. */

export interface Sums {
  /** Σw·x·xᵀ, the lower triangle row by row; since x[0] = 1 its first number is Σw and its first column Σw·x. */
  xx: Float64Array;
  /** Σw·y·x; its first number is Σw·y. */
  xy: Float64Array;
  /** Σw·y² */
  yy: number;
}

export function emptySums(dimensions: number): Sums {
  return { xx: new Float64Array((dimensions * (dimensions + 1)) / 2), xy: new Float64Array(dimensions), yy: 0 };
}

/** Of `x` the first coordinates count, as many as the sums have. A negative weight takes an observation out again. */
export function addObservation(sums: Sums, x: readonly number[], y: number, weight: number): void {
  const { xx, xy } = sums;
  for (let i = 0, at = 0; i < xy.length; i++) {
    const weighted = weight * x[i]!;
    xy[i] = xy[i]! + weighted * y;
    for (let j = 0; j <= i; j++, at++) xx[at] = xx[at]! + weighted * x[j]!;
  }
  sums.yy += weight * y * y;
}

export function scaleSums(sums: Sums, factor: number): void {
  for (let i = 0; i < sums.xx.length; i++) sums.xx[i] = sums.xx[i]! * factor;
  for (let i = 0; i < sums.xy.length; i++) sums.xy[i] = sums.xy[i]! * factor;
  sums.yy *= factor;
}

/** Adds the others' sums, so many times: what comes out is that of all their observations. */
export function addSums(sums: Sums, other: Sums, factor = 1): void {
  addNumbers(sums.xx, other.xx, factor);
  addNumbers(sums.xy, other.xy, factor);
  sums.yy += factor * other.yy;
}

export function addNumbers(numbers: Float64Array, others: Float64Array, factor = 1): void {
  for (let i = 0; i < numbers.length; i++) numbers[i] = numbers[i]! + factor * others[i]!;
}
