import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitHierarchy, type HierarchyPrior } from '../../src/bandit/hierarchy.ts';
import { addObservation, emptySums, type Sums } from '../../src/bandit/sums.ts';
import { seeded } from './evidence.ts';

const PRIOR: HierarchyPrior = {
  mean: 0.7,
  shared: { intercept: 0.06, context: 0.02 },
  own: { intercept: 0.03, context: 0.01 },
  noise: 0.15,
  sizeWorth: { intercept: 8, context: 4 },
  noiseWorth: 10,
  steps: 0,
};

/** Gauss and Jordan's elimination: slow, plain, and another way than the code under test goes. */
function solved(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows.slice(i).reduce((best, row) => (Math.abs(row[i]!) > Math.abs(best[i]!) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(i, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[i]! / pivot[i]!;
      for (let j = i; j < row.length; j++) row[j] = row[j]! - factor * pivot[j]!;
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}

type Observation = { x: number[]; y: number; weight: number };

/** The joint posterior of (μ, θ_1 … θ_K) written down as one large system, from the single observations. */
function joint(arms: readonly Observation[][], d: number, { mean, shared, own, noise }: HierarchyPrior) {
  const size = d * (arms.length + 1);
  const precision = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const right = new Array<number>(size).fill(0);
  const add = (i: number, j: number, value: number): void => {
    precision[i]![j] = precision[i]![j]! + value;
  };
  for (let i = 0; i < d; i++) {
    const sharedPrecision = 1 / (i === 0 ? shared.intercept : shared.context);
    const ownPrecision = 1 / (i === 0 ? own.intercept : own.context);
    add(i, i, sharedPrecision);
    if (i === 0) right[0] = sharedPrecision * mean;
    for (const k of arms.keys()) {
      const at = d * (k + 1) + i;
      add(i, i, ownPrecision);
      add(at, at, ownPrecision);
      add(i, at, -ownPrecision);
      add(at, i, -ownPrecision);
    }
  }
  for (const [k, observations] of arms.entries()) {
    for (const { x, y, weight } of observations) {
      for (let i = 0; i < d; i++) {
        const at = d * (k + 1);
        right[at + i] = right[at + i]! + (weight * y * x[i]!) / noise;
        for (let j = 0; j < d; j++) add(at + i, at + j, (weight * x[i]! * x[j]!) / noise);
      }
    }
  }
  const all = solved(precision, right);
  const unit = (i: number): number[] => right.map((_, j) => (i === j ? 1 : 0));
  return {
    mean: (k: number) => all.slice(d * (k + 1), d * (k + 2)),
    variance: (k: number, i: number) => solved(precision, unit(d * (k + 1) + i))[d * (k + 1) + i]!,
  };
}

const coordinate = fc.double({ min: -1, max: 1, noNaN: true });
const observation = fc.record({
  x: fc.tuple(fc.constant(1), coordinate, coordinate).map((x) => [...x]),
  y: fc.double({ min: 0, max: 1, noNaN: true }),
  weight: fc.double({ min: 0.01, max: 3, noNaN: true }),
});

const sumsOf = (observations: readonly Observation[], d = 3): Sums => {
  const sums = emptySums(d);
  for (const { x, y, weight } of observations) addObservation(sums, x, y, weight);
  return sums;
};

describe('the hierarchical regression', () => {
  test('eliminating arm by arm gives what the whole system gives', () => {
    fc.assert(
      fc.property(fc.array(fc.array(observation, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), (arms) => {
        const { arms: fits } = fitHierarchy(
          arms.map((arm) => sumsOf(arm)),
          3,
          1,
          PRIOR,
        );
        const whole = joint(arms, 3, PRIOR);
        for (const [k, fit] of fits.entries()) {
          for (let i = 0; i < 3; i++) {
            expect(fit.mean[i]).toBeCloseTo(whole.mean(k)[i]!, 8);
            expect(fit.covariance[i * 3 + i]).toBeCloseTo(whole.variance(k, i), 8);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('learns how noisy each arm is, and how much arms differ', () => {
    const random = seeded(4);
    const arm = (level: number, slope: number, noise: number): Observation[] =>
      Array.from({ length: 600 }, () => {
        const side = random() * 2 - 1;
        return {
          x: [1, side, 0],
          y: level + slope * side + noise * (random() + random() + random() - 1.5) * 2,
          weight: 1,
        };
      });
    const learning = { ...PRIOR, steps: 10 };
    const alike = fitHierarchy(
      [arm(0.6, 0.1, 0.1), arm(0.6, 0.1, 0.3)].map((a) => sumsOf(a)),
      3,
      1,
      learning,
    );
    expect(Math.sqrt(alike.arms[0]!.noise)).toBeCloseTo(0.1, 1);
    expect(Math.sqrt(alike.arms[1]!.noise)).toBeCloseTo(0.3, 1);
    const unlike = fitHierarchy(
      [arm(0.2, 0.8, 0.1), arm(0.9, -0.8, 0.1)].map((a) => sumsOf(a)),
      3,
      1,
      learning,
    );
    expect(unlike.own.context).toBeGreaterThan(2 * alike.own.context);
    expect(unlike.own.intercept).toBeGreaterThan(alike.own.intercept);
  });

  test('learns sizes as fast with many coordinates as with few, where each shows the same', () => {
    const sizeWith = (coordinates: number): number => {
      const arm = (slope: number): Observation[] =>
        Array.from({ length: 40 * coordinates }, (_, i) => {
          const side = i % 2 === 0 ? 1 : -1;
          const x = [1, ...new Array<number>(coordinates).fill(0)];
          x[1 + ((i >> 1) % coordinates)] = side;
          return { x, y: 0.5 + slope * side, weight: 1 };
        });
      const sums = [arm(0.3), arm(-0.3)].map((a) => sumsOf(a, coordinates + 1));
      return fitHierarchy(sums, coordinates + 1, 1, { ...PRIOR, steps: 10 }).own.context;
    };
    expect(sizeWith(2)).toBeGreaterThan(1.5 * PRIOR.own.context);
    expect(sizeWith(20) / sizeWith(2)).toBeCloseTo(1, 1);
  });

  test('an arm never seen is expected to be like the others, with little certainty', () => {
    const seen = sumsOf(Array.from({ length: 300 }, () => ({ x: [1, 0, 0], y: 0.9, weight: 1 })));
    const [known, unseen] = fitHierarchy([seen, emptySums(3)], 3, 1, PRIOR).arms;
    expect(unseen!.mean[0]).toBeGreaterThan(0.75);
    expect(unseen!.covariance[0]).toBeGreaterThan(20 * known!.covariance[0]!);
  });

  test('the same sums give the same fit, whatever was fitted before, and what it gave stays as it was', () => {
    const arms = fc.array(fc.array(observation, { maxLength: 6 }), { minLength: 1, maxLength: 4 });
    const learning = { ...PRIOR, steps: 3 };
    fc.assert(
      fc.property(arms, arms, fc.constantFrom(1, Number.NaN, 1e300), (ones, others, damage) => {
        const fitOf = (observations: readonly Observation[][], scale = 1) =>
          fitHierarchy(
            observations.map((arm) => sumsOf(arm)),
            3,
            scale,
            learning,
          );
        const fit = fitOf(ones);
        const asItWas = structuredClone(fit);
        try {
          fitOf(others, damage);
        } catch {
          // Sums may be beyond use: the next fit must not be.
        }
        expect(fit).toEqual(asItWas);
        expect(fitOf(ones)).toEqual(asItWas);
      }),
    );
  });

  test('stays finite and shrinks no variance below zero, whatever was summed up', () => {
    const wild = fc.record({
      x: fc
        .tuple(
          fc.constant(1),
          fc.double({ min: -100, max: 100, noNaN: true }),
          fc.double({ min: -100, max: 100, noNaN: true }),
        )
        .map((x) => [...x]),
      y: fc.constantFrom(0, 1, 0.5),
      weight: fc.constantFrom(1e-12, 1, 100, 1e7),
    });
    fc.assert(
      fc.property(fc.array(fc.array(wild, { maxLength: 6 }), { minLength: 1, maxLength: 3 }), (arms) => {
        for (const { mean, covariance, noise } of fitHierarchy(
          arms.map((a) => sumsOf(a)),
          3,
          1,
          { ...PRIOR, steps: 10 },
        ).arms) {
          expect([...mean, ...covariance, noise].every(Number.isFinite)).toBe(true);
          for (let i = 0; i < 3; i++) expect(covariance[i * 3 + i]).toBeGreaterThanOrEqual(0);
          expect(noise).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
