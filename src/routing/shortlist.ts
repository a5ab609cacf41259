/** From a router's arms to those that may be drawn for one request, with the reason why each of the others may not. */
import type { Model, Router } from '../config/resolve.ts';
import { type Restrictions, ruledOutBy } from './eligibility.ts';
import type { Health } from './health.ts';
import type { Refusals, Shape } from './refusals.ts';

export interface ShortlistRequest {
  router: Router;
  arms: readonly Model[];
  shape: Shape;
  restrictions: Restrictions;
  /** USD that the caller's key may still spend today; null for no limit. */
  keyUsdLeft: number | null;
  /** USD that the router may still spend today; null for no limit. */
  routerUsdLeft: number | null;
  expectedUsd: (arm: Model) => number;
  health: Pick<Health, 'restOf' | 'leastBadFirst'>;
  refusals: Pick<Refusals, 'whyRefused'>;
}

export type Shortlist =
  | {
      kind: 'some';
      /** Who may be drawn; one alone where the money for today is gone or all others rest. */
      eligible: readonly Model[];
      ruledOut: ReadonlyMap<string, string>;
      /** Who may be asked when those have failed, the likeliest to answer first: arms that rest. */
      resting: readonly Model[];
      /** Whether the router's money for today is gone, so that its cheapest arm answers. */
      onlyTheCheapest: boolean;
    }
  | { kind: 'none'; ruledOut: ReadonlyMap<string, string> }
  | { kind: 'over_budget'; owner: 'key' | 'router'; ruledOut: ReadonlyMap<string, string> };

export function shortlist(request: ShortlistRequest): Shortlist {
  const { router, shape, restrictions, keyUsdLeft, routerUsdLeft, health, refusals } = request;
  const ruledOut = new Map<string, string>();
  const expected = new Map<string, number>();
  const expectedUsd = (arm: Model): number => {
    const usd = expected.get(arm.id) ?? request.expectedUsd(arm);
    expected.set(arm.id, usd);
    return usd;
  };
  /** Those of the arms that nothing is said against; the reasons against the others are noted. */
  const without = (arms: readonly Model[], why: (arm: Model) => string | null): Model[] =>
    arms.filter((arm) => {
      const reason = why(arm);
      if (reason !== null) ruledOut.set(arm.id, reason);
      return reason === null;
    });
  /** The same, where it leaves anybody; what only steers between arms never refuses a request. */
  const preferWithout = (arms: readonly Model[], why: (arm: Model) => string | null): readonly Model[] =>
    arms.some((arm) => why(arm) === null) ? without(arms, why) : arms;
  const overrun = (arm: Model, left: number | null, whose: string): string | null => {
    if (left === null) return null;
    const usd = expectedUsd(arm);
    return usd <= Math.max(0, left) ? null : `expected to cost ${dollars(usd)}, more than ${whose} has left for today`;
  };

  const able = without(request.arms, (arm) => ruledOutBy(arm, shape.needs, restrictions, () => expectedUsd(arm)));
  if (able.length === 0) return { kind: 'none', ruledOut };
  const affordable = without(able, (arm) => overrun(arm, keyUsdLeft, 'the key'));
  if (affordable.length === 0) return { kind: 'over_budget', owner: 'key', ruledOut };
  const fitting = preferWithout(affordable, (arm) => refusals.whyRefused(arm.id, shape));

  const rests = (arm: Model): string | null => {
    const rest = health.restOf(arm);
    return rest && `resting (${rest.reason}) until ${new Date(rest.until).toISOString()}`;
  };
  let awake: readonly Model[] = without(fitting, rests);
  let resting = health.leastBadFirst(fitting.filter((arm) => !awake.includes(arm)));
  if (awake.length === 0) {
    // Everybody rests: the likeliest to answer is tried all the same.
    const [leastBad, ...others] = resting as [Model, ...Model[]];
    ruledOut.delete(leastBad.id);
    awake = [leastBad];
    resting = others;
  }

  // Falling back must not spend what choosing may not.
  resting = resting.filter((arm) => overrun(arm, routerUsdLeft, 'the router') === null);
  const eligible = without(awake, (arm) => overrun(arm, routerUsdLeft, 'the router'));
  if (eligible.length > 0) return { kind: 'some', eligible, ruledOut, resting, onlyTheCheapest: false };
  if (router.onBudget === 'reject') return { kind: 'over_budget', owner: 'router', ruledOut };
  const cheapest = awake.reduce((best, arm) => (expectedUsd(arm) < expectedUsd(best) ? arm : best));
  ruledOut.delete(cheapest.id);
  return { kind: 'some', eligible: [cheapest], ruledOut, resting, onlyTheCheapest: true };
}

const dollars = (usd: number): string => `$${usd.toPrecision(3)}`;
