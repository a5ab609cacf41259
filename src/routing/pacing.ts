/** Paces one router's spending: what money is worth to it now, by what all replicas have spent and by the latest requests. */
import {
  dayTargetOf,
  fillingPaceTable,
  moneyPrice,
  type Pace,
  type PaceTable,
  type Spending,
  targetOf,
} from '../bandit/pacing.ts';
import type { Posterior } from '../bandit/posterior.ts';
import type { RecentRequest } from '../bandit/recent-requests.ts';
import type { Steps } from '../bandit/steps.ts';
import { ratesFor } from '../bandit/utility.ts';
import type { Model, Router } from '../config/resolve.ts';
import type { RouterSpending } from './limits.ts';

export interface Pacing {
  /** The price of money: what a USD takes off the quality (in [0, 1]), beside what the preference takes off; at least 0. */
  qualityPerUsd: number;
  /** Of each of the router's budgets. */
  paces: readonly Pace[];
}

export interface Pacer {
  /** Takes what is believed now, and the latest requests, for what is to come, from the last step on. */
  learning(posterior: Posterior, latest: readonly RecentRequest[]): Steps<void>;
  /** `clock` is in milliseconds. */
  now(spending: RouterSpending, clock: number): Pacing;
}

/** The price of money is solved for anew with each posterior, and in between after so many requests or milliseconds. */
const HOLDS = { requests: 8, ms: 1_000 };

type Target = ReturnType<typeof targetOf>;

/** Null for a router without a budget. */
export function createPacer(
  { usdPerRequest, usdPerDay, prefer }: Pick<Router, 'usdPerRequest' | 'usdPerDay' | 'prefer'>,
  arms: readonly Model[],
): Pacer | null {
  if (!usdPerRequest && !usdPerDay) return null;
  let table: PaceTable | null = null;
  let last = 0;
  let solvedAt = 0;
  let uses = 0;

  const priceFor = (table: PaceTable, targets: readonly Target[], clock: number): number => {
    if (uses > 0 && uses < HOLDS.requests && clock - solvedAt < HOLDS.ms) {
      uses++;
      return last;
    }
    let targetUsd = Number.POSITIVE_INFINITY;
    for (const target of targets) targetUsd = Math.min(targetUsd, target.targetUsd);
    last = moneyPrice(table, targetUsd, last);
    solvedAt = clock;
    uses = 1;
    return last;
  };

  return {
    *learning(posterior, latest) {
      table = yield* fillingPaceTable(posterior, arms, ratesFor(prefer, posterior, arms), latest);
      uses = 0;
    },
    now({ today, yesterday, dayGone }, clock) {
      const targets: Target[] = [];
      if (usdPerRequest) targets.push(targetOf(usdPerRequest, ofTwoDays(usdPerRequest, today, yesterday)));
      if (usdPerDay) targets.push(dayTargetOf(usdPerDay, today, yesterday, dayGone));
      const qualityPerUsd = table ? priceFor(table, targets, clock) : 0;
      return { qualityPerUsd, paces: targets };
    },
  };
}

/**
 * What counts for an average. Half of what yesterday saved is taken as spent: otherwise a day that spends it all would have
 * to be made up for on the next one, whose saving would be spent on the one after, and so on for ever.
 */
function ofTwoDays(ceilingUsd: number, today: Spending, yesterday: Spending): Spending {
  const saved = Math.max(0, ceilingUsd * yesterday.requests - yesterday.usd);
  return { requests: today.requests + yesterday.requests, usd: today.usd + yesterday.usd + saved / 2 };
}
