/** Weighs each of a router's arms for one request: what it is expected to give and cost, and whether it needs exploring. */
import type { Contender } from './contender.ts';
import { POLICIES, type PolicyName } from './policies/index.ts';
import type { ArmView } from './policies/policy.ts';
import type { Posterior } from './posterior.ts';
import { blankPrediction } from './prediction.ts';
import { narrowed } from './scores.ts';
import { expectedCost, type Price, type Rates, tollOf } from './utility.ts';

/** The beginning of the prompt that an arm's provider may have in its cache, in tokens. */
export interface WarmPrefix {
  arm: string;
  tokens: number;
}

export interface WeighInput {
  policy: PolicyName;
  posterior: Posterior;
  /** All of the router's arms, in configured order, whether eligible or not. */
  arms: readonly { id: string; price: Price }[];
  /** The first arm, unless named. */
  baseline?: string | undefined;
  x: ArrayLike<number>;
  promptTokensEstimate: number;
  /** Null where the request leaves it open. */
  maxOutputTokens?: number | null;
  /** Of the arm that gave this conversation's earlier answer; null or left out where there is none that helps. */
  warm?: WarmPrefix | null;
  rates: Rates;
  /** An arm's pulls of which the posterior does not know yet. */
  onTheirWay?: (arm: string) => number;
  explore: { floor: number; warmup: number };
}

export function weighArms(input: WeighInput): Contender[] {
  const { arms, posterior, promptTokensEstimate, rates, baseline, warm = null } = input;
  const policy = POLICIES[input.policy];
  const zeal = zealOf(posterior);
  const mostOutputTokens = input.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const x = aligned(input.x);
  // One of each is enough, since all that is kept of an arm is copied before the next is looked at.
  const expected = blankPrediction();
  const view: ArmView = {
    id: '',
    position: 0,
    isBaseline: false,
    mean: 0,
    ownDeviation: 0,
    observations: 0,
    costUsd: 0,
    toll: 0,
    posterior,
  };
  const contenders: Contender[] = [];
  for (let position = 0; position < arms.length; position++) {
    const { id, price } = arms[position]!;
    posterior.predict(id, x, promptTokensEstimate, expected);
    const { mean, deviation, ownDeviation } = policy.belief?.(posterior, id) ?? expected.quality;
    const cachedTokens =
      warm?.arm === id ? Math.min(warm.tokens, expected.promptTokens) * posterior.cachedShare(id) : 0;
    const outputTokens = Math.min(expected.outputTokens, mostOutputTokens);
    const costUsd = expectedCost(price, expected.promptTokens, outputTokens, cachedTokens);
    const highCostUsd = expectedCost(
      price,
      expected.promptTokens,
      Math.min(expected.highOutputTokens, mostOutputTokens),
      cachedTokens,
    );
    const toll = tollOf(rates, costUsd, expected.totalMs);
    view.id = id;
    view.position = position;
    view.isBaseline = baseline === undefined ? position === 0 : id === baseline;
    view.mean = mean;
    view.ownDeviation = ownDeviation;
    view.observations = expected.observations;
    view.costUsd = costUsd;
    view.toll = toll;
    const utility = mean - toll;
    const score = policy.score(view);
    contenders.push({
      candidate: {
        model: id,
        eligible: true,
        propensity: 0,
        quality: { mean, low: Math.max(0, mean - 1.96 * deviation), high: Math.min(1, mean + 1.96 * deviation) },
        costUsd,
        firstByteMs: expected.firstByteMs,
        totalMs: expected.totalMs,
        utility,
        ruledOut: null,
      },
      score: policy.explores ? narrowed(score, utility, zeal) : score,
      toll,
      highCostUsd,
      reach: mean + REACH * ownDeviation - toll,
      pulls: expected.pulls + (input.onTheirWay?.(id) ?? 0),
      uncertain: false,
      warming: false,
    });
  }
  if (policy.explores) markUncertain(contenders, input.explore.warmup);
  return contenders;
}

/** The context as the posterior's loops read it fastest; overwritten by the next request's. */
function aligned(x: ArrayLike<number>): Float64Array {
  if (context.length !== x.length) context = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) context[i] = x[i]!;
  return context;
}
let context = new Float64Array(0);

/** Deviations to the top of a 90% interval: what is as unlikely as one in twenty is not worth asking anybody for. */
const REACH = 1.6449;
/** Early pulls of all arms together are at most those of so many. */
const WARMED_IN_FULL = 6;

/** An arm may still be the best while the top of its 90% interval reaches the highest mean of all the router's arms. */
function markUncertain(contenders: readonly Contender[], warmup: number): void {
  const most = warmup * Math.min(1, WARMED_IN_FULL / contenders.length);
  let highest = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < contenders.length; k++) {
    const { candidate, toll } = contenders[k]!;
    highest = Math.max(highest, candidate.utility);
    least = Math.min(least, toll);
  }
  for (let k = 0; k < contenders.length; k++) {
    const contender = contenders[k]!;
    contender.uncertain = contender.reach >= highest;
    // Half as many early pulls for an arm that costs ten points more than the cheapest.
    const due = Math.ceil(most / (1 + (contender.toll - least) / 0.1));
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
