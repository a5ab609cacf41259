/** What counting a request, its line in the log and its traces cost, in microseconds of one processor. `node bench/observing.ts 2>/dev/null` */

import { requestLines } from '../src/http/request-lines.ts';
import { createRequestMetrics } from '../src/metrics/request-metrics.ts';
import { openLog } from '../src/node.ts';
import type { Observer, Settled } from '../src/routing/observer.ts';
import { createTracer } from '../src/tracing/tracer.ts';
import { traceHeaders, traceOf } from '../src/upstream/trace-context.ts';
import { finishedDecision } from '../test/stores/finished-decision.ts';

const ROUNDS = 7;
const REQUESTS = 20_000;
/** As many as come in one turn of the event loop under load. */
const BURST = 50;

const decisions = Array.from({ length: 64 }, () => finishedDecision());
const attempts = decisions.map(({ model }) => [
  {
    model,
    provider: 'openai',
    outcome: 'completed' as const,
    status: 200,
    sentAt: 1,
    firstByteMs: 210,
    totalMs: 1_900,
  },
]);
const randomHex = (bytes: number): string => 'a1'.repeat(bytes);

function settled(n: number, traced: boolean): Settled {
  const at = n % decisions.length;
  const decision = decisions[at] as (typeof decisions)[0];
  const trace = traced ? traceOf(() => undefined, { share: 1, random: () => 0, randomHex }) : null;
  traceHeaders(trace, randomHex);
  return {
    kind: n % 2 === 0 ? 'stream' : 'whole',
    decision,
    isKept: true,
    model: decision.model,
    answeringModel: decision.model,
    attempts: attempts[at] as Settled['attempts'],
    usd: 0.00038,
    answered: { status: 200, firstByteMs: 210 + (n % 100), overheadMs: 0.2 + (n % 7) / 10 },
    startedAt: 0,
    totalMs: 1_900 + n,
    trace,
  };
}

async function measure(observer: Observer | null, traced = false): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let n = 0; n < REQUESTS; n += BURST) {
      for (let i = 0; i < BURST; i++) {
        const request = settled(n + i, traced);
        observer?.began(request.kind);
        observer?.settled(request);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / REQUESTS);
  }
  return best;
}

const log = openLog('info');
const telemetry = { tracesUrl: 'http://127.0.0.1:9', headers: {}, service: 'conduit', share: 1 };
const tracer = createTracer({ telemetry, providers: () => new Map(), now: Date.now, clock: () => 0, take() {} });
const bare = await measure(null);
const figures = {
  'counted for /metrics': (await measure(createRequestMetrics())) - bare,
  'a line in the log': (await measure(requestLines(log))) - bare,
  'its spans made': (await measure(tracer, true)) - bare,
};
await log.close();
for (const [what, microseconds] of Object.entries(figures)) {
  process.stdout.write(`${what.padEnd(22)} ${microseconds.toFixed(1)} µs a request\n`);
}
