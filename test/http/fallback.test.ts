import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  answer,
  type FakeUpstream,
  fail,
  piece,
  type Script,
  silence,
  sse,
  startFakeUpstream,
  stream,
} from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];

/** Where a `fetch` cannot connect: a port that was free a moment ago. */
async function unusedUrl(): Promise<string> {
  const upstream = await startFakeUpstream();
  await upstream.close();
  return upstream.url;
}

describe('before the first byte', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
  });
  // A gateway for each test: an arm that has failed in one may rest in the next.
  beforeEach(async () => {
    gateway = await startTestGateway(
      [
        'providers:',
        `  fake: { base_url: "${upstream.url}" }`,
        `  gone: { base_url: "${await unusedUrl()}" }`,
        'models:',
        // `fixed` takes the first arm, so that each test knows which one fails.
        '  - { id: fake/first, price: { input: 1, output: 1 } }',
        '  - { id: fake/hasty, price: { input: 1, output: 1 }, timeouts: { first_byte_ms: 50 } }',
        '  - { id: fake/second, price: { input: 1, output: 1 } }',
        '  - { id: fake/third, price: { input: 1, output: 1 } }',
        '  - { id: gone/gone, price: { input: 1, output: 1 } }',
        'routers:',
        '  auto: { models: [fake/first, fake/second], policy: fixed }',
        '  hasty: { models: [fake/hasty, fake/second], policy: fixed }',
        '  alone: { models: [fake/first, fake/second], policy: fixed, fallbacks: 0 }',
        '  three: { models: [fake/first, fake/second, fake/third], policy: fixed }',
        '  one-more: { models: [fake/first, fake/second, fake/third], policy: fixed, fallbacks: 1 }',
        '  unreachable: { models: [gone/gone, fake/second], policy: fixed }',
      ].join('\n'),
    );
    upstream.scripts.clear();
    upstream.scripts.set('*', answer('the next arm'));
    upstream.received.length = 0;
  });
  afterEach(() => gateway.close());
  afterAll(() => upstream.close());

  const ask = (streamed: boolean, model = 'auto'): Promise<Response> =>
    gateway.post('/v1/chat/completions', { model, messages: MESSAGES, stream: streamed });

  /** That the next arm answered, and that the headers and the decision say so. */
  async function expectFallback(
    response: Response,
    streamed: boolean,
    first: { outcome: string; status: number | null },
  ): Promise<void> {
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain(streamed ? 'data: [DONE]' : 'the next arm');
    expect(text).not.toContain('error');
    const { headers } = response;
    expect(headers.get('x-conduit-model')).toBe('fake/second');
    expect(headers.get('x-conduit-reason')).toBe('fallback');
    expect(headers.get('x-conduit-attempts')).toBe('2');
    const decision = await decisionOf(gateway, response);
    expect(decision).toMatchObject({
      model: 'fake/second',
      reason: 'fallback',
      attempts: [first, { model: 'fake/second', outcome: 'completed', status: 200 }],
      outcome: { kind: 'completed', finish_reason: 'stop' },
    });
    expect(decision.chosen).not.toBe('fake/second');
  }

  const FAILURES: Record<string, { script: Script; outcome: string; status: number | null }> = {
    'a server error': { script: fail(500), outcome: 'upstream_error', status: 500 },
    'an overload': { script: fail(529), outcome: 'upstream_error', status: 529 },
    'a rate limit': { script: fail(429), outcome: 'upstream_error', status: 429 },
    'a wrong key': { script: fail(401), outcome: 'upstream_error', status: 401 },
    'a model that the provider does not know': { script: fail(404), outcome: 'upstream_error', status: 404 },
    'a parameter that this model alone does not know': {
      script: fail(400, { error: { code: 'unsupported_parameter', message: 'no' } }),
      outcome: 'upstream_error',
      status: 400,
    },
    'an HTML page with status 200': {
      script: fail(200, '<html>Welcome</html>'),
      outcome: 'upstream_error',
      status: 200,
    },
    'an error with status 200': {
      script: fail(200, { error: { message: 'no' } }),
      outcome: 'upstream_error',
      status: 200,
    },
    'an empty answer': { script: fail(200, ''), outcome: 'upstream_error', status: 200 },
    'an answer without choices': {
      script: fail(200, { id: 'x', choices: [] }),
      outcome: 'upstream_error',
      status: 200,
    },
    'no content': { script: (response) => response.writeHead(204).end(), outcome: 'upstream_error', status: 204 },
    'a redirect': {
      script: (response) => response.writeHead(302, { location: '/' }).end(),
      outcome: 'upstream_error',
      status: 302,
    },
    'an encoding that was not asked for': {
      script: (response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
          .end(gzipSync(piece('Hi'))),
      outcome: 'upstream_error',
      status: 200,
    },
    'a connection that is cut before the headers': {
      script: (response) => response.socket?.destroy(),
      outcome: 'upstream_error',
      status: null,
    },
    'a stream whose first event is an error': {
      script: stream([': keep-alive\n\n', sse({ error: { message: 'overloaded', code: 529 } })]),
      outcome: 'upstream_error',
      status: 200,
    },
    'a stream without any event': { script: stream([]), outcome: 'upstream_drop', status: 200 },
    'a stream of [DONE] alone': { script: stream(['data: [DONE]\n\n']), outcome: 'upstream_drop', status: 200 },
  };
  for (const [what, { script, outcome, status }] of Object.entries(FAILURES)) {
    test.each([true, false])(`${what} makes the next arm answer (stream: %s)`, async (streamed) => {
      upstream.scripts.set('first', script);
      await expectFallback(await ask(streamed), streamed, { outcome, status });
    });
  }

  test('no answer in time makes the next arm answer, whether nothing came or comments alone, and closes the first', async () => {
    for (const script of [silence, stream([': keep-alive\n\n'], 'hang')]) {
      upstream.scripts.set('hasty', script);
      const response = await ask(true, 'hasty');
      await expectFallback(response, true, { outcome: 'timeout', status: script === silence ? null : 200 });
      await upstream.received[upstream.received.length - 2]?.hungUpAt;
    }
  });

  test('a provider that refuses connections makes the next arm answer', async () => {
    for (const streamed of [true, false]) {
      await expectFallback(await ask(streamed, 'unreachable'), streamed, { outcome: 'upstream_error', status: null });
    }
  });

  test('no more arms are asked than fallbacks allow', async () => {
    upstream.scripts.set('*', fail(500));
    for (const [model, attempts] of [
      ['alone', 1],
      ['one-more', 2],
      ['three', 3],
      ['auto', 2],
    ] as const) {
      upstream.received.length = 0;
      const response = await ask(false, model);
      expect(response.status).toBe(502);
      expect(response.headers.get('x-conduit-attempts')).toBe(String(attempts));
      expect(new Set(upstream.received.map(({ body }) => body.model)).size).toBe(attempts);
      expect(upstream.received).toHaveLength(attempts);
      const { outcome, attempts: kept, reason } = await decisionOf(gateway, response);
      expect(outcome).toMatchObject({ kind: 'upstream_error', cost_usd: 0 });
      expect(kept).toHaveLength(attempts);
      expect(reason).not.toBe('fallback');
    }
  });

  test('a pinned model has no other arm', async () => {
    upstream.scripts.set('first', fail(500));
    const response = await ask(false, 'fake/first');
    expect(response.status).toBe(502);
    expect(upstream.received).toHaveLength(1);
  });

  test('an arm that failed is not counted as pulled, and no quality is held against it', async () => {
    const arms = async () => {
      const router = (await (await gateway.get('/v1/routers/three')).json()) as {
        labels: number;
        arms: { model: string; pulls: number }[];
      };
      return {
        labels: router.labels,
        pulls: Object.fromEntries(router.arms.map(({ model, pulls }) => [model, pulls])),
      };
    };
    const before = await arms();
    upstream.scripts.set('first', fail(500));
    const response = await ask(false, 'three');
    const answered = response.headers.get('x-conduit-model') as string;
    await response.text();
    const after = await arms();
    expect(after.labels).toBe(before.labels);
    expect(after.pulls['fake/first']).toBe(before.pulls['fake/first']);
    expect(after.pulls[answered]).toBe((before.pulls[answered] ?? 0) + 1);
  });

  test('after it no other arm answers: what has begun ends with an error', async () => {
    upstream.scripts.set('first', stream([piece('so far '), 5], 'cut'));
    const response = await ask(true);
    const text = await response.text();
    expect(text).toContain('so far ');
    expect(text).toContain('"code":"upstream_drop"');
    expect(upstream.received).toHaveLength(1);
    expect(await decisionOf(gateway, response)).toMatchObject({
      attempts: [{ outcome: 'upstream_drop' }],
      outcome: { kind: 'upstream_drop' },
    });
  });
});

test('the arms’ order of fallback is by what they are worth, the chosen one first', async () => {
  const upstream = await startFakeUpstream(fail(500));
  const gateway = await startTestGateway(
    simpleConfig(upstream.url, ['one', 'two', 'three'], { router: 'policy: cheapest' }),
  );
  await (await gateway.post('/v1/chat/completions', { model: 'auto', messages: MESSAGES })).text();
  // Prices rise with the position.
  expect(upstream.received.map(({ body }) => body.model)).toEqual(['one', 'two', 'three']);
  await gateway.close();
  await upstream.close();
});
