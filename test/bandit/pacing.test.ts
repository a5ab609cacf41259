import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Contender } from '../../src/bandit/contender.ts';
import { dayTargetOf, keepWithin, moneyPrice, type PaceTable, targetOf } from '../../src/bandit/pacing.ts';

/** Rows of 3 arms: what each would have been worth and would have cost. */
const table = fc
  .array(
    fc.record({
      worth: fc.double({ min: 0, max: 1, noNaN: true }),
      usd: fc.double({ min: 1e-6, max: 0.1, noNaN: true }),
    }),
    {
      minLength: 30,
      maxLength: 90,
    },
  )
  .map((rows): PaceTable => {
    const whole = rows.slice(0, rows.length - (rows.length % 3));
    return {
      arms: 3,
      worth: Float64Array.from(whole, ({ worth }) => worth),
      costs: Float64Array.from(whole, ({ usd }) => usd),
    };
  });

const meanSpend = ({ arms, worth, costs }: PaceTable, price: number): number => {
  let total = 0;
  for (let start = 0; start < costs.length; start += arms) {
    const arms_ = Array.from({ length: arms }, (_, k) => start + k);
    total += costs[arms_.reduce((one, other) => (value(other) > value(one) ? other : one))] as number;
  }
  function value(at: number): number {
    return (worth[at] as number) - price * (costs[at] as number);
  }
  return total / (costs.length / arms);
};

describe('the price of money', () => {
  test('is the least at which requests keep to what they may cost, wherever one begins to look for it', () => {
    fc.assert(
      fc.property(
        table,
        fc.double({ min: 1e-4, max: 0.1, noNaN: true }),
        fc.double({ min: 1e-5, max: 1e12, noNaN: true }),
        (rows, usd, last) => {
          const price = moneyPrice(rows, usd);
          const again = moneyPrice(rows, usd, last);
          expect(Math.abs(Math.log(again / price)) <= 2e-4 || again === price).toBe(true);
          if (price < 1e8) expect(meanSpend(rows, price)).toBeLessThanOrEqual(usd * (1 + 1e-9));
          if (price > 2e-3) expect(meanSpend(rows, price * 0.999)).toBeGreaterThan(usd);
        },
      ),
    );
  });
});

describe('what a request may cost so that the day’s money lasts', () => {
  const target = (count: number, usd: number, dayGone: number, { came = [0, dayGone], yesterday = 0 } = {}): number => {
    const arrivals = (count * ((came[0] as number) + (came[1] as number))) / 2;
    return dayTargetOf(48, { requests: count, usd, arrivals }, { requests: yesterday }, dayGone).targetUsd;
  };

  test('is what is left, over what is to come at the rate of today', () => {
    expect(target(1_000, 24, 0.5)).toBeCloseTo(24 / 1_000, 4);
    expect(target(1_000, 36, 0.5)).toBeCloseTo(12 / 1_000, 4);
    expect(target(9_000, 24, 0.9)).toBeCloseTo(24 / 1_000, 4);
  });

  test('goes by when today’s requests came, where they began at noon or come faster now', () => {
    expect(target(1_000, 24, 0.75, { came: [0.5, 0.75] })).toBeCloseTo(24 / 1_000, 3);
    const evenly = target(1_000, 24, 0.5);
    expect(target(1_000, 24, 0.5, { came: [0.2, 0.5] })).toBeLessThan(evenly);
  });

  test('goes by yesterday too, which knows of hours that today has not come to', () => {
    expect(target(0, 0, 0.3, { yesterday: 1_000 })).toBeLessThan(48 / 400);
    expect(target(1_000, 24, 0.5, { yesterday: 2_000 })).toBeCloseTo(24 / 1_000, 4);
    // At the end of its office hours there is no need to save for the evening.
    const office = { came: [0.33, 0.7], yesterday: 1_000 };
    expect(target(950, 40, 0.7, office)).toBeGreaterThan(target(950, 40, 0.7, { ...office, yesterday: 0 }));
  });

  test('is never below 0, and all that is left for the last one', () => {
    expect(target(100, 50, 0.5)).toBe(0);
    expect(target(100, 47, 0.9999)).toBeCloseTo(1, 6);
  });
});

describe('what trying an arm may take', () => {
  test('is some requests’ money at first, and then a tenth of what has accrued', () => {
    const triable = (requests: number): number => targetOf(0.01, { requests, usd: 0 }).tryingUsd / 0.01;
    expect(triable(0)).toBeCloseTo(20 + 0.1 * 21, 9);
    expect(triable(999)).toBeCloseTo(20 + 0.1 * 1_000, 9);
  });

  test('is a tenth of the day’s money as it accrues, however few requests are to come', () => {
    const triable = (requests: number, yesterday: number, dayGone: number): number =>
      dayTargetOf(20, { requests, usd: 0, arrivals: 0 }, { requests: yesterday }, dayGone).tryingUsd;
    expect(triable(0, 0, 0.9)).toBeCloseTo(2 * (0.9 + 1 / 48), 9);
    expect(triable(20, 40, 0.8)).toBeCloseTo(2 * (1.8 + 1 / 48), 9);
  });
});

describe('what a budget has no room for', () => {
  const contender = (model: string, costUsd: number, pulls: number, eligible = true): Contender => ({
    candidate: {
      model,
      eligible,
      propensity: 0,
      quality: { mean: 0.5, low: 0, high: 1 },
      costUsd,
      firstByteMs: 1,
      totalMs: 1,
      utility: 0.5,
      ruledOut: null,
    },
    score: { nodes: [0, 1], cumulative: [0, 1] },
    toll: 0,
    highCostUsd: 3 * costUsd,
    reach: 1,
    pulls,
    uncertain: true,
    warming: false,
  });
  const PACE = { balanceUsd: 50, tryingUsd: 7, ceilingUsd: 1 };
  const left = (contenders: Contender[], pace = PACE): string[] => {
    keepWithin(contenders, pace, 8);
    return contenders.filter(({ candidate }) => candidate.eligible).map(({ candidate }) => candidate.model);
  };
  const arms = (isCheapThere: boolean): Contender[] => [
    contender('cheap', 0.1, 100, isCheapThere),
    contender('untried', 8, 0),
    contender('known', 9, 100),
  ];

  test('is the same for an arm when another, which was not chosen, is taken away', () => {
    expect(left(arms(true))).toEqual(['cheap', 'known']);
    expect(left(arms(false))).toEqual(['known']);
  });

  test('leaves the cheapest of those that there are', () => {
    const broke = { ...PACE, balanceUsd: -1 };
    expect(left(arms(true), broke)).toEqual(['cheap']);
    const rest = arms(false);
    expect(keepWithin(rest, broke, 8).map(({ model }) => model)).toEqual(['known']);
    expect(rest.map(({ candidate }) => candidate.eligible)).toEqual([false, true, false]);
    expect(rest[1]!.candidate.ruledOut).toBeNull();
  });
});
