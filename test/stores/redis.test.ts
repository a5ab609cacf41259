/** The store in Redis, against a real server. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { merged } from '../../src/routing/merge.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { LOG_START, type StateStore, UncertainWrite } from '../../src/stores/ports.ts';
import { createRedisStore, type RedisStoreOptions } from '../../src/stores/redis.ts';
import { sha256Hex } from '../support/gateway.ts';
import { freePort, NO_REDIS, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { decision, stateStoreSuite } from './state-store-suite.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const PATIENCE = { timeout: 10_000, interval: 20 };

interface Told {
  trouble: string[];
  recovered: number;
  lost: number;
}

function open(url: string, more: Partial<RedisStoreOptions> = {}): { store: StateStore; told: Told } {
  const told: Told = { trouble: [], recovered: 0, lost: 0 };
  const store = createRedisStore({
    url,
    now: Date.now,
    random: Math.random,
    sha256Hex,
    keepMs: DAY_MS,
    drained: false,
    spool: null,
    merge: merged,
    notices: {
      trouble: (error) => told.trouble.push(error.message),
      recovered: () => told.recovered++,
      lost: (decisions) => {
        told.lost += decisions;
      },
    },
    ...more,
  });
  return { store, told };
}

/** Resolves once the store can be asked, and hears of growth where so many stores listen on the server. */
async function connected(store: StateStore, server: RedisServer, listening = 1): Promise<void> {
  await expect
    .poll(
      () =>
        store.readHealth().then(
          () => true,
          () => false,
        ),
      PATIENCE,
    )
    .toBe(true);
  const channel = 'conduit:1:grown';
  const listeners = async () => Number((await server.client.pubsub('NUMSUB', channel))[1]);
  await expect.poll(listeners, PATIENCE).toBeGreaterThanOrEqual(listening);
}

const entriesOf = async (store: StateStore, router = 'auto') =>
  (await store.readSince(router, LOG_START, 100_000)).entries;

const rememberNew = async (store: StateStore, more: Partial<DecisionRecord> = {}, names: string[] = []) => {
  const one = decision(more);
  await store.remember({ decision: one, names });
  return one;
};

describe.skipIf(NO_REDIS)(`the store in Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server?.close());

  stateStoreSuite({
    name: 'in Redis',
    async create({ now }) {
      await server.client.flushall();
      const { store } = open(server.url, { now });
      await connected(store, server);
      // By the server's clock, which nobody moves.
      const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms + 5));
      return { store, pass, close: () => store.close() };
    },
  });

  test('on a sharded Redis each step keeps to one slot', async () => {
    const sharded = await startRedisServer({ sharded: true });
    onTestFinished(() => sharded.close());
    const { store, told } = open(sharded.url);
    onTestFinished(() => store.close());
    await connected(store, sharded);
    expect(await store.add('n', 1, 60_000)).toBe(1);
    const kept = await rememberNew(store, {}, ['talk:a', 'asked:b', 'session:c']);
    expect(await store.lookUp(['unknown', 'session:c', 'talk:a'])).toEqual(kept);
    const next = { ...kept, version: 2, reward: 1 };
    expect(await store.revise(next)).toBe('written');
    await store.putHealth('arm:a', { at: 1, until: 2, reason: 'failing', strikes: 1 }, 60_000);
    expect((await store.readHealth()).size).toBe(1);
    expect(await entriesOf(store)).toHaveLength(2);
    expect(told).toEqual({ trouble: [], recovered: 0, lost: 0 });
  });

  /** Two processes' stores on the emptied server. */
  async function two(): Promise<[StateStore, StateStore]> {
    await server.client.flushall();
    const stores = [open(server.url).store, open(server.url).store] as [StateStore, StateStore];
    for (const store of stores) {
      onTestFinished(() => store.close());
      await connected(store, server, 2);
    }
    return stores;
  }

  test('two processes see what each of them writes, and are told of it', async () => {
    const [one, other] = await two();
    const grown: string[] = [];
    other.watch((router) => grown.push(router));
    const kept = await rememberNew(one, {}, ['talk:a']);
    await expect.poll(() => grown).toEqual(['auto']);
    expect(await other.recall(kept.id)).toEqual(kept);
    expect(await other.lookUp(['talk:a'])).toEqual(kept);
    const next = { ...kept, version: 2, reward: 1 };
    expect(await other.revise(next)).toBe('written');
    expect(await one.revise({ ...next, reward: 0 })).toBe('changed');
    expect(await one.recall(kept.id)).toEqual(next);
    expect(await entriesOf(one)).toEqual(await entriesOf(other));
    expect(await one.add('usd', 1.5, 60_000)).toBe(1.5);
    expect(await other.add('usd', 0.25, 60_000)).toBe(1.75);
  });

  test('what is written a second time counts once, and takes nothing from what was revised meanwhile', async () => {
    const [one, other] = await two();
    const kept = await rememberNew(one);
    const next = { ...kept, version: 2, reward: 1 };
    for (const store of [one, other]) expect(await store.revise(next)).toBe('written');
    await other.remember({ decision: kept, names: ['late'] });
    expect((await entriesOf(one)).map(({ revision }) => revision)).toEqual([1, 2]);
    expect(await one.recall(kept.id)).toEqual(next);
  });

  test('everything but the log goes in time', async () => {
    const [store] = await two();
    await rememberNew(store, {}, ['talk:a', 'asked:b']);
    await store.add('usd', 1, 60_000);
    await store.putHealth('arm:a', { at: 1, until: 2, reason: 'failing', strikes: 1 }, 60_000);
    const keys = await server.client.keysBuffer('*');
    expect(keys).toHaveLength(6);
    for (const bytes of keys) {
      const ttl = await server.client.pttl(bytes);
      const key = bytes.toString();
      if (key.includes('log:')) expect(ttl).toBe(-1);
      else expect(ttl).toBeGreaterThan(50_000);
      if (key.includes('d:') || key.includes('n:')) expect(ttl).toBeGreaterThan(DAY_MS - 10_000);
    }
  });

  test('a name is found for a day, whenever it was given, and also by one whose clock is a little behind', async () => {
    await server.client.flushall();
    let now = 1_764_000_000_000;
    const { store } = open(server.url, { now: () => now });
    onTestFinished(() => store.close());
    await connected(store, server);
    const given = now;
    const one = await rememberNew(store, {}, ['talk:a']);
    for (let hour = 0; hour < 24; hour += 0.5) {
      now = given + hour * 60 * 60 * 1000;
      expect((await store.lookUp(['talk:a']))?.id).toBe(one.id);
    }
    now = given - 5 * 60 * 1000;
    expect((await store.lookUp(['talk:a']))?.id).toBe(one.id);
  });

  test('the log keeps about a hundred thousand entries', async () => {
    const [store] = await two();
    const kept = decision();
    const bytes = Buffer.from('no evidence at all');
    const pipeline = server.client.pipeline();
    for (let i = 0; i < 101_000; i++) pipeline.xadd('{conduit:1}log:auto', '*', 'r', 1, 'd', 'x', 'e', bytes);
    await pipeline.exec();
    await store.remember({ decision: kept, names: [] });
    const length = await server.client.xlen('{conduit:1}log:auto');
    expect(length).toBeGreaterThanOrEqual(100_000);
    expect(length).toBeLessThan(100_200);
    // What cannot be read is passed over.
    const slice = await store.readSince('auto', LOG_START, 200_000);
    expect(slice.entries.map(({ decisionId }) => decisionId)).toEqual([kept.id]);
  });

  test('no process is kept alive, and nothing answers, once it is closed', async () => {
    const { store } = open(server.url);
    await connected(store, server);
    await store.close();
    await store.close();
    await expect(store.recall('dec_1')).rejects.toThrow('cannot be reached');
  });
});

describe.skipIf(NO_REDIS)('a Redis that is away', () => {
  async function one(more: Partial<RedisStoreOptions> = {}) {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const { store, told } = open(server.url, more);
    onTestFinished(() => store.close());
    await connected(store, server);
    return { server, store, told };
  }

  test('killed in the middle of traffic and started again: every decision is there once, in order', async () => {
    const { server, store, told } = await one();
    const grown: string[] = [];
    store.watch((router) => grown.push(router));
    const kept: DecisionRecord[] = [];
    let writing = true;
    const traffic = (async () => {
      while (writing) {
        kept.push(await rememberNew(store, {}, ['session']));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const inOutage = kept.at(-1) as DecisionRecord;
    expect(await store.recall(inOutage.id)).toEqual(inOutage);
    expect(await store.lookUp(['session'])).not.toBe(null);
    await expect(store.recall('dec_unknown')).rejects.toThrow('cannot be reached');
    await expect(store.add('n', 1, 1_000)).rejects.not.toBeInstanceOf(UncertainWrite);
    await server.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    writing = false;
    await traffic;
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    expect(told.trouble).toHaveLength(1);
    expect(told.lost).toBe(0);
    const entries = await entriesOf(store);
    expect(entries.map(({ decisionId }) => decisionId)).toEqual(kept.map(({ id }) => id));
    expect((await store.lookUp(['session']))?.id).toBe(kept.at(-1)?.id);
    grown.length = 0;
    await rememberNew(store);
    await expect.poll(() => grown, PATIENCE).toContain('auto');
  });

  test('a watcher is told of each log once Redis is back', async () => {
    const { server, store, told } = await one();
    await rememberNew(store, { router: 'one' });
    await store.readSince('other', LOG_START, 1);
    await server.kill();
    await expect.poll(() => told.trouble.length, PATIENCE).toBe(1);
    const grown: string[] = [];
    store.watch((router) => grown.push(router));
    await server.start();
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    expect([...new Set(grown)].sort()).toEqual(['one', 'other']);
  });

  test('frozen: what was asked fails within its limit, what comes after at once, and what was to be kept is', async () => {
    const { server, store, told } = await one();
    const kept = [await rememberNew(store)];
    server.freeze();
    onTestFinished(() => server.thaw());
    const started = performance.now();
    const asked = [store.recall('dec_x'), store.add('n', 1, 60_000), store.readHealth()];
    const written = rememberNew(store);
    await expect(asked[0]).rejects.toThrow('did not answer');
    await expect(asked[1]).rejects.toBeInstanceOf(UncertainWrite);
    await expect(asked[2]).rejects.toThrow();
    kept.push(await written);
    expect(performance.now() - started).toBeLessThan(1_500);
    const after = performance.now();
    await expect(store.recall('dec_x')).rejects.toThrow('cannot be reached');
    kept.push(await rememberNew(store), await rememberNew(store));
    expect(performance.now() - after).toBeLessThan(50);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(told.trouble).toHaveLength(1);
    server.thaw();
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    expect((await entriesOf(store)).map(({ decisionId }) => decisionId)).toEqual(kept.map(({ id }) => id));
  });

  test('absent at the start: decisions are kept, found, rated and written when it comes', async () => {
    const port = await freePort();
    const { store, told } = open(`redis://127.0.0.1:${port}`, { maxWaiting: 2 });
    onTestFinished(() => store.close());
    await expect.poll(() => told.trouble.length, PATIENCE).toBe(1);
    const first = await rememberNew(store, {}, ['talk:a']);
    const next = { ...first, version: 2, reward: 1 };
    expect(await store.revise(next)).toBe('written');
    expect(await store.revise({ ...next, reward: 0 })).toBe('changed');
    expect(await store.lookUp(['talk:a'])).toEqual(next);
    await rememberNew(store);
    // Bounded.
    await expect(rememberNew(store)).rejects.toThrow('too many decisions wait');
  });

  test('full: what it refuses waits, and is written when there is room', async () => {
    const { server, store, told } = await one();
    await server.client.config('SET', 'maxmemory', '1');
    const kept = await rememberNew(store);
    expect(told.trouble[0]).toContain('OOM');
    expect(await store.recall(kept.id)).toEqual(kept);
    await server.client.config('SET', 'maxmemory', '0');
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    expect(await entriesOf(store)).toHaveLength(1);
  });

  test('ends in time with it away, and says how many decisions are lost', async () => {
    const { server, store, told } = await one();
    await server.kill();
    await expect.poll(() => told.trouble.length, PATIENCE).toBe(1);
    await rememberNew(store);
    const started = performance.now();
    await store.close();
    expect(performance.now() - started).toBeLessThan(2_500);
    expect(told.lost).toBe(1);
  });

  test('as a user who may not listen: all is kept, and this process still looks at what it adds', async () => {
    const { server } = await one();
    await server.client.call('ACL', 'SETUSER', 'deaf', 'on', '>p', '~*', 'resetchannels', '+@all');
    const { store, told } = open(server.url.replace('redis://', 'redis://deaf:p@'));
    onTestFinished(() => store.close());
    await connected(store, server);
    await expect.poll(() => told.trouble, PATIENCE).toEqual([expect.stringContaining('NOPERM')]);
    const grown: string[] = [];
    store.watch((router) => grown.push(router));
    const kept = await rememberNew(store);
    const next = { ...kept, version: 2, reward: 1 };
    expect(await store.revise(next)).toBe('written');
    expect(grown).toEqual(['auto', 'auto']);
    expect(await entriesOf(store)).toHaveLength(2);
    expect(told.lost).toBe(0);
  });

  test('with a certificate that nobody trusts: it is told once, and the process goes on', async () => {
    const server = await startRedisServer({ tls: true });
    onTestFinished(() => server.close());
    const { store, told } = open(server.url);
    await expect.poll(() => told.trouble, PATIENCE).toEqual([expect.stringContaining('self-signed')]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(told.trouble).toHaveLength(1);
    await store.close();
  });

  test('with another password: it is told once, without the password, and nothing waits for it', async () => {
    const server = await startRedisServer({ password: 'right' });
    onTestFinished(() => server.close());
    const { store, told } = open(server.url.replace('right', 'wrong-one'));
    onTestFinished(() => store.close());
    await expect.poll(() => told.trouble.length, PATIENCE).toBe(1);
    expect(told.trouble[0]).toContain('WRONGPASS');
    expect(told.trouble[0]).not.toContain('wrong-one');
    await rememberNew(store);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(told.trouble).toHaveLength(1);
    const right = open(server.url).store;
    onTestFinished(() => right.close());
    await connected(right, server);
    expect(await entriesOf(right)).toEqual([]);
  });
});
