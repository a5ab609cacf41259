import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  answer,
  type FakeUpstream,
  fail,
  piece,
  type Script,
  sse,
  startFakeUpstream,
  stream,
} from '../support/fake-upstream.ts';
import { decisionOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

/** No request asks again what one before it did. */
let asked = 0;
let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => {
  upstream.scripts.clear();
  upstream.received.length = 0;
});
afterEach(() => gateway.close());

const start = async (apiKey = '"key-a"', provider = ''): Promise<void> => {
  gateway = await startTestGateway(
    [
      'providers:',
      `  fake: { base_url: "${upstream.url}", api_key: ${apiKey} ${provider} }`,
      'models:',
      '  - { id: fake/first, price: { input: 1, output: 1 } }',
      '  - { id: fake/second, price: { input: 2, output: 2 } }',
      'routers:',
      '  auto: { models: [fake/first, fake/second], policy: fixed }',
    ].join('\n'),
  );
};
const ask = (model = 'auto', more = {}, headers = {}): Promise<Response> =>
  gateway.post(
    '/v1/chat/completions',
    { model, messages: [{ role: 'user', content: questionNumber(asked++) }], ...more },
    headers,
  );
const askedModels = (): string[] => upstream.received.map(({ body }) => body.model);
const keysSeen = (): string[] => upstream.received.map(({ headers }) => headers.authorization as string);
const arm = async (name: string): Promise<{ resting: boolean; resting_reason: string | null; reliability: number }> => {
  const { arms } = (await (await gateway.get('/v1/routers/auto')).json()) as { arms: { model: string }[] };
  return arms.find(({ model }) => model === `fake/${name}`) as never;
};
/** Answers with the first of these that the key has. */
const byKey =
  (scripts: Record<string, Script>): Script =>
  (response, received) =>
    (scripts[String(received.headers.authorization).replace('Bearer ', '')] ?? answer())(response, received);

describe('an arm that keeps failing', () => {
  test('rests: requests go to the next one at once, and the decision says why', async () => {
    await start();
    upstream.scripts.set('first', fail(500));
    for (let i = 0; i < 3; i++) expect((await ask()).headers.get('x-conduit-attempts')).toBe('2');
    const response = await ask();
    expect(response.headers.get('x-conduit-attempts')).toBe('1');
    expect(response.headers.get('x-conduit-model')).toBe('fake/second');
    const { candidates } = await decisionOf(gateway, response);
    expect(candidates[0]?.ruled_out).toMatch(/^resting \(failing\) until /);
    expect(await arm('first')).toMatchObject({ resting: true, resting_reason: 'failing' });
    expect((await arm('first')).reliability).toBeLessThan(0.1);
    expect(await arm('second')).toMatchObject({ resting: false, reliability: 1 });
  });

  test('loses nothing of its quality', async () => {
    await start();
    const before = (await arm('first')) as unknown as { quality: { mean: number }; pulls: number };
    upstream.scripts.set('first', fail(500));
    for (let i = 0; i < 5; i++) await ask();
    const after = (await arm('first')) as unknown as { quality: { mean: number }; pulls: number };
    // What the other one's answers show is a little of what arms have in common.
    expect(after.quality.mean).toBeGreaterThanOrEqual(before.quality.mean - 1e-9);
    expect(after.quality.mean).toBeLessThan(before.quality.mean + 0.1);
    expect(after.pulls).toBe(0);
  });

  test('is asked all the same where all rest: an answer beats none', async () => {
    await start();
    upstream.scripts.set('*', fail(500));
    for (let i = 0; i < 4; i++) expect((await ask()).status).toBe(502);
    expect(await arm('second')).toMatchObject({ resting: true });
    upstream.received.length = 0;
    upstream.scripts.clear();
    const response = await ask();
    expect(response.status).toBe(200);
    expect(upstream.received).toHaveLength(1);
  });

  test('is still asked by a request that pins it', async () => {
    await start();
    upstream.scripts.set('first', fail(500));
    for (let i = 0; i < 4; i++) await ask('fake/first');
    upstream.scripts.clear();
    expect((await ask('fake/first')).status).toBe(200);
  });
});

describe('a provider that refuses us', () => {
  test.each([401, 402, 403, 404])(
    'with %s rests the arm at once, and the log says so loudly and shows no key',
    async (status) => {
      await start();
      upstream.scripts.set('first', fail(status, { error: { message: 'bad key-a', code: null } }));
      expect((await ask()).headers.get('x-conduit-model')).toBe('fake/second');
      expect(await arm('first')).toMatchObject({ resting: true, resting_reason: 'misconfigured' });
      expect(gateway.logged.some((line) => line.includes('refuses us'))).toBe(true);
      expect(gateway.logged.join('\n')).not.toContain('key-a');
    },
  );
});

test('a 403 that speaks of the prompt rests nobody, and the next arm is asked', async () => {
  await start();
  upstream.scripts.set('first', fail(403, { error: { message: 'Your input was flagged', code: 403 } }));
  for (let i = 0; i < 4; i++) expect((await ask()).headers.get('x-conduit-attempts')).toBe('2');
  expect(await arm('first')).toMatchObject({ resting: false });
});

test('a gateway is ready while its store answers and an arm can be asked', async () => {
  await start();
  expect((await gateway.get('/ready')).status).toBe(200);
  upstream.scripts.set('*', fail(404));
  await ask();
  const response = await gateway.get('/ready');
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ status: 'not_ready', accepting: true, state: true, arms: false });
});

test('a key that an upstream repeats in a stream’s error event is shown to nobody', async () => {
  await start();
  const error = sse({ error: { message: 'you sent key-a' } });
  upstream.scripts.set('*', stream([piece('Hi'), error.slice(0, 30), 20, error.slice(30)]));
  const text = await (await ask('auto', { stream: true })).text();
  expect(text).toContain('you sent [provider key]');
  expect(text).not.toContain('key-a');
});

test('a key in a provider’s headers is shown to nobody', async () => {
  await start('"key-a"', ', headers: { x-key: header-secret }');
  upstream.scripts.set('*', (response, received) =>
    fail(400, { error: { message: `you sent ${received.headers['x-key']}`, code: 'bad' } })(response, received),
  );
  const response = await ask();
  expect(response.status).toBe(400);
  expect(await response.text()).not.toContain('header-secret');
});

describe('a list of keys', () => {
  test.each([401, 429])('goes to the next on %s, within the same request', async (status) => {
    await start('["key-a", "key-b"]');
    upstream.scripts.set('first', byKey({ 'key-a': fail(status) }));
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('x-conduit-model')).toBe('fake/first');
    expect(keysSeen()).toEqual(['Bearer key-a', 'Bearer key-b']);
    await ask();
    expect(keysSeen()).toEqual(['Bearer key-a', 'Bearer key-b', 'Bearer key-b']);
  });

  test('whose keys are all limited goes to the next arm', async () => {
    await start('["key-a", "key-b"]');
    upstream.scripts.set('first', fail(429, undefined, { 'retry-after': '30' }));
    const response = await ask();
    expect(response.headers.get('x-conduit-model')).toBe('fake/second');
    expect(askedModels()).toEqual(['first', 'first', 'second']);
    expect(await arm('first')).toMatchObject({ resting: true, resting_reason: 'rate_limited' });
  });
});

describe('retry-after', () => {
  test('is honoured: the arm is not asked before', async () => {
    await start();
    upstream.scripts.set('first', fail(429, undefined, { 'retry-after': '30' }));
    await ask();
    upstream.scripts.clear();
    await ask();
    expect(askedModels()).toEqual(['first', 'second', 'second']);
  });

  test('comes with a 503 too', async () => {
    await start();
    upstream.scripts.set('first', fail(503, undefined, { 'retry-after': '30' }));
    await ask();
    expect(await arm('first')).toMatchObject({ resting: true, resting_reason: 'rate_limited' });
  });
});

describe('what only one arm refuses', () => {
  const UNKNOWN = fail(400, {
    error: {
      message: "Unknown parameter: 'top_k'.",
      type: 'invalid_request_error',
      param: 'top_k',
      code: 'unknown_parameter',
    },
  });

  test('goes to the next, and requests of that shape do so at once from then on', async () => {
    await start();
    upstream.scripts.set('first', UNKNOWN);
    expect((await ask('auto', { top_k: 5 })).headers.get('x-conduit-model')).toBe('fake/second');
    const again = await ask('auto', { top_k: 7 });
    expect(again.headers.get('x-conduit-attempts')).toBe('1');
    expect((await decisionOf(gateway, again)).candidates[0]?.ruled_out).toBe('refused top_k within the last hour');
    upstream.scripts.clear();
    expect((await ask()).headers.get('x-conduit-model')).toBe('fake/first');
    expect(await arm('first')).toMatchObject({ resting: false });
  });

  test('of a request that pins it is held against nobody: its params would have mended that', async () => {
    await start();
    upstream.scripts.set('first', UNKNOWN);
    expect((await ask('fake/first', { top_k: 5 })).status).toBe(400);
    upstream.scripts.clear();
    expect((await ask('auto', { top_k: 5 })).headers.get('x-conduit-model')).toBe('fake/first');
  });

  test('is told by an error’s own words, not by the request that it repeats', async () => {
    await start();
    upstream.scripts.set(
      'first',
      fail(422, {
        detail: [{ loc: ['body', 'top_k'], msg: 'wrong type', type: 'type_error', input: 'is not supported' }],
      }),
    );
    expect((await ask('auto', { top_k: 'is not supported' })).status).toBe(422);
  });

  test('of usage that Conduit asked for is asked again without, by the same arm', async () => {
    await start();
    upstream.scripts.set('first', (response, received) =>
      received.body.stream_options
        ? fail(400, { error: { message: "Unknown parameter: 'stream_options'.", code: 'unknown_parameter' } })(
            response,
            received,
          )
        : answer()(response, received),
    );
    const response = await ask('auto', { stream: true });
    expect(await response.text()).toContain('[DONE]');
    expect(response.headers.get('x-conduit-model')).toBe('fake/first');
    await (await ask('auto', { stream: true })).text();
    expect(upstream.received.map(({ body }) => 'stream_options' in body)).toEqual([true, false, false]);
  });
});

describe('a caller’s own provider key', () => {
  test('is passed on where the provider takes it, and its refusal is the caller’s own', async () => {
    await start('passthrough');
    upstream.scripts.set('*', byKey({ 'sk-bad': fail(401, { error: { message: 'wrong key' } }) }));
    const bad = await ask('auto', {}, { authorization: 'Bearer sk-bad' });
    expect(bad.status).toBe(401);
    expect(await bad.json()).toEqual({ error: { message: 'wrong key' } });
    const good = await ask('auto', {}, { authorization: 'Bearer sk-good' });
    expect(good.status).toBe(200);
    expect(good.headers.get('x-conduit-model')).toBe('fake/first');
    expect(keysSeen()).toEqual(['Bearer sk-bad', 'Bearer sk-good']);
  });
});
