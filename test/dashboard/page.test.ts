/** What the page works out by itself: numbers as people read them, intervals, and which models are worth their price. */
import { describe, expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: the page's modules are plain scripts
const moduleOf = (name: string): Promise<any> =>
  import(new URL(`../../src/dashboard/page/${name}`, import.meta.url).href);
const { count, ms, percent, shortName, usd, wilson } = await moduleOf('format.js');
const { because } = await moduleOf('decision.js');
const { frontierOf, labelledTicks } = await moduleOf('map.js');
const { createState, latestDecisions, take, timesOf } = await moduleOf('state.js');

test('why a request went where it went says that another took over only where that one answered', () => {
  const request = { chosen: 'fake/small', model: 'fake/small', reason: 'exploit' };
  expect(because(request)).toBe('small was drawn since it was likely the best for this request.');
  expect(because({ ...request, model: 'fake/large', reason: 'fallback' })).toBe(
    'small was drawn. It did not answer, and large did.',
  );
  expect(because({ ...request, model: 'fake/large' })).toBe(
    'small was drawn since it was likely the best for this request. It did not answer, nor did large, which was asked last.',
  );
});

describe('numbers', () => {
  test('of money keep three digits that matter, however small, and say when there are none', () => {
    expect([12345.6, 12.3, 0.0123, 0.000041234, 0, -0.5, null].map(usd)).toEqual([
      '$12,346',
      '$12.30',
      '$0.0123',
      '$0.0000412',
      '$0',
      '−$0.500',
      '–',
    ]);
  });

  test('of times, shares and counts are short', () => {
    expect([0, 312.4, 1740, 65_000, undefined].map(ms)).toEqual(['0 ms', '312 ms', '1.74 s', '1.1 min', '–']);
    expect([percent(0.123), percent(-0.05, 1), percent(null)]).toEqual(['12%', '−5.0%', '–']);
    expect([count(1234), count(12_345_678)]).toEqual(['1,234', '12.3M']);
    expect(shortName('openrouter/meta/llama')).toBe('meta/llama');
  });

  test('of quality have an interval that is never a point and never outside of what there is', () => {
    expect(wilson({ weight: 0, good: 0 })).toBe(null);
    const sure = wilson({ weight: 10, good: 10 });
    expect(sure).toMatchObject({ mean: 1, high: 1 });
    // Wilson's lower bound for 10 of 10.
    expect(sure.low).toBeCloseTo(0.7225, 3);
    // Labels of what was only seen may lie outside [0, 1].
    expect(wilson({ weight: 2, good: 2.4 })).toMatchObject({ mean: 1, high: 1 });
  });
});

test('worth its price is a model that no other one beats in both cost and quality', () => {
  const arm = (model: string, cost_usd: number, mean: number) => ({ model, cost_usd, quality: { mean } });
  const arms = [
    arm('dear', 9, 0.9),
    arm('cheap', 1, 0.6),
    arm('worse', 5, 0.5),
    arm('same', 1, 0.5),
    arm('fair', 3, 0.8),
  ];
  expect(frontierOf(arms).map(({ model }: { model: string }) => model)).toEqual(['cheap', 'fair', 'dear']);
});

test('the scale of costs says $0 where models are free, and nothing in between it and the cheapest of the others', () => {
  const labels = (costs: number[], from: number, to: number): string[] =>
    labelledTicks(
      costs.map((cost_usd) => ({ cost_usd })),
      from,
      to,
      360,
    ).map(({ label }: { label: string }) => label);
  expect(labels([0, 0], -6.8, -6.4)).toEqual(['$0']);
  expect(labels([0, 0.001, 0.01], -3.8, -1.8)).toEqual(['$0', '$0.001', '$0.01']);
  expect(labels([0.001, 0.01], -3.2, -1.8)).toEqual(['$0.001', '$0.002', '$0.005', '$0.01']);
});

test('what changes takes the place of what was told before, and what is too old is left out', () => {
  const told = (from: number, points: object[], decisions: object[]) => ({
    now: from + 60 * 60_000,
    log: { whole: true },
    learned: { arms: [{ model: 'a' }] },
    activity: { range: 'hour', from, bucket_ms: 60_000, buckets: 60, points, decisions },
  });
  const state = createState();
  take(
    state,
    told(
      0,
      [
        { at: 0, arms: {} },
        { at: 3_480_000, arms: { a: 1 } },
      ],
      [{ id: 'one', at: 1 }],
    ),
    true,
  );
  expect(timesOf(state)).toHaveLength(60);
  take(
    state,
    told(
      60_000,
      [{ at: 3_480_000, arms: { a: 2 } }],
      [
        { id: 'two', at: 2 },
        { id: 'one', at: 1, reward: 1 },
      ],
    ),
    false,
  );
  expect([...state.points.values()]).toEqual([{ at: 3_480_000, arms: { a: 2 } }]);
  expect(latestDecisions(state)).toEqual([
    { id: 'two', at: 2 },
    { id: 'one', at: 1, reward: 1 },
  ]);
  // A chart begins where the log does, but is never narrower than twelve buckets.
  expect(timesOf(state)).toHaveLength(12);
  take(state, told(120_000, [], []), true);
  expect(state.points.size + state.decisions.size).toBe(0);
});
