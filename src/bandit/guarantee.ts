/**
 * The guarantee: that the quality served is, with high probability and at all times, at least a share α of what the baseline
 * would have given. With X_k = Σw·x over the decisions that arm k served, and b the baseline, the surplus so far is
 *
 *   Δ = Σ_k θ_k·X_k − α·θ_b·Σ_k X_k = Σ_k θ_k·c_k,   c_b = (1 − α)·X_b − α·Σ_{k≠b} X_k,   c_k = X_k elsewhere
 *
 * and it is bounded from below by its estimate less z deviations (conservative linear bandits: Kazerouni et al., NeurIPS 2017,
 * §3; Wu et al., ICML 2016). The arms' weights are estimated each from its own labels alone, from a prior at the worst: what
 * arms share is no evidence that one of them is as good as the others. So the c_k·Cov θ_k·c_k add up, and where all of an
 * arm's answers are rated, θ_k·X_k is the sum of its ratings, whatever the regression says of a single prompt.
 *
 * The sums fade, and so weigh the latest most. That promises no less: with s_t the surplus of one decision and γ ≤ 1 what
 * the sum D_t = γ·D_{t−1} + s_t fades by, Σ s_t = D_T + (1 − γ)·Σ_{t<T} D_t, which is at least 0 if all D_t are.
 */
import type { ArmSums } from './arm-sums.ts';
import type { Candidate, Contender } from './contender.ts';
import { fitHierarchy, fittingHierarchy, type HierarchyPrior } from './hierarchy.ts';
import { allFinite, dot, quadratic } from './linear-algebra.ts';
import { QUALITY_PRIOR } from './priors.ts';
import type { SignWorth } from './sign-sums.ts';
import type { Steps } from './steps.ts';
import { emptySums, type Sums } from './sums.ts';

export interface Guarantee {
  /** An arm's id. */
  baseline: string;
  /** α, in (0, 1]. */
  quality: number;
  /** 1 − δ, in [0.5, 1). */
  confidence: number;
}

/** What is believed of how much more was served than was promised. */
export interface Surplus {
  /** Its lower bound, in units of quality: 1 is what a perfect answer is better than none. */
  readonly low: number;
  /** The same in answers of the baseline as they have been, rated or not. */
  readonly answersLow: number;
  readonly relativeTo: 'explicit feedback' | 'implicit signals';
  /** What an answer of this arm to a prompt may take off the surplus, at worst: in [0, α], and 0 for the baseline. */
  risk(arm: string, x: ArrayLike<number>): number;
}

/** With fewer ratings, of all and of the baseline, what was seen of answers counts too. */
const ENOUGH = { all: 100, ofBaseline: 30 };

/** An intercept of which nothing is known, drawn to the worst: a prior worth half an observation. */
const OWN = { intercept: 0.5 ** 2, context: QUALITY_PRIOR.shared.context + QUALITY_PRIOR.own.context };
const priorAt = (worst: number, noise: number): HierarchyPrior => ({
  ...QUALITY_PRIOR,
  mean: worst,
  shared: { intercept: OWN.intercept / 2, context: OWN.context / 2 },
  own: { intercept: OWN.intercept / 2, context: OWN.context / 2 },
  noise,
  steps: 2,
});

/**
 * Rules out the eligible arms that could use up more than the surplus, of which `owed` is what answers may have taken that are
 * not in it yet. Where the baseline cannot answer, nobody is ruled out, and nobody ever whom the request has to stay with. Gives
 * those that were, the best first: whom to ask when the baseline fails.
 */
export function holdBack(
  contenders: readonly Contender[],
  { baseline }: Guarantee,
  surplus: Surplus,
  x: ArrayLike<number>,
  owed: number,
  stayWith: string | null = null,
): readonly Candidate[] {
  if (!contenders.some(({ candidate }) => candidate.eligible && candidate.model === baseline)) return NOBODY;
  const left = surplus.low - owed;
  const heldBack: Candidate[] = [];
  for (let k = 0; k < contenders.length; k++) {
    const { candidate } = contenders[k]!;
    if (!candidate.eligible || candidate.model === baseline || candidate.model === stayWith) continue;
    const risk = surplus.risk(candidate.model, x);
    if (risk <= left) continue;
    candidate.eligible = false;
    candidate.ruledOut = `guarantee: it may take ${risk.toPrecision(2)} off a surplus of ${left.toPrecision(2)}`;
    heldBack.push(candidate);
  }
  return heldBack.sort((a, b) => b.utility - a.utility);
}
const NOBODY: readonly Candidate[] = [];

export interface SurplusInput {
  guarantee: Guarantee;
  /** By position: ids, the sums as they are in the fold, and the labels with what signs are worth. */
  arms: readonly { id: string }[];
  sums: readonly ArmSums[];
  labelled: readonly Sums[];
  worth: SignWorth;
  /** Brings the sums' weights from the fold's landmark to now. */
  scale: number;
}

interface OwnBelief {
  mean: Float64Array;
  covariance: Float64Array;
}

/** In steps, since each arm has a fit of its own. Throws where the baseline is none of the arms. */
export function* countingSurplus({ guarantee, arms, sums, labelled, worth, scale }: SurplusInput): Steps<Surplus> {
  const { quality: alpha, confidence } = guarantee;
  const base = arms.findIndex(({ id }) => id === guarantee.baseline);
  if (base < 0) throw new RangeError('the baseline is none of the arms');
  const n = sums[0]!.requests.x.length;
  const rated = sums.reduce((sum, { quality }) => sum + quality.xx[0]!, 0) * scale;
  const isExplicit = rated >= ENOUGH.all && sums[base]!.quality.xx[0]! * scale >= ENOUGH.ofBaseline;
  const labels = isExplicit ? sums.map(({ quality }) => quality) : labelled;
  // Where signs count, what they mean may be wrong with one half of the chance, and the rest with the other.
  const delta = (1 - confidence) / (isExplicit ? 1 : 2);
  const z = widthFor(delta, labels.reduce((sum, { xx }) => sum + xx[0]!, 0) * scale);

  const ofBaseline = yield* ownFit(labels[base]!, n, scale, priorAt(1, QUALITY_PRIOR.noise));
  // That a baseline's answers are all alike does not say that another arm's are: a few lucky ones would be taken for certainty.
  const noise = Math.max(ofBaseline.noise, QUALITY_PRIOR.noise);
  const beliefs: OwnBelief[] = [];
  for (const [k, own] of labels.entries())
    beliefs.push(k === base ? ofBaseline : yield* ownFit(own, n, scale, priorAt(0, noise)));

  const served = sums.map(({ requests }) => requests.x.map((value) => value * scale));
  const others = new Float64Array(n);
  for (const [k, x] of served.entries()) if (k !== base) for (let i = 0; i < n; i++) others[i] = others[i]! + x[i]!;
  let mean = 0;
  let variance = 0;
  for (const [k, x] of served.entries()) {
    const along = k === base ? x.map((value, i) => (1 - alpha) * value - alpha * others[i]!) : x;
    const worst = k === base ? -alpha * others[0]! : 0;
    const believed = dot(beliefs[k]!.mean, along);
    const doubt = quadratic(beliefs[k]!.covariance, along);
    // Quality is in [0, 1], which may say more than what has been seen.
    if (believed - z * Math.sqrt(doubt) > worst) {
      mean += believed;
      variance += doubt;
    } else mean += worst;
  }
  const widened = isExplicit ? (value: number): number => value : wideningOf(sums, worth, normalQuantile(delta));
  const all = others[0]! + served[base]![0]!;
  const bound = widened(mean - z * Math.sqrt(Math.max(0, variance)), (1 - alpha) * all);
  // Whatever signs say, no answer was better than perfect. What is damaged beyond use allows nothing.
  const low = Number.isFinite(bound) ? Math.max(bound, -alpha * others[0]!) : Number.NEGATIVE_INFINITY;
  const usual = dot(ofBaseline.mean, served[base]!) / Math.max(served[base]![0]!, LEAST_ANSWERS);

  const at = new Float64Array(n);
  const positions = new Map(arms.map(({ id }, k) => [id, k]));
  return {
    low,
    answersLow: low / Math.min(1, Math.max(usual, LEAST_USUAL)),
    relativeTo: isExplicit ? 'explicit feedback' : 'implicit signals',
    risk(arm, x) {
      const k = positions.get(arm)!;
      if (k === base) return 0;
      for (let i = 0; i < n; i++) at[i] = x[i]!;
      const promised = alpha * bounded(reachOf(beliefs[base]!, at, z));
      const gain = widened(bounded(reachOf(beliefs[k]!, at, -z)) - promised, 1 - alpha);
      return gain >= -alpha ? Math.max(0, -gain) : alpha;
    },
  };
}

/**
 * What a lower bound is worth where signs told it. By them quality is π + d·(θ − π), d being taken for 1 and π being known from
 * ratings alone, so that a sum of c_k·θ_k with Σ c_k[0] = C is C·π + (its value by signs − C·π)/d. Of π the lowest is taken, and
 * of ln d whichever end is worse, `z` deviations off: what a sign means is one unknown, not noise that comes anew with every
 * answer, and so no bound for all times. What was rated has no d.
 */
function wideningOf(
  sums: readonly ArmSums[],
  { mean, unfollowed, followed, doubt }: SignWorth,
  z: number,
): (value: number, answers: number) => number {
  let weight = 0;
  let doubted = 0;
  for (const { quality, signs, waiting } of sums) {
    weight += quality.xx[0]!;
    for (const seen of [signs, ...waiting.values()]) {
      weight += unfollowed * seen.unfollowed[0]! + followed * seen.followed[0]!;
      doubted += unfollowed * seen.unfollowed[0]! * doubt.unfollowed + followed * seen.followed[0]! * doubt.followed;
    }
  }
  const factor = Math.exp(weight > 0 ? (z * Math.max(0, doubted)) / weight : 0);
  const leastMean = Math.max(0, mean - z * doubt.mean);
  return (value, answers) => {
    const apart = value - answers * mean;
    return answers * leastMean + (apart > 0 ? apart / factor : apart * factor);
  };
}

/** What is divided by is no less. */
const LEAST_ANSWERS = 1e-9;
const LEAST_USUAL = 0.05;

const bounded = (value: number): number => (value >= 0 ? Math.min(1, value) : 0);

const reachOf = ({ mean, covariance }: OwnBelief, x: Float64Array, z: number): number =>
  dot(mean, x) + z * Math.sqrt(Math.max(0, quadratic(covariance, x)));

/** Damaged sums are those of an arm of which nothing is known. */
function* ownFit(labels: Sums, n: number, scale: number, prior: HierarchyPrior): Steps<OwnBelief & { noise: number }> {
  try {
    const fit = (yield* fittingHierarchy([labels], n, scale, prior)).arms[0]!;
    if (allFinite(fit.mean) && allFinite(fit.covariance)) return fit;
  } catch {
    // Not positive definite.
  }
  return fitHierarchy([emptySums(n)], n, scale, prior).arms[0]!;
}

/**
 * How many deviations wide a bound must be to hold at all times at once: the one-sided normal mixture boundary √(2·(v + ρ)·
 * ln(1 + √((v + ρ)/ρ)/(2δ))) over √v, v being counted in labels (Howard, Ramdas, McAuliffe & Sekhon 2021, equation 15;
 * Robbins 1970). It is tightest around ρ labels.
 */
export function widthFor(delta: number, labels: number): number {
  const part = TIGHTEST / Math.max(labels, 1);
  return Math.sqrt(2 * (1 + part) * Math.log1p(Math.sqrt(1 + 1 / part) / (2 * delta)));
}
const TIGHTEST = 50;

/** How many deviations off a normal number is beyond with this probability, at most ½, to 5e-4 (Abramowitz & Stegun, 26.2.23). */
export function normalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail));
  const over = 2.515517 + t * (0.802853 + t * 0.010328);
  return t - over / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
