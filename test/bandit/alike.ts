/** Folds that know the same, whatever way they came to it. */
import { expect } from 'vitest';
import type { Fold } from '../../src/bandit/fold.ts';

/** By arm, every number that something is derived from. */
export function numbersOf(fold: Fold): Map<string, number[]> {
  return new Map(
    [...fold.arms]
      .filter(([, arm]) => arm.pulls > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, { pulls, labels, quality, outcomes, requests }]) => {
        const sums = [quality, ...Object.values(outcomes)].flatMap(({ xx, xy, yy }) => [...xx, ...xy, yy]);
        return [id, [pulls, labels, ...sums, ...requests.x, requests.weight, requests.logPrompt]];
      }),
  );
}

/** To 1e-9, and in what is counted exactly. */
export function expectAlike(one: Fold, other: Fold): void {
  expect([one.entries, one.labels, one.landmark, one.newest]).toEqual([
    other.entries,
    other.labels,
    other.landmark,
    other.newest,
  ]);
  const [these, those] = [numbersOf(one), numbersOf(other)];
  expect([...these.keys()]).toEqual([...those.keys()]);
  for (const [arm, numbers] of these) {
    for (const [i, value] of numbers.entries()) {
      const expected = those.get(arm)![i]!;
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
    }
  }
}
