import { describe, expect, test } from 'vitest';
import { expectedCost, ratesFor, tollOf } from '../../src/bandit/utility.ts';
import { evidence, foldOf, posteriorOf } from './evidence.ts';

const usual = (arm: string, totalMs: number) =>
  Array.from({ length: 400 }, () =>
    evidence({ arm, promptTokensEstimate: 1000, promptTokens: 1000, completionTokens: 500, totalMs }),
  );
const posterior = posteriorOf(foldOf([...usual('dear', 9000), ...usual('cheap', 1000)]), ['dear', 'cheap']);
const dear = { id: 'dear', price: { input: 2, output: 8 } };
const cheap = { id: 'cheap', price: { input: 0.1, output: 0.4 } };
const arms = [dear, cheap];

test('a cost is tokens times prices, and what a request costs besides', () => {
  expect(expectedCost({ input: 2, output: 8, request: 0.01 }, 1000, 500)).toBeCloseTo(0.016, 12);
});

describe('what a preference means', () => {
  /** Points of quality by which the dear arm's usual request is held against it. */
  const pointsOf = (preference: Parameters<typeof ratesFor>[0]): number => {
    const rates = ratesFor(preference, posterior, arms);
    return (
      100 *
      (tollOf(rates, expectedCost(dear.price, 1000, 500), 0) - tollOf(rates, expectedCost(cheap.price, 1000, 500), 0))
    );
  };

  test('quality lets cost decide between near equals only', () => {
    expect(pointsOf('quality')).toBeGreaterThan(0.2);
    expect(pointsOf('quality')).toBeLessThan(1);
  });

  test('balanced gives ten to twenty points of quality for the dearest arm against the cheapest', () => {
    expect(pointsOf('balanced')).toBeGreaterThan(10);
    expect(pointsOf('balanced')).toBeLessThan(20);
  });

  test('cost gives far more', () => {
    expect(pointsOf('cost')).toBeGreaterThan(5 * pointsOf('balanced'));
  });

  test('speed counts seconds too', () => {
    const rates = ratesFor('speed', posterior, arms);
    const points = 100 * (tollOf(rates, 0, 9000) - tollOf(rates, 0, 1000));
    expect(points).toBeGreaterThan(8);
    expect(points).toBeLessThan(20);
    expect(ratesFor('balanced', posterior, arms).secondsPerPoint).toBe(Number.POSITIVE_INFINITY);
  });

  test('milliseconds do not count as points, even where all arms are fast', () => {
    const fast = posteriorOf(foldOf([...usual('dear', 30), ...usual('cheap', 10)]), ['dear', 'cheap']);
    expect(100 * tollOf(ratesFor('speed', fast, arms), 0, 20)).toBeLessThan(0.2);
  });

  test('arms that cost nearly the same are not held apart by cost', () => {
    const alike = [dear, { id: 'cheap', price: { input: 1.96, output: 7.84 } }];
    const rates = ratesFor('balanced', posterior, alike);
    const costs = alike.map(({ price }) => expectedCost(price, 1000, 500));
    expect(100 * (tollOf(rates, costs[0]!, 0) - tollOf(rates, costs[1]!, 0))).toBeLessThan(0.5);
  });

  test('where all arms are free, cost does not matter', () => {
    const free = arms.map(({ id }) => ({ id, price: { input: 0, output: 0 } }));
    const rates = ratesFor('cost', posterior, free);
    expect(rates.usdPerPoint).toBe(Number.POSITIVE_INFINITY);
    expect(tollOf(rates, 0, 0)).toBe(0);
  });

  test('numbers are taken as they are, and what is left out does not matter', () => {
    expect(ratesFor({ usd_per_point: 0.002 }, posterior, arms)).toEqual({
      usdPerPoint: 0.002,
      secondsPerPoint: Number.POSITIVE_INFINITY,
    });
    const nothing = ratesFor({ usd_per_point: 0 }, posterior, arms);
    expect(Number.isFinite(tollOf(nothing, 100, 1000))).toBe(true);
  });
});
