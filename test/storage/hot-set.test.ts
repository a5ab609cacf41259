/** What a memory that begins anew takes back of the latest decisions, and what it does where they cannot be read. */
import { expect, test } from 'vitest';
import { reviveLatest } from '../../src/storage/hot-set.ts';
import type { EmbeddedStore } from '../../src/stores/embedded.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { testRuntime } from '../routing/runtime.ts';
import { decision } from '../stores/state-store-suite.ts';
import { embeddedStore } from '../support/embedded-store.ts';

const START = 1_764_000_000_000;

async function prepare(local: EmbeddedStore, since = 0) {
  const hot = createMemoryStore({ now: Date.now });
  const runtime = testRuntime();
  const revive = (isClosed = () => false) => reviveLatest({ hot, local, since, log: runtime.log, isClosed });
  return { hot, runtime, revive };
}

/** With decisions a second apart. */
async function filled(count: number) {
  const local = await embeddedStore();
  const made = Array.from({ length: count }, (_, i) => decision({ created: START + 1_000 * i }));
  const kept = made.map((one) => ({ decision: one, names: [`talk:${one.id}`, 'session'] }));
  await local.ingest({ log: 'auto', after: null, cursor: '1', kept });
  return { local, made };
}

test('the latest ten thousand are there again with their names, however many are kept', async () => {
  const { local, made } = await filled(10_450);
  const { hot, revive, runtime } = await prepare(local);
  await revive();
  const latest = made.slice(-10_000);
  for (const one of latest) expect((await hot.lookUp([`talk:${one.id}`]))?.decision.id).toBe(one.id);
  expect((await hot.lookUp(['session']))?.decision.id).toBe(made.at(-1)?.id);
  expect(await hot.recall(made[0]!.id)).toBe(null);
  expect(await hot.recall(latest[0]!.id)).toEqual(latest[0]);
  expect(runtime.logged).toEqual([]);
});

test('none is there again to which nobody comes back any more', async () => {
  const { local, made } = await filled(250);
  const { hot, revive } = await prepare(local, START + 1_000 * 120);
  await revive();
  const known = await Promise.all(made.map(({ id }) => hot.recall(id)));
  expect(known.map(Boolean)).toEqual(made.map((_, i) => i >= 120));
});

test('a disk that fails meanwhile is told of once, and leaves what was read', async () => {
  const { local, made } = await filled(1_000);
  let reads = 0;
  const failing: EmbeddedStore = {
    ...local,
    async readLatest(limit, before) {
      if (++reads > 3) throw new Error('the disk has gone');
      return await local.readLatest(limit, before);
    },
  };
  const { hot, revive, runtime } = await prepare(failing);
  await revive();
  expect((await hot.recall(made.at(-1)!.id))?.id).toBe(made.at(-1)?.id);
  expect(await hot.recall(made[0]!.id)).toBe(null);
  expect(runtime.logged).toMatchObject([{ level: 'error' }]);
});

test('a process that ends at once waits for nothing of it, and complains of nothing', async () => {
  const { local } = await filled(1_000);
  const { revive, runtime } = await prepare(local);
  let closed = false;
  const reviving = revive(() => closed);
  closed = true;
  await local.close();
  await reviving;
  expect(runtime.logged).toEqual([]);
});
