/** The store in Redis while Redis cannot be had: nothing waits, and nothing that was to be kept is lost. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { LOG_START, MayBeElsewhere, StoreUnavailable, UncertainWrite } from '../../src/stores/ports.ts';
import type { RedisStoreOptions } from '../../src/stores/redis.ts';
import { freePort, NO_REDIS, startRedisServer } from '../support/redis-server.ts';
import { connected, entriesOf, open, openOverRelay, PATIENCE, rememberNew } from '../support/redis-store.ts';
import { decision } from './state-store-suite.ts';

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
    expect((await store.lookUp(['session']))?.decision.id).toBe(kept.at(-1)?.id);
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
    // It would not outlive this process.
    await expect(store.confirm(next)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.lookUp(['talk:a'])).toEqual({ decision: next, name: 'talk:a' });
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

  test('full: it is told that nothing is kept, and a decision that waits in another process is not denied', async () => {
    const { server, store, told } = await one();
    const other = open(server.url);
    onTestFinished(() => other.store.close());
    await connected(other.store, server, 2);
    await server.client.config('SET', 'maxmemory', '1');
    const theirs = await rememberNew(other.store, { created: Date.now() });
    const kept = await rememberNew(store, { created: Date.now() });
    await expect(store.readHealth()).rejects.toThrow('OOM');
    expect(await store.recall(kept.id)).toEqual(kept);
    await expect(store.recall(theirs.id)).rejects.toBeInstanceOf(MayBeElsewhere);
    // Nobody would still wait with it.
    expect(await store.recall(decision().id)).toBe(null);
    await server.client.config('SET', 'maxmemory', '0');
    for (const each of [told, other.told]) await expect.poll(() => each.recovered, PATIENCE).toBe(1);
    await store.readHealth();
    expect(await store.recall(theirs.id)).toEqual(theirs);
    expect(await store.recall(decision({ created: Date.now() }).id)).toBe(null);
  });

  test('slow: what is remembered waits for nobody, and all of it is there in the end, once', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const { relay, store, told } = await openOverRelay(server);
    relay.delay(250);
    const kept = await Promise.all(Array.from({ length: 50 }, () => rememberNew(store)));
    const rated = { ...(kept[0] as DecisionRecord), version: 2, reward: 1 };
    expect(await store.revise(rated)).toBe('written');
    // Slower than a call may be: nobody knows what became of it.
    relay.delay(700);
    kept.push(await rememberNew(store));
    relay.delay(0);
    await expect.poll(() => told.recovered, PATIENCE).toBeGreaterThanOrEqual(1);
    const entries = await entriesOf(store);
    expect(entries).toHaveLength(52);
    expect(new Set(entries.map(({ decisionId }) => decisionId))).toEqual(new Set(kept.map(({ id }) => id)));
  });

  test('coming and going: every decision is there once', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const { relay, store, told } = await openOverRelay(server);
    const kept: string[] = [];
    for (let i = 0; i < 200; i++) {
      if (i % 20 === 10) relay.cut();
      if (i % 20 === 15) relay.mend();
      kept.push((await rememberNew(store)).id);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    relay.mend();
    await expect.poll(async () => (await entriesOf(store).catch(() => [])).length, PATIENCE).toBe(200);
    expect(new Set((await entriesOf(store)).map(({ decisionId }) => decisionId))).toEqual(new Set(kept));
    expect(told.lost).toBe(0);
  });

  test('a replica that takes no writes: they wait until it does', async () => {
    const { server, store, told } = await one();
    const primary = await startRedisServer();
    onTestFinished(() => primary.close());
    await server.client.replicaof('127.0.0.1', primary.port);
    const kept = await rememberNew(store);
    await expect.poll(() => told.trouble[0], PATIENCE).toContain('READONLY');
    expect(await store.recall(kept.id)).toEqual(kept);
    await server.client.replicaof('NO', 'ONE');
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    expect((await entriesOf(store)).map(({ decisionId }) => decisionId)).toEqual([kept.id]);
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
