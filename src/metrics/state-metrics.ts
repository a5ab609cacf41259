/** Gauges of how a gateway stands at the moment in which it is asked. */
import type { Aggregator } from 'prom-client';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Registry from 'prom-client/lib/registry.js';
import type { MetricFamily } from './request-metrics.ts';

/** What is known is told; null where it is not, and then it has no series. */
export interface GatewayState {
  models: readonly { model: string; resting: boolean }[];
  stores: readonly { store: 'state' | 'durable'; isWell: boolean | null }[];
  /** For how long the durable store has not had everything, in milliseconds. */
  durableLagMs: number | null;
  routers: readonly {
    router: string;
    /** Entries of the log behind the posterior, as far as they were counted. */
    backlog: number | null;
    posteriorAgeSeconds: number;
    observations: number;
    /** What became of looking for earlier answers, by how it ended, since the process began. */
    lookUps: Readonly<Record<string, number>>;
    /** Null where it has no budget by day. */
    budgetLeftUsd: number | null;
  }[];
}

/** Of several processes that share what they tell of, the gravest counts. */
export async function stateFamilies(state: GatewayState): Promise<MetricFamily[]> {
  const registry = new Registry();
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    aggregator: Aggregator = 'max',
  ) => new Gauge({ name, help, labelNames, aggregator, registers: [registry] });

  const resting = gauge('conduit_model_resting', 'Whether a model rests, since it fails or is limited.', ['model']);
  const up = gauge('conduit_store_up', 'Whether a store answers, or takes what it is given.', ['store'], 'min');
  const backlog = gauge('conduit_fold_backlog_entries', 'Entries of the log that the posterior does not know of yet.', [
    'router',
  ]);
  const age = gauge('conduit_posterior_age_seconds', 'Since the posterior was derived.', ['router']);
  const observations = gauge('conduit_observations', 'Answers that the posterior knows of, fading with time.', [
    'router',
  ]);
  const budget = gauge(
    'conduit_budget_left_usd',
    'US dollars that a router may still spend today (UTC).',
    ['router'],
    'min',
  );
  const lookUps = new Counter({
    name: 'conduit_follow_up_look_ups_total',
    help: 'Looking for the answer that a request goes on from, before it is routed, by how that ended.',
    labelNames: ['router', 'end'],
    registers: [registry],
  });
  const processes = gauge('conduit_processes', 'Processes that serve, and that this tells of.', [], 'sum');

  for (const { model, resting: rests } of state.models) resting.set({ model }, Number(rests));
  for (const { store, isWell } of state.stores) if (isWell !== null) up.set({ store }, Number(isWell));
  for (const { router, ...of } of state.routers) {
    if (of.backlog !== null) backlog.set({ router }, of.backlog);
    age.set({ router }, of.posteriorAgeSeconds);
    observations.set({ router }, of.observations);
    for (const [end, count] of Object.entries(of.lookUps)) lookUps.inc({ router, end }, count);
    if (of.budgetLeftUsd !== null) budget.set({ router }, of.budgetLeftUsd);
  }
  processes.set(1);
  return [...(await registry.getMetricsAsJSON()), ...(await lagFamilies(state.durableLagMs))];
}

/** Of whoever keeps decisions in the durable store; none of whoever does not. `lagMs`: milliseconds. */
export async function lagFamilies(lagMs: number | null): Promise<MetricFamily[]> {
  if (lagMs === null) return [];
  const registry = new Registry();
  const lag = new Gauge({
    name: 'conduit_durable_store_lag_seconds',
    help: 'For how long the durable store has not had everything; 0 while it has.',
    aggregator: 'max',
    registers: [registry],
  });
  lag.set(lagMs / 1000);
  return await registry.getMetricsAsJSON();
}
