/** A replay in which something changes on the way: arms that get worse, come, go and cost otherwise. */
import { describe, expect, test } from 'vitest';
import { encoder } from '../../src/context/encoder.ts';
import { createDice } from '../../src/evaluate/dice.ts';
import { type ReplayRow, type ReplaySettings, replay } from '../../src/evaluate/replay.ts';

const SETTINGS: ReplaySettings = {
  policy: 'linear-thompson',
  prefer: 'quality',
  explore: { floor: 0.02, warmup: 8 },
  halfLifeMs: null,
  perDay: 500,
};
const A = { id: 'p/a', price: { input: 1, output: 1 } };
const B = { id: 'p/b', price: { input: 1, output: 1 } };
const BOTH = [A, B];
const x = [1, ...new Array<number>(encoder.dimensions - 1).fill(0)];

/** Rows whose arms are right this often. */
function rowsWhere(count: number, arms: typeof BOTH, often: readonly number[], seed: number): ReplayRow[] {
  const random = createDice(seed);
  return Array.from({ length: count }, () => ({
    x,
    promptTokensEstimate: 100,
    arms,
    outcomes: often.map((quality) => ({
      score: random() < quality ? 1 : 0,
      promptTokens: 100,
      completionTokens: 100,
      costUsd: 0.001,
      latencySeconds: null,
    })),
  }));
}

const share = (chosen: ArrayLike<number>, k: number): number =>
  Array.from(chosen).filter((one) => one === k).length / chosen.length;

describe('an arm that gets worse', () => {
  const before = rowsWhere(700, BOTH, [0.9, 0.6], 1);
  const worse = rowsWhere(300, BOTH, [0.2, 0.6], 2);
  /** More days than anything may be revised for. */
  const later = rowsWhere(1500, BOTH, [0.2, 0.6], 3);

  test('is left, and is not believed its old self again when what showed the change has closed', () => {
    for (const seed of [1, 2, 3]) {
      const { chosen } = replay([...before, ...worse, ...later], SETTINGS, createDice(seed));
      expect(share(chosen.subarray(300, 700), 0)).toBeGreaterThan(0.9);
      expect(share(chosen.subarray(800, 1000), 0)).toBeLessThan(0.2);
      // Believed its old self, it would be tried and found out again and again: 4% of the requests.
      expect(share(chosen.subarray(1000), 0)).toBeLessThan(0.01);
    }
  });
});

describe('arms', () => {
  test('that come are tried and used where they are better, and those that go are asked no more', () => {
    const rows = [
      ...rowsWhere(200, [A], [0.5], 4),
      ...rowsWhere(300, BOTH, [0.5, 0.9], 5),
      ...rowsWhere(100, [A], [0.5], 6),
    ];
    const { chosen } = replay(rows, SETTINGS, createDice(7));
    expect(share(chosen.subarray(0, 200), 0)).toBe(1);
    expect(share(chosen.subarray(300, 500), 1)).toBeGreaterThan(0.8);
    expect(share(chosen.subarray(500), 0)).toBe(1);
  });

  test('whose price falls are what a ceiling leaves room for, from the next request on', () => {
    const dear = [A, { id: 'p/b', price: { input: 100, output: 100 } }];
    const costly = (row: ReplayRow): ReplayRow => ({
      ...row,
      outcomes: row.outcomes.map((one, k) => (k === 1 ? { ...one, costUsd: 0.02 } : { ...one, costUsd: 0.0002 })),
    });
    const cheap = (row: ReplayRow): ReplayRow => ({
      ...row,
      outcomes: row.outcomes.map((one) => ({ ...one, costUsd: 0.0002 })),
    });
    const known = rowsWhere(200, dear, [0.5, 0.9], 8).map(costly);
    const rows = [
      ...rowsWhere(200, dear, [0.5, 0.9], 9).map(costly),
      ...rowsWhere(100, BOTH, [0.5, 0.9], 10).map(cheap),
    ];
    const { chosen } = replay(rows, { ...SETTINGS, usdPerRequest: 0.001 }, createDice(1), known);
    expect(share(chosen.subarray(50, 200), 1)).toBeLessThan(0.15);
    expect(share(chosen.subarray(200), 1)).toBeGreaterThan(0.9);
  });
});

test.each(['random', 'fixed'] as const)('%s chooses as it would if it heard what came of its choices', (policy) => {
  const rows = rowsWhere(300, BOTH, [0.3, 0.9], 11);
  const deaf = replay(rows, { ...SETTINGS, policy }, createDice(5));
  // Under a ceiling, whatever it is, spending is predicted from what was learned.
  const hearing = replay(rows, { ...SETTINGS, policy, usdPerRequest: 1e6 }, createDice(5));
  expect(deaf).toEqual(hearing);
});
