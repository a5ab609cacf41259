import { describe, expect, test } from 'vitest';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { LOG_START, type StateStore } from '../../src/stores/ports.ts';
import { decision, evidence, stateStoreSuite } from './state-store-suite.ts';

stateStoreSuite({ name: 'in memory', create: async (options) => ({ store: createMemoryStore(options) }) });

/** Keeps so many decisions, each with two names and its evidence; gives their ids. */
async function fill(store: StateStore, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const one = decision();
    ids.push(one.id);
    await store.remember({ decision: one, names: [`talk:${one.id}`, 'session'], evidence: evidence(one) });
  }
  return ids;
}

describe('memory stays bounded', () => {
  test('ten thousand decisions are kept, the oldest go first, and their names with them', async () => {
    const store = createMemoryStore({ now: Date.now });
    const ids = await fill(store, 10_010);
    for (const [i, id] of ids.entries()) {
      if (i > 20 && i < 9_990) continue;
      expect((await store.recall(id))?.id).toBe(i < 10 ? undefined : id);
      expect((await store.lookUp([`talk:${id}`]))?.id).toBe(i < 10 ? undefined : id);
    }
  });

  test('a name that has moved on does not go with the decision that had it first', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 3 });
    const ids = await fill(store, 10);
    expect((await store.lookUp(['session']))?.id).toBe(ids.at(-1));
  });

  test('a decision that is revised keeps its place in the queue', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 3 });
    const [first] = await fill(store, 3);
    const kept = await store.recall(first as string);
    expect(await store.revise({ ...kept!, version: 2 }, null)).toBe('written');
    await fill(store, 1);
    expect(await store.recall(first as string)).toBe(null);
  });

  test('a decision that has gone takes no revision', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 2 });
    const [first] = await fill(store, 1);
    const kept = await store.recall(first as string);
    await fill(store, 2);
    expect(await store.revise({ ...kept!, version: 2 }, evidence(kept!))).toBe('changed');
  });

  test('a log keeps its latest entries, and a reader who is behind goes on with the oldest that is left', async () => {
    const store = createMemoryStore({ now: Date.now, maxEntries: 10 });
    await fill(store, 5);
    const { cursor } = await store.readSince('auto', LOG_START, 5);
    const ids = await fill(store, 100);
    const kept: string[] = [];
    let at = cursor;
    for (;;) {
      const slice = await store.readSince('auto', at, 7);
      if (slice.entries.length === 0) break;
      kept.push(...slice.entries.map(({ decisionId }) => decisionId));
      at = slice.cursor;
    }
    expect(kept.length).toBeGreaterThanOrEqual(10);
    expect(kept.length).toBeLessThanOrEqual(20);
    expect(kept).toEqual(ids.slice(-kept.length));
  });

  test('counters whose time has come are dropped', async () => {
    let now = 0;
    const store = createMemoryStore({ now: () => now });
    for (let i = 0; i < 10_000; i++) await store.add(`old-${i}`, 1, 1_000);
    now = 5_000;
    await store.add('new', 1, 1_000);
    expect(await store.add('old-5', 1, 1_000)).toBe(1);
    expect(await store.add('new', 1, 1_000)).toBe(2);
  });
});
