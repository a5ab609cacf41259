import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dotAt, outcomeLength, quadraticAt, quadraticsAt, qualityLength, rowOf } from '../../src/bandit/arm-row.ts';
import type { ArmFit } from '../../src/bandit/hierarchy.ts';
import { dot, quadratic } from '../../src/bandit/linear-algebra.ts';
import { seeded } from './evidence.ts';

function fitOf(n: number, random: () => number): ArmFit {
  const symmetric = (): Float64Array => {
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = random() - 0.5;
    return matrix;
  };
  const mean = Float64Array.from({ length: n }, random);
  return { mean, covariance: symmetric(), ownCovariance: symmetric(), noise: random(), weight: 0 };
}

test("an arm's row gives, to the last bit, what its matrices give, for any number of coordinates", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (n, seed) => {
      const random = seeded(seed);
      const small = Math.min(4, n);
      const quality = fitOf(n, random);
      const outcomes = [fitOf(small, random), fitOf(small, random)];
      const x = Float64Array.from({ length: n }, () => random() - 0.5);
      const row = rowOf(quality, outcomes);
      const both = new Float64Array(2);
      quadraticsAt(row, n, x, n, both);
      expect(dotAt(row, 0, x, n)).toBe(dot(quality.mean, x));
      expect([...both]).toEqual([quadratic(quality.covariance, x), quadratic(quality.ownCovariance, x)]);
      for (const [k, { mean, covariance, noise }] of outcomes.entries()) {
        const from = qualityLength(n) + k * outcomeLength(small);
        expect(dotAt(row, from, x, small)).toBe(dot(mean, x));
        expect(quadraticAt(row, from + small, x, small)).toBe(quadratic(covariance, x.subarray(0, small)));
        expect(row[from + outcomeLength(small) - 1]).toBe(noise);
      }
    }),
  );
});
