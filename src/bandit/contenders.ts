/** Weighs each of a router's arms for one request: what it is expected to give and cost, and whether it needs exploring. */
import { POLICIES, type PolicyName } from './policies/index.ts';
import type { ArmView } from './policies/policy.ts';
import type { Posterior } from './posterior.ts';
import { narrowed, type Score } from './scores.ts';
import { expectedCost, type Price, type Rates, tollOf } from './utility.ts';

export interface Candidate {
  model: string;
  eligible: boolean;
  /** The probability with which the arm was drawn, exploration included. */
  propensity: number;
  /** With a 95% interval. */
  quality: { mean: number; low: number; high: number };
  costUsd: number;
  firstByteMs: number;
  totalMs: number;
  /** quality − cost_usd / usd_per_point / 100 − seconds / seconds_per_point / 100, at the mean */
  utility: number;
}

export interface DecideInput {
  policy: PolicyName;
  posterior: Posterior;
  /** All of the router's arms, in configured order, whether eligible or not. */
  arms: readonly { id: string; price: Price; eligible: boolean; maxOutputTokens?: number | undefined }[];
  /** The first arm, unless named. */
  baseline?: string | undefined;
  x: Float64Array;
  promptTokensEstimate: number;
  rates: Rates;
  explore: { floor: number; warmup: number };
  /** The decision's one draw, uniform in [0, 1). */
  uniform: number;
}

/** An arm with all that the draw needs to know of it. Nothing in here depends on which other arms are eligible. */
export interface Contender {
  view: ArmView;
  pulls: number;
  candidate: Candidate;
  score: Score;
  /** Might still be the best of the router's arms. */
  uncertain: boolean;
  /** Gets early pulls yet. */
  warming: boolean;
}

export function weighArms(input: DecideInput): Contender[] {
  const { arms, posterior, x, promptTokensEstimate, rates } = input;
  const policy = POLICIES[input.policy];
  const zeal = zealOf(posterior);
  const contenders = arms.map(({ id, price, eligible, maxOutputTokens }, position) => {
    const expected = posterior.predict(id, x, promptTokensEstimate);
    const outputTokens = Math.min(expected.outputTokens, maxOutputTokens ?? Number.POSITIVE_INFINITY);
    const costUsd = expectedCost(price, expected.promptTokens, outputTokens);
    const quality = policy.belief?.(posterior, id) ?? expected.quality;
    const toll = tollOf(rates, costUsd, expected.totalMs);
    const isBaseline = input.baseline === undefined ? position === 0 : id === input.baseline;
    const view: ArmView = {
      id,
      position,
      isBaseline,
      quality,
      observations: expected.observations,
      costUsd,
      toll,
      posterior,
    };
    const candidate: Candidate = {
      model: id,
      eligible,
      propensity: 0,
      quality: intervalOf(quality.mean, quality.deviation),
      costUsd,
      firstByteMs: expected.firstByteMs,
      totalMs: expected.totalMs,
      utility: quality.mean - toll,
    };
    const score = policy.explores ? narrowed(policy.score(view), candidate.utility, zeal) : policy.score(view);
    return { view, candidate, score, uncertain: false, warming: false, pulls: expected.pulls };
  });
  if (policy.explores) markUncertain(contenders, input.explore.warmup);
  return contenders;
}

/** An arm may still be the best while the top of its 95% interval reaches the highest mean of all the router's arms. */
function markUncertain(contenders: Contender[], warmup: number): void {
  let reach = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (const { candidate, view } of contenders) {
    reach = Math.max(reach, candidate.utility);
    least = Math.min(least, view.toll);
  }
  for (const contender of contenders) {
    const { quality, toll } = contender.view;
    contender.uncertain = quality.mean + 1.96 * quality.ownDeviation - toll >= reach;
    // Half as many early pulls for an arm that costs ten points more than the cheapest.
    const due = Math.ceil(warmup / (1 + (toll - least) / 0.1));
    contender.warming = contender.uncertain && contender.pulls < due;
  }
}

/**
 * Exploring pays only as far as labels come: where fewer than one answer in ten gets one, the scores are narrowed, until,
 * without any label at all, cost and time decide.
 */
function zealOf({ labels, observations }: Posterior): number {
  return Math.min(1, Math.max(0.01, (labels + 5) / (0.1 * observations + 5)));
}

function intervalOf(mean: number, deviation: number): Candidate['quality'] {
  return { mean, low: Math.max(0, mean - 1.96 * deviation), high: Math.min(1, mean + 1.96 * deviation) };
}
