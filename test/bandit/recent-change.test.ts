/** That an arm has changed is noticed in tens of answers, and is not imagined. */
import { describe, expect, test } from 'vitest';
import { derivePosterior } from '../../src/bandit/posterior.ts';
import { changeIn, MOST_RECENT } from '../../src/bandit/recent-change.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { evidence, foldOf, posteriorOf, seeded } from './evidence.ts';

interface RecentLabel {
  x: readonly number[];
  quality: number;
  weight: number;
}

type Draw = (random: () => number, i: number) => RecentLabel;

/** Labels with the mean that a regression without context finds. */
const rated =
  (quality: number): Draw =>
  (random) => ({ x: [1, 0, 0], quality: random() < quality ? 1 : 0, weight: 1 });
const stream = (random: () => number, count: number, draw: Draw): RecentLabel[] =>
  Array.from({ length: count }, (_, i) => draw(random, i));
function meanOf(labels: readonly RecentLabel[]): { mean: Float64Array } {
  const weight = labels.reduce((sum, label) => sum + label.weight, 0);
  return { mean: Float64Array.of(labels.reduce((sum, label) => sum + label.weight * label.quality, 0) / weight, 0, 0) };
}
const change = (labels: readonly RecentLabel[], { mean }: { mean: Float64Array }): number | null =>
  changeIn(
    labels.map(({ x, quality, weight }) => ({
      weight,
      value: quality - mean.reduce((sum, part, i) => sum + part * x[i]!, 0),
    })),
  )?.from ?? null;
const middle = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

describe('an arm', () => {
  test('that gets much worse is noticed within some forty of its labels, and about where it did', () => {
    const needed: number[] = [];
    const placed: number[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      const labels = stream(random, 250, rated(0.83));
      let at: number | null = null;
      while (at === null && labels.length < 450) {
        labels.push(rated(0.44)(random, 0));
        at = change(labels, meanOf(labels));
      }
      needed.push(labels.length - 250);
      placed.push(Math.abs((at ?? 0) - 250));
    }
    expect(middle(needed)).toBeLessThanOrEqual(45);
    expect(Math.max(...needed)).toBeLessThan(150);
    expect(middle(placed)).toBeLessThanOrEqual(10);
  });

  test('that gets better is noticed too', () => {
    const random = seeded(3);
    const labels = [...stream(random, 200, rated(0.3)), ...stream(random, 80, rated(0.85))];
    expect(Math.abs(change(labels, meanOf(labels))! - 200)).toBeLessThan(20);
  });

  // By a straight line answers that are hardly ever bad are judged a little too surely.
  test.each<[string, Draw, number]>([
    ['mostly good', rated(0.85), 1],
    ['half good', rated(0.5), 1],
    ['hardly ever good', rated(0.05), 5],
    ['hardly ever bad', rated(0.97), 5],
    [
      'known by signs alone',
      // Two labels of which neither is a quality, of small weight.
      (random) => ({ x: [1, 0, 0], quality: random() < 0.7 ? 1.2 : -0.6, weight: random() < 0.5 ? 0.2 : 0.1 }),
      1,
    ],
    ['always the same', () => ({ x: [1, 0, 0], quality: 0.75, weight: 1 }), 0],
  ])('that stays as it is, %s, is hardly ever taken for another, however often one looks', (_, draw, most) => {
    let alarms = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const labels = stream(seeded(1_000 + seed), MOST_RECENT, draw);
      for (let count = 25; count <= labels.length; count += 25) {
        const some = labels.slice(0, count);
        if (change(some, meanOf(some)) === null) continue;
        alarms++;
        break;
      }
    }
    expect(alarms).toBeLessThanOrEqual(most);
  });

  test('is not taken for another where only the prompts have changed, to ones at which it is worse', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const random = seeded(seed);
      const labels = Array.from({ length: 400 }, (_, i): RecentLabel => {
        const harder = i < 200 ? 0 : 1;
        return { x: [1, harder, 0], quality: random() < 0.85 - 0.4 * harder ? 1 : 0, weight: 1 };
      });
      if (change(labels, { mean: Float64Array.of(0.85, -0.4, 0) }) !== null) alarms++;
      if (seed === 1) expect(change(labels, meanOf(labels))).not.toBe(null);
    }
    expect(alarms).toBeLessThanOrEqual(1);
  });

  test('of which next to nothing is known has not changed', () => {
    expect(change([], { mean: Float64Array.of(0.5) })).toBe(null);
    const few = stream(seeded(1), 18, (_, i) => ({ x: [1], quality: i < 12 ? 1 : 0, weight: 1 }));
    expect(change(few, { mean: Float64Array.of(0.5) })).toBe(null);
  });
});

describe('what is believed', () => {
  const usual = Float64Array.of(1, 0, 0);
  const log = (random: () => number, arm: string, count: number, quality: number) =>
    Array.from({ length: count }, () => evidence({ arm, quality: random() < quality ? 1 : 0 }));

  test('of an arm that has changed is what it is now, and of the others what it was', () => {
    const random = seeded(7);
    const before = [...log(random, 'a', 400, 0.83), ...log(random, 'b', 400, 0.7)];
    const after = [...before, ...log(random, 'a', 80, 0.35)];
    const [earlier, now] = [posteriorOf(foldOf(before), ['a', 'b']), posteriorOf(foldOf(after), ['a', 'b'])];
    const quality = (posterior: typeof now, arm: string) => posterior.predict(arm, usual, 100).quality;
    expect(quality(now, 'a').mean).toBeLessThan(0.5);
    expect(quality(now, 'a').mean).toBeGreaterThan(0.25);
    expect(quality(now, 'a').deviation).toBeGreaterThan(1.5 * quality(earlier, 'a').deviation);
    expect(Math.abs(quality(now, 'b').mean - quality(earlier, 'b').mean)).toBeLessThan(0.02);
    expect(now.betas('a').a + now.betas('a').b).toBeLessThan(120);
  });

  test('is so too where some of the evidence is damaged', () => {
    const random = seeded(7);
    const damaged = [
      { x: [1] },
      { x: [1, 1e9, 0] },
      { quality: Number.POSITIVE_INFINITY },
      { quality: 1e9 },
      { weight: Number.POSITIVE_INFINITY, quality: 0.3 },
      { quality: null, share: 1, next: 300 },
      { quality: null, share: 1e9, next: 4 },
    ].map((one) => evidence({ arm: 'a', quality: 0, ...one }));
    const entries = [...log(random, 'a', 300, 0.83), ...log(random, 'b', 200, 0.7), ...log(random, 'a', 80, 0.3)];
    const believed = derivePosterior(
      foldOf([...entries, ...damaged, ...log(random, 'a', 120, 0.3)]),
      ['a', 'b'].map((id) => ({ id, was: [] })),
      calibrate,
    );
    const { mean, deviation } = believed.predict('a', usual, 100).quality;
    expect(mean).toBeLessThan(0.45);
    expect(deviation).toBeLessThan(0.1);
    expect(believed.predict('b', usual, 100).quality.mean).toBeCloseTo(0.7, 1);
  });

  test('is the same of an arm that fell back and rose again long ago', () => {
    const random = seeded(8);
    const entries = [
      ...log(random, 'a', 300, 0.8),
      ...log(random, 'a', 100, 0.3),
      ...log(random, 'a', MOST_RECENT, 0.8),
    ];
    expect(posteriorOf(foldOf(entries), ['a']).predict('a', usual, 100).quality.mean).toBeGreaterThan(0.65);
  });
});
