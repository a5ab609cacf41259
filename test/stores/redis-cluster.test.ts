/** A Redis Cluster: whichever node is asked, what belongs together is at one, and that one is found. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { NO_REDIS, startRedisCluster } from '../support/redis-server.ts';
import { connected, entriesOf, open, PATIENCE, rememberNew } from '../support/redis-store.ts';

describe.skipIf(NO_REDIS)(`a Redis Cluster${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  test('of three nodes, by way of any of them, and after the keys have moved', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.close());
    const owner = await cluster.ownerOf('{conduit:1}log:auto');
    const elsewhere = cluster.nodes.filter((node) => node !== owner);
    const stores = [owner, ...elsewhere].map(({ url }) => open(url).store);
    for (const store of stores) {
      onTestFinished(() => store.close());
      await connected(store, owner);
    }
    const ids: string[] = [];
    for (const store of stores) {
      const one = await rememberNew(store, {}, ['talk']);
      ids.push(one.id);
      await expect.poll(async () => (await stores[0]!.recall(one.id))?.id, PATIENCE).toBe(one.id);
      expect((await store.lookUp(['talk']))?.decision.id).toBe(one.id);
      expect(await store.revise({ ...one, version: 2, reward: 1 })).toBe('written');
      await store.add('usd', 1, 60_000);
    }
    expect(await stores[0]!.add('usd', 0, 60_000)).toBe(3);
    for (const { client } of elsewhere) expect(await client.dbsize()).toBe(0);

    const [next] = elsewhere;
    await cluster.move('{conduit:1}epoch', owner, next!);
    for (const store of stores) {
      const one = await rememberNew(store);
      ids.push(one.id);
      await expect.poll(async () => (await store.recall(one.id).catch(() => null))?.id, PATIENCE).toBe(one.id);
    }
    await expect.poll(() => next!.client.xlen('{conduit:1}log:auto'), PATIENCE).toBe(9);
    const entries = await entriesOf(stores[1]!);
    expect(new Set(entries.map(({ decisionId }) => decisionId))).toEqual(new Set(ids));
  });

  test('goes on by way of another node where the one that was named is gone', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.close());
    const owner = await cluster.ownerOf('{conduit:1}log:auto');
    const named = cluster.nodes.find((node) => node !== owner)!;
    for (const { client } of cluster.nodes) await client.config('SET', 'cluster-require-full-coverage', 'no');
    const { store, told } = open(named.url);
    onTestFinished(() => store.close());
    await connected(store, named);
    await rememberNew(store);
    await expect.poll(() => owner.client.xlen('{conduit:1}log:auto'), PATIENCE).toBe(1);
    await named.kill();
    // The connection that hears of growth was to that one.
    await expect.poll(() => told.recovered, PATIENCE).toBeGreaterThanOrEqual(1);
    const grown: string[] = [];
    store.watch((log) => grown.push(log));
    await rememberNew(store);
    await expect.poll(() => grown, PATIENCE).toContain('auto');
    expect(await entriesOf(store)).toHaveLength(2);
  });
});
