/**
 * Paces spending against a ceiling: money has a price, and the price is the least at which the latest requests, answered by
 * the arms that would then have been the best, would have cost what may be spent now (a dual price, solved for instead of
 * approached by steps: Agrawal & Devanur, EC 2014, §4; Balseiro & Gur, EC 2017).
 */
import type { Candidate, Contender } from './contender.ts';
import type { Posterior } from './posterior.ts';
import { blankPrediction } from './prediction.ts';
import type { RecentRequest } from './recent-requests.ts';
import type { Steps } from './steps.ts';
import { expectedCost, type Price, type Rates, tollOf } from './utility.ts';

/** How things stand with a budget at one request. */
export interface Pace {
  /** What is left of the USD that have accrued for requests so far, this one included: below 0 when too much was spent. */
  balanceUsd: number;
  /** USD that trying one arm of which little is known may have taken by now. */
  tryingUsd: number;
  /** USD that a request may cost on average. */
  ceilingUsd: number;
}

/** What a budget has seen so far. */
export interface Spending {
  /** Before this one. */
  requests: number;
  usd: number;
}

/** What a budget has seen of a day. */
export interface DaySpending extends Spending {
  /** The parts of the day, in [0, 1), that were gone when the requests came, summed. */
  arrivals: number;
}

/** Requests whose money a router may spend before it has accrued, while it has seen few: else it could not try anything. */
const CREDIT = { requests: 20, until: 200 };
/** Trying an arm of which little is known may take this share of what has accrued … */
const TRYING = 0.1;
/** … and so many requests' money: else a tight ceiling would have a router wait for its second arm for hundreds of requests. */
const TRYING_CREDIT = 20;
/** What was saved, or spent too much, is spread over so many requests. */
const HORIZON = 300;
/** So many requests' money is kept back, so that no arm has to be ruled out for want of it. */
const KEPT_BACK = 10;
/** However much was spent too much, so much of the ceiling is left for each request. */
const LEAST_SHARE = 0.1;

/** What may be spent on a request now: the ceiling, and a share of what was saved before. */
export function targetOf(ceilingUsd: number, { requests, usd }: Spending): Pace & { targetUsd: number } {
  const accruedUsd = ceilingUsd * (requests + 1);
  const credit = ceilingUsd * CREDIT.requests * Math.max(0, 1 - requests / CREDIT.until);
  const balanceUsd = accruedUsd + credit - usd;
  const targetUsd = Math.max(
    ceilingUsd * LEAST_SHARE,
    ceilingUsd + (accruedUsd - usd - KEPT_BACK * ceilingUsd) / HORIZON,
  );
  const tryingUsd = TRYING * (accruedUsd + credit) + TRYING_CREDIT * ceilingUsd;
  return { balanceUsd, tryingUsd, ceilingUsd, targetUsd };
}

/** The shortest part of a day that says how many requests are to come: half an hour, whose money may be spent at once, too. */
const SHORTEST_PART = 1 / 48;

/**
 * What may be spent on a request now so that the day's money lasts: what is left of it, over the requests that are still to
 * come. `dayGone` is the part of the day that is gone, in [0, 1). The only limit to the balance is that the money may be gone,
 * which is not for this to say. Only trying arms is paid from what has accrued, yesterday's money included.
 */
export function dayTargetOf(
  usdPerDay: number,
  today: DaySpending,
  yesterday: Pick<Spending, 'requests'>,
  dayGone: number,
): ReturnType<typeof targetOf> {
  const toCome = Math.max(1, requestsToCome(today, yesterday.requests, dayGone));
  const targetUsd = Math.max(0, usdPerDay - today.usd) / toCome;
  const accruedUsd = usdPerDay * (dayGone + SHORTEST_PART + (yesterday.requests > 0 ? 1 : 0));
  // No credit: what a request may cost now says nothing of what a day may lend, where few are to come.
  const tryingUsd = TRYING * accruedUsd;
  return { balanceUsd: Number.POSITIVE_INFINITY, tryingUsd, ceilingUsd: targetUsd, targetUsd };
}

/**
 * Requests that come evenly have come, on the average, in the middle between the first one and now: so their rate is their
 * number over twice the time since that average, also where they began at noon, and one that grows is noticed. It would go on
 * till midnight, or else today is a day like yesterday, whatever its hours are: half of the one and half of the other.
 */
function requestsToCome({ requests, arrivals }: DaySpending, yesterday: number, dayGone: number): number {
  const count = requests + 1;
  const began = 2 * (dayGone - (arrivals + dayGone) / count);
  const atThisRate = (count / Math.max(SHORTEST_PART, began)) * (1 - dayGone);
  return yesterday === 0 ? atThisRate : (atThisRate + Math.max(0, yesterday - count)) / 2;
}

/** What each arm would have been worth, and would have cost in USD, at the latest requests: request by request, arm by arm. */
export interface PaceTable {
  arms: number;
  worth: Float64Array;
  costs: Float64Array;
}

/** How many of the latest requests stand for those to come. */
export const PACED_BY = 150;

/** In steps of a request each. */
export function* fillingPaceTable(
  posterior: Posterior,
  arms: readonly { id: string; price: Price }[],
  rates: Rates,
  requests: readonly RecentRequest[],
): Steps<PaceTable> {
  const { usual } = posterior;
  const all = requests.length > 0 ? requests : [{ x: usual.x, promptTokensEstimate: usual.promptTokens }];
  const worth = new Float64Array(all.length * arms.length);
  const costs = new Float64Array(all.length * arms.length);
  const expected = blankPrediction();
  let at = 0;
  for (const { x, promptTokensEstimate } of all) {
    for (const { id, price } of arms) {
      posterior.predict(id, x, promptTokensEstimate, expected);
      const costUsd = expectedCost(price, expected.promptTokens, expected.outputTokens);
      worth[at] = expected.quality.mean - tollOf(rates, costUsd, expected.totalMs);
      costs[at++] = costUsd;
    }
    yield;
  }
  return { arms: arms.length, worth, costs };
}

/** Beyond it nothing but cost counts. */
const MOST_PRICE = 1e9;
const LEAST_PRICE = 1e-3;
/** Both of a price's logarithm: how near to the last one the next is looked for first, and how exactly. */
const NEAR = 0.2;
const EXACTLY = 1e-4;

/**
 * The least price of money, in quality per USD and at least 0, at which the requests of the table would have cost `targetUsd`
 * each or less on average; `MOST_PRICE` where even the cheapest arms would have cost more. It is found the sooner the nearer it
 * is to `last`, where that is above 0.
 */
export function moneyPrice(table: PaceTable, targetUsd: number, last = 0): number {
  if (meanSpend(table, 0) <= targetUsd) return 0;
  // Between these the logarithm is halved: nobody knows beforehand whether a USD is worth a hundredth or a thousand.
  let low = Math.log(LEAST_PRICE);
  let high = Math.log(MOST_PRICE);
  const lookAt = (middle: number): void => {
    if (middle <= low || middle >= high) return;
    if (meanSpend(table, Math.exp(middle)) <= targetUsd) high = middle;
    else low = middle;
  };
  if (last > 0) {
    lookAt(Math.log(last) + NEAR);
    lookAt(Math.log(last) - NEAR);
  }
  while (high - low > EXACTLY) lookAt((low + high) / 2);
  return Math.exp(high);
}

/** USD a request, when at this price the best arm answers each. */
function meanSpend({ arms, worth, costs }: PaceTable, price: number): number {
  let total = 0;
  for (let start = 0; start < costs.length; start += arms) {
    let best = start;
    let most = worth[start]! - price * costs[start]!;
    for (let at = start + 1; at < start + arms; at++) {
      const value = worth[at]! - price * costs[at]!;
      if (value > most) {
        most = value;
        best = at;
      }
    }
    total += costs[best]!;
  }
  return total / (costs.length / arms);
}

/** An arm that is expected to cost so much less than the ceiling repays what was spent too much. */
const REPAYS = 0.8;
/** … unless so many requests' money is owed: then what is expected of costs has proved wrong, and only the cheapest is sure. */
const DEEP_IN_DEBT = 50;

/**
 * Rules out, among those that are eligible, the arms that the budget has no room for: those that may well cost more than is
 * left, and those of which little is known yet where trying them has taken its share. The router's cheapest is never ruled out, nor
 * whom the request has to stay with, and where nobody would be left the cheapest of the eligible is. So what is said of an arm
 * depends on no other that could have been drawn beside it. Gives those that were ruled out, the cheapest first: whom to ask
 * when all others fail.
 */
export function keepWithin(
  contenders: readonly Contender[],
  { balanceUsd, tryingUsd, ceilingUsd }: Pace,
  early: number,
  stayWith: string | null = null,
): Candidate[] {
  const ruledOut: Candidate[] = [];
  const eligible = contenders.filter(({ candidate }) => candidate.eligible);
  const cheapest = cheapestOf(contenders);
  for (const contender of eligible) {
    const { candidate, pulls, highCostUsd } = contender;
    const { costUsd } = candidate;
    if (
      contender === cheapest ||
      candidate.model === stayWith ||
      (costUsd <= REPAYS * ceilingUsd && balanceUsd > -DEEP_IN_DEBT * ceilingUsd)
    )
      continue;
    if (highCostUsd > balanceUsd)
      candidate.ruledOut = `may cost ${usd(highCostUsd)}, more than the router has to spare for now`;
    else if (pulls < early && (pulls + 1) * costUsd > tryingUsd)
      candidate.ruledOut = `expected to cost ${usd(costUsd)}, and little more may be spent on trying it for now`;
    else continue;
    candidate.eligible = false;
    ruledOut.push(candidate);
  }
  if (ruledOut.length === eligible.length) {
    const { candidate } = cheapestOf(eligible);
    candidate.eligible = true;
    candidate.ruledOut = null;
    ruledOut.splice(ruledOut.indexOf(candidate), 1);
  }
  return ruledOut.sort((one, other) => one.costUsd - other.costUsd);
}

const cheapestOf = (contenders: readonly Contender[]): Contender =>
  contenders.reduce((one, other) => (other.candidate.costUsd < one.candidate.costUsd ? other : one));

const usd = (amount: number): string => `$${amount.toPrecision(3)}`;

/** The rates with a price of money on top. */
export const withMoneyPrice = ({ usdPerPoint, secondsPerPoint }: Rates, qualityPerUsd: number): Rates => ({
  usdPerPoint: 1 / (1 / usdPerPoint + 100 * qualityPerUsd),
  secondsPerPoint,
});
