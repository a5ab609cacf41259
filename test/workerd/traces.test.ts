/** Inside the real workerd: traces go out by `fetch`, behind the answer. */
import { describe, expect, test } from 'vitest';
import type { Settled } from '../../src/routing/observer.ts';
import { createFetchTracer } from '../../src/tracing/otlp-fetch.ts';
import { createWorkerApp, openWorker } from '../../src/worker.ts';
import { finishedDecision } from '../stores/finished-decision.ts';
import { spansIn } from '../support/collector-body.ts';

const TELEMETRY = {
  tracesUrl: 'https://collector.example/v1/traces',
  headers: { 'x-team': 'sailors' },
  service: 'edge',
  share: 1,
};

function settled(): Settled {
  const decision = finishedDecision();
  const request = 'a'.repeat(16);
  return {
    kind: 'whole',
    decision,
    isKept: true,
    model: decision.model,
    answeringModel: 'small-2026-01-01',
    attempts: [
      {
        model: 'fake/small',
        provider: 'fake',
        outcome: 'completed',
        status: 200,
        sentAt: 5,
        firstByteMs: null,
        totalMs: 7,
      },
    ],
    usd: 0.01,
    answered: { status: 200, firstByteMs: 10, overheadMs: 1 },
    startedAt: 3,
    totalMs: 11,
    trace: { traceId: 'b'.repeat(32), parent: null, state: null, spans: { request, attempts: ['c'.repeat(16)] } },
  };
}

function start(answer: () => Promise<Response>) {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  const logged: string[] = [];
  const deferred: Promise<unknown>[] = [];
  const tell = (_: object, message: string): void => void logged.push(message);
  const tracer = createFetchTracer({
    telemetry: TELEMETRY,
    providers: () => new Map(),
    now: () => 1_764_000_000_000,
    clock: () => 20,
    fetch: async (url, init) => {
      asked.push({ url: String(url), init });
      return await answer();
    },
    defer: (work) => void deferred.push(work),
    log: { debug: tell, info: tell, warn: tell, error: tell },
  });
  return { tracer, asked, logged, deferred };
}

describe('the traces of a Worker', () => {
  test('go out as OTLP in JSON, once for each request, with the headers of the config', async () => {
    const { tracer, asked, deferred } = start(async () => new Response('{}'));
    tracer.settled(settled());
    await Promise.all(deferred);
    expect(asked.map(({ url }) => url)).toEqual([TELEMETRY.tracesUrl]);
    const { headers, body } = asked[0]?.init ?? {};
    expect(headers).toEqual({ 'x-team': 'sailors', 'content-type': 'application/json' });
    const spans = spansIn(JSON.parse(new TextDecoder().decode(body as Uint8Array)));
    expect(spans.map(({ name, service }) => [name, service])).toEqual([
      ['POST /v1/chat/completions', 'edge'],
      ['chat small', 'edge'],
    ]);
    expect(spans[1]?.parentSpanId).toBe(spans[0]?.spanId);
    expect(spans[0]?.start).toBeCloseTo(1_764_000_000_000 - 20 + 3, 0);
  });

  test('are lost where the collector does not take them, which is said once', async () => {
    const answers = [
      () => Promise.reject(new Error('unreachable')),
      async () => new Response('no', { status: 503 }),
      async () => new Response('{}'),
    ];
    const { tracer, logged, deferred } = start(() => (answers.shift() as () => Promise<Response>)());
    for (let round = 0; round < 3; round++) {
      tracer.settled(settled());
      await Promise.all(deferred);
    }
    expect(logged).toEqual(['traces are lost: the collector does not take them', 'traces go out again']);
  });

  test('are dropped where too many wait, so that nothing piles up', async () => {
    const { tracer, asked, logged } = start(() => new Promise(() => {}));
    for (let round = 0; round < 60; round++) tracer.settled(settled());
    expect(asked).toHaveLength(50);
    expect(logged).toHaveLength(1);
  });

  test('tell an upstream of its attempt, and the collector of the same', async () => {
    const deferred: Promise<unknown>[] = [];
    let traceparent: string | null = null;
    const bodies: Uint8Array[] = [];
    const outside = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
      if (String(url).startsWith('https://collector.example/')) {
        bodies.push(init?.body as Uint8Array);
        return new Response('{}');
      }
      traceparent = new Headers(init?.headers).get('traceparent');
      const message = { role: 'assistant', content: 'Hi' };
      return Response.json({ id: 'c', choices: [{ index: 0, message, finish_reason: 'stop' }] });
    };
    const config = `
providers: { fake: { base_url: "https://upstream.example/v1" } }
models: [{ id: fake/small, price: { input: 1, output: 2 } }]
routers: { auto: { models: [fake/small] } }
telemetry: { otlp: { endpoint: "https://collector.example" } }
`;
    const { app } = createWorkerApp(openWorker({ CONDUIT_CONFIG_TEXT: config }), {
      secret: 's',
      fetch: outside,
      defer: (work) => deferred.push(work),
    });
    const response = await app.request('https://conduit.example/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    expect(response.status).toBe(200);
    await response.text();
    for (let ended = 0; ended < deferred.length; ) {
      ended = deferred.length;
      await Promise.all(deferred);
    }
    const [own, attempt] = spansIn(JSON.parse(new TextDecoder().decode(bodies[0])));
    expect(own?.attributes['conduit.decision.id']).toBe(response.headers.get('x-conduit-decision'));
    expect(traceparent).toBe(`00-${own?.traceId}-${attempt?.spanId}-01`);
  });
});
