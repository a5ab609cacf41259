import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chancesOfBeingHighest } from '../../src/bandit/highest.ts';
import { ownUniform } from '../../src/bandit/quantiles.ts';
import { betaScore, normalScore, pointScore, quantileOf, type Score } from '../../src/bandit/scores.ts';
import { seeded } from './evidence.ts';

const score = fc.oneof(
  fc
    .tuple(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: 1e-6, max: 1, noNaN: true }))
    .map(([mean, deviation]) => normalScore(mean, deviation)),
  fc
    .tuple(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.double({ min: 1, max: 1e6, noNaN: true }))
    .map(([a, b]) => betaScore(a, b)),
  fc.constantFrom(0, 0.5, 1).map((value) => pointScore(value)),
);

function simulated(scores: readonly Score[], draws: number): number[] {
  const random = seeded(11);
  const wins = scores.map(() => 0);
  for (let i = 0; i < draws; i++) {
    const values = scores.map((one) => quantileOf(one, random()));
    const best = values.indexOf(Math.max(...values));
    wins[best] = wins[best]! + 1 / draws;
  }
  return wins;
}

test('the chances are those of independent draws, for few arms and for many', () => {
  const random = seeded(5);
  for (const count of [2, 3, 8, 30]) {
    const scores = Array.from({ length: count }, () => normalScore(random(), 0.05 + random() / 2));
    const chances = chancesOfBeingHighest(scores);
    const draws = 40_000;
    for (const [k, share] of simulated(scores, draws).entries()) {
      expect(Math.abs(share - chances[k]!)).toBeLessThan(
        5 * Math.sqrt((chances[k]! * (1 - chances[k]!)) / draws) + 1e-9,
      );
    }
  }
});

test('arms that look alike have like chances, however many they are', () => {
  for (const count of [2, 7, 20, 100]) {
    for (const one of [normalScore(0.5, 0.1), betaScore(3, 2), pointScore(1)]) {
      const chances = chancesOfBeingHighest(Array.from({ length: count }, () => one));
      for (const chance of chances) expect(chance).toBeCloseTo(1 / count, 9);
    }
  }
});

test('the chances sum to 1 whatever the scores', () => {
  fc.assert(
    fc.property(fc.array(score, { minLength: 1, maxLength: 30 }), (scores) => {
      const chances = chancesOfBeingHighest(scores);
      expect(chances.every((chance) => chance >= 0)).toBe(true);
      expect(chances.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 9);
    }),
  );
});

test('a normal score has its mean and nearly its deviation, a beta score its own', () => {
  for (const [one, mean, deviation] of [
    [normalScore(0.4, 0.2), 0.4, 0.2],
    [betaScore(1, 1), 0.5, Math.sqrt(1 / 12)],
    [betaScore(8.5, 1.5), 0.85, Math.sqrt((0.85 * 0.15) / 11)],
    [betaScore(9000, 1000), 0.9, Math.sqrt(0.09 / 10001)],
  ] as const) {
    const values = Array.from({ length: 20_000 }, (_, i) => quantileOf(one, (i + 0.5) / 20_000));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length);
    expect(Math.abs(average - mean)).toBeLessThan(0.03 * deviation);
    expect(spread / deviation).toBeGreaterThan(0.95);
    expect(spread / deviation).toBeLessThan(1.05);
  }
});

test("each arm's own uniform is uniform, and independent of the others'", () => {
  const random = seeded(2);
  const bins = 8;
  const counts = new Float64Array(bins * bins);
  const draws = 64_000;
  for (let i = 0; i < draws; i++) {
    const uniform = random();
    const one = ownUniform(uniform, 'openai/gpt-5');
    const other = ownUniform(uniform, 'openai/gpt-6');
    const cell = Math.floor(one * bins) * bins + Math.floor(other * bins);
    counts[cell] = counts[cell]! + 1;
  }
  const expected = draws / bins ** 2;
  const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 63 degrees of freedom: beyond 120 once in a hundred thousand.
  expect(chiSquared).toBeLessThan(120);
});
