/**
 * Small dense symmetric matrices, row by row in a Float64Array of n·n. What is worked out is written into what is given for
 * it, whatever that holds: a fit takes hundreds of matrices, and new ones would wait as megabytes for the collector.
 */

/**
 * Into `lower` the Cholesky factor L (lower, A = L·Lᵀ) of a positive definite matrix; what is above its diagonal is left as
 * it is. Where rounding has made A indefinite, or left so little of a pivot that it is noise, a growing jitter is put on the
 * diagonal, as in Rasmussen & Williams, Gaussian Processes (2006), §A.4; false if that does not help.
 */
export function choleskyInto(lower: Float64Array, a: Float64Array, n: number): boolean {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(a[i * n + i]!));
  for (const jitter of [0, 1e-11, 1e-9, 1e-6, 1e-3]) if (tryCholesky(lower, a, n, jitter * largest)) return true;
  return false;
}

/** Of its diagonal element: a smaller one has lost all but a few digits, and an inverse by it may be larger than any prior. */
const LEAST_PIVOT = 1e-12;

function tryCholesky(lower: Float64Array, a: Float64Array, n: number, jitter: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = a[i * n + j]! - dotAlong(lower, i * n, lower, j * n, j);
      if (i !== j) lower[i * n + j] = sum / lower[j * n + j]!;
      else if (sum + jitter > LEAST_PIVOT * Math.abs(a[i * n + i]!) && Number.isFinite(sum))
        lower[i * n + i] = Math.sqrt(sum + jitter);
      else return false;
    }
  }
  return true;
}

/** Into `inverse` A⁻¹ from A's Cholesky factor: L⁻¹ first, into `columns`, then L⁻ᵀ·L⁻¹. */
export function inverseInto(inverse: Float64Array, lower: Float64Array, n: number, columns: Float64Array): void {
  // Row j of `columns` holds column j of L⁻¹, so that the inner loops run along memory.
  for (let j = 0; j < n; j++) {
    const column = j * n;
    columns[column + j] = 1 / lower[j * n + j]!;
    for (let i = j + 1; i < n; i++) {
      columns[column + i] = -dotAlong(lower, i * n + j, columns, column + j, i - j) / lower[i * n + i]!;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = dotAlong(columns, i * n + i, columns, j * n + i, n - i);
      inverse[i * n + j] = sum;
      inverse[j * n + i] = sum;
    }
  }
}

/** Σ a[fromA + k]·b[fromB + k] in four sums side by side: one alone would wait for each of its additions. */
function dotAlong(a: Float64Array, fromA: number, b: Float64Array, fromB: number, count: number): number {
  let one = 0;
  let two = 0;
  let three = 0;
  let four = 0;
  let k = 0;
  for (; k + 3 < count; k += 4) {
    one += a[fromA + k]! * b[fromB + k]!;
    two += a[fromA + k + 1]! * b[fromB + k + 1]!;
    three += a[fromA + k + 2]! * b[fromB + k + 2]!;
    four += a[fromA + k + 3]! * b[fromB + k + 3]!;
  }
  for (; k < count; k++) one += a[fromA + k]! * b[fromB + k]!;
  return one + two + (three + four);
}

/** A·B for a symmetric B, into a third matrix. */
export function timesSymmetricInto(product: Float64Array, a: Float64Array, b: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) product[i * n + j] = dotAlong(a, i * n, b, j * n, n);
  }
}

/** A·vector, into another vector. */
export function timesInto(product: Float64Array, a: Float64Array, vector: Float64Array): void {
  const n = vector.length;
  for (let i = 0; i < n; i++) {
    product[i] = dotAlong(a, i * n, vector, 0, n);
  }
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** xᵀ·A·x for a symmetric A. */
export function quadratic(a: Float64Array, x: Float64Array): number {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const row = i * n;
    // Two sums side by side: one alone would wait for each of its additions.
    let even = 0.5 * a[row + i]! * x[i]!;
    let odd = 0;
    let j = 0;
    for (; j + 1 < i; j += 2) {
      even += a[row + j]! * x[j]!;
      odd += a[row + j + 1]! * x[j + 1]!;
    }
    if (j < i) even += a[row + j]! * x[j]!;
    sum += (even + odd) * x[i]!;
  }
  return 2 * sum;
}

/** A loop, since `every` would make an object of each number. */
export function allFinite(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return false;
  return true;
}
