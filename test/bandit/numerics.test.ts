/** What is believed after ten million updates is what exact arithmetic makes of them, and no evidence is too odd to be believed. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { emptyArm, scaleArm } from '../../src/bandit/arm-sums.ts';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { emptyFold, type Fold, foldEntry, weightAt } from '../../src/bandit/fold.ts';
import { fitHierarchy, type HierarchyFit } from '../../src/bandit/hierarchy.ts';
import { QUALITY_PRIOR } from '../../src/bandit/priors.ts';
import { addObservation, emptySums, type Sums, scaleSums } from '../../src/bandit/sums.ts';
import { expectAlike } from './alike.ts';
import { evidence, foldOf, labelIn, labelled, posteriorOf, SETTINGS, seeded } from './evidence.ts';
import { type ExactFit, type Observed, solveExactly } from './exact-solve.ts';

/** With the sizes and noises that the fit has learned. */
const exactly = (fit: HierarchyFit, arms: readonly (readonly Observed[])[], dimensions: number): ExactFit[] =>
  solveExactly(arms, dimensions, {
    mean: QUALITY_PRIOR.mean,
    shared: fit.shared,
    own: fit.own,
    noises: fit.arms.map(({ noise }) => noise),
  });

/** Of all means against the largest of the arm's, of all covariances against the deviations that belong to them. */
function worstError(fit: HierarchyFit, exact: readonly ExactFit[]): number {
  let worst = 0;
  const note = (got: number, expected: number, scale: number): void => {
    worst = Math.max(worst, Math.abs(got - expected) / scale);
  };
  for (const [k, { mean, covariance }] of exact.entries()) {
    const arm = fit.arms[k]!;
    const n = mean.length;
    const largest = Math.max(...mean.map(Math.abs));
    for (let i = 0; i < n; i++) {
      note(arm.mean[i]!, mean[i]!, largest);
      for (let j = 0; j < n; j++) {
        const scale = Math.sqrt(covariance[i]![i]! * covariance[j]![j]!);
        note(arm.covariance[i * n + j]!, covariance[i]![j]!, scale);
      }
    }
  }
  return worst;
}

/** As if each had been added so many times, by doubling. */
function sumsOf(observed: readonly Observed[], times: number, dimensions: number): Sums {
  const sums = times < 2 ? emptySums(dimensions) : sumsOf(observed, Math.floor(times / 2), dimensions);
  scaleSums(sums, 2);
  if (times % 2 === 1) for (const { x, y, weight } of observed) addObservation(sums, x, y, weight);
  return sums;
}

const REWARDS = {
  binary: (random: () => number) => ({ y: random() < 0.6 ? 1 : 0, weight: 1 }),
  fractional: (random: () => number) => ({ y: random(), weight: 1 }),
  weighted: (random: () => number) => ({ y: random(), weight: 0.01 + 3 * random() }),
};
type Rewards = keyof typeof REWARDS;
const KINDS = ['binary', 'fractional', 'weighted'] as const satisfies Rewards[];

const usualContext = (random: () => number, dimensions: number): number[] => [
  1,
  ...Array.from({ length: dimensions - 1 }, () => 2 * random() - 1),
];

function observations(random: () => number, count: number, dimensions: number, rewards: Rewards): Observed[] {
  return Array.from({ length: count }, () => ({
    x: usualContext(random, dimensions),
    ...REWARDS[rewards](random),
    times: 1,
  }));
}

describe('after ten million updates the posterior is that of the exact joint system, to 1e-8', () => {
  const size = fc.constantFrom<[arms: number, dimensions: number]>([2, 2], [2, 8], [3, 5], [12, 4], [40, 3], [100, 2]);
  const rewards = fc.constantFrom<Rewards>(...KINDS);

  test('whatever the rewards, from 2 to 100 arms', () => {
    fc.assert(
      fc.property(size, rewards, fc.nat(), ([count, dimensions], kind, seed) => {
        const random = seeded(seed);
        // Each arm has had less than the one before it, the last one nothing.
        const arms = Array.from({ length: count }, (_, k) => {
          const times = k === count - 1 ? 0 : Math.floor(1e7 / 40 / 1.5 ** k);
          return observations(random, 40, dimensions, kind).map((one) => ({ ...one, times }));
        });
        const fit = fitHierarchy(
          arms.map((arm) => sumsOf(arm, arm[0]!.times, dimensions)),
          dimensions,
          1,
          QUALITY_PRIOR,
        );
        expect(worstError(fit, exactly(fit, arms, dimensions))).toBeLessThan(1e-8);
      }),
      { numRuns: 40 },
    );
  });

  test('added one after the other', () => {
    const random = seeded(1);
    const arms = KINDS.map((kind) => observations(random, 100, 4, kind));
    const times = Math.ceil(1e7 / 300);
    const sums = arms.map((arm) => {
      const sums = emptySums(4);
      for (let i = 0; i < times; i++) for (const { x, y, weight } of arm) addObservation(sums, x, y, weight);
      return sums;
    });
    const fit = fitHierarchy(sums, 4, 1, QUALITY_PRIOR);
    const exact = exactly(
      fit,
      arms.map((arm) => arm.map((one) => ({ ...one, times }))),
      4,
    );
    expect(worstError(fit, exact)).toBeLessThan(1e-8);
  });

  test('with contexts of which one coordinate follows from another, to 1e-4: only the prior tells those apart', () => {
    fc.assert(
      fc.property(rewards, fc.nat(), (kind, seed) => {
        const random = seeded(seed);
        const arms = Array.from({ length: 3 }, () =>
          observations(random, 40, 3, kind).map((one) => ({
            ...one,
            x: [...one.x, 0.3 * one.x[1]!, one.x[2]!],
            times: 83_333,
          })),
        );
        const fit = fitHierarchy(
          arms.map((arm) => sumsOf(arm, arm[0]!.times, 5)),
          5,
          1,
          QUALITY_PRIOR,
        );
        expect(worstError(fit, exactly(fit, arms, 5))).toBeLessThan(1e-4);
      }),
      { numRuns: 20 },
    );
  });
});

const HOUR = 3_600_000;

describe.each([
  { title: 'without a half-life', halfLifeMs: null },
  { title: 'with a half-life', halfLifeMs: 24 * HOUR },
])('a million decisions folded one after the other, $title', ({ halfLifeMs }) => {
  const settings = { ...SETTINGS, dimensions: 4, halfLifeMs, maxOpen: 1_000 };
  const random = seeded(5);
  const shown = [...Array(60)].map((_, i) => observations(random, 1, 4, KINDS[i % 3]!)[0]!);
  /** They come in bursts, an hour between them, so that not every one of them has a weight of its own. */
  const BURSTS = 100;
  const timeOf = (burst: number): number => 1_000 * HOUR + burst * HOUR;
  const IN_BURST = 1e6 / BURSTS;
  /** Both arms see the same in the same order, but for how the first decision was rated at first. */
  const ARMS = ['revised', 'right at once'];
  const first = evidence({ x: [1, 0.3, -0.7, 0.1], at: timeOf(0) });
  const atFirst = { ...first, decisionId: 'first', arm: ARMS[0]!, quality: 1, weight: 2 };
  const atLast = { ...first, decisionId: 'other', arm: ARMS[1]!, quality: 0.25, weight: 0.5 };
  let fold: Fold;
  beforeAll(() => {
    fold = foldOf([atFirst, atLast], settings);
    for (let burst = 0; burst < BURSTS; burst++) {
      const at = timeOf(burst);
      for (let i = 0; i < IN_BURST; i++) {
        const { x, y, weight } = shown[(i >> 1) % shown.length]!;
        const decisionId = `${burst} ${i}`;
        foldEntry(fold, { ...first, decisionId, arm: ARMS[i % 2]!, x, quality: y, weight, at });
      }
    }
    foldEntry(fold, { ...atFirst, revision: 2, quality: 0.25, weight: 0.5, earlier: labelIn(atFirst) });
  }, 60_000);

  test('a label that is revised after all the others leaves what would be had it been so at once', () => {
    expect(fold).toMatchObject({ entries: 1e6 + 2, late: 0 });
    const alone = (arm: string): Fold => ({ ...fold, arms: new Map([['a', fold.arms.get(arm)!]]) });
    expectAlike(alone(ARMS[0]!), alone(ARMS[1]!));
  });

  test('they lead to the belief that exact arithmetic has, and ten times as many do', () => {
    const scale = 1 / weightAt(fold, fold.newest);
    const { x, quality, weight } = atLast;
    const observed: Observed[] = [{ x, y: quality, weight: weight * weightAt(fold, timeOf(0)) * scale, times: 1 }];
    for (let burst = 0; burst < BURSTS; burst++) {
      const faded = weightAt(fold, timeOf(burst)) * scale;
      for (const [i, one] of shown.entries()) {
        const times = Math.floor(IN_BURST / 2 / 60) + (i < (IN_BURST / 2) % 60 ? 1 : 0);
        observed.push({ ...one, weight: one.weight * faded, times });
      }
    }
    const tenfold = structuredClone(fold);
    for (const arm of tenfold.arms.values()) scaleArm(arm, 10);
    for (const [known, factor] of [
      [fold, 1],
      [tenfold, 10],
    ] as const) {
      const sums = ARMS.map((arm) => known.arms.get(arm)!.quality);
      const fit = fitHierarchy(sums, 4, scale, QUALITY_PRIOR);
      const ofEach = observed.map((one) => ({ ...one, weight: one.weight * factor }));
      const exact = exactly(fit, [ofEach, ofEach], 4);
      expect(worstError(fit, exact)).toBeLessThan(1e-8);

      const posterior = posteriorOf(known, ARMS);
      for (const x of [[1, 0, 0, 0], usualContext(random, 4), usualContext(random, 4)]) {
        for (const [k, arm] of ARMS.entries()) {
          const { mean, covariance } = exact[k]!;
          const { quality } = posterior.predict(arm, Float64Array.from(x), 100);
          expect(Math.abs(quality.mean - product(mean, x))).toBeLessThan(1e-8);
          const rows = covariance.map((row) => product(row, x));
          expect(Math.abs(quality.deviation / Math.sqrt(product(rows, x)) - 1)).toBeLessThan(1e-8);
        }
      }
    }
  });

  test('three hundred revisions each of a thousand decisions leave what the last ones would, and no label once all are taken back', () => {
    const lasting = { ...settings, windowMs: 1e6 * HOUR };
    const decisions = Array.from({ length: 1_000 }, (_, i) =>
      evidence({ arm: ARMS[i % 2]!, x: usualContext(random, 4), at: timeOf(i % BURSTS), totalMs: 1 + 1e4 * random() }),
    );
    const revised = emptyFold(lasting);
    let last: Evidence[] = [];
    for (let revision = 1; revision <= 300; revision++) {
      last = decisions.map((entry) => ({ ...entry, quality: random(), weight: 100 * random(), revision }));
      for (const entry of last) foldEntry(revised, entry);
    }
    expectAlike(revised, foldOf(last, lasting));
    for (const entry of last) foldEntry(revised, { ...entry, revision: 301, quality: null });
    const posterior = posteriorOf(revised, ARMS);
    const blank = posteriorOf(foldOf(decisions, lasting), ARMS);
    for (const arm of ARMS) {
      const x = Float64Array.from(usualContext(random, 4));
      const { mean, deviation } = posterior.predict(arm, x, 100).quality;
      const expected = blank.predict(arm, x, 100).quality;
      expect(mean).toBeCloseTo(expected.mean, 9);
      expect(deviation).toBeCloseTo(expected.deviation, 9);
    }
  });
});

const product = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, ai, i) => sum + ai * b[i]!, 0);

/** Contexts that no encoder should give, or that tell nothing. */
const CONTEXTS: Record<string, (random: () => number, dimensions: number) => number[]> = {
  'all equal': (_, dimensions) => [1, ...new Array<number>(dimensions - 1).fill(0.3)],
  'all equal, and far out': (_, dimensions) => [1, ...new Array<number>(dimensions - 1).fill(100 / 3)],
  'nothing but the intercept': (_, dimensions) => [1, ...new Array<number>(dimensions - 1).fill(0)],
  collinear: (random, dimensions) => {
    const value = random() - 0.5;
    return [1, ...Array.from({ length: dimensions - 1 }, (_, i) => value * (1 + i / 3))];
  },
  'collinear, and far out': (random, dimensions) => {
    const value = 60 * (random() - 0.5);
    return [1, ...Array.from({ length: dimensions - 1 }, (_, i) => value * (1 + i / 3))];
  },
  'far out': (random, dimensions) => usualContext(random, dimensions).map((value, i) => (i === 0 ? 1 : 100 * value)),
};

describe('whatever was summed up, what is believed can be used', () => {
  test.each(Object.keys(CONTEXTS))('contexts that are %s', (name) => {
    const dimensions = 6;
    fc.assert(
      fc.property(
        fc.nat(),
        // What a label may weigh, and all that a fold may come to.
        fc.constantFrom(1e-6, 1, 100, 1e9),
        fc.constantFrom('binary', 'equal'),
        // Of 200 labels how many were taken back.
        fc.constantFrom(0, 100, 199, 200),
        (seed, worth, rewards, takenBack) => {
          const random = seeded(seed);
          const fold = foldOf(labelled('usual', 300, 200), { dimensions });
          const labels = Array.from({ length: 200 }, () => ({
            x: CONTEXTS[name]!(random, dimensions),
            y: rewards === 'equal' ? 0.7 : REWARDS.binary(random).y,
            weight: worth * (0.5 + random()),
          }));
          const sums = emptySums(dimensions);
          for (const { x, y, weight } of labels) addObservation(sums, x, y, weight);
          for (const { x, y, weight } of labels.slice(0, takenBack)) addObservation(sums, x, y, -weight);
          fold.arms.set('odd', { ...emptyArm(dimensions), quality: sums });

          const posterior = posteriorOf(fold, ['usual', 'odd', 'unseen']);
          for (const x of [labels[0]!.x, usualContext(random, dimensions)]) {
            for (const arm of ['usual', 'odd', 'unseen']) {
              const { mean, deviation, ownDeviation } = posterior.predict(arm, Float64Array.from(x), 100).quality;
              expect(mean).toBeGreaterThanOrEqual(0);
              expect(mean).toBeLessThanOrEqual(1);
              expect(ownDeviation).toBeGreaterThan(0);
              expect(deviation).toBeGreaterThan(ownDeviation - 1e-6);
              expect(deviation).toBeLessThan(Number.POSITIVE_INFINITY);
            }
          }
          // Nothing that one arm has shown makes another forgotten.
          const usual = posterior.predict('usual', Float64Array.of(1, 0, 0, 0, 0, 0), 100).quality;
          expect(Math.abs(usual.mean - 2 / 3)).toBeLessThan(0.1);
          expect(usual.deviation).toBeLessThan(0.1);
        },
      ),
      { numRuns: 60 },
    );
  });
});
