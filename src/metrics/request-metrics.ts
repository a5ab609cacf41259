/** Counts requests as they end, in the metrics that docs/metrics.md lists. */
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { Observer, Settled } from '../routing/observer.ts';

/** A metric with all its series, as plain data that may travel between processes. */
export type MetricFamily = MetricObjectWithValues<MetricValue<string>>;

export interface RequestMetrics extends Observer {
  /** What this process has counted since it began. */
  families(): Promise<MetricFamily[]>;
}

/** In the place of a router, where the request named its model: no router's name begins so. */
export const NO_ROUTER = '-';

/** Seconds. What a person waits for, from what is at once to what nobody waits for. */
const FIRST_BYTE_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60, 120];
const DURATION_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640];
const OVERHEAD_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export function createRequestMetrics(): RequestMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: readonly number[],
  ) => new Histogram({ name, help, labelNames, buckets: [...buckets], registers });

  const requests = counter('conduit_requests_total', 'Requests that were sent upstream, by how they ended.', [
    'router',
    'model',
    'outcome',
  ]);
  const responses = counter('conduit_responses_total', 'Answers to clients, those that went nowhere included.', [
    'route',
    'status',
  ]);
  const decisions = counter('conduit_decisions_total', 'Requests that were sent upstream, by why they went there.', [
    'router',
    'reason',
  ]);
  const attempts = counter('conduit_attempts_total', 'Requests to upstreams: several for one where an arm failed.', [
    'model',
    'provider',
    'outcome',
  ]);
  const retries = counter('conduit_retries_total', 'Attempts beyond the first of their request.', ['router']);
  const tokens = counter('conduit_tokens_total', 'Tokens; cached ones are part of the prompt.', [
    'router',
    'model',
    'kind',
  ]);
  const spent = counter('conduit_spent_usd_total', 'US dollars that requests have cost, failed attempts included.', [
    'router',
    'model',
  ]);
  const firstByte = histogram(
    'conduit_first_byte_seconds',
    'Until a stream began, from the whole request.',
    ['model'],
    FIRST_BYTE_BUCKETS,
  );
  const duration = histogram(
    'conduit_request_duration_seconds',
    'Until an answer ended, from the whole request.',
    ['model'],
    DURATION_BUCKETS,
  );
  const overhead = histogram(
    'conduit_overhead_seconds',
    'What Conduit itself took until the answer began.',
    ['router'],
    OVERHEAD_BUCKETS,
  );
  const inFlight = new Gauge({
    name: 'conduit_requests_in_flight',
    help: 'Requests that are on their way upstream or whose answer still comes.',
    labelNames: ['kind'] as const,
    registers,
  });
  const ratings = counter('conduit_feedback_total', 'What people said of answers.', ['router', 'signal', 'status']);
  const signals = counter('conduit_signals_total', 'What was seen of answers and in what followed them.', [
    'router',
    'signal',
  ]);
  // Else the first answer would come out of nothing, and a rate of it would not see it.
  for (const kind of ['stream', 'whole', 'passed'] as const) inFlight.set({ kind }, 0);

  const count = ({ kind, decision, model, attempts: tried, usd, answered, totalMs }: Settled): void => {
    const router = decision.router ?? NO_ROUTER;
    const { outcome } = decision;
    requests.inc({ router, model, outcome: outcome?.kind ?? 'client_abort' });
    decisions.inc({ router, reason: decision.reason });
    if (answered.status !== null) responses.inc({ route: routeLabel(decision.call), status: answered.status });
    for (const one of tried) attempts.inc({ model: one.model, provider: one.provider, outcome: one.outcome });
    if (tried.length > 1) retries.inc({ router }, tried.length - 1);
    if (outcome?.promptTokens) tokens.inc({ router, model, kind: 'prompt' }, outcome.promptTokens);
    if (outcome?.cachedTokens) tokens.inc({ router, model, kind: 'cached' }, outcome.cachedTokens);
    if (outcome?.completionTokens) tokens.inc({ router, model, kind: 'completion' }, outcome.completionTokens);
    if (usd > 0) spent.inc({ router, model }, usd);
    // A whole answer's first byte is its last.
    if (kind === 'stream' && answered.firstByteMs !== null) firstByte.observe({ model }, answered.firstByteMs / 1000);
    duration.observe({ model }, totalMs / 1000);
    if (answered.overheadMs !== null) overhead.observe({ router }, answered.overheadMs / 1000);
  };

  return {
    began(kind) {
      inFlight.inc({ kind });
    },
    settled(request) {
      inFlight.dec({ kind: request.kind });
      count(request);
    },
    answered({ route, status }) {
      responses.inc({ route: routeLabel(route), status });
    },
    rated(router, signal, status) {
      ratings.inc({ router: router ?? NO_ROUTER, signal, status });
    },
    saw(router, signal) {
      signals.inc({ router: router ?? NO_ROUTER, signal });
    },
    families: () => registry.getMetricsAsJSON(),
  };
}

/** The first part of a route behind `/v1/`, or beside it, where it is one that is known: the rest is the client's to make up. */
const ROUTES: ReadonlySet<string> = new Set([
  ...['chat', 'feedback', 'models', 'decisions', 'routers', 'metrics', 'dashboard'],
  ...['embeddings', 'moderations', 'completions', 'responses', 'messages', 'images', 'audio', 'files', 'batches'],
  ...['uploads', 'assistants', 'threads', 'vector_stores', 'fine_tuning', 'realtime', 'videos', 'rerank'],
]);

function routeLabel(route: string): string {
  if (route === 'chat/completions') return route;
  const [first = ''] = route.split('/', 1);
  return ROUTES.has(first) ? first : 'other';
}
