/** What might have chosen instead: for each decision, a distribution over the arms that were eligible. */
import { weighArms } from '../bandit/contenders.ts';
import { type Candidate, drawOne } from '../bandit/decide.ts';
import type { PolicyName } from '../bandit/policies/index.ts';
import type { Posterior } from '../bandit/posterior.ts';
import { type Preference, type Price, type Rates, ratesFor } from '../bandit/utility.ts';
import type { LoggedDecision } from './logged.ts';

export type Target =
  /** What did choose. */
  | { kind: 'as_logged'; name: string }
  /** This arm, or where it was not eligible the first that was. */
  | { kind: 'always'; name: string; arm: string }
  /** The policy with this preference, as far as it had learned by then. */
  | { kind: 'policy'; name: string; policy: PolicyName; prefer: Preference }
  /** The contextual policy at the price of money at which the requests before the block would have cost this on the average. */
  | { kind: 'within'; name: string; usdPerRequest: number };

export interface ReportArm {
  id: string;
  price: Price;
  was: readonly string[];
  /** Whether the router no longer has it: no target wants it. */
  retired?: boolean;
}

export const isArm = ({ id, was }: ReportArm, model: string): boolean => id === model || was.includes(model);

export const AS_LOGGED: Target = { kind: 'as_logged', name: 'as logged' };

export const always = (arm: string): Target => ({ kind: 'always', name: `always ${arm}`, arm });

export const preferring = (prefer: Preference, name: string = `prefer: ${String(prefer)}`): Target => ({
  kind: 'policy',
  name,
  policy: 'linear-thompson',
  prefer,
});

export const by = (policy: PolicyName, prefer: Preference): Target => ({
  kind: 'policy',
  name: policy,
  policy,
  prefer,
});

export const within = (usdPerRequest: number): Target => ({
  kind: 'within',
  name: `usd_per_request: ${usdPerRequest}`,
  usdPerRequest,
});

/** What all targets of a block go by: it was there before the block began. */
export interface Known {
  arms: readonly ReportArm[];
  baseline: string;
  explore: { floor: number };
  posterior: Posterior;
  /** By preference; filled as they are asked for. */
  rates: Map<Preference, Rates>;
  /** Some of the latest requests before the block, of which a budget's price is made. */
  latest: readonly LoggedDecision[];
  /** By budget, in USD a request. */
  prices: Map<number, Preference>;
}

/** Of one decision: what is predicted of each arm, and by policy and preference how it would have been drawn. */
export interface Weighed {
  /** By the arms' position. */
  predicted: readonly Candidate[];
  /** The logged propensities by position; 0 for what was not eligible. */
  propensities: Float64Array;
  chosen: number;
}

/** Every arm that the decision had a choice of must be known. */
export function weigh(decision: LoggedDecision, known: Known): Weighed {
  const positionOf = (model: string): number => known.arms.findIndex((arm) => isArm(arm, model));
  const propensities = new Float64Array(known.arms.length);
  for (const { model, propensity } of decision.eligible) propensities[positionOf(model)] = propensity;
  const predicted = contendersOf(decision, known, 'fixed', 'quality').map(({ candidate }) => candidate);
  return { predicted, propensities, chosen: positionOf(decision.chosen) };
}

/** The target's distribution by the arms' position. It wants what was eligible alone. */
export function distributionOf(target: Target, decision: LoggedDecision, weighed: Weighed, known: Known): Float64Array {
  if (target.kind === 'as_logged') return weighed.propensities;
  const eligible = eligibleArms(decision, known);
  const wanted = new Float64Array(known.arms.length);
  if (target.kind === 'always') {
    const arm = known.arms.findIndex(({ id }) => id === target.arm);
    wanted[eligible[arm] ? arm : eligible.indexOf(true)] = 1;
    return wanted;
  }
  const [policy, prefer] =
    target.kind === 'within'
      ? (['linear-thompson', priceFor(target.usdPerRequest, known)] as const)
      : ([target.policy, target.prefer] as const);
  const candidates = drawnBy(decision, known, policy, prefer, eligible);
  for (const [k, { propensity }] of candidates.entries()) wanted[k] = eligible[k] ? propensity : 0;
  return wanted;
}

function drawnBy(
  decision: LoggedDecision,
  known: Known,
  policy: PolicyName,
  prefer: Preference,
  eligible: readonly boolean[],
): Candidate[] {
  const contenders = contendersOf(decision, known, policy, prefer);
  for (const [k, { candidate }] of contenders.entries()) candidate.eligible = eligible[k]!;
  // The uniform is of no matter: what it is drawn by is all that is asked for.
  return drawOne(contenders, { policy, explore: { ...known.explore, warmup: 0 }, uniform: 0.5 }).candidates;
}

/** USD that a point of quality may cost, within which budgets' prices are looked for. */
const PRICES = { least: 1e-9, most: 1 };
const HALVINGS = 20;

/** What a point of quality may cost, so that the latest requests are expected to cost no more than this on the average. */
function priceFor(usdPerRequest: number, known: Known): Preference {
  const found = known.prices.get(usdPerRequest);
  if (found) return found;
  let low = Math.log(PRICES.least);
  let high = Math.log(PRICES.most);
  const isFree = expectedUsd({ usd_per_point: PRICES.most }, known) <= usdPerRequest;
  for (let step = 0; step < HALVINGS && !isFree; step++) {
    const middle = (low + high) / 2;
    if (expectedUsd({ usd_per_point: Math.exp(middle) }, known) <= usdPerRequest) low = middle;
    else high = middle;
  }
  const price = { usd_per_point: isFree ? PRICES.most : Math.exp(low) };
  known.prices.set(usdPerRequest, price);
  // Those that were tried on the way are not asked for again.
  for (const prefer of known.rates.keys()) if (typeof prefer !== 'string') known.rates.delete(prefer);
  return price;
}

function expectedUsd(prefer: Preference, known: Known): number {
  let sum = 0;
  for (const decision of known.latest) {
    const eligible = eligibleArms(decision, known);
    const candidates = drawnBy(decision, known, 'linear-thompson', prefer, eligible);
    for (const [k, { propensity, costUsd }] of candidates.entries()) if (eligible[k]) sum += propensity * costUsd;
  }
  return sum / Math.max(1, known.latest.length);
}

const eligibleArms = ({ eligible }: LoggedDecision, { arms }: Known): boolean[] =>
  arms.map((arm) => !arm.retired && eligible.some(({ model }) => isArm(arm, model)));

function contendersOf(
  { x, promptTokensEstimate }: LoggedDecision,
  { arms, baseline, explore, posterior, rates }: Known,
  policy: PolicyName,
  prefer: Preference,
): ReturnType<typeof weighArms> {
  let rate = rates.get(prefer);
  if (!rate) {
    rate = ratesFor(
      prefer,
      posterior,
      arms.filter((arm) => !arm.retired),
    );
    rates.set(prefer, rate);
  }
  return weighArms({
    policy,
    posterior,
    arms,
    baseline,
    x,
    promptTokensEstimate,
    rates: rate,
    // Early pulls were had by then.
    explore: { ...explore, warmup: 0 },
  });
}
