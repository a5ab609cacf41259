/** The store in Redis, against a real server. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { HotStore } from '../../src/stores/ports.ts';
import { NO_REDIS, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { connected, DAY_MS, entriesOf, open, rememberNew } from '../support/redis-store.ts';
import { hotStoreSuite } from './hot-store-suite.ts';
import { decision, stateStoreSuite } from './state-store-suite.ts';

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

  hotStoreSuite({
    name: 'in Redis',
    async create() {
      await server.client.flushall();
      const stores = [open(server.url).store, open(server.url).store] as const;
      for (const store of stores) await connected(store, server, 2);
      return {
        store: stores[0],
        other: stores[1],
        // What they have sent themselves they would write again: nobody else has.
        async emptied() {
          await server.client.flushall();
          const { store } = open(server.url);
          await connected(store, server, 3);
          onTestFinished(() => store.close());
          return store;
        },
        close: async () => void (await Promise.all(stores.map((store) => store.close()))),
      };
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
    expect(await store.lookUp(['unknown', 'session:c', 'talk:a'])).toEqual({ decision: kept, name: 'session:c' });
    const next = { ...kept, version: 2, reward: 1 };
    expect(await store.revise(next)).toBe('written');
    await store.putHealth('arm:a', { at: 1, until: 2, reason: 'failing', strikes: 1 }, 60_000);
    expect((await store.readHealth()).size).toBe(1);
    expect(await entriesOf(store)).toHaveLength(2);
    expect(told).toEqual({ trouble: [], recovered: 0, lost: 0 });
  });

  /** Two processes' stores on the emptied server. */
  async function two(): Promise<[HotStore, HotStore]> {
    await server.client.flushall();
    const stores = [open(server.url).store, open(server.url).store] as [HotStore, HotStore];
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
    expect(await other.lookUp(['talk:a'])).toEqual({ decision: kept, name: 'talk:a' });
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
    await store.revive({ decision: decision(), names: [] });
    await store.add('usd', 1, 60_000);
    await store.putHealth('arm:a', { at: 1, until: 2, reason: 'failing', strikes: 1 }, 60_000);
    await store.shared?.lease('drain', 60_000);
    const keys = (await server.client.keysBuffer('*')).map((key) => key.toString('latin1'));
    expect(keys).toHaveLength(9);
    for (const key of keys) {
      const ttl = await server.client.pttl(Buffer.from(key, 'latin1'));
      if (key.includes('}log:') || key.includes('}epoch')) expect(ttl).toBe(-1);
      else expect(ttl).toBeGreaterThan(50_000);
      if (/\}[inr]:/.test(key)) expect(ttl).toBeGreaterThan(DAY_MS - 10_000);
      expect(key).toContain('{conduit:1}');
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
      expect((await store.lookUp(['talk:a']))?.decision.id).toBe(one.id);
    }
    now = given - 5 * 60 * 1000;
    expect((await store.lookUp(['talk:a']))?.decision.id).toBe(one.id);
  });

  test('no process is kept alive, and nothing answers, once it is closed', async () => {
    const { store } = open(server.url);
    await connected(store, server);
    await store.close();
    await store.close();
    await expect(store.recall('dec_1')).rejects.toThrow('cannot be reached');
  });
});
