import { describe, expect, test } from 'vitest';
import { type ArmSums, outcomeDimensions } from '../../src/bandit/arm-sums.ts';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { derivePosterior } from '../../src/bandit/posterior.ts';
import { encoder } from '../../src/context/encoder.ts';
import { evidence, foldOf, labelled, posteriorOf, seeded } from './evidence.ts';

const at = (x: number[]): Float64Array => Float64Array.from(x);
const usual = at([1, 0, 0]);

describe('before anything is known', () => {
  test("an arm's quality may be anything, and context adds about a third as much doubt again, however wide it is", () => {
    for (const dimensions of [3, encoder.dimensions, 64]) {
      const posterior = posteriorOf(foldOf([], { dimensions }), ['a', 'b']);
      const x = new Float64Array(dimensions).fill(1 / Math.sqrt(dimensions - 1));
      x[0] = 1;
      const withContext = posterior.predict('a', x, 100).quality.deviation;
      const without = posterior.predict(
        'a',
        x.map((value, i) => (i === 0 ? value : 0)),
        100,
      ).quality.deviation;
      expect(without).toBeCloseTo(0.3, 1);
      expect(Math.sqrt(withContext ** 2 - without ** 2)).toBeCloseTo(0.1, 1);
    }
  });

  test('all arms are expected to be alike', () => {
    const posterior = posteriorOf(foldOf([]), ['a', 'b']);
    expect(posterior.predict('a', usual, 100)).toEqual(posterior.predict('b', usual, 100));
    expect(posterior.summary('a')).toMatchObject({ pulls: 0, share: 0 });
  });
});

describe('what labels teach', () => {
  const posterior = posteriorOf(
    foldOf([...labelled('good', 200, 180), ...labelled('bad', 200, 60), ...labelled('new', 2, 2)]),
    ['good', 'bad', 'new'],
  );

  test("an arm's quality comes out near its share of good answers, inside its interval", () => {
    const { good, bad } = { good: posterior.summary('good').quality, bad: posterior.summary('bad').quality };
    expect(good.mean).toBeCloseTo(0.9, 1);
    expect(bad.mean).toBeCloseTo(0.3, 1);
    expect(good.low).toBeGreaterThan(bad.high);
    expect(good.low).toBeLessThan(0.9);
    expect(good.high).toBeGreaterThan(0.9);
  });

  test('of an arm with two labels little is certain', () => {
    const { deviation } = posterior.predict('new', usual, 100).quality;
    expect(deviation).toBeGreaterThan(4 * posterior.predict('good', usual, 100).quality.deviation);
  });

  test('an implicit label of a tenth of the weight counts a tenth', () => {
    const whole = posteriorOf(foldOf(labelled('a', 10, 7)), ['a']);
    const parts = posteriorOf(foldOf(labelled('a', 100, 70, { weight: 0.1 })), ['a']);
    expect(parts.predict('a', usual, 100).quality.mean).toBeCloseTo(whole.predict('a', usual, 100).quality.mean, 9);
    expect(parts.betas('a').a).toBeCloseTo(8, 9);
    expect(parts.betas('a').b).toBeCloseTo(4, 9);
  });

  test('the same fold gives the same posterior, to the last bit', () => {
    const fold = foldOf([...labelled('a', 30, 20), ...labelled('b', 5, 1)]);
    const [one, other] = [posteriorOf(fold, ['a', 'b']), posteriorOf(fold, ['a', 'b'])];
    for (const arm of ['a', 'b'])
      expect(one.predict(arm, at([1, 0.3, -0.3]), 77)).toEqual(other.predict(arm, at([1, 0.3, -0.3]), 77));
  });

  test('as labels fade, doubt comes back', () => {
    const day = 864e5;
    const settings = { halfLifeMs: day };
    const fresh = posteriorOf(foldOf(labelled('a', 50, 50, { at: day }), settings), ['a', 'b']);
    const later = posteriorOf(
      foldOf([...labelled('a', 50, 50, { at: day }), evidence({ arm: 'b', at: 8 * day })], settings),
      ['a', 'b'],
    );
    expect(fresh.predict('a', usual, 100).observations).toBeCloseTo(50, 6);
    expect(later.predict('a', usual, 100).observations).toBeCloseTo(50 / 128, 6);
    expect(later.predict('a', usual, 100).quality.deviation).toBeGreaterThan(
      2 * fresh.predict('a', usual, 100).quality.deviation,
    );
  });
});

describe('what unlabelled answers teach', () => {
  test('how long an arm writes, how it counts tokens, and how fast it is', () => {
    const entries = Array.from({ length: 300 }, () =>
      evidence({ completionTokens: 50, promptTokensEstimate: 100, promptTokens: 130, firstByteMs: 90, totalMs: 700 }),
    );
    const expected = posteriorOf(foldOf(entries), ['a']).predict('a', usual, 1000);
    expect(expected.outputTokens / 50).toBeCloseTo(1, 1);
    expect(expected.promptTokens / 1300).toBeCloseTo(1, 1);
    expect(expected.firstByteMs / 90).toBeCloseTo(1, 1);
    expect(expected.totalMs / 700).toBeCloseTo(1, 1);
    expect(expected).toMatchObject({ observations: 0, pulls: 300 });
  });

  test('the mean, not the middle, of lengths with a long tail', () => {
    const random = seeded(9);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const lengths = Array.from({ length: 3000 }, () => Math.exp(5 + normal()));
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    const fold = foldOf(lengths.map((completionTokens) => evidence({ completionTokens })));
    expect(posteriorOf(fold, ['a']).predict('a', usual, 100).outputTokens / mean).toBeCloseTo(1, 1);
  });

  test('an arm that nothing is known of is expected to write as long as the others', () => {
    const entries = Array.from({ length: 200 }, () => evidence({ completionTokens: 2000 }));
    expect(posteriorOf(foldOf(entries), ['a', 'b']).predict('b', usual, 100).outputTokens).toBeGreaterThan(900);
  });

  test('an aborted answer, of which no length is known, does not count as a short one', () => {
    const cut = Array.from({ length: 50 }, () => evidence({ completionTokens: null, totalMs: null }));
    const whole = Array.from({ length: 50 }, () => evidence({ completionTokens: 800 }));
    const expected = posteriorOf(foldOf([...cut, ...whole]), ['a']).predict('a', usual, 100);
    expect(expected.outputTokens / 800).toBeCloseTo(1, 0);
  });
});

describe('an arm that had other ids', () => {
  const log = (id: (k: number) => string): Evidence[] =>
    Array.from({ length: 60 }, (_, k) =>
      evidence({
        decisionId: `d${k}`,
        arm: id(k),
        at: 1_000 * k,
        quality: k % 4 === 0 ? null : (k % 3) / 2,
        totalMs: 100 * k,
        x: [1, (k % 5) / 10, 0],
      }),
    );
  const others = labelled('other', 20, 5);
  const renamed = foldOf([...log((k) => `id-${k % 3}`), ...others], { halfLifeMs: 20_000 });
  const arms = [
    { id: 'id-0', was: ['id-1', 'id-2', 'id-3'] },
    { id: 'other', was: [] },
  ];

  test('is believed what it would be had it had one all along', () => {
    const one = derivePosterior(renamed, arms);
    const other = posteriorOf(foldOf([...log(() => 'id-0'), ...others], { halfLifeMs: 20_000 }), ['id-0', 'other']);
    for (const arm of ['id-0', 'other']) {
      const { quality, ...rest } = one.predict(arm, at([1, 0.3, 0.1]), 100);
      const { quality: expected, ...expectedRest } = other.predict(arm, at([1, 0.3, 0.1]), 100);
      expect(quality.mean).toBeCloseTo(expected.mean, 9);
      expect(quality.deviation).toBeCloseTo(expected.deviation, 9);
      expect(rest.observations).toBeCloseTo(expectedRest.observations, 9);
      expect(rest.totalMs / expectedRest.totalMs).toBeCloseTo(1, 9);
      expect(one.summary(arm).pulls).toBe(other.summary(arm).pulls);
      expect(one.summary(arm).share).toBe(other.summary(arm).share);
      expect(one.betas(arm).a).toBeCloseTo(other.betas(arm).a, 9);
    }
    expect(one.usual.promptTokens).toBeCloseTo(other.usual.promptTokens, 9);
  });

  test('leaves the fold as it is, so that it may be told apart again', () => {
    const before = structuredClone(renamed);
    derivePosterior(renamed, arms);
    expect(renamed).toStrictEqual(before);
    expect(posteriorOf(renamed, ['id-0']).summary('id-0').pulls).toBe(20);
  });
});

describe('a damaged fold', () => {
  const damages: [string, (arm: ArmSums) => void][] = [
    ['no number', (arm) => arm.quality.xx.fill(Number.NaN)],
    ['infinity', (arm) => arm.quality.xy.fill(Number.POSITIVE_INFINITY)],
    ['a negative sum of squares', (arm) => arm.quality.xx.fill(-1e9)],
    ['one negative sum of squares', (arm) => arm.quality.xx.fill(-1e9, 2, 3)],
    ['numbers beyond all measure', (arm) => arm.quality.xx.fill(1e300)],
    ['damaged lengths', (arm) => arm.outcomes.outputTokens.xy.fill(Number.NaN)],
    ['damaged requests', (arm) => arm.requests.x.fill(Number.NaN)],
  ];
  for (const [what, damage] of damages) {
    test(`with ${what} still leads to predictions that can be used`, () => {
      const fold = foldOf([...labelled('a', 20, 15), ...labelled('b', 20, 5)]);
      damage(fold.arms.get('a')!);
      const posterior = posteriorOf(fold, ['a', 'b']);
      for (const arm of ['a', 'b']) {
        for (const { quality, ...rest } of [posterior.predict(arm, at([1, 0.5, 0.5]), 100)]) {
          expect([...Object.values(quality), ...Object.values(rest)].every(Number.isFinite)).toBe(true);
          expect(quality.deviation).toBeGreaterThan(0);
        }
        const { quality } = posterior.summary(arm);
        expect(quality.low).toBeLessThanOrEqual(quality.high);
        expect(posterior.betas(arm).a).toBeGreaterThanOrEqual(1);
      }
      // What another arm has shown is not forgotten for it.
      expect(posterior.predict('b', usual, 100).quality.mean).toBeLessThan(0.45);
    });
  }
});

test('the coordinates that predict lengths are among the encoder’s', () => {
  expect(encoder.dimensions).toBeGreaterThanOrEqual(outcomeDimensions('totalMs', encoder.dimensions));
});
