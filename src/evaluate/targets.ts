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
  | { kind: 'policy'; name: string; policy: PolicyName; prefer: Preference };

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

/** What all targets of a block go by: it was there before the block began. */
export interface Known {
  arms: readonly ReportArm[];
  baseline: string;
  explore: { floor: number };
  posterior: Posterior;
  /** By preference; filled as they are asked for. */
  rates: Map<Preference, Rates>;
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
  const eligible = known.arms.map((arm) => !arm.retired && decision.eligible.some(({ model }) => isArm(arm, model)));
  const wanted = new Float64Array(known.arms.length);
  if (target.kind === 'always') {
    const arm = known.arms.findIndex(({ id }) => id === target.arm);
    wanted[eligible[arm] ? arm : eligible.indexOf(true)] = 1;
    return wanted;
  }
  const contenders = contendersOf(decision, known, target.policy, target.prefer);
  for (const [k, { candidate }] of contenders.entries()) candidate.eligible = eligible[k]!;
  const explore = { ...known.explore, warmup: 0 };
  // The uniform is of no matter: what it is drawn by is all that is asked for.
  const { candidates } = drawOne(contenders, { policy: target.policy, explore, uniform: 0.5 });
  for (const [k, { propensity }] of candidates.entries()) wanted[k] = eligible[k] ? propensity : 0;
  return wanted;
}

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
