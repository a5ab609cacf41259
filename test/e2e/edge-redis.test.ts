/** A workerd of its own, whole requests and a Redis: clients that leave, and a Redis that hangs meanwhile, leave nothing stuck. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';
import { NO_REDIS, NO_REDIS_WITH_TLS, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { PATIENCE } from '../support/redis-store.ts';
import { startWorkerd, type Workerd } from '../support/workerd.ts';

describe.skipIf(NO_REDIS)(`a Worker over Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  let redis: RedisServer;
  let workerd: Workerd;
  beforeAll(async () => {
    redis = await startRedisServer();
    const entry = join(import.meta.dirname, '../../bench/edge-redis-worker.ts');
    workerd = await startWorkerd({ entry, bindings: { REDIS_URL: redis.url } });
  }, 60_000);
  afterAll(async () => {
    redis?.thaw();
    await workerd?.close();
    await redis?.close();
  });

  const ask = (signal?: AbortSignal) =>
    fetch(`${workerd.url}/${encodeURIComponent('all behind an answer')}`, signal && { signal });

  test('clients that leave while Redis hangs hold up nobody after them, and no connection is left', async () => {
    for (let round = 0; round < 2; round++) {
      expect((await ask()).status).toBe(200);
      redis.freeze();
      const leaving = Array.from({ length: 20 }, (_, i) => ask(AbortSignal.timeout(10 + 10 * i)));
      const left = await Promise.allSettled(leaving);
      expect(left.every(({ status }) => status === 'rejected')).toBe(true);
      redis.thaw();
      await expect.poll(async () => (await ask()).status, PATIENCE).toBe(200);
      // Without a rest before it, too.
      for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(200);
    }
    const clients = async () =>
      String(await redis.client.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    await expect.poll(clients, PATIENCE).toBe(1);
  });

  test('two isolates that answer at once learn from one another', async () => {
    await redis.client.flushall();
    const upstream = await startFakeUpstream(answer());
    onTestFinished(() => upstream.close());
    const text = `
server: { secret: s }
providers: { fake: { base_url: "${upstream.url}", api_key: "sk-provider" } }
models:
  - { id: fake/good, price: { input: 1, output: 2 } }
  - { id: fake/bad, price: { input: 1, output: 2 } }
routers: { auto: { models: [fake/good, fake/bad], sticky: none } }
stores: { state: "\${REDIS_URL}" }
`;
    const bindings = { CONDUIT_CONFIG_TEXT: text, REDIS_URL: redis.url };
    const entry = join(import.meta.dirname, '../../src/worker.ts');
    const isolates = await Promise.all([startWorkerd({ entry, bindings }), startWorkerd({ entry, bindings })]);
    for (const isolate of isolates) onTestFinished(() => isolate.close());
    const call = (nth: number, path: string, body?: object) =>
      fetch(`${isolates[nth % 2]?.url}/v1/${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
    const asked = Array.from({ length: 40 }, async (_, i) => {
      const response = await call(i, 'chat/completions', {
        model: 'auto',
        stream: i % 3 === 0,
        messages: [{ role: 'user', content: `What is number ${i} called?` }],
      });
      expect(response.status).toBe(200);
      await response.text();
      return response.headers;
    });
    const rated = (await Promise.all(asked)).map(async (headers, i) => {
      const value = headers.get('x-conduit-model') === 'fake/good' ? 1 : 0;
      // By the one that did not answer it.
      const response = await call(i + 1, 'feedback', {
        decision_id: headers.get('x-conduit-decision'),
        signal: 'thumbs',
        value,
      });
      expect(await response.json()).toMatchObject({ status: 'recorded' });
    });
    await Promise.all(rated);
    for (const nth of [0, 1]) {
      const labels = async () => ((await (await call(nth, 'routers/auto')).json()) as { labels: number }).labels;
      await expect.poll(labels, { timeout: 20_000, interval: 500 }).toBe(40);
    }
    const clients = async () =>
      String(await redis.client.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    await expect.poll(clients, PATIENCE).toBe(1);
  }, 60_000);
});

const withoutTls = NO_REDIS_WITH_TLS === null ? '' : ` (${NO_REDIS_WITH_TLS})`;
describe.skipIf(NO_REDIS_WITH_TLS)(`a Worker over a Redis with TLS${withoutTls}`, () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer({ tls: true, password: 'secret' });
  });
  afterAll(() => redis?.close());

  /** With this certificate among those that it trusts. */
  const serve = async (trusted: string | null) => {
    const upstream = await startFakeUpstream(answer());
    const text = `
server: { secret: s }
providers: { fake: { base_url: "${upstream.url}", api_key: "sk-provider" } }
models: [{ id: fake/good, price: { input: 1, output: 2 } }]
stores: { state: "\${REDIS_URL}" }
`;
    const bindings = { CONDUIT_CONFIG_TEXT: text, REDIS_URL: redis.url };
    const { url, close } = await startWorkerd({
      entry: join(import.meta.dirname, '../../src/worker.ts'),
      bindings,
      trusted,
    });
    onTestFinished(async () => {
      await close();
      await upstream.close();
    });
    const ask = () =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }),
      });
    return { ask, isReady: async () => (await fetch(`${url}/ready`)).status === 200 };
  };

  test('keeps its decisions there, where the certificate can be checked', async () => {
    const { ask, isReady } = await serve(redis.certificate);
    await expect.poll(isReady, PATIENCE).toBe(true);
    const before = Number(await redis.client.dbsize());
    expect((await ask()).status).toBe(200);
    await expect.poll(async () => Number(await redis.client.dbsize()), PATIENCE).toBeGreaterThan(before);
  }, 60_000);

  test('takes no certificate that it cannot check, and answers all the same', async () => {
    const { ask, isReady } = await serve(null);
    expect(await isReady()).toBe(false);
    expect((await ask()).status).toBe(200);
  }, 60_000);
});
