import { expect, test } from 'vitest';
import { createOwed } from '../../src/routing/owed.ts';

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
