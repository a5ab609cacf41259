/** Counters whose store takes several at once. */
import { beforeEach, expect, test } from 'vitest';
import { type Counters, createCounters } from '../../src/routing/counters.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { type Addition, type StateStore, StoreUnavailable, UncertainWrite } from '../../src/stores/ports.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

let runtime: TestRuntime;
let counters: Counters;
let told: (readonly Addition[])[];
/** What becomes of the next call. */
let next: (additions: readonly Addition[]) => Promise<number[]>;
let state: StateStore;

beforeEach(() => {
  runtime = testRuntime();
  told = [];
  const store = createMemoryStore({ now: runtime.now });
  const addAll = async (additions: readonly Addition[]): Promise<number[]> => {
    const values: number[] = [];
    for (const { counter, amount, ttlMs } of additions) values.push(await store.add(counter, amount, ttlMs));
    return values;
  };
  next = addAll;
  state = {
    ...store,
    addAll(additions) {
      told.push(additions);
      const now = next;
      next = addAll;
      return now(additions);
    },
  };
  counters = createCounters(state, runtime);
});

const add = (name: string, amount: number) => counters.add(counters.named(name, 60_000), amount);
const value = (name: string) => counters.value(counters.named(name, 60_000));

test('travel in one call, and know then what others have counted', async () => {
  await state.add('usd', 2, 60_000);
  add('usd', 0.5);
  await counters.flush();
  told = [];
  add('usd', 0.25);
  add('requests', 1);
  await counters.flush();
  expect(told.map((additions) => additions.map(({ counter }) => counter))).toEqual([['usd', 'requests']]);
  expect([value('usd'), value('requests')]).toEqual([2.75, 1]);
});

test.each([
  ['refuses', () => Promise.reject(new StoreUnavailable('away'))],
  [
    'may have taken it',
    async (additions: readonly Addition[]) => {
      for (const { counter, amount, ttlMs } of additions) await state.add(counter, amount, ttlMs);
      throw new UncertainWrite('late');
    },
  ],
] as const)('a store that %s has each addition once in the end', async (_, failing) => {
  add('usd', 0.5);
  add('requests', 1);
  await counters.flush();
  add('usd', 0.25);
  add('requests', 1);
  next = failing;
  await counters.flush();
  // What is known here counts meanwhile.
  expect([value('usd'), value('requests')]).toEqual([0.75, 2]);
  await counters.flush();
  expect([value('usd'), value('requests')]).toEqual([0.75, 2]);
  expect(await state.add('usd', 0, 60_000)).toBe(0.75);
});
