/** One decision: each arm's score, the distribution that follows, and one draw from it. */

import { POLICIES, type PolicyName } from './policies/index.ts';
import type { ArmView } from './policies/policy.ts';
import type { Posterior } from './posterior.ts';
import { ownUniform } from './quantiles.ts';
import { chancesOfBeingHighest, narrowed, quantileOf, type Score } from './scores.ts';
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

export interface Draw {
  chosen: string;
  reason: 'warmup' | 'explore' | 'exploit' | 'only-eligible';
  propensity: number;
  candidates: Candidate[];
}

/** An arm with all that the draw needs to know of it. Nothing in here depends on which other arms are eligible. */
interface Contender {
  view: ArmView;
  candidate: Candidate;
  score: Score;
  /** Might still be the best of the router's arms. */
  uncertain: boolean;
  /** Gets early pulls yet. */
  warming: boolean;
}

/**
 * Throws when no arm is eligible. Each arm draws its score by its own quantile, and whatever compares arms compares with
 * all of the router's: so taking away an arm that was not chosen never changes the choice among the rest.
 */
export function decide(input: DecideInput): Draw {
  const all = contendersOf(input);
  const eligible = all.filter(({ candidate }) => candidate.eligible);
  if (eligible.length === 0) throw new RangeError('no arm is eligible');
  const candidates = all.map(({ candidate }) => candidate);
  const best = highest(eligible, ({ candidate }) => candidate.utility);

  const warming = eligible.filter((contender) => contender.warming);
  const uncertain = eligible.filter((contender) => contender.uncertain);
  const floor =
    POLICIES[input.policy].explores && uncertain.length > 0 ? Math.min(1, Math.max(0, input.explore.floor)) : 0;
  let chosen: Contender;
  if (warming.length > 0) {
    for (const { candidate } of warming) candidate.propensity = 1 / warming.length;
    chosen = byLot(warming, input.uniform);
  } else {
    const chances = chancesOfBeingHighest(eligible.map(({ score }) => score));
    for (const [k, { candidate }] of eligible.entries()) candidate.propensity = (1 - floor) * chances[k]!;
    for (const { candidate } of uncertain) if (floor > 0) candidate.propensity += floor / uncertain.length;
    chosen =
      ownUniform(input.uniform, ' floor') < floor
        ? byLot(uncertain, input.uniform)
        : highest(eligible, ({ score, view }) => quantileOf(score, ownUniform(input.uniform, view.id)));
  }

  const { model, propensity } = chosen.candidate;
  if (eligible.length === 1) return { chosen: model, reason: 'only-eligible', propensity, candidates };
  const reason = warming.length > 0 ? 'warmup' : chosen === best ? 'exploit' : 'explore';
  return { chosen: model, reason, propensity, candidates };
}

/** The other eligible arms, the best first: whom to ask when the chosen one fails. */
export function rankRest(draw: Draw): string[] {
  return draw.candidates
    .filter(({ eligible, model }) => eligible && model !== draw.chosen)
    .sort((one, other) => other.utility - one.utility)
    .map(({ model }) => model);
}

function contendersOf(input: DecideInput): Contender[] {
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
function markUncertain(contenders: (Contender & { pulls: number })[], warmup: number): void {
  let reach = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (const { candidate, view } of contenders) {
    reach = Math.max(reach, candidate.utility);
    least = Math.min(least, view.toll);
  }
  for (const contender of contenders) {
    const { quality, toll } = contender.view;
    contender.uncertain = quality.mean + 1.96 * quality.deviation - toll >= reach;
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

function byLot(contenders: readonly Contender[], uniform: number): Contender {
  return highest(contenders, ({ view }) => ownUniform(uniform, `lot ${view.id}`));
}

/** The first with the highest value. */
function highest<T>(items: readonly T[], worth: (item: T) => number): T {
  let best = items[0]!;
  let most = worth(best);
  for (let i = 1; i < items.length; i++) {
    const value = worth(items[i]!);
    if (value > most) {
      best = items[i]!;
      most = value;
    }
  }
  return best;
}

function intervalOf(mean: number, deviation: number): Candidate['quality'] {
  return { mean, low: Math.max(0, mean - 1.96 * deviation), high: Math.min(1, mean + 1.96 * deviation) };
}
