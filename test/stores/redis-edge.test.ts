/** The edge's store in Redis, where workerd makes no difference: what waits, what was lost, and where the keys are. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { mergedDecisions } from '../../src/routing/feedback.ts';
import { createEdgeRedisStore } from '../../src/stores/redis-edge.ts';
import { createAtEdge, request, sha256Hex, within } from '../support/edge-redis-store.ts';
import { NO_REDIS, startRedisCluster, startRedisServer } from '../support/redis-server.ts';
import { DAY_MS, entriesOf, PATIENCE, rememberNew } from '../support/redis-store.ts';
import { decision } from './state-store-suite.ts';

describe.skipIf(NO_REDIS)(`the edge's store in Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  test('everything was lost: what this isolate has sent is there again, once, with its names', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const store = within(createAtEdge(server.url).store);
    const kept = [];
    for (const name of ['one', 'two', 'three']) kept.push(await rememberNew(store, { created: Date.now() }, [name]));
    await store.revise({ ...kept[0]!, version: 2, reward: 1 });
    await server.client.flushall();
    kept.push(await rememberNew(store, { created: Date.now() }, ['two']));
    const other = within(createAtEdge(server.url).store);
    await expect.poll(async () => (await entriesOf(other)).length, PATIENCE).toBe(4);
    expect((await other.recall(kept[0]!.id))?.reward).toBe(1);
    expect((await other.lookUp(['three']))?.decision.id).toBe(kept[2]!.id);
    // A name stays with the decision that had it last.
    expect((await other.lookUp(['two']))?.decision.id).toBe(kept[3]!.id);
  });

  test('the end of a log was lost: a rating that this isolate has to add brings the decision back', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const store = within(createAtEdge(server.url).store);
    const kept = await rememberNew(store, { created: Date.now() }, ['one']);
    const epoch = (await server.client.getBuffer('{conduit:1}epoch')) as Buffer;
    await server.client.flushall();
    await server.client.set('{conduit:1}epoch', epoch);
    expect(await store.recall(kept.id)).toEqual(kept);
    const next = { ...kept, version: 2, reward: 1 };
    await expect(store.revise(next)).rejects.toThrow('has not got back yet');
    await expect.poll(() => store.revise(next).catch(() => null), PATIENCE).toBe('written');
    const other = within(createAtEdge(server.url).store);
    await expect.poll(() => other.recall(kept.id), PATIENCE).toEqual(next);
  });

  test('a rating that others took, and that is confirmed here, is not lost with Redis', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const [one, other] = [within(createAtEdge(server.url).store), within(createAtEdge(server.url).store)];
    const kept = await rememberNew(one, { created: Date.now() });
    const rated = { ...kept, version: 2, reward: 1 };
    await one.revise(rated);
    await other.confirm(rated);
    expect(await entriesOf(other)).toHaveLength(2);
    await server.client.flushall();
    await rememberNew(other, { created: Date.now() });
    await expect.poll(() => other.recall(kept.id), PATIENCE).toEqual(rated);
    await expect.poll(async () => (await entriesOf(other)).length, PATIENCE).toBe(2);
  });

  test('in a cluster the node that has the keys is found, by way of any, and after they have moved', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.close());
    const owner = await cluster.ownerOf('{conduit:1}log:auto');
    const stores = cluster.nodes.map(({ url }) => createAtEdge(url));
    for (const { store, told } of stores) {
      const one = await rememberNew(within(store), {}, ['talk']);
      expect((await within(store).lookUp(['talk']))?.decision.id).toBe(one.id);
      expect(told).toEqual({ trouble: [], recovered: 0, unwritten: 0, lost: 0 });
    }
    const [next] = cluster.nodes.filter((node) => node !== owner);
    await cluster.move('{conduit:1}epoch', owner, next!);
    for (const { store } of stores) await rememberNew(within(store));
    expect(await entriesOf(within(stores[0]!.store))).toHaveLength(6);
  });

  test('a host that nobody knows, or that takes no connection: the call fails, and nothing stays open', async () => {
    for (const url of ['redis://nowhere.invalid:6379', 'redis://127.0.0.1:1']) {
      const { store, told } = createAtEdge(url);
      const { scope, ended } = request();
      await expect(within(store, () => scope).readHealth()).rejects.toThrow('Redis cannot be reached');
      await ended();
      expect(told.trouble).toHaveLength(1);
    }
  });
});

describe('the edge’s store', () => {
  /** A Redis that does as it is told. */
  function over(run: (script: string) => Promise<unknown>, clock = () => 0) {
    const began: Promise<unknown>[] = [];
    const lost: number[] = [];
    const store = createEdgeRedisStore({
      connection: { run, call: async () => null },
      now: Date.now,
      clock,
      random: Math.random,
      sha256Hex,
      keepMs: DAY_MS,
      drained: false,
      merge: mergedDecisions,
      defer: (work) => began.push(work),
      notices: { trouble() {}, recovered() {}, unwritten() {}, lost: (decisions) => lost.push(decisions) },
      maxWaiting: 2,
    });
    return { store, began, lost };
  }
  const written = (length: number) => [Buffer.from('epoch'), Buffer.from('1-0'), length];

  test('is held up by no request that was cut off while it wrote what waits', async () => {
    let now = 0;
    let answer: () => Promise<unknown> = () => Promise.reject(new Error('away'));
    const { store } = over(
      () => answer(),
      () => now,
    );
    const first = decision();
    await store.remember({ decision: first, names: [] });
    answer = () => new Promise(() => {});
    void store.confirm(first);
    // Another one is at it: it waits in line, and does not wait for it.
    const second = decision();
    answer = async () => written(1);
    await store.remember({ decision: second, names: [] });
    expect(await store.recall(second.id)).toEqual(second);
    now += 6_000;
    await store.confirm(second);
    await store.confirm(first);
  });

  test('says so where too many decisions wait', async () => {
    const { store, lost } = over(() => Promise.reject(new Error('away')));
    for (let i = 0; i < 2; i++) await store.remember({ decision: decision(), names: [] });
    await expect(store.remember({ decision: decision(), names: [] })).rejects.toThrow('too many decisions wait');
    await store.close();
    expect(lost).toEqual([2]);
  });

  test('tells whoever watches of what it writes', async () => {
    const { store } = over(async (script) =>
      script === 'conduitReadLog' ? [Buffer.from('epoch'), Buffer.from(''), []] : written(1),
    );
    const grown: string[] = [];
    const unwatch = store.watch((log) => grown.push(log));
    await store.remember({ decision: decision({ router: 'mine' }), names: [] });
    await store.readSince('theirs', '0', 10);
    expect(grown).toEqual(['mine']);
    unwatch();
    await store.remember({ decision: decision({ router: 'mine' }), names: [] });
    expect(grown).toHaveLength(1);
  });

  test('has a log that is too long cut by one request at a time', async () => {
    const asked: string[] = [];
    const { store, began } = over(async (script) => {
      asked.push(script);
      if (script === 'conduitRemember') return written(120_000);
      return script === 'conduitLease' ? 1 : 0;
    });
    await Promise.all(Array.from({ length: 5 }, () => store.remember({ decision: decision(), names: [] })));
    await Promise.all(began);
    expect(asked.filter((script) => script === 'conduitLease')).toHaveLength(1);
    expect(asked.filter((script) => script === 'conduitTrim')).toHaveLength(1);
  });
});
