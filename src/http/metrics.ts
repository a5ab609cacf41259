/** `GET /metrics`: what has been counted, and how everything stands, as Prometheus reads it. */
import { type Exposition, exposed } from '../metrics/exposition.ts';
import type { MetricFamily } from '../metrics/request-metrics.ts';
import { type GatewayState, stateFamilies } from '../metrics/state-metrics.ts';
import type { Learner } from '../routing/learner.ts';
import { within } from '../within.ts';
import { routerUsdLeft } from './admit.ts';
import type { Gateway } from './gateway.ts';
import { readinessOf } from './readiness.ts';

/** What a log is read for: beyond that a router is so far behind that the number says no more. */
const MOST_BACKLOG = 500;
const BACKLOG_MS = 500;

/** `accept`: the formats that whoever asks can read. Rejects where the processes that serve with this one cannot be asked. */
export async function getMetrics(gateway: Gateway, accept: string | undefined): Promise<Exposition> {
  const all = gateway.countedByAll ? await gateway.countedByAll() : [await counted(gateway)];
  return await exposed(all, accept);
}

/** What this process has counted, and how it stands. */
export async function counted(gateway: Gateway): Promise<MetricFamily[]> {
  const families = await Promise.all([
    gateway.metrics.families(),
    stateOf(gateway).then(stateFamilies),
    gateway.processFamilies?.() ?? [],
  ]);
  return families.flat();
}

async function stateOf(gateway: Gateway): Promise<GatewayState> {
  const { config, durable, health, learners } = gateway;
  const [{ state, durable: kept }, routers] = await Promise.all([
    readinessOf(gateway),
    Promise.all([...learners.values()].map((learner) => routerState(learner, gateway))),
  ]);
  return {
    models: [...config.models.values()].map((model) => ({ model: model.id, resting: health.of(model).rest !== null })),
    stores: [
      { store: 'state', isWell: state },
      { store: 'durable', isWell: kept },
    ],
    durableLagMs: durable?.lagMs?.() ?? null,
    routers,
  };
}

async function routerState(
  learner: Learner,
  { limits, lookUps, runtime }: Gateway,
): Promise<GatewayState['routers'][number]> {
  const { router } = learner;
  // A log that cannot be read has a store that is down: that is told.
  const backlog = await within(BACKLOG_MS, learner.backlog(MOST_BACKLOG));
  return {
    router: router.name,
    backlog,
    posteriorAgeSeconds: Math.max(0, runtime.now() - learner.derivedAt()) / 1000,
    lookUps: { ...lookUps.of(router.name) },
    observations: learner.current().posterior.observations,
    budgetLeftUsd: routerUsdLeft(router, limits),
  };
}
