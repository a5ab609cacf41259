/**
 * A hierarchical Bayesian linear regression: arms share part of their weights, so that each learns from all.
 *
 *   y = θ_k·x + ε,  ε ~ N(0, σ_k²/w),  θ_k = μ + δ_k,  μ ~ N(m, S),  δ_k ~ N(0, D),  S and D diagonal
 *
 * (Gelman et al., Bayesian Data Analysis (3rd ed.), §15.4; Lindley & Smith 1972.) With P_k = Σw·x·xᵀ/σ_k², r_k = Σw·x·y/σ_k²
 * and Q_k = P_k + D⁻¹, the δ_k are eliminated arm by arm (a Schur complement), which leaves for the shared part
 *
 *   Λ = S⁻¹ + Σ_k M_k,  M_k = D⁻¹ − D⁻¹Q_k⁻¹D⁻¹,   Λ·μ̂ = S⁻¹m + Σ_k D⁻¹Q_k⁻¹r_k
 *   E θ_k = Q_k⁻¹(r_k + D⁻¹μ̂),   Cov θ_k = Q_k⁻¹ + G_k·Λ⁻¹·G_kᵀ,   G_k = Q_k⁻¹D⁻¹
 *
 * so that the cost is linear in the number of arms. The sizes S, D and σ_k² are learned by empirical Bayes: expectation
 * maximisation of the marginal likelihood (Dempster, Laird & Rubin 1977, §4.4) from a fixed start, each size with a prior
 * that counts as so many arms. The same sums always give the same fit.
 */
import { type ArmRoom, type FitRoom, giveBack, takeRoom } from './fit-room.ts';
import {
  allFinite,
  choleskyInto,
  dot,
  inverseInto,
  quadratic,
  timesInto,
  timesSymmetricInto,
} from './linear-algebra.ts';
import { finished, type Steps } from './steps.ts';
import type { Sums } from './sums.ts';

/** Variances of the intercept and of each context weight. */
export interface Sizes {
  intercept: number;
  context: number;
}

export interface HierarchyPrior {
  /** m: of the intercept; context weights have prior mean 0. */
  mean: number;
  shared: Sizes;
  own: Sizes;
  noise: number;
  /** What the prior of a size counts for beside what is seen: as so many arms' intercepts, and as so many arms' context weights. */
  sizeWorth: Sizes;
  /** In observations. */
  noiseWorth: number;
  steps: number;
}

export interface ArmFit {
  mean: Float64Array;
  covariance: Float64Array;
  /** Cov(θ_k | μ) = Q_k⁻¹: doubt about what sets the arm apart. Doubt about what all share tells no two arms apart. */
  ownCovariance: Float64Array;
  noise: number;
  /** Effective observations: Σw. */
  weight: number;
}

export interface HierarchyFit {
  arms: ArmFit[];
  shared: Sizes;
  own: Sizes;
}

/** Of the prior's noise: what no arm's noise falls below. */
const LEAST_NOISE = 1e-3;

/** `scale` multiplies all sums: it brings their weights from the fold's landmark to now. */
export function fitHierarchy(
  sums: readonly Sums[],
  dimensions: number,
  scale: number,
  prior: HierarchyPrior,
): HierarchyFit {
  return finished(fittingHierarchy(sums, dimensions, scale, prior));
}

/** The same in steps of an arm each: with many arms a fit takes tens of milliseconds, in which others may want to be served. */
export function* fittingHierarchy(
  sums: readonly Sums[],
  dimensions: number,
  scale: number,
  prior: HierarchyPrior,
): Steps<HierarchyFit> {
  const room = takeRoom(dimensions, sums.length);
  try {
    const arms = sums.map((arm, k) => takeIn(room.arms[k]!, arm, scale, prior));
    const sizes = { shared: { ...prior.shared }, own: { ...prior.own } };
    yield* evaluate(room, arms, prior, sizes);
    for (let step = 0; step < prior.steps; step++) {
      yield* learnSizes(room, arms, prior, sizes);
      yield* evaluate(room, arms, prior, sizes);
    }
    const fits: ArmFit[] = [];
    // Of all arms that were never seen the same is believed.
    let unseen: ArmFit | null = null;
    for (const arm of arms) {
      if (arm.weight === 0) unseen ??= armFit(room, arm);
      fits.push(arm.weight === 0 && unseen ? unseen : armFit(room, arm));
      yield;
    }
    return { arms: fits, ...sizes };
  } finally {
    giveBack(room);
  }
}

type LearnedSizes = Pick<HierarchyPrior, 'shared' | 'own'>;

function* evaluate(room: FitRoom, arms: readonly ArmRoom[], prior: HierarchyPrior, sizes: LearnedSizes): Steps<void> {
  const { n, precision, lambda, eta } = room;
  putPrecisions(precision, sizes.own);
  // S⁻¹, of which S⁻¹m is left.
  putPrecisions(eta, sizes.shared);
  putDiagonal(lambda, eta);
  eta[0] = eta[0]! * prior.mean;
  eta.fill(0, 1);
  for (const { weight, noise, xx, xy, r, inverse } of arms) {
    for (let i = 0; i < n; i++) r[i] = xy[i]! / noise;
    if (weight === 0) {
      inverse.fill(0);
      for (let i = 0; i < n; i++) inverse[i * n + i] = 1 / precision[i]!;
      continue;
    }
    invertInto(inverse, putDiagonal(room.matrix, precision, xx, 1 / noise), room);
    const pulled = room.vector;
    timesInto(pulled, inverse, r);
    for (let i = 0; i < n; i++) {
      eta[i] = eta[i]! + precision[i]! * pulled[i]!;
      for (let j = 0; j < n; j++)
        lambda[i * n + j] = lambda[i * n + j]! - precision[i]! * inverse[i * n + j]! * precision[j]!;
      lambda[i * n + i] = lambda[i * n + i]! + precision[i]!;
    }
    yield;
  }
  invertInto(room.covariance, lambda, room);
  timesInto(room.mean, room.covariance, eta);
}

/** One step of expectation maximisation: the sizes that would best explain what is now believed of μ and δ_k. */
function* learnSizes(room: FitRoom, arms: readonly ArmRoom[], prior: HierarchyPrior, sizes: LearnedSizes): Steps<void> {
  const { n, precision, mean, covariance } = room;
  const own = { intercept: 0, context: 0 };
  let seen = 0;
  let squares = 0;
  let weights = 0;
  const residuals: number[] = [];
  for (const arm of arms) {
    const { inverse, r, noise, weight } = arm;
    if (weight === 0) {
      residuals.push(0);
      continue;
    }
    seen++;
    const theta = room.theta;
    putArmMean(theta, arm, room);
    const g = room.gain;
    putGain(g, inverse, precision);
    const gCovariance = room.matrix;
    timesSymmetricInto(gCovariance, g, covariance, n);
    // Var δ = Q⁻¹ + (I − G)·Λ⁻¹·(I − G)ᵀ
    let spread = 0;
    for (let i = 0; i < n; i++) {
      const row = i * n;
      let variance = inverse[row + i]! + covariance[row + i]! - 2 * gCovariance[row + i]!;
      for (let j = 0; j < n; j++) variance += gCovariance[row + j]! * g[row + j]!;
      const square = variance + (theta[i]! - mean[i]!) ** 2;
      if (i === 0) own.intercept += square;
      else own.context += square;
      // tr(P·Cov θ) = tr(I − D⁻¹Q⁻¹) + tr(M·Λ⁻¹·Gᵀ), since P·G = M
      spread += 1 - precision[i]! * inverse[row + i]!;
      for (let j = 0; j < n; j++) {
        const m = (i === j ? precision[i]! : 0) - precision[i]! * inverse[row + j]! * precision[j]!;
        spread += m * gCovariance[row + j]!;
      }
    }
    const fit = arm.yy - 2 * noise * dot(theta, r) + quadratic(arm.xx, theta);
    const square = Math.max(0, fit) + noise * Math.max(0, spread);
    squares += square;
    weights += weight;
    residuals.push(square);
    yield;
  }

  let context = 0;
  for (let i = 1; i < n; i++) context += mean[i]! ** 2 + covariance[i * n + i]!;
  const { sizeWorth, noiseWorth } = prior;
  const drawnTo = (size: number, worth: number, sum: number, count: number): number =>
    (worth * size + sum) / (worth + count);
  const contextWorth = sizeWorth.context * Math.max(1, n - 1);
  sizes.shared.context = drawnTo(prior.shared.context, contextWorth, context, n - 1);
  sizes.own.intercept = drawnTo(prior.own.intercept, sizeWorth.intercept, own.intercept, seen);
  sizes.own.context = drawnTo(prior.own.context, contextWorth, own.context, seen * (n - 1));
  const pooled = (noiseWorth * prior.noise + squares) / (noiseWorth + weights);
  for (const [k, arm] of arms.entries()) {
    // Never so small that rounding errors of the sums would count as knowledge.
    arm.noise = Math.max((noiseWorth * pooled + residuals[k]!) / (noiseWorth + arm.weight), LEAST_NOISE * prior.noise);
  }
}

/** Copies: the room is the next fit's. */
function armFit(room: FitRoom, arm: ArmRoom): ArmFit {
  const { n, gain, precision, matrix } = room;
  const { inverse, noise, weight } = arm;
  putGain(gain, inverse, precision);
  timesSymmetricInto(matrix, gain, room.covariance, n);
  const covariance = new Float64Array(n * n);
  timesSymmetricInto(covariance, matrix, gain, n);
  for (let i = 0; i < covariance.length; i++) covariance[i] = covariance[i]! + inverse[i]!;
  const mean = new Float64Array(n);
  putArmMean(mean, arm, room);
  return { mean, covariance, ownCovariance: inverse.slice(), noise, weight };
}

function putArmMean(theta: Float64Array, { inverse, r }: ArmRoom, { n, precision, mean, vector }: FitRoom): void {
  for (let i = 0; i < n; i++) vector[i] = r[i]! + precision[i]! * mean[i]!;
  timesInto(theta, inverse, vector);
}

/** G = Q⁻¹D⁻¹ */
function putGain(gain: Float64Array, inverse: Float64Array, precision: Float64Array): void {
  const n = precision.length;
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) gain[at] = inverse[at]! * precision[j]!;
}

/** Brought to a diagonal of ones first, so that coordinates of unlike scale cost no digits (van der Sluis 1969). */
function invertInto(inverse: Float64Array, a: Float64Array, { n, scales, scaled, lower, columns }: FitRoom): void {
  for (let i = 0; i < n; i++) scales[i] = 1 / Math.sqrt(Math.max(a[i * n + i]!, Number.MIN_VALUE));
  putScaled(scaled, a, scales);
  if (!choleskyInto(lower, scaled, n)) throw new RangeError('a precision matrix is not positive definite');
  inverseInto(inverse, lower, n, columns);
  putScaled(inverse, inverse, scales);
}

/** diag(scales)·A·diag(scales) */
function putScaled(product: Float64Array, a: Float64Array, scales: Float64Array): void {
  const n = scales.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) product[i * n + j] = a[i * n + j]! * scales[i]! * scales[j]!;
  }
}

function putPrecisions(precision: Float64Array, { intercept, context }: Sizes): void {
  precision.fill(1 / context);
  precision[0] = 1 / intercept;
}

/** diag(values), plus `factor` times a matrix. */
function putDiagonal(full: Float64Array, values: Float64Array, matrix?: Float64Array, factor = 0): Float64Array {
  const n = values.length;
  if (matrix) for (let i = 0; i < full.length; i++) full[i] = matrix[i]! * factor;
  else full.fill(0);
  for (let i = 0; i < n; i++) full[i * n + i] = full[i * n + i]! + values[i]!;
  return full;
}

/** The sums with full matrices. Without effective observations, or damaged, they are those of an arm never seen. */
function takeIn(arm: ArmRoom, sums: Sums, scale: number, prior: HierarchyPrior): ArmRoom {
  const { xx, xy } = arm;
  const n = xy.length;
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = 0; j <= i; j++, at++) {
      xx[i * n + j] = sums.xx[at]! * scale;
      xx[j * n + i] = xx[i * n + j]!;
    }
    xy[i] = sums.xy[i]! * scale;
  }
  arm.noise = prior.noise;
  arm.yy = sums.yy * scale;
  arm.weight = xx[0]!;
  if (!(arm.weight > 1e-6 && allFinite(xx) && allFinite(xy) && Number.isFinite(arm.yy))) {
    xx.fill(0);
    xy.fill(0);
    arm.yy = 0;
    arm.weight = 0;
  }
  return arm;
}
