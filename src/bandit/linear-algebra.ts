/** Small dense symmetric matrices, row by row in a Float64Array of n·n. */

/**
 * The Cholesky factor L (lower, A = L·Lᵀ) of a positive definite matrix. Where rounding has made it indefinite, a growing
 * jitter is put on the diagonal, as in Rasmussen & Williams, Gaussian Processes (2006), §A.4; null if that does not help.
 */
export function choleskyOf(a: Float64Array, n: number): Float64Array | null {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(a[i * n + i]!));
  for (const jitter of [0, 1e-12, 1e-9, 1e-6, 1e-3]) {
    const lower = tryCholesky(a, n, jitter * largest);
    if (lower) return lower;
  }
  return null;
}

function tryCholesky(a: Float64Array, n: number, jitter: number): Float64Array | null {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (i !== j) lower[i * n + j] = sum / lower[j * n + j]!;
      else if (sum + jitter > 0 && Number.isFinite(sum)) lower[i * n + i] = Math.sqrt(sum + jitter);
      else return null;
    }
  }
  return lower;
}

/** A⁻¹ from A's Cholesky factor: L⁻¹ first, then L⁻ᵀ·L⁻¹. */
export function inverseOf(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  // Row j of `columns` holds column j of L⁻¹, so that the inner loops run along memory.
  const columns = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const column = j * n;
    columns[column + j] = 1 / lower[j * n + j]!;
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= lower[i * n + k]! * columns[column + k]!;
      columns[column + i] = sum / lower[i * n + i]!;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += columns[i * n + k]! * columns[j * n + k]!;
      inverse[i * n + j] = sum;
      inverse[j * n + i] = sum;
    }
  }
  return inverse;
}

/** A·B for a symmetric B. */
export function timesSymmetric(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k]! * b[j * n + k]!;
      product[i * n + j] = sum;
    }
  }
  return product;
}

export function times(a: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  const product = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += a[i * n + j]! * vector[j]!;
    product[i] = sum;
  }
  return product;
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
