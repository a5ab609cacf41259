import { expect, test } from 'vitest';
import type { Model, Router } from '../../src/config/resolve.ts';
import { createLearner, type Learned } from '../../src/routing/learner.ts';
import { createOwed } from '../../src/routing/owed.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { testRuntime } from './runtime.ts';

test('an answer is owed for until a posterior knows of it', () => {
  const owed = createOwed();
  owed.owe('a', 0.5, 0);
  owed.owe('b', 0.25, 10);
  expect(owed.sum(20)).toBe(0.75);
  owed.derived();
  expect(owed.sum(20)).toBe(0.75);
  owed.folded('a');
  owed.folded('never owed');
  expect(owed.sum(20)).toBe(0.75);
  owed.derived();
  expect(owed.sum(20)).toBe(0.25);
  owed.folded('b');
  owed.folded('b');
  expect(owed.sum(20)).toBe(0.25);
  owed.derived();
  expect(owed.sum(20)).toBe(0);
});

test('an answer that never came is no longer owed for after a quarter of an hour', () => {
  const owed = createOwed();
  owed.owe('failed', 0.5, 0);
  owed.owe('later', 0.25, 60_000);
  expect(owed.sum(899_999)).toBe(0.75);
  expect(owed.sum(900_000)).toBe(0.25);
  expect(owed.sum(2_000_000)).toBe(0);
});

test('an answer that is on its way when the config changes is still owed for', async () => {
  const arms = ['small', 'large'].map((id) => ({ id, price: { input: 1, output: 1 }, was: [] }) as unknown as Model);
  const state = createMemoryStore({ now: () => 0 });
  const learnerOf = (halfLifeMs: number | null, earlier?: Learned) => {
    const guarantee = { baseline: 'large', quality: 0.9, confidence: 0.9 };
    const router = { name: 'auto', halfLifeMs, signalsOff: new Set(), guarantee } as unknown as Router;
    return createLearner(router, arms, state, testRuntime(), earlier);
  };
  const first = learnerOf(null);
  first.owed?.owe('on its way', 0.5, 0);
  const second = learnerOf(null, await first.handOver());
  expect(second.owed?.sum(1_000)).toBe(0.5);
  // Evidence fades otherwise from now on, and all of it is folded anew.
  const third = learnerOf(3_600_000, await second.handOver());
  expect(third.owed?.sum(1_000)).toBe(0.5);
});
