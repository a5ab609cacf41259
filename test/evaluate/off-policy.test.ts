import { describe, expect, test } from 'vitest';
import { loggedRun, type Population, reportSettings, simulatedPopulation, truthsOf } from '../../bench/report-log.ts';
import { createDice } from '../../src/evaluate/dice.ts';
import {
  difference,
  doublyRobust,
  effectiveSize,
  emptyOverlap,
  intervalOf,
  type Overlap,
  putOverlap,
  shareSaved,
  snips,
  timeWeights,
  type Values,
} from '../../src/evaluate/off-policy.ts';
import { reportOn } from '../../src/evaluate/report.ts';
import { WORLDS } from '../../src/evaluate/simulator/worlds.ts';
import { always, preferring } from '../../src/evaluate/targets.ts';

const numbers = (count: number, at: (i: number) => number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => at(i));

/** A log of two arms, the first drawn with this probability and worth `means[0]`, and one that always wants the second. */
function twoArms(
  count: number,
  propensity: number,
  means: readonly [number, number],
  seed = 1,
): {
  overlap: Overlap;
  values: Values;
  h: Float64Array;
} {
  const random = createDice(seed);
  const overlap = emptyOverlap(count);
  const values: Values = {
    observed: numbers(count, () => 0),
    known: numbers(count, () => 1),
    predicted: numbers(count, () => 0.5),
    expected: numbers(count, () => 0.5),
  };
  for (let i = 0; i < count; i++) {
    const chosen = random() < propensity ? 0 : 1;
    putOverlap(overlap, i, chosen, [0, 1], [propensity, 1 - propensity]);
    values.observed[i] = random() < means[chosen]! ? 1 : 0;
  }
  return { overlap, values, h: timeWeights(new Int32Array(count), [overlap]) };
}

describe('an estimate of what another policy would have given', () => {
  test('finds the mean of the arm that the policy wants, and not that of the log', () => {
    const { overlap, values, h } = twoArms(20_000, 0.8, [0.9, 0.3]);
    for (const estimate of [snips(h, overlap, values), doublyRobust(h, overlap, values)]) {
      const { mean, low, high } = intervalOf(estimate);
      expect(mean).toBeCloseTo(0.3, 1);
      expect(low).toBeLessThan(0.3);
      expect(high).toBeGreaterThan(0.3);
    }
  });

  test('is worth as many decisions as the log gave to the policy’s arm, where all of them had the same chance', () => {
    const { overlap, values, h } = twoArms(20_000, 0.8, [0.9, 0.3]);
    const size = effectiveSize(h, overlap, values.known);
    expect(size).toBeGreaterThan(3_800);
    expect(size).toBeLessThanOrEqual(4_000);
  });

  test('is worth nothing where the log never chose so', () => {
    const { overlap, values, h } = twoArms(2_000, 0.999, [0.9, 0.3]);
    expect(effectiveSize(h, overlap, values.known)).toBe(0);
  });

  test('goes by the times in which the log did choose so', () => {
    const count = 1_000;
    const overlap = emptyOverlap(count);
    const blocks = Int32Array.from({ length: count }, (_, i) => (i < 500 ? 0 : 1));
    for (let i = 0; i < count; i++) putOverlap(overlap, i, 0, [1, 0], i < 500 ? [0.5, 0.5] : [0.001, 0.999]);
    const h = timeWeights(blocks, [overlap]);
    expect(h[0]).toBeGreaterThan(0);
    expect(h[999]).toBe(0);
  });

  test('counts answers that are seldom rated as much as others, where the model knows how seldom', () => {
    const random = createDice(3);
    const count = 20_000;
    const overlap = emptyOverlap(count);
    const values: Values = {
      observed: numbers(count, () => 0),
      known: numbers(count, () => 0),
      predicted: numbers(count, () => 0.5),
      expected: numbers(count, () => 0.5),
    };
    for (let i = 0; i < count; i++) {
      putOverlap(overlap, i, 0, [1, 0], [0.5, 0.5]);
      // Hard questions are rated four times as often as easy ones, and as many.
      const hard = i % 2 === 0;
      const chance = hard ? 0.8 : 0.2;
      values.observed[i] = hard ? 0.2 : 0.8;
      values.known[i] = random() < chance ? 1 / chance : 0;
    }
    const h = timeWeights(new Int32Array(count), [overlap]);
    expect(snips(h, overlap, values).mean).toBeCloseTo(0.5, 1.5);
  });

  test('is compared with another more surely than by their intervals, where they would have done the same', () => {
    const { overlap, values, h } = twoArms(5_000, 0.5, [0.9, 0.3]);
    const one = doublyRobust(h, overlap, values);
    expect(intervalOf(difference(one, one))).toEqual({ mean: 0, low: 0, high: 0 });
    expect(intervalOf(shareSaved(one, one))).toEqual({ mean: 0, low: 0, high: 0 });
  });
});

describe('the intervals of a report', () => {
  const population: Population = simulatedPopulation(WORLDS['three-prices'], 60, 7);
  const targets = [always(population.baseline), preferring('cost'), preferring('quality')];
  const settings = reportSettings(population, targets);
  const RUNS = 40;

  test('cover the truth about as often as they say, though the log learned from itself', async () => {
    const covered = targets.map(() => 0);
    const told = targets.map(() => 0);
    for (let run = 0; run < RUNS; run++) {
      const log = loggedRun(
        population,
        {
          decisions: 1_000,
          policy: 'linear-thompson',
          prefer: 'balanced',
          explore: { floor: 0.02, warmup: 8 },
          byLot: 0.4,
        },
        createDice(run + 1),
      );
      const report = await reportOn(log, settings, async () => {});
      const truths = await truthsOf(targets, report, log, population, settings);
      for (const [t, target] of report.targets.entries()) {
        if (!target.estimates) continue;
        told[t] = told[t]! + 1;
        const truth = truths[t]!;
        const { low, high } = target.estimates.quality.doublyRobust;
        if (low <= truth && truth <= high) covered[t] = covered[t]! + 1;
      }
    }
    for (const [t, count] of told.entries()) {
      expect(count).toBeGreaterThan(0.8 * RUNS);
      // Of 40 runs at 95%, fewer than 33 are covered once in a thousand times.
      expect(covered[t]! / count).toBeGreaterThanOrEqual(33 / 40);
    }
  }, 120_000);
});
