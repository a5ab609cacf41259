import { expect, test } from 'vitest';
import { createBackedStore } from '../../src/stores/backed.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { LOG_START, MayBeElsewhere, type StateStore, StoreUnavailable } from '../../src/stores/ports.ts';
import { embeddedStore } from '../support/embedded-store.ts';
import { decision } from './state-store-suite.ts';

/** A hot store of two decisions, and a durable one that has three, of which the hot one has lost the first. */
async function backed(flush: (() => Promise<void>) | null = null) {
  const hot = createMemoryStore({ now: Date.now, maxDecisions: 2 });
  const durable = await embeddedStore();
  const store = createBackedStore({ hot, durable, flush });
  const kept = [1, 2, 3].map(() => decision());
  for (const one of kept) await store.remember({ decision: one, names: [`talk:${one.id}`] });
  const named = kept.map((one) => ({ decision: one, names: [`talk:${one.id}`] }));
  await durable.ingest({ log: 'auto', after: null, cursor: 'a', kept: named });
  const [first] = kept as [DecisionRecord, ...DecisionRecord[]];
  expect(await hot.recall(first.id)).toBe(null);
  return { hot, durable, store, first };
}

const rated = (one: DecisionRecord, reward: number): DecisionRecord => ({
  ...one,
  version: one.version + 1,
  reward,
  label: { ...one.label, quality: reward, weight: 1 },
  labelBefore: one.label,
});
const quality = async (store: StateStore) =>
  (await store.readSince('auto', LOG_START, 10)).entries.map((entry) => [entry.revision, entry.quality, entry.earlier]);

test('what the hot store has forgotten is found by its id', async () => {
  const { store, first } = await backed();
  expect(await store.recall(first.id)).toEqual(first);
  expect(await store.recall(`dec_${'0'.repeat(32)}`)).toBe(null);
});

test('what the hot store cannot look for now is found too, and denied nowhere', async () => {
  const { hot, durable, first } = await backed();
  const recall = () => Promise.reject(new MayBeElsewhere('full'));
  const store = createBackedStore({ hot: { ...hot, recall }, durable, flush: null });
  expect(await store.recall(first.id)).toEqual(first);
  await expect(store.recall(`dec_${'0'.repeat(32)}`)).rejects.toBeInstanceOf(MayBeElsewhere);
});

test('feedback to a decision beyond the hot set is taken, learned once, and can change', async () => {
  const { store, first } = await backed();
  expect(await store.revise(rated(first, 1))).toBe('written');
  expect((await store.recall(first.id))?.reward).toBe(1);
  expect(await store.revise(rated(rated(first, 1), 0))).toBe('written');
  expect((await quality(store)).slice(-2)).toEqual([
    [2, 1, first.label],
    [3, 0, { ...first.label, quality: 1, weight: 1 }],
  ]);
});

test('somebody who changes a decision from an older state of it is refused, beyond the hot set too', async () => {
  const { store, first } = await backed();
  expect(await store.revise({ ...rated(first, 1), version: 3 })).toBe('changed');
  expect(await store.revise(decision({ version: 2 }))).toBe('changed');
  expect(await store.revise(rated(first, 1))).toBe('written');
  expect(await store.revise(rated(first, 0))).toBe('changed');
});

test('what is confirmed is in the durable store, and nothing is confirmed that is not', async () => {
  let flushed = 0;
  const { store } = await backed(async () => {
    flushed++;
  });
  await store.confirm();
  expect(flushed).toBe(1);
  const failing = await backed(() => Promise.reject(new StoreUnavailable('the disk is full')));
  await expect(failing.store.confirm()).rejects.toThrow('the disk is full');
});
