import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Collector, startCollector } from '../support/collector.ts';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const ask = (content: string, more: object = {}): object => ({
  model: 'auto',
  messages: [{ role: 'user', content }],
  ...more,
});
const PATIENCE = { timeout: 10_000, interval: 50 };

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream(answer('Hi'));
});
afterEach(() => {
  for (const model of ['small', 'large']) upstream.scripts.delete(model);
});
afterAll(() => upstream.close());
const sentUpstream = (): Record<string, string | string[] | undefined> => upstream.received.at(-1)?.headers ?? {};

describe('without traces of its own, a gateway', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway(simpleConfig(upstream.url, undefined, { rest: 'log: { requests: true }' }));
  });
  afterAll(() => gateway.close());

  test('passes a client’s trace on as it came, and names it in the log', async () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=1,other=2' };
    for (const [path, body] of [
      ['/v1/chat/completions', '{'],
      ['/v1/chat/completions', ask('Hi')],
      ['/v1/embeddings', { model: 'fake/small', input: 'Hi' }],
    ] as const) {
      await (await gateway.post(path, body, headers)).text();
      if (body !== '{') expect(sentUpstream()).toMatchObject(headers);
      await vi.waitUntil(() => JSON.parse(gateway.logged.at(-1) as string).trace === TRACE);
    }
  });

  test('says nothing of a trace where its client does not', async () => {
    await (await gateway.post('/v1/chat/completions', ask('Hi'))).text();
    expect(sentUpstream()).not.toHaveProperty('traceparent');
    expect(sentUpstream()).not.toHaveProperty('tracestate');
  });
});

describe('with traces, a gateway', () => {
  let collector: Collector;
  let gateway: TestGateway;
  const start = async (more = '', keys = ''): Promise<void> => {
    const otlp = `otlp: { endpoint: "${collector.url}/", headers: { x-team: sailors } }`;
    const rest = `log: { requests: true }\ntelemetry: { ${otlp}${more} }\n${keys}`;
    gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest, router: 'sticky: none' }));
  };
  const post = async (body: unknown, headers: Record<string, string> = {}): Promise<Response> => {
    const response = await gateway.post('/v1/chat/completions', body, headers);
    await response.clone().text();
    return response;
  };
  const collected = async (count: number): Promise<Collector['spans']> => {
    await vi.waitUntil(() => collector.spans.length >= count, PATIENCE);
    expect(collector.spans).toHaveLength(count);
    return collector.spans;
  };

  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    await gateway.close();
    await collector.close();
  });

  test('makes one span of a request and one of each attempt, in the conventions’ words', async () => {
    await start();
    const response = await post(ask('A secret of mine', { stream: true }), {
      traceparent: `00-${TRACE}-${SPAN}-01`,
      tracestate: 'vendor=1',
    });
    const decision = response.headers.get('x-conduit-decision');
    const model = response.headers.get('x-conduit-model');
    const name = model?.replace('fake/', '');
    const [own, attempt] = (await collected(2)) as [Collector['spans'][0], Collector['spans'][0]];
    expect(own).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, name: 'POST /v1/chat/completions', kind: 2 });
    expect(own.service).toBe('conduit');
    expect(own.attributes).toMatchObject({
      'http.response.status_code': 200,
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'auto',
      // As the upstream calls it, and as the config does.
      'gen_ai.response.model': name,
      'conduit.model': model,
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 5,
      'conduit.decision.id': decision,
      'conduit.reason': response.headers.get('x-conduit-reason'),
      'conduit.propensity': Number(response.headers.get('x-conduit-propensity')),
    });
    expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: own.spanId, name: `chat ${name}`, kind: 3 });
    expect(attempt.attributes).toMatchObject({
      'gen_ai.provider.name': 'fake',
      'gen_ai.request.model': name,
      'gen_ai.response.model': name,
      'conduit.model': model,
      'gen_ai.request.stream': true,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 10,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(upstream.url).port),
    });
    expect(attempt.start).toBeGreaterThanOrEqual(own.start);
    expect(attempt.end).toBeLessThanOrEqual(own.end + 1);
    expect(Math.abs(own.end - Date.now())).toBeLessThan(30_000);
    // Whom the upstream has for its parent is the attempt.
    expect(sentUpstream()).toMatchObject({ traceparent: `00-${TRACE}-${attempt.spanId}-01`, tracestate: 'vendor=1' });
    expect(collector.paths).toEqual(['/v1/traces']);
    expect(collector.headers[0]).toMatchObject({ 'x-team': 'sailors' });
    expect(JSON.stringify(collector.spans)).not.toMatch(/secret/);
  });

  test('has a span for each arm that failed before', async () => {
    await start();
    upstream.scripts.set('small', fail(500));
    upstream.scripts.set('large', fail(503));
    await post(ask('Hi'));
    const [own, first, second] = await collected(3);
    expect(own).toMatchObject({ status: 2, parentSpanId: undefined });
    expect(own?.attributes).toMatchObject({ 'error.type': 'upstream_error', 'conduit.attempts': 2 });
    expect([first?.status, second?.status]).toEqual([2, 2]);
    const statuses = [first, second].map((span) => span?.attributes['http.response.status_code']);
    expect(statuses.sort()).toEqual([500, 503]);
    expect(new Set([own, first, second].map((span) => span?.spanId)).size).toBe(3);
  });

  test('has a span of what it refuses, with the status and why', async () => {
    await start('', 'keys: [{ name: web, key: web-key, routes: [chat/completions], requests_per_minute: 3 }]');
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01` };
    const known = { ...headers, authorization: 'Bearer web-key' };
    await post(ask('Hi'), headers);
    await post('{', known);
    await post(ask('Hi', { model: 'nobody/none' }), known);
    await post(ask('A secret of mine'), { ...known, 'x-conduit-max-usd': '0.000000001' });
    await post(ask('Hi'), known);
    await (await gateway.get('/nowhere')).text();
    const spans = await collected(5);
    const route = { 'http.request.method': 'POST', 'http.route': '/v1/chat/completions' };
    expect(spans.map(({ attributes }) => attributes)).toEqual(
      [
        [401, 'authentication_error'],
        [400, 'invalid_request_error'],
        [404, 'model_not_found'],
        [400, 'no_eligible_model'],
        [429, 'rate_limit_exceeded'],
      ].map(([status, why]) => ({ ...route, 'http.response.status_code': status, 'error.type': why })),
    );
    expect(new Set(spans.map(({ name }) => name))).toEqual(new Set(['POST /v1/chat/completions']));
    for (const { traceId, parentSpanId, kind, status } of spans)
      expect({ traceId, parentSpanId, kind, status }).toEqual({
        traceId: TRACE,
        parentSpanId: SPAN,
        kind: 2,
        status: 0,
      });
    expect(JSON.stringify(spans)).not.toMatch(/secret|web/);
  });

  test('makes none of a request whose client’s trace is not looked at, and passes that on', async () => {
    await start();
    const headers = { traceparent: `00-${TRACE}-${SPAN}-00` };
    await post(ask('Hi'), headers);
    expect(sentUpstream()).toMatchObject(headers);
    await post(ask('Hi'));
    expect((await collected(2)).every(({ traceId }) => traceId !== TRACE)).toBe(true);
  });

  test('begins a trace anew where its client names none that is valid', async () => {
    await start();
    await post(ask('Hi'), { traceparent: 'nonsense', tracestate: 'vendor=1' });
    const [own, attempt] = await collected(2);
    expect(own?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(sentUpstream().traceparent).toBe(`00-${own?.traceId}-${attempt?.spanId}-01`);
    expect(sentUpstream()).not.toHaveProperty('tracestate');
  });

  test('lets nobody without a key say what is traced', async () => {
    await start(', share: 0', 'keys: [{ name: web, key: web-key }]');
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01` };
    await post(ask('Hi'), headers);
    await post('{', { ...headers, authorization: 'Bearer web-key' });
    expect((await collected(1))[0]?.attributes['error.type']).toBe('invalid_request_error');
  });

  test('makes none of the share that is left out', async () => {
    await start(', share: 0, service: other');
    await post(ask('Hi'));
    await post(ask('Hi'), { traceparent: `00-${TRACE}-${SPAN}-01` });
    expect((await collected(2)).map(({ traceId, service }) => [traceId, service])).toEqual([
      [TRACE, 'other'],
      [TRACE, 'other'],
    ]);
  });

  test('goes on answering while the collector fails, and says so once', async () => {
    await start();
    collector.status = 400;
    const losses = () => gateway.logged.filter((line) => line.includes('traces are lost'));
    for (let round = 1; round <= 2; round++) {
      expect((await post(ask(`Hi ${round}`))).status).toBe(200);
      await vi.waitUntil(() => collector.headers.length >= round, PATIENCE);
    }
    await vi.waitUntil(() => losses().length > 0, PATIENCE);
    expect(losses()).toHaveLength(1);
    collector.status = 200;
    await post(ask('Hi again'));
    await vi.waitUntil(() => gateway.logged.some((line) => line.includes('traces go out again')), PATIENCE);
    expect(losses()).toHaveLength(1);
  });

  test('sends what waits before it ends', async () => {
    await start();
    await post(ask('Hi'));
    await gateway.close();
    expect(collector.spans).toHaveLength(2);
  });
});
