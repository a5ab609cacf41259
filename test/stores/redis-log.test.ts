/** The logs in Redis: how long they grow, what is told of what went, and what a completion asks of Redis. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { LOG_START, PINNED_LOG, type Snapshot } from '../../src/stores/ports.ts';
import { createRecords } from '../../src/stores/redis/records.ts';
import type { RedisStore, RedisStoreOptions } from '../../src/stores/redis.ts';
import { NO_REDIS, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { connected, DAY_MS, entriesOf, open, openOverRelay, PATIENCE, rememberNew } from '../support/redis-store.ts';
import { decision } from './state-store-suite.ts';

const LOG = '{conduit:1}log:auto';

describe.skipIf(NO_REDIS)('a log in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server?.close());
  beforeEach(() => void server.client.flushall());

  async function one(more: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
    const { store } = open(server.url, more);
    onTestFinished(() => store.close());
    await connected(store, server);
    return store;
  }

  /** Entries as of a minute ago, past the store: so many would take it long. */
  async function fill(count: number, agoMs = 60_000, log = LOG): Promise<void> {
    const { texts, bytes } = createRecords().entryOf(decision());
    const [seconds] = (await server.client.time()) as unknown as [string, string];
    const from = Number(seconds) * 1_000 - agoMs;
    const pipeline = server.client.pipeline();
    for (let i = 0; i < count; i++) pipeline.xadd(log, `${from}-${i + 1}`, texts, bytes);
    await pipeline.exec();
  }
  const length = (log = LOG) => server.client.xlen(log);
  const latestPlace = async (): Promise<string> =>
    (await server.client.xrevrange(LOG, '+', '-', 'COUNT', 1))[0]?.[0] as string;
  const epoch = () => server.client.get('{conduit:1}epoch');

  test('keeps a hundred thousand entries, and tells who has not read so far that some are gone', async () => {
    const store = await one();
    await rememberNew(store);
    const { cursor } = await store.readSince('auto', LOG_START, 1);
    await fill(109_999, -60_000);
    await rememberNew(store, { router: 'other' });
    expect(await length()).toBe(110_000);
    await rememberNew(store);
    await expect.poll(() => length(), PATIENCE).toBe(100_000);
    for (const from of [LOG_START, cursor]) expect((await store.readSince('auto', from, 1)).gap).toBe('trimmed');
    const later = await store.readSince('auto', cursor, 1);
    expect((await store.readKept('auto', later.cursor, 1)).gap).toBe(null);
    const trimmed = await server.client.hget('{conduit:1}marks:auto', 'trimmed');
    expect((await store.readSince('auto', `${await epoch()}-${trimmed}`, 1)).gap).toBe(null);
    expect((await store.readSince('other', LOG_START, 1)).gap).toBe(null);
  });

  test('finds nothing of a decision that was trimmed, by id or by name', async () => {
    const store = await one();
    const first = await rememberNew(store, {}, ['talk:a']);
    await server.client.xtrim(LOG, 'MAXLEN', 0);
    expect(await store.recall(first.id)).toEqual(first);
    const other = await one();
    expect(await other.recall(first.id)).toBe(null);
    expect(await other.lookUp(['talk:a'])).toBe(null);
    expect(await other.revise({ ...first, version: 2 })).toBe('changed');
  });

  test('with a durable store behind it keeps what that has not got, and what the older snapshot does not cover', async () => {
    const store = await one({ drained: true, keepMs: 10 });
    await rememberNew(store);
    await fill(29_999, -60_000);
    const cursor = `${await epoch()}-${await latestPlace()}`;
    const { snapshots, drained } = store.shared;
    await fill(1_000, -120_000);
    const later = `${await epoch()}-${await latestPlace()}`;
    expect(await snapshots.put('auto', { cursor, bytes: Buffer.from('1') })).toBe(true);
    expect(await snapshots.put('auto', { cursor: later, bytes: Buffer.from('2') })).toBe(true);
    expect(await length()).toBe(31_000);
    await drained('auto', cursor);
    await drained('auto', `elsewhere-9999999999999-0`);
    await fill(1_000, -180_000);
    const last = `${await epoch()}-${await latestPlace()}`;
    expect(await snapshots.put('auto', { cursor: last, bytes: Buffer.from('3') })).toBe(true);
    await expect.poll(() => length(), PATIENCE).toBe(10_000);
    expect((await store.readSince('auto', LOG_START, 1)).gap).toBe('trimmed');
    expect((await store.readSince('auto', cursor, 1)).gap).toBe(null);
  });

  test('without one lets go what is too old to be rated, where two snapshots have it', async () => {
    const store = await one({ keepMs: DAY_MS });
    await fill(15_000, 2 * DAY_MS);
    const [old] = [await latestPlace()];
    await rememberNew(store);
    await fill(12_000, -60_000);
    const { snapshots } = store.shared;
    const cursor = `${await epoch()}-${old}`;
    expect(await snapshots.put('auto', { cursor, bytes: Buffer.from('1') })).toBe(true);
    const later = `${await epoch()}-${await latestPlace()}`;
    expect(await snapshots.put('auto', { cursor: later, bytes: Buffer.from('2') })).toBe(true);
    await expect.poll(() => length(), PATIENCE).toBe(12_001);
  });

  test('keeps two snapshots of some megabytes, as they were, also on a slow line, and nothing of the one before', async () => {
    const { relay, store, told } = await openOverRelay(server);
    await rememberNew(store);
    relay.delay(10);
    const { snapshots } = store.shared;
    const given: Snapshot[] = [];
    for (let i = 1; i <= 3; i++) {
      given.unshift({ cursor: `${await epoch()}-${i}-0`, bytes: Buffer.alloc(i * 700_001, `fold ${i}`) });
      expect(await snapshots.put('auto', given[0]!)).toBe(true);
    }
    const read = await snapshots.read('auto');
    expect(
      read.map(({ cursor, bytes }) => ({ cursor, same: given.some((one) => Buffer.from(one.bytes).equals(bytes)) })),
    ).toEqual(given.slice(0, 2).map(({ cursor }) => ({ cursor, same: true })));
    expect(await snapshots.put('auto', { ...given[2]!, bytes: Buffer.from('late') })).toBe(false);
    expect(await server.client.keys('{conduit:1}fold:*')).toHaveLength(2);
    expect(told.trouble).toEqual([]);
  });

  test('passes over an entry that it cannot read', async () => {
    const store = await one();
    await server.client.xadd(LOG, '*', 'auto', Buffer.from([1, 0, 99, 3]));
    const kept = await rememberNew(store);
    expect((await entriesOf(store)).map(({ decisionId }) => decisionId)).toEqual([kept.id]);
    expect((await store.readKept('auto', LOG_START, 10)).kept).toHaveLength(1);
  });

  test('asks Redis once for a first message, and three times for a follow-up that rates the answer before', async () => {
    const store = await one();
    /** Steps that Redis carries out, with every script known there already. */
    const scripts = async (work: () => Promise<unknown>): Promise<number> => {
      await work();
      await server.client.config('RESETSTAT');
      await work();
      const stats = await server.client.info('commandstats');
      return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
    };
    expect(await scripts(() => rememberNew(store, {}, ['asked:a', 'talk:a', 'completion:a']))).toBe(1);
    const followUp = async (): Promise<void> => {
      const found = await store.lookUp(['talk:unknown', 'talk:a']);
      const { decision } = found!;
      await store.revise({ ...decision, version: decision.version + 1 });
      await rememberNew(store, {}, ['asked:b', 'talk:b', 'completion:b']);
    };
    expect(await scripts(followUp)).toBe(3);
  });

  test('tells of decisions that no router made as of any', async () => {
    const store = await one();
    const grown: string[] = [];
    store.watch((log) => grown.push(log));
    await rememberNew(store, { router: null });
    await expect.poll(() => grown, PATIENCE).toEqual([PINNED_LOG]);
  });
});
