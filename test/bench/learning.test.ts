/** What the learning bench reads off its runs, and what it lets happen in them. */
import { describe, expect, test } from 'vitest';
import { mostOver, sustainedAfter } from '../../bench/learning/measures.ts';
import { arrival, passes, repriced, threePhases } from '../../bench/learning/trials.ts';
import type { ReplayRun } from '../../src/evaluate/replay.ts';
import { twoKinds } from '../evaluate/recorded.ts';
import { rowsFrom } from '../evaluate/rows.ts';

const rows = rowsFrom(twoKinds(41));
const { arms } = rows[0]!;
const sorted = (some: readonly { x: readonly number[] }[]): string[] => some.map(({ x }) => JSON.stringify(x)).sort();

const runOf = (costs: number[]): ReplayRun => ({
  chosen: new Int16Array(costs.length),
  scores: new Float64Array(costs.length),
  costs: Float64Array.from(costs),
});

describe('three phases', () => {
  test('go over the half that was not known, the first and the last over the same prompts', () => {
    const { rows: run, warmUp, inOrder } = threePhases(rows, repriced(arms, 'p/dear', 0.1, 0.1))(3);
    expect({ run: run.length, known: warmUp.length, inOrder }).toEqual({ run: 30, known: 20, inOrder: true });
    expect(sorted(run.slice(20))).toEqual(sorted(run.slice(0, 10)));
    const seen = [...warmUp, ...run.slice(0, 20)].map(({ x }) => JSON.stringify(x));
    expect(new Set(seen).size).toBe(new Set(sorted(rows).filter((one) => seen.includes(one))).size);
    expect(run.map(({ outcomes }) => outcomes[1]!.costUsd)).toEqual([
      ...new Array<number>(10).fill(0.001),
      // 20 + 100 tokens.
      ...new Array<number>(10).fill(expect.closeTo(0.000012, 12) as never),
      ...new Array<number>(10).fill(0.001),
    ]);
    // A learner knows by the array that no arm has changed.
    expect(new Set(run.map((row) => row.arms)).size).toBe(2);
  });
});

test('an arm that arrives is not known of before', () => {
  const { rows: run, warmUp } = arrival(rows, 'p/cheap')(1);
  expect(warmUp.every((row) => row.arms.length === 1 && row.outcomes.length === 1)).toBe(true);
  expect(run.map((row) => row.arms.map(({ id }) => id).join())).toEqual([
    ...new Array<string>(10).fill('p/dear'),
    ...new Array<string>(11).fill('p/cheap,p/dear'),
  ]);
});

test('several passes go over all rows each time, in another order', () => {
  const { rows: run } = passes(rows, 2)(1);
  expect(sorted(run.slice(0, 41))).toEqual(sorted(rows));
  expect(sorted(run.slice(41))).toEqual(sorted(rows));
  expect(run.slice(41)).not.toEqual(run.slice(0, 41));
});

test('what was spent too much is the most at any time after 200 requests, in any run', () => {
  const even = runOf(new Array<number>(300).fill(1));
  expect(mostOver([even], 1)).toBeCloseTo(-0.8, 9);
  const once = runOf(Array.from({ length: 300 }, (_, i) => (i === 249 ? 6 : 1)));
  expect(mostOver([even, once], 1)).toBeCloseTo(5 - 0.004 * 250, 9);
  const early = runOf(Array.from({ length: 300 }, (_, i) => (i === 0 ? 100 : 0.5)));
  expect(mostOver([early], 1)).toBeCloseTo(100 + 199 * 0.5 - 200.8, 9);
});

test('an arm is used lastingly from the first 100 requests on after which it always has its part', () => {
  const chosenWhere = (is: (i: number) => boolean) => ({
    chosen: Int16Array.from({ length: 600 }, (_, i) => (is(i) ? 1 : 0)),
  });
  expect(
    sustainedAfter(
      chosenWhere((i) => i >= 200 && i % 10 === 0),
      1,
      200,
    ),
  ).toBe(100);
  expect(
    sustainedAfter(
      chosenWhere((i) => i >= 300 && i % 10 === 0),
      1,
      200,
    ),
  ).toBe(141);
  // At first, then never again.
  expect(
    sustainedAfter(
      chosenWhere((i) => i < 320),
      1,
      200,
    ),
  ).toBe(null);
});
