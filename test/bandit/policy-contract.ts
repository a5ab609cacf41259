/** What every policy promises, whatever it prefers. One suite, run over each. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DecideInput, decide, rankRest } from '../../src/bandit/decide.ts';
import type { PolicyName } from '../../src/bandit/policies/index.ts';
import type { Posterior } from '../../src/bandit/posterior.ts';
import { evidence, foldOf, labelled, posteriorOf, SETTINGS, seeded } from './evidence.ts';

const ARMS = ['a', 'b', 'c', 'd', 'e'];
const PRICES = [0.1, 0.5, 0.5, 3, 10];

/** A router that knows something of each arm: more of the first, little of the last. */
const experienced = posteriorOf(
  foldOf([
    ...labelled('a', 60, 40, { x: [1, 0.5, -0.2] }),
    ...labelled('b', 40, 33, { x: [1, -0.5, 0.4] }),
    ...labelled('c', 25, 20),
    ...labelled('d', 10, 9, { completionTokens: 900 }),
    ...labelled('e', 9, 8, { totalMs: 9000 }),
  ]),
  ARMS,
);
const inexperienced = posteriorOf(foldOf([]), ARMS);
/** One whose answers are hardly ever rated, so that exploring could not pay. */
const unrated = posteriorOf(
  foldOf([
    ...Array.from({ length: 2_000 }, (_, i) => evidence({ arm: ARMS[i % 5]!, completionTokens: 100 + 40 * (i % 5) })),
    ...labelled('a', 3, 2),
    ...labelled('b', 2, 2),
  ]),
  ARMS,
);

interface Given {
  posterior: Posterior;
  eligible: boolean[];
  x: number[];
  promptTokensEstimate: number;
  usdPerPoint: number;
  secondsPerPoint: number;
  floor: number;
  warmup: number;
  uniform: number;
}
const input: fc.Arbitrary<Given> = fc.record({
  posterior: fc.constantFrom(experienced, inexperienced, unrated),
  eligible: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }).filter((list) => list.includes(true)),
  x: fc.tuple(fc.constant(1), fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })),
  promptTokensEstimate: fc.integer({ min: 1, max: 100_000 }),
  usdPerPoint: fc.constantFrom(Number.POSITIVE_INFINITY, 0.01, 0.0001, 1e-9),
  secondsPerPoint: fc.constantFrom(Number.POSITIVE_INFINITY, 1, 0.1),
  floor: fc.constantFrom(0, 0.02, 0.5, 1),
  warmup: fc.constantFrom(0, 8, 30),
  uniform: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

export function testPolicy({ newPolicy }: { newPolicy: () => PolicyName }): void {
  const policy = newPolicy();
  const inputOf = (given: Given): DecideInput => ({
    policy,
    posterior: given.posterior,
    arms: ARMS.map((id, k) => ({
      id,
      price: { input: PRICES[k]!, output: 4 * PRICES[k]! },
      eligible: given.eligible[k]!,
    })),
    x: Float64Array.from(given.x),
    promptTokensEstimate: given.promptTokensEstimate,
    rates: { usdPerPoint: given.usdPerPoint, secondsPerPoint: given.secondsPerPoint },
    explore: { floor: given.floor, warmup: given.warmup },
    uniform: given.uniform,
  });
  const usual: DecideInput = inputOf({
    posterior: experienced,
    eligible: [true, true, true, true, true],
    x: [1, 0.2, -0.1],
    promptTokensEstimate: 200,
    usdPerPoint: 0.001,
    secondsPerPoint: Number.POSITIVE_INFINITY,
    floor: 0.1,
    warmup: 8,
    uniform: 0.5,
  });

  describe(`the policy ${policy}`, () => {
    test('gives probabilities that sum to 1, none to an arm that is not eligible, and draws one that has some', () => {
      fc.assert(
        fc.property(input, (given) => {
          const { chosen, propensity, candidates } = decide(inputOf(given));
          expect(candidates.map(({ model }) => model)).toEqual(ARMS);
          expect(Math.abs(candidates.reduce((sum, candidate) => sum + candidate.propensity, 0) - 1)).toBeLessThan(1e-9);
          for (const { eligible, propensity: own } of candidates) {
            expect(own).toBeGreaterThanOrEqual(0);
            if (!eligible) expect(own).toBe(0);
          }
          const drawn = candidates.find(({ model }) => model === chosen)!;
          expect(drawn.eligible).toBe(true);
          expect(drawn.propensity).toBe(propensity);
          expect(propensity).toBeGreaterThan(0);
        }),
      );
    });

    test('draws each arm as often as it says', () => {
      const random = seeded(7);
      for (const [posterior, explore] of [
        [experienced, { floor: 0, warmup: 0 }],
        [experienced, { floor: 0.1, warmup: 0 }],
        [inexperienced, { floor: 0.1, warmup: 0 }],
        [inexperienced, { floor: 0, warmup: 10 }],
        [unrated, { floor: 0.1, warmup: 0 }],
      ] as const) {
        const ruledOut = posterior === experienced ? 'a' : 'b';
        const arms = usual.arms.map((arm) => ({ ...arm, eligible: arm.id !== ruledOut }));
        const input = { ...usual, posterior, explore, arms };
        const { candidates } = decide(input);
        const draws = 4_000;
        const counts = new Map(ARMS.map((id) => [id, 0]));
        for (let i = 0; i < draws; i++) {
          const { chosen } = decide({ ...input, uniform: random() });
          counts.set(chosen, counts.get(chosen)! + 1);
        }
        for (const { model, propensity } of candidates) {
          // Five standard errors: one false alarm in a million.
          const allowed = 5 * Math.sqrt((propensity * (1 - propensity)) / draws) + 1e-12;
          expect(Math.abs(counts.get(model)! / draws - propensity)).toBeLessThanOrEqual(allowed);
        }
      }
    });

    test('chooses the same among the rest when an arm that was not chosen is taken away', () => {
      fc.assert(
        fc.property(input, fc.nat(4), (given, k) => {
          const whole = inputOf(given);
          const { chosen } = decide(whole);
          fc.pre(ARMS[k] !== chosen);
          const arms = whole.arms.map((arm, i) => (i === k ? { ...arm, eligible: false } : arm));
          expect(decide({ ...whole, arms }).chosen).toBe(chosen);
        }),
        { numRuns: 500 },
      );
    });

    test('the same request, uniform and knowledge lead to the same draw', () => {
      fc.assert(
        fc.property(input, (given) => {
          expect(decide(inputOf(given))).toEqual(decide(inputOf(given)));
        }),
      );
    });

    test('with one eligible arm, that one is certain', () => {
      const arms = usual.arms.map((arm, k) => ({ ...arm, eligible: k === 2 }));
      expect(decide({ ...usual, arms })).toMatchObject({ chosen: 'c', propensity: 1, reason: 'only-eligible' });
    });

    test('with none, it is a bug of the caller', () => {
      expect(() => decide({ ...usual, arms: usual.arms.map((arm) => ({ ...arm, eligible: false })) })).toThrow(
        RangeError,
      );
    });

    test('ranks the other eligible arms by utility, for when the chosen one fails', () => {
      const draw = decide({ ...usual, arms: usual.arms.map((arm, k) => ({ ...arm, eligible: k !== 1 })) });
      const rest = rankRest(draw);
      expect([draw.chosen, ...rest].sort()).toEqual(['a', 'c', 'd', 'e']);
      const utilities = rest.map((id) => draw.candidates.find(({ model }) => model === id)!.utility);
      expect(utilities).toEqual(utilities.toSorted((one, other) => other - one));
    });

    test('works from 1 to 100 arms, free ones too, whatever is known', () => {
      for (const count of [1, 2, 100]) {
        const ids = Array.from({ length: count }, (_, k) => `arm ${k}`);
        const arms = ids.map((id) => ({ id, price: { input: 0, output: 0 }, eligible: true }));
        const known = foldOf(ids.flatMap((id, k) => labelled(id, 10 + (k % 7), k % 10)));
        for (const fold of [foldOf([]), known]) {
          const draw = decide({ ...usual, posterior: posteriorOf(fold, ids), arms });
          expect(draw.candidates.reduce((sum, { propensity }) => sum + propensity, 0)).toBeCloseTo(1, 9);
          expect(ids).toContain(draw.chosen);
        }
      }
    });

    test('decides with finite numbers where the context is damaged or the evidence extreme', () => {
      const extreme = posteriorOf(
        foldOf([
          ...labelled('a', 50, 50, { x: [1, 1e9, 0] as number[], weight: 1e9 }),
          evidence({ arm: 'b', quality: 1, x: [1, 99, -99], completionTokens: 1e300, totalMs: 1e300 }),
        ]),
        ARMS,
      );
      for (const posterior of [experienced, extreme]) {
        for (const x of [
          [1, Number.NaN, 0],
          [1, 1e200, -1e200],
          [1, 0, 0],
        ]) {
          const { candidates } = decide({ ...usual, posterior, x: Float64Array.from(x) });
          expect(candidates.reduce((sum, { propensity }) => sum + propensity, 0)).toBeCloseTo(1, 9);
          for (const { quality, costUsd, firstByteMs, totalMs, utility } of candidates) {
            expect(
              [quality.mean, quality.low, quality.high, costUsd, firstByteMs, totalMs, utility].every(Number.isFinite),
            ).toBe(true);
          }
        }
      }
      expect(usual.x).toHaveLength(SETTINGS.dimensions);
    });
  });
}
