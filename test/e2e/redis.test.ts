/** Gateways that share a Redis, and what their clients notice when it is away: nothing. */

import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SCRIPTS } from '../../src/stores/redis/scripts.ts';
import { conduit, directory, serve } from '../cli/run-cli.ts';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';
import { freePort, NO_REDIS, type RedisServer, startRedisServer } from '../support/redis-server.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
/** What a request may wait for the store, and what a busy machine may add to it. */
const NOT_HELD_UP_MS = 60;

const SAID = { role: 'assistant', content: 'Hello' };
const ask = (content: string, ...earlier: object[]) => ({
  model: 'auto',
  messages: [...earlier, { role: 'user', content }],
});

async function upstreamAndRedis(): Promise<{ upstream: FakeUpstream; redis: RedisServer }> {
  const upstream = await startFakeUpstream(answer());
  onTestFinished(() => upstream.close());
  const redis = await startRedisServer();
  onTestFinished(() => redis.close());
  return { upstream, redis };
}

const configText = (upstream: FakeUpstream, url: string, server = '{ host: 127.0.0.1, port: 0, secret: shared }') =>
  simpleConfig(upstream.url, ['small', 'large'], { rest: `server: ${server}\nstores: { state: "${url}" }` });

async function gatewayOver(upstream: FakeUpstream, url: string): Promise<TestGateway> {
  const gateway = await startTestGateway(configText(upstream, url));
  onTestFinished(() => gateway.close());
  return gateway;
}

const isReady = async (gateway: TestGateway): Promise<boolean> => (await gateway.get('/ready')).status === 200;

/** What the gateway believes of its arms. */
async function learned(gateway: TestGateway): Promise<{ observations: number; arms: object[] }> {
  const { observations, arms } = (await (await gateway.get('/v1/routers/auto')).json()) as {
    observations: number;
    arms: { model: string; pulls: number; quality: object }[];
  };
  return { observations, arms: arms.map(({ model, pulls, quality }) => ({ model, pulls, quality })) };
}

const thumb = (gateway: TestGateway, id: string | null, value: number) =>
  gateway.post('/v1/feedback', { decision_id: id, signal: 'thumbs', value });

describe.skipIf(NO_REDIS)(`gateways with a Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  test('two of them act as one: feedback, conversations, and what is learned, also by one that starts later', async () => {
    const { upstream, redis } = await upstreamAndRedis();
    const one = await gatewayOver(upstream, redis.url);
    const other = await gatewayOver(upstream, redis.url);
    for (const gateway of [one, other]) await expect.poll(() => isReady(gateway), PATIENCE).toBe(true);

    expect([...one.logged, ...other.logged]).toEqual([]);
    const first = await one.post('/v1/chat/completions', ask('hi'));
    const id = first.headers.get('x-conduit-decision');
    expect(await (await thumb(other, id, 1)).json()).toMatchObject({ status: 'recorded', reward: 1 });
    expect(await (await thumb(one, id, 1)).json()).toMatchObject({ status: 'duplicate' });
    expect((await decisionOf(one, first)).reward).toBe(1);

    // The answer's own words, so that the conversation is known again by the other.
    const body = (await first.json()) as { choices: { message: { content: string } }[] };
    const next = await other.post(
      '/v1/chat/completions',
      ask('and now?', { role: 'user', content: 'hi' }, body.choices[0]?.message as object),
    );
    expect(next.headers.get('x-conduit-reason')).toBe('sticky');
    expect(next.headers.get('x-conduit-model')).toBe(first.headers.get('x-conduit-model'));

    for (let i = 0; i < 20; i++) {
      const [maker, rater] = i % 2 === 0 ? [one, other] : [other, one];
      const made = await maker.post('/v1/chat/completions', ask(questionNumber(i)));
      expect((await thumb(rater, made.headers.get('x-conduit-decision'), i % 3 === 0 ? 0 : 1)).status).toBe(200);
    }
    await expect.poll(async () => (await learned(one)).observations, PATIENCE).toBe(22);
    await expect.poll(() => learned(other), PATIENCE).toEqual(await learned(one));
    const later = await gatewayOver(upstream, redis.url);
    await expect.poll(() => learned(later), PATIENCE).toEqual(await learned(one));
  });

  test('frozen, nobody waits for it, and what was answered meanwhile is learned when it thaws', async () => {
    const { upstream, redis } = await upstreamAndRedis();
    const gateway = await gatewayOver(upstream, redis.url);
    await expect.poll(() => isReady(gateway), PATIENCE).toBe(true);
    await gateway.post('/v1/chat/completions', ask('warm'));
    redis.freeze();
    onTestFinished(() => redis.thaw());
    const overheads: number[] = [];
    let last: Response | undefined;
    for (let i = 0; i < 30; i++) {
      last = await gateway.post('/v1/chat/completions', ask(questionNumber(i), { role: 'user', content: 'hi' }, SAID));
      expect(last.status).toBe(200);
      overheads.push(Number(last.headers.get('x-conduit-overhead-ms')));
      await last.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    overheads.sort((a, b) => a - b);
    expect(overheads[15]).toBeLessThan(15);
    expect(overheads.at(-1)).toBeLessThan(NOT_HELD_UP_MS);
    expect((await decisionOf(gateway, last as Response)).attempts).toHaveLength(1);
    expect(await isReady(gateway)).toBe(false);
    const late = await thumb(gateway, `dec_${'0'.repeat(32)}`, 1);
    expect(late.status).toBe(503);
    expect(await late.json()).toMatchObject({ error: { code: 'store_unavailable' } });
    redis.thaw();
    await expect.poll(() => isReady(gateway), PATIENCE).toBe(true);
    await expect.poll(() => redis.client.xlen('{conduit:1}log:auto'), PATIENCE).toBe(31);
    const troubles = gateway.logged.filter((line) => line.includes('the state store fails'));
    expect(troubles).toHaveLength(1);
  });

  test('absent when they start: they start, serve, and share once it comes', async () => {
    const upstream = await startFakeUpstream(answer());
    onTestFinished(() => upstream.close());
    const port = await freePort();
    const gateway = await gatewayOver(upstream, `redis://127.0.0.1:${port}`);
    const response = await gateway.post('/v1/chat/completions', ask('hi'));
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('x-conduit-overhead-ms'))).toBeLessThan(NOT_HELD_UP_MS);
    expect((await thumb(gateway, response.headers.get('x-conduit-decision'), 1)).status).toBe(200);
    const redis = await startRedisServer({ port });
    onTestFinished(() => redis.close());
    await expect.poll(async () => (await learned(gateway)).observations, PATIENCE).toBe(1);
  });

  test('as a process it outlives a restart, says nothing of the password, and ends when told', async () => {
    const upstream = await startFakeUpstream(answer());
    onTestFinished(() => upstream.close());
    const redis = await startRedisServer({ password: 'hunter2' });
    onTestFinished(() => redis.close());
    const cwd = directory({ 'conduit.yaml': configText(upstream, redis.url) });
    const post = (url: string, path: string, body: object) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const before = await serve([], cwd);
    const made = await post(before.url, '/v1/chat/completions', ask('hi'));
    const id = made.headers.get('x-conduit-decision');
    before.process.kill('SIGTERM');
    const first = await before.ended;
    expect(first.code).toBe(0);
    expect(first.stderr).not.toContain('in memory');

    const after = await serve([], cwd);
    await expect.poll(async () => (await fetch(`${after.url}/ready`)).status, PATIENCE).toBe(200);
    const rated = await post(after.url, '/v1/feedback', { decision_id: id, signal: 'thumbs', value: 1 });
    expect(await rated.json()).toMatchObject({ status: 'recorded' });
    await redis.client.config('SET', 'requirepass', 'another');
    await redis.kill();
    await after.said(/the state store fails/);
    after.process.kill('SIGTERM');
    const second = await after.ended;
    expect(second.code).toBe(0);
    expect(first.stderr + second.stderr).not.toContain('hunter2');
  });

  test('lost, it learns again from what outlives it: at a start by itself, while others serve by `rebuild`', async () => {
    const { upstream, redis } = await upstreamAndRedis();
    const config = (durable: string) =>
      simpleConfig(upstream.url, ['small', 'large'], {
        rest: `server: { host: 127.0.0.1, port: 0, secret: shared }\nstores: { state: "${redis.url}", durable: ${durable} }`,
      });
    const folder = directory({ 'conduit.yaml': config('embedded') });
    const replica = await startTestGateway(config('none'));
    onTestFinished(() => replica.close());
    const before = await serve([], folder);
    for (let i = 0; i < 12; i++) {
      const made = await replica.post('/v1/chat/completions', ask(questionNumber(i)));
      expect((await thumb(replica, made.headers.get('x-conduit-decision'), i % 2)).status).toBe(200);
    }
    const known = await learned(replica);
    expect(known.observations).toBe(12);
    const kept = async (): Promise<number> => {
      const response = await fetch(`${before.url}/v1/routers/auto`);
      return ((await response.json()) as { labels: number }).labels;
    };
    await expect.poll(kept, PATIENCE).toBe(12);
    before.process.kill('SIGTERM');
    await before.ended;

    await redis.client.flushall();
    const after = await serve([], folder);
    await expect
      .poll(async () => (await (await fetch(`${after.url}/v1/routers/auto`)).json()) as object, PATIENCE)
      .toMatchObject({
        observations: 12,
        labels: 12,
      });
    after.process.kill('SIGTERM');
    await after.ended;

    // Somebody has spoilt what all of them share.
    await replica.post('/v1/chat/completions', ask('one more'));
    await expect.poll(async () => (await learned(replica)).observations, PATIENCE).toBe(13);
    await redis.client.flushall();
    expect(await conduit(['rebuild'], folder)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^auto: 1[23] decisions, 12 of them rated$/m),
    });
    await expect.poll(async () => (await learned(replica)).observations, PATIENCE).toBeGreaterThanOrEqual(12);
    const rebuilt = await gatewayOver(upstream, redis.url);
    await expect.poll(() => learned(rebuilt), PATIENCE).toEqual(await learned(replica));
  });

  test('several workers share it each by itself', async () => {
    const { upstream, redis } = await upstreamAndRedis();
    const cwd = directory({
      'conduit.yaml': configText(upstream, redis.url, '{ host: 127.0.0.1, port: 0, secret: shared, workers: 2 }'),
    });
    const { url, process: child, ended } = await serve([], cwd);
    for (let i = 0; i < 12; i++) {
      const made = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify(ask(questionNumber(i))),
      });
      const rated = await fetch(`${url}/v1/feedback`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify({ decision_id: made.headers.get('x-conduit-decision'), signal: 'thumbs', value: 1 }),
      });
      expect(rated.status).toBe(200);
    }
    await expect.poll(() => redis.client.xlen('{conduit:1}log:auto'), PATIENCE).toBe(24);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  test('a completion takes three round trips at most, whatever it follows', async () => {
    const { upstream, redis } = await upstreamAndRedis();
    const gateway = await gatewayOver(upstream, redis.url);
    await expect.poll(() => isReady(gateway), PATIENCE).toBe(true);
    const names = new Map(
      Object.entries(SCRIPTS).map(([name, lua]) => [createHash('sha1').update(lua).digest('hex'), name]),
    );
    const ofCompletions = new Set(['conduitLookUp', 'conduitRecall', 'conduitRemember', 'conduitRevise']);
    const monitor = await redis.client.monitor();
    onTestFinished(() => monitor.disconnect());
    let seen: string[] = [];
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      const name = names.get(args[1] ?? '') ?? '';
      if (source !== 'lua' && ofCompletions.has(name)) seen.push(name);
    });
    const asked = (content: string): object => ({ role: 'user', content });
    const stories = (from: number): [what: string, messages: object[], most: number][] => {
      const [first, second, third, foreign] = [0, 1, 2, 3].map((i) => asked(questionNumber(from + i)));
      return [
        ['a first question', [first!], 2],
        ['what goes on from it', [first!, SAID, second!], 3],
        ['the same again', [first!, SAID, second!], 3],
        ['what nothing is known of', [foreign!, { role: 'assistant', content: 'elsewhere' }, third!], 2],
      ];
    };
    const tell = async (messages: object[]): Promise<void> => {
      const body = { model: 'auto', user: 'somebody', messages };
      await (await gateway.post('/v1/chat/completions', body)).text();
      await new Promise((resolve) => setTimeout(resolve, 200));
    };
    // A script goes as its text the first time.
    for (const [, messages] of stories(0)) await tell(messages);
    for (const [what, messages, most] of stories(10)) {
      seen = [];
      await tell(messages);
      await expect.poll(() => seen.includes('conduitRemember'), PATIENCE).toBe(true);
      expect(seen.length, `${what}: ${seen.join(', ')}`).toBeLessThanOrEqual(most);
    }
  });
});
