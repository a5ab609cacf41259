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
 * worth a few observations. The same sums always give the same fit.
 */
import { choleskyOf, dot, inverseOf, quadratic, times, timesSymmetric } from './linear-algebra.ts';
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
  /** What the prior of a size, and of the noise, is worth, in observations. */
  sizeWorth: number;
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

/** What is worked out of an arm in one evaluation. */
interface ArmTerms {
  sums: DenseSums;
  noise: number;
  /** Q⁻¹ and r */
  inverse: Float64Array;
  r: Float64Array;
}

interface DenseSums {
  xx: Float64Array;
  xy: Float64Array;
  yy: number;
  weight: number;
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
  const dense = sums.map((arm) => denseSums(arm, dimensions, scale));
  const sizes = { shared: { ...prior.shared }, own: { ...prior.own } };
  const noises = dense.map(() => prior.noise);
  let evaluation = evaluate(dense, dimensions, prior, sizes, noises);
  for (let step = 0; step < prior.steps; step++) {
    learnSizes(evaluation, prior, sizes, noises);
    evaluation = evaluate(dense, dimensions, prior, sizes, noises);
  }
  return { arms: evaluation.terms.map((terms) => armFit(evaluation, terms)), ...sizes };
}

interface Evaluation {
  n: number;
  terms: ArmTerms[];
  /** The diagonal of D⁻¹. */
  precision: Float64Array;
  /** μ̂ and Λ⁻¹ */
  mean: Float64Array;
  covariance: Float64Array;
}

type LearnedSizes = Pick<HierarchyPrior, 'shared' | 'own'>;

function evaluate(
  dense: readonly DenseSums[],
  n: number,
  prior: HierarchyPrior,
  sizes: LearnedSizes,
  noises: readonly number[],
): Evaluation {
  const precision = precisions(sizes.own, n);
  const sharedPrecision = precisions(sizes.shared, n);
  const lambda = diagonal(sharedPrecision);
  const eta = new Float64Array(n);
  eta[0] = sharedPrecision[0]! * prior.mean;
  const terms = dense.map((sums, k): ArmTerms => {
    const noise = noises[k]!;
    const r = sums.xy.map((value) => value / noise);
    if (sums.weight === 0) return { sums, noise, inverse: diagonal(precision.map((value) => 1 / value)), r };
    const inverse = invert(diagonal(precision, sums.xx, 1 / noise), n);
    const pulled = times(inverse, r);
    for (let i = 0; i < n; i++) {
      eta[i] = eta[i]! + precision[i]! * pulled[i]!;
      for (let j = 0; j < n; j++)
        lambda[i * n + j] = lambda[i * n + j]! - precision[i]! * inverse[i * n + j]! * precision[j]!;
      lambda[i * n + i] = lambda[i * n + i]! + precision[i]!;
    }
    return { sums, noise, inverse, r };
  });
  const covariance = invert(lambda, n);
  return { n, terms, precision, mean: times(covariance, eta), covariance };
}

/** One step of expectation maximisation: the sizes that would best explain what is now believed of μ and δ_k. */
function learnSizes(
  { n, terms, precision, mean, covariance }: Evaluation,
  prior: HierarchyPrior,
  sizes: LearnedSizes,
  noises: number[],
): void {
  const own = { intercept: 0, context: 0 };
  let seen = 0;
  let squares = 0;
  let weights = 0;
  const residuals = terms.map((terms): number => {
    const { sums, inverse, r, noise } = terms;
    if (sums.weight === 0) return 0;
    seen++;
    const theta = armMean(terms, precision, mean);
    const g = gain(inverse, precision, n);
    const gCovariance = timesSymmetric(g, covariance, n);
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
    const fit = sums.yy - 2 * noise * dot(theta, r) + quadratic(sums.xx, theta);
    const square = Math.max(0, fit) + noise * Math.max(0, spread);
    squares += square;
    weights += sums.weight;
    return square;
  });

  let context = 0;
  for (let i = 1; i < n; i++) context += mean[i]! ** 2 + covariance[i * n + i]!;
  const { sizeWorth, noiseWorth } = prior;
  const drawnTo = (size: number, sum: number, count: number): number => (sizeWorth * size + sum) / (sizeWorth + count);
  sizes.shared.context = drawnTo(prior.shared.context, context, n - 1);
  sizes.own.intercept = drawnTo(prior.own.intercept, own.intercept, seen);
  sizes.own.context = drawnTo(prior.own.context, own.context, seen * (n - 1));
  const pooled = (noiseWorth * prior.noise + squares) / (noiseWorth + weights);
  for (const [k, { sums }] of terms.entries()) {
    // Never so small that rounding errors of the sums would count as knowledge.
    noises[k] = Math.max((noiseWorth * pooled + residuals[k]!) / (noiseWorth + sums.weight), LEAST_NOISE * prior.noise);
  }
}

function armFit({ n, precision, mean, covariance }: Evaluation, terms: ArmTerms): ArmFit {
  const { inverse, noise, sums } = terms;
  const g = gain(inverse, precision, n);
  const shared = timesSymmetric(timesSymmetric(g, covariance, n), g, n);
  for (let i = 0; i < shared.length; i++) shared[i] = shared[i]! + inverse[i]!;
  return {
    mean: armMean(terms, precision, mean),
    covariance: shared,
    ownCovariance: inverse,
    noise,
    weight: sums.weight,
  };
}

function armMean({ inverse, r }: ArmTerms, precision: Float64Array, mean: Float64Array): Float64Array {
  return times(
    inverse,
    r.map((value, i) => value + precision[i]! * mean[i]!),
  );
}

/** G = Q⁻¹D⁻¹ */
function gain(inverse: Float64Array, precision: Float64Array, n: number): Float64Array {
  return inverse.map((value, at) => value * precision[at % n]!);
}

/** Brought to a diagonal of ones first, so that coordinates of unlike scale cost no digits (van der Sluis 1969). */
function invert(a: Float64Array, n: number): Float64Array {
  const scales = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(Math.max(a[i * n + i]!, Number.MIN_VALUE)));
  const lower = choleskyOf(scaled(a, scales), n);
  if (!lower) throw new RangeError('a precision matrix is not positive definite');
  return scaled(inverseOf(lower, n), scales);
}

/** diag(scales)·A·diag(scales) */
function scaled(a: Float64Array, scales: Float64Array): Float64Array {
  const n = scales.length;
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) product[i * n + j] = a[i * n + j]! * scales[i]! * scales[j]!;
  }
  return product;
}

function precisions({ intercept, context }: Sizes, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => 1 / (i === 0 ? intercept : context));
}

/** diag(values), plus `factor` times a matrix. */
function diagonal(values: Float64Array, matrix?: Float64Array, factor = 0): Float64Array {
  const n = values.length;
  const full = matrix ? matrix.map((value) => value * factor) : new Float64Array(n * n);
  for (let i = 0; i < n; i++) full[i * n + i] = full[i * n + i]! + values[i]!;
  return full;
}

/** The sums with full matrices. Without effective observations, or damaged, they are those of an arm never seen. */
function denseSums(sums: Sums, n: number, scale: number): DenseSums {
  const xx = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = 0; j <= i; j++, at++) {
      xx[i * n + j] = sums.xx[at]! * scale;
      xx[j * n + i] = xx[i * n + j]!;
    }
  }
  const xy = sums.xy.map((value) => value * scale);
  const yy = sums.yy * scale;
  const weight = xx[0]!;
  if (weight > 1e-6 && xx.every(Number.isFinite) && xy.every(Number.isFinite) && Number.isFinite(yy))
    return { xx, xy, yy, weight };
  return { xx: new Float64Array(n * n), xy: new Float64Array(n), yy: 0, weight: 0 };
}
