/** Decisions that wait on disk while Redis is away, and outlive the process that had them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { labelOf } from '../../src/stores/decision-record.ts';
import { StoreUnavailable } from '../../src/stores/ports.ts';
import { openSpool } from '../../src/stores/spool.ts';
import { freePort, NO_REDIS, startRedisServer } from '../support/redis-server.ts';
import { connected, entriesOf, open, PATIENCE, rememberNew } from '../support/redis-store.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-spool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe.skipIf(NO_REDIS)(`with Redis away and a folder${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  test('what was answered and rated outlives the process, and is written by the next one', async () => {
    const folder = newFolder();
    const port = await freePort();
    const first = open(`redis://127.0.0.1:${port}`, { spool: openSpool({ folder }) });
    await expect.poll(() => first.told.trouble.length, PATIENCE).toBe(1);
    const kept = [await rememberNew(first.store, {}, ['talk:a']), await rememberNew(first.store)];
    const rated = { ...kept[0]!, version: 2, reward: 1, label: labelOf(1), labelBefore: kept[0]!.label };
    expect(await first.store.revise(rated)).toBe('written');
    await first.store.confirm();
    await first.store.close();
    expect(first.told.lost).toBe(0);

    const second = open(`redis://127.0.0.1:${port}`, { spool: openSpool({ folder }) });
    onTestFinished(() => second.store.close());
    await expect.poll(() => second.store.recall(kept[0]!.id).catch(() => null), PATIENCE).toEqual(rated);
    const next = { ...rated, version: 3, reward: 0, label: labelOf(0), labelBefore: rated.label };
    expect(await second.store.revise(next)).toBe('written');
    const server = await startRedisServer({ port });
    onTestFinished(() => server.close());
    await expect.poll(() => second.told.recovered, PATIENCE).toBe(1);
    const entries = await entriesOf(second.store);
    expect(entries.map(({ decisionId, revision }) => [decisionId, revision])).toEqual([
      [kept[0]!.id, 3],
      [kept[1]!.id, 1],
    ]);
    expect(await second.store.lookUp(['talk:a'])).toEqual({ decision: next, name: 'talk:a' });

    const third = open(server.url, { spool: openSpool({ folder }) });
    onTestFinished(() => third.store.close());
    await connected(third.store, server);
    await rememberNew(third.store);
    expect(await entriesOf(third.store)).toHaveLength(3);
  });

  test('a name that somebody has by now is not taken back by what waited', async () => {
    const folder = newFolder();
    const port = await freePort();
    const first = open(`redis://127.0.0.1:${port}`, { spool: openSpool({ folder }) });
    const waited = await rememberNew(first.store, {}, ['session', 'mine']);
    await first.store.close();
    const server = await startRedisServer({ port });
    onTestFinished(() => server.close());
    const other = open(server.url).store;
    onTestFinished(() => other.close());
    await connected(other, server);
    const later = await rememberNew(other, {}, ['session']);
    const second = open(server.url, { spool: openSpool({ folder }) });
    onTestFinished(() => second.store.close());
    await expect.poll(async () => (await other.lookUp(['mine']))?.decision.id, PATIENCE).toBe(waited.id);
    expect((await other.lookUp(['session']))?.decision.id).toBe(later.id);
  });

  test('what waited on disk and was written, rated and trimmed all the same is not written again', async () => {
    const folder = newFolder();
    const port = await freePort();
    const first = open(`redis://127.0.0.1:${port}`, { spool: openSpool({ folder }) });
    const waited = await rememberNew(first.store, {}, ['mine']);
    await first.store.close();
    const server = await startRedisServer({ port });
    onTestFinished(() => server.close());
    const other = open(server.url).store;
    onTestFinished(() => other.close());
    await connected(other, server);
    await other.remember({ decision: waited, names: [] });
    expect(await other.revise({ ...waited, version: 2, reward: 1 })).toBe('written');
    const last = await rememberNew(other);
    const log = '{conduit:1}log:auto';
    const [, rated] = await server.client.xrange(log, '-', '+');
    await server.client.hset('{conduit:1}marks:auto', 'trimmed', rated![0]);
    await server.client.xtrim(log, 'MAXLEN', 1);
    const second = open(server.url, { spool: openSpool({ folder }) });
    onTestFinished(() => second.store.close());
    await connected(second.store, server, 2);
    // Its name was nowhere yet.
    await expect.poll(() => server.client.keys('{conduit:1}n:*'), PATIENCE).toHaveLength(1);
    expect((await entriesOf(other)).map(({ decisionId }) => decisionId)).not.toContain(waited.id);
    expect((await entriesOf(other))[0]?.decisionId).toBe(last.id);
    expect(await second.store.recall(waited.id)).toBe(null);
  });

  test('where the folder cannot be written to, answers are kept in memory, and a rating is refused', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'spool'), 'a file');
    const port = await freePort();
    const { store, told } = open(`redis://127.0.0.1:${port}`, { spool: openSpool({ folder }) });
    onTestFinished(() => store.close());
    await expect.poll(() => told.trouble.length, PATIENCE).toBe(1);
    const kept = await rememberNew(store);
    await expect(store.revise({ ...kept, version: 2, reward: 1 })).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.confirm()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.recall(kept.id)).toEqual(kept);
    rmSync(join(folder, 'spool'));
    await store.confirm(kept);
    expect(await store.revise({ ...kept, version: 2, reward: 1 })).toBe('written');
    await store.confirm();
    const server = await startRedisServer({ port });
    onTestFinished(() => server.close());
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    await store.confirm();
    expect(await entriesOf(store)).toHaveLength(1);
  });

  test('beyond what there is room for the newest are refused', async () => {
    const { store } = open(`redis://127.0.0.1:${await freePort()}`, {
      spool: openSpool({ folder: newFolder() }),
      maxWaiting: 2,
    });
    onTestFinished(() => store.close());
    const kept = [await rememberNew(store), await rememberNew(store)];
    await expect(rememberNew(store)).rejects.toThrow('too many decisions wait');
    for (const one of kept) expect(await store.recall(one.id)).toEqual(one);
  });
});
