import OpenAI, { PermissionDeniedError, RateLimitError } from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  answer,
  type FakeUpstream,
  fail,
  piece,
  silence,
  startFakeUpstream,
  stream,
} from '../support/fake-upstream.ts';
import { decisionOf, startTestGateway, type TestGateway } from '../support/gateway.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];
/** 10 prompt and 5 completion tokens, as the fake upstream tells them. */
const USD_PER_ANSWER = { cheap: (10 * 1000 + 5 * 1000) / 1e6, dear: (10 * 20_000 + 5 * 20_000) / 1e6 };

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

const start = async (keys: string, router = ''): Promise<void> => {
  gateway = await startTestGateway(
    [
      'keys:',
      `  - { name: web, key: sk-web, ${keys} }`,
      '  - { name: ops, key: sk-ops, admin: true }',
      'providers:',
      `  fake: { base_url: "${upstream.url}" }`,
      'models:',
      '  - { id: fake/cheap, price: { input: 1000, output: 1000 } }',
      '  - { id: fake/dear, price: { input: 20000, output: 20000 } }',
      'routers:',
      `  auto: { models: [fake/dear, fake/cheap], policy: fixed ${router} }`,
    ].join('\n'),
    { key: 'sk-web' },
  );
};
const client = (key = 'sk-web'): OpenAI => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
const ask = (model = 'auto', more = {}, options = {}) =>
  client()
    .chat.completions.create({ model, messages: MESSAGES, max_tokens: 5, ...more }, options)
    .withResponse();
const refused = (promise: Promise<unknown>): Promise<InstanceType<typeof RateLimitError>> =>
  promise.then(
    () => expect.fail('was not refused'),
    (error) => error,
  );
const spent = async (): Promise<number> => {
  const response = await gateway.get('/v1/routers/auto', 'sk-ops');
  return ((await response.json()) as { budget: { usd_today: number } }).budget.usd_today;
};

describe('requests a minute', () => {
  test('beyond the key’s limit raise RateLimitError with retry-after and what is left, and reach no upstream', async () => {
    await start('requests_per_minute: 3');
    const left: (string | null)[] = [];
    for (let i = 0; i < 3; i++) {
      const { response } = await ask();
      left.push(response.headers.get('x-ratelimit-remaining-requests'));
      expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3');
      expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+m)?\d+s$/);
    }
    expect(left).toEqual(['2', '1', '0']);
    const error = await refused(ask());
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(error.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(upstream.received).toHaveLength(3);
    // Another key has a minute of its own.
    expect(await client('sk-ops').chat.completions.create({ model: 'auto', messages: MESSAGES })).toBeTruthy();
  });

  test('that come all at once are counted each', async () => {
    await start('requests_per_minute: 10');
    const all = await Promise.allSettled(Array.from({ length: 25 }, () => ask()));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  });
});

describe('a key’s money', () => {
  test('that is gone for today raises RateLimitError until the day ends', async () => {
    await start(`usd_per_day: ${USD_PER_ANSWER.dear * 2.5}`);
    await ask('fake/dear');
    await ask('fake/dear');
    const error = await refused(ask('fake/dear'));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: 'budget_exceeded' });
    const seconds = Number(error.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(86_400);
    // What a cheaper arm costs is still there.
    const { response } = await ask('auto');
    expect(response.headers.get('x-conduit-model')).toBe('fake/cheap');
  });

  test('is set aside while answers are on their way, so that many at once do not overspend', async () => {
    await start(`usd_per_day: ${USD_PER_ANSWER.dear * 3.5}`);
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => ask('fake/dear')));
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(3);
    expect(upstream.received.length).toBeLessThanOrEqual(3);
  });

  test('is given back where nothing answered', async () => {
    await start(`usd_per_day: ${USD_PER_ANSWER.dear * 1.5}`);
    upstream.scripts.set('*', fail(500));
    await refused(ask('fake/dear'));
    upstream.scripts.set('*', answer());
    await ask('fake/dear');
  });
});

describe('a router’s money', () => {
  test('that is gone for today leaves the cheapest arm, and the reason says so', async () => {
    await start('', `, usd_per_day: ${USD_PER_ANSWER.dear * 1.5}`);
    expect((await ask()).response.headers.get('x-conduit-model')).toBe('fake/dear');
    const steered = (await ask()).response;
    expect(steered.headers.get('x-conduit-model')).toBe('fake/cheap');
    const decision = await decisionOf(gateway, steered, 'sk-ops');
    expect(decision.candidates.find(({ model }) => model === 'fake/dear')?.ruled_out).toMatch(/the router has left/);
    for (let i = 0; i < 40; i++) await ask();
    const { response } = await ask();
    expect(response.headers.get('x-conduit-model')).toBe('fake/cheap');
    expect(response.headers.get('x-conduit-reason')).toBe('budget');
  });

  test('that is gone refuses with on_budget: reject', async () => {
    await start('', `, usd_per_day: ${USD_PER_ANSWER.dear * 1.5}, on_budget: reject`);
    await ask();
    let error: InstanceType<typeof RateLimitError> | undefined;
    for (let i = 0; i < 60 && !error; i++)
      error = await ask().then(
        () => undefined,
        (reason) => reason,
      );
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: 'budget_exceeded', message: expect.stringContaining('router') });
  });

  test('pays for what was cut off, by estimate', async () => {
    await start('');
    upstream.scripts.set('*', stream([piece('Some words that were written '), piece('before')], 'hang'));
    const { data, response } = await client()
      .chat.completions.create({ model: 'auto', messages: MESSAGES, stream: true })
      .withResponse();
    for await (const _chunk of data) break;
    await expect
      .poll(
        async () => (await decisionOf(gateway, response.headers.get('x-conduit-decision') as string, 'sk-ops')).outcome,
      )
      .toMatchObject({ kind: 'client_abort', estimated: true, cost_usd: expect.any(Number) });
    expect(await spent()).toBeGreaterThan(0);
  });

  test('pays for the prompt of what was cut off before any word came', async () => {
    await start('');
    upstream.scripts.set('*', silence);
    const cut = new AbortController();
    const asked = ask('auto', {}, { signal: cut.signal }).catch(() => 'cut');
    await expect.poll(() => upstream.received.length).toBe(1);
    cut.abort();
    expect(await asked).toBe('cut');
    await expect.poll(spent).toBeGreaterThan(0);
  });
});

describe('a key’s routes', () => {
  test('that do not list what is asked raise PermissionDeniedError', async () => {
    await start('routes: [models]');
    expect((await client().models.list()).data.length).toBeGreaterThan(0);
    expect(await refused(ask())).toBeInstanceOf(PermissionDeniedError);
    const feedback = await gateway.post('/v1/feedback', { decision_id: 'x', signal: 'thumbs', value: 1 });
    expect(feedback.status).toBe(403);
    expect(await feedback.json()).toMatchObject({ error: { code: 'route_not_allowed' } });
    expect(upstream.received).toHaveLength(0);
  });
});
