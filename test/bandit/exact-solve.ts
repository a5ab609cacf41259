/** The posterior of the hierarchical regression from the joint system of all arms, in fixed-point numbers of 256 binary places. */
import type { Sizes } from '../../src/bandit/hierarchy.ts';

export interface Observed {
  x: readonly number[];
  y: number;
  weight: number;
  /** How many of these there were. */
  times: number;
}

export interface ExactFit {
  mean: number[];
  covariance: number[][];
}

const PLACES = 256n;

/** Without rounding, but for what is below 2^-256. */
function exact(value: number): bigint {
  if (value === 0) return 0n;
  // 2^e ≤ |value| < 2^(e + 1), so that value·2^(52 - e) is whole.
  const e = Math.floor(Math.log2(Math.abs(value)));
  const shift = PLACES - BigInt(54 - e);
  const whole = BigInt(value * 2 ** (54 - e));
  return shift >= 0n ? whole << shift : whole >> -shift;
}

const product = (a: bigint, b: bigint): bigint => (a * b) >> PLACES;
const quotient = (a: bigint, b: bigint): bigint => (a << PLACES) / b;
const rounded = (a: bigint): number => Number(a) / 2 ** Number(PLACES);

export interface Given {
  /** m, S and D of `hierarchy.ts`, and each arm's noise. */
  mean: number;
  shared: Sizes;
  own: Sizes;
  noises: readonly number[];
}

/**
 * (θ_1 … θ_K, μ) have the precision [P_k + D⁻¹ on the diagonal, −D⁻¹ between each θ_k and μ, S⁻¹ + K·D⁻¹ of μ]: an arrow, which
 * elimination in this order does not fill. Shapes: arms × dimensions.
 */
export function solveExactly(arms: readonly (readonly Observed[])[], dimensions: number, given: Given): ExactFit[] {
  const size = dimensions * (arms.length + 1);
  const shared = dimensions * arms.length;
  const precision = Array.from({ length: size }, () => new Array<bigint>(size).fill(0n));
  const right = new Array<bigint>(size).fill(0n);
  const one = exact(1);
  const add = (i: number, j: number, value: bigint): void => {
    precision[i]![j] = precision[i]![j]! + value;
  };
  for (let i = 0; i < dimensions; i++) {
    const sharedPrecision = quotient(one, exact(i === 0 ? given.shared.intercept : given.shared.context));
    const ownPrecision = quotient(one, exact(i === 0 ? given.own.intercept : given.own.context));
    add(shared + i, shared + i, sharedPrecision);
    if (i === 0) right[shared] = product(sharedPrecision, exact(given.mean));
    for (let k = 0; k < arms.length; k++) {
      const at = dimensions * k + i;
      add(at, at, ownPrecision);
      add(shared + i, shared + i, ownPrecision);
      add(shared + i, at, -ownPrecision);
    }
  }
  for (const [k, observed] of arms.entries()) {
    const noise = exact(given.noises[k]!);
    for (const { x, y, weight, times } of observed) {
      const worth = quotient(exact(weight) * BigInt(times), noise);
      for (let i = 0; i < dimensions; i++) {
        const weighted = product(worth, exact(x[i]!));
        const at = dimensions * k + i;
        right[at] = right[at]! + product(weighted, exact(y));
        for (let j = 0; j <= i; j++) add(at, dimensions * k + j, product(weighted, exact(x[j]!)));
      }
    }
  }
  const { columns, pivots } = factorised(precision);
  const mean = solved(columns, pivots, right);
  return arms.map((_, k) => {
    const places = Array.from({ length: dimensions }, (_, i) => dimensions * k + i);
    const covariance = places.map((place) => {
      const unit = new Array<bigint>(size).fill(0n);
      unit[place] = one;
      const column = solved(columns, pivots, unit);
      return places.map((at) => rounded(column[at]!));
    });
    return { mean: places.map((at) => rounded(mean[at]!)), covariance };
  });
}

/** Of L·D·Lᵀ: what of each of L's columns is below its diagonal and not 0, and D. */
interface Factors {
  columns: [row: number, value: bigint][][];
  pivots: bigint[];
}

function factorised(lower: bigint[][]): Factors {
  const pivots: bigint[] = [];
  const columns = lower.map((_, j): [number, bigint][] => {
    const pivot = lower[j]![j]!;
    pivots.push(pivot);
    const below: [number, bigint][] = [];
    for (let i = j + 1; i < lower.length; i++) if (lower[i]![j] !== 0n) below.push([i, quotient(lower[i]![j]!, pivot)]);
    for (const [i, factor] of below)
      for (const [k] of below) if (k <= i) lower[i]![k] = lower[i]![k]! - product(factor, lower[k]![j]!);
    return below;
  });
  return { columns, pivots };
}

function solved(columns: Factors['columns'], pivots: readonly bigint[], right: readonly bigint[]): bigint[] {
  const result = [...right];
  for (const [j, column] of columns.entries()) {
    const value = result[j]!;
    if (value === 0n) continue;
    for (const [i, factor] of column) result[i] = result[i]! - product(factor, value);
  }
  for (let j = columns.length - 1; j >= 0; j--) {
    let value = quotient(result[j]!, pivots[j]!);
    for (const [i, factor] of columns[j]!) value -= product(factor, result[i]!);
    result[j] = value;
  }
  return result;
}
