/** `GET /v1/routers/{name}`: what a router has learned of its arms so far. */
import { expectedCost } from '../bandit/utility.ts';
import type { Learner } from '../routing/learner.ts';
import { hitRate } from '../routing/look-ups.ts';
import { ApiError } from './errors.ts';
import type { Gateway } from './gateway.ts';

/** Throws a 404 for a router that there is none of. */
export function learnerNamed(gateway: Gateway, name: string): Learner {
  const learner = gateway.learners.get(name);
  if (learner) return learner;
  const names = [...gateway.learners.keys()].join(', ');
  throw new ApiError({
    status: 404,
    message: `There is no router '${name}'. Routers here: ${names}.`,
    param: 'name',
    code: 'router_not_found',
  });
}

/** Throws a 404 for a router that there is none of. */
export async function getRouter(gateway: Gateway, name: string): Promise<RouterView> {
  const learner = learnerNamed(gateway, name);
  const caughtUp = learner.catchUp();
  // Others may wait for it, though whoever asks here leaves.
  if (gateway.runtime.endsTimers) gateway.runtime.defer(caughtUp.catch(() => {}));
  await caughtUp;
  // Asked for first, so that what others have spent comes with it.
  gateway.limits.spending(name);
  await gateway.limits.flush();
  return routerView(gateway, learner);
}

export type RouterView = ReturnType<typeof routerView>;

/** What this process knows now, without asking anybody. */
export function routerView(gateway: Gateway, learner: Learner) {
  const { posterior } = learner.current();
  const { surplus } = posterior;
  const { guarantee, name } = learner.router;
  return {
    object: 'router' as const,
    name,
    policy: learner.router.policy,
    observations: posterior.observations,
    labels: posterior.labels,
    arms: learner.arms.map((arm) => {
      const summary = posterior.summary(arm.id);
      const health = gateway.health.of(arm);
      return {
        model: arm.id,
        pulls: summary.pulls,
        share: summary.share,
        quality: summary.quality,
        cost_usd: expectedCost(arm.price, summary.promptTokens, summary.outputTokens),
        first_byte_ms: summary.firstByteMs,
        changed_at: summary.changedAt === null ? null : Math.floor(summary.changedAt / 1000),
        resting: health.rest !== null,
        resting_reason: health.rest?.reason ?? null,
        resting_until: health.rest && Math.ceil(health.rest.until / 1000),
        reliability: health.reliability,
      };
    }),
    ...(guarantee && surplus
      ? { guarantee: { ...guarantee, holds_by: surplus.answersLow, relative_to: surplus.relativeTo } }
      : {}),
    look_ups: lookUpsOf(name, gateway),
    budget: budgetOf(learner, gateway),
  };
}

/** Of this process alone, since it began. */
function lookUpsOf(name: string, { lookUps }: Gateway): object {
  const counts = lookUps.of(name);
  return { ...counts, hit_rate: hitRate(counts) };
}

function budgetOf({ router, pacer }: Learner, { limits, runtime }: Gateway) {
  const spending = limits.spending(router.name);
  const { today, yesterday } = spending;
  const requests = today.requests + yesterday.requests;
  const price = pacer?.now(spending, runtime.clock()).qualityPerUsd ?? 0;
  return {
    usd_today: today.usd,
    usd_per_day: router.usdPerDay,
    usd_per_request: router.usdPerRequest,
    requests_today: today.requests,
    // Of today and yesterday, which is what the ceiling is held over.
    average_usd: requests > 0 ? (today.usd + yesterday.usd) / requests : null,
    // What a point of quality may cost now for the budget's sake; null where money is not short.
    usd_per_point: price > 0 ? 1 / (100 * price) : null,
  };
}
