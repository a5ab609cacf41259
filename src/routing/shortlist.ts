/** From a router's arms to those that may be drawn for one request, with the reason why each of the others may not. */
import type { Model } from '../config/resolve.ts';
import { type Restrictions, ruledOutBy } from './eligibility.ts';
import type { Health, Rest } from './health.ts';
import type { Learner } from './learner.ts';
import type { Refusals, Shape } from './refusals.ts';

export interface ShortlistRequest {
  shape: Shape;
  restrictions: Restrictions;
  /** USD that the caller's key may still spend today; null for no limit. */
  keyUsdLeft: number | null;
  /** USD that the router may still spend today; null for no limit. */
  routerUsdLeft: number | null;
  /** The arm whose answer to the same request somebody did not want; null where there is none. */
  refused: string | null;
  health: Pick<Health, 'restOf' | 'leastBadFirst' | 'someRest'>;
  refusals: Pick<Refusals, 'whyRefused'>;
}

export type Shortlist =
  | {
      kind: 'some';
      /** By an arm's position, why it may not be drawn; null where it may: for one alone where all others rest or cost too much. */
      ruledOut: Reasons;
      /** Who may be asked when those have failed, the likeliest to answer first: the refused arm, and arms that rest. */
      lastResorts: readonly Model[];
      /** Whether the router's money for today is gone, so that its cheapest arm answers. */
      onlyTheCheapest: boolean;
    }
  | { kind: 'none'; ruledOut: ReadonlyMap<string, string> }
  | { kind: 'over_budget'; owner: 'key' | 'router' };

type Reasons = (string | null)[];

/** `expectedUsd` gives what the arm at a position is expected to cost. */
export function shortlist(
  { router, arms }: Pick<Learner, 'router' | 'arms'>,
  { shape, restrictions, keyUsdLeft, routerUsdLeft, refused, health, refusals }: ShortlistRequest,
  expectedUsd: (position: number) => number,
): Shortlist {
  const ruledOut: Reasons = [];
  for (let k = 0; k < arms.length; k++)
    ruledOut.push(ruledOutBy(arms[k] as Model, shape.needs, restrictions, expectedUsd(k)));
  if (!ruledOut.includes(null)) return { kind: 'none', ruledOut: byId(ruledOut, arms) };
  if (keyUsdLeft !== null && !leaves(ruledOut, (k) => overrun(expectedUsd(k), keyUsdLeft, 'the key')))
    return { kind: 'over_budget', owner: 'key' };
  const affordable = ruledOut.slice();
  // What only steers between arms never refuses a request.
  if (!leaves(ruledOut, (k) => refusals.whyRefused((arms[k] as Model).id, shape))) restore(ruledOut, affordable);

  let resting: readonly Model[] = NOBODY;
  if (health.someRest()) {
    const tired: Model[] = [];
    const someAwake = leaves(ruledOut, (k) => {
      const arm = arms[k] as Model;
      const rest = health.restOf(arm);
      if (rest) tired.push(arm);
      return rest && describeRest(rest);
    });
    resting = health.leastBadFirst(tired);
    if (!someAwake) {
      // Everybody rests: the likeliest to answer is tried all the same.
      ruledOut[arms.indexOf(resting[0] as Model)] = null;
      resting = resting.slice(1);
    }
  }

  if (routerUsdLeft === null) return some(ruledOut, arms, refused, resting);
  const tooDear = (k: number): string | null => overrun(expectedUsd(k), routerUsdLeft, 'the router');
  // Falling back must not spend what choosing may not.
  if (resting.length > 0) resting = resting.filter((arm) => tooDear(arms.indexOf(arm)) === null);
  const awake = ruledOut.slice();
  if (leaves(ruledOut, tooDear)) return some(ruledOut, arms, refused, resting);
  if (router.onBudget === 'reject') return { kind: 'over_budget', owner: 'router' };
  let cheapest = awake.indexOf(null);
  for (let k = cheapest + 1; k < arms.length; k++)
    if (awake[k] === null && expectedUsd(k) < expectedUsd(cheapest)) cheapest = k;
  ruledOut[cheapest] = null;
  return { kind: 'some', ruledOut, lastResorts: resting, onlyTheCheapest: true };
}

/** Who was refused is asked again where nobody else can be, or has failed. */
function some(
  ruledOut: Reasons,
  arms: readonly Model[],
  refused: string | null,
  resting: readonly Model[],
): Extract<Shortlist, { kind: 'some' }> {
  const position = refused === null ? -1 : arms.findIndex(({ id }) => id === refused);
  const isAlone = ruledOut.every((reason, k) => reason !== null || k === position);
  if (position < 0 || ruledOut[position] !== null || isAlone)
    return { kind: 'some', ruledOut, lastResorts: resting, onlyTheCheapest: false };
  ruledOut[position] = 'its answer to the same request was asked for again';
  return { kind: 'some', ruledOut, lastResorts: [arms[position] as Model, ...resting], onlyTheCheapest: false };
}

const NOBODY: readonly Model[] = [];

/** Rules out those that something is said against; gives whether anybody is left. */
function leaves(ruledOut: Reasons, why: (position: number) => string | null): boolean {
  let left = false;
  for (let k = 0; k < ruledOut.length; k++) {
    if (ruledOut[k] !== null) continue;
    const reason = why(k);
    if (reason === null) left = true;
    else ruledOut[k] = reason;
  }
  return left;
}

function restore(ruledOut: Reasons, earlier: Reasons): void {
  for (let k = 0; k < earlier.length; k++) ruledOut[k] = earlier[k] as string | null;
}

function byId(ruledOut: Reasons, arms: readonly Model[]): Map<string, string> {
  return new Map(arms.map((arm, k) => [arm.id, ruledOut[k] as string]));
}

function overrun(usd: number, left: number, whose: string): string | null {
  return usd <= Math.max(0, left)
    ? null
    : `expected to cost $${usd.toPrecision(3)}, more than ${whose} has left for today`;
}

const describeRest = ({ reason, until }: Rest): string => `resting (${reason}) until ${new Date(until).toISOString()}`;
