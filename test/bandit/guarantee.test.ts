import { describe, expect, test } from 'vitest';
import { weighArms } from '../../src/bandit/contenders.ts';
import { type Evidence, NO_LABEL } from '../../src/bandit/evidence.ts';
import { type Guarantee, holdBack, normalQuantile, type Surplus, widthFor } from '../../src/bandit/guarantee.ts';
import { derivePosterior, derivingPosterior, type Posterior } from '../../src/bandit/posterior.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { NEXT } from '../../src/signals/signs.ts';
import { evidence, foldOf, labelled } from './evidence.ts';

const GUARANTEE: Guarantee = { baseline: 'base', quality: 0.95, confidence: 0.95 };
const ARMS = ['base', 'cheap', 'other'];
const USUAL = [1, 0, 0];

function believed(entries: readonly Evidence[], guarantee: Partial<Guarantee> = {}): Posterior & { surplus: Surplus } {
  const arms = ARMS.map((id) => ({ id, was: [] }));
  return derivePosterior(foldOf(entries), arms, calibrate, { ...GUARANTEE, ...guarantee }) as Posterior & {
    surplus: Surplus;
  };
}
const surplusOf = (entries: readonly Evidence[], guarantee?: Partial<Guarantee>): Surplus =>
  believed(entries, guarantee).surplus;

/** The arms that may answer the usual request. */
function allowed(entries: readonly Evidence[], owed = 0, stayWith: string | null = null): string[] {
  const posterior = believed(entries);
  const contenders = weighArms({
    policy: 'linear-thompson',
    posterior,
    arms: ARMS.map((id) => ({ id, price: { input: 1, output: 1 } })),
    baseline: 'base',
    x: USUAL,
    promptTokensEstimate: 100,
    rates: { usdPerPoint: 1, secondsPerPoint: 1 },
    explore: { floor: 0, warmup: 8 },
  });
  holdBack(contenders, GUARANTEE, posterior.surplus, USUAL, owed, stayWith);
  return contenders.filter(({ candidate }) => candidate.eligible).map(({ candidate }) => candidate.model);
}

describe('under a guarantee', () => {
  test('who waits to be served waits for the fit of one arm at most, not for the surplus of all', () => {
    const arms = Array.from({ length: 20 }, (_, k) => ({ id: `arm-${k}`, was: [] }));
    const fold = foldOf(arms.flatMap(({ id }) => labelled(id, 20, 15)));
    const stepsOf = (guarantee: Guarantee | null): number => {
      const deriving = derivingPosterior(fold, arms, calibrate, guarantee);
      let steps = 0;
      while (!deriving.next().done) steps++;
      return steps;
    };
    expect(stepsOf({ ...GUARANTEE, baseline: 'arm-0' })).toBeGreaterThan(stepsOf(null) + arms.length);
  });

  test('only the baseline answers before anything is known', () => {
    expect(allowed([])).toEqual(['base']);
    expect(surplusOf([]).low).toBe(0);
    expect(surplusOf([]).risk('base', USUAL)).toBe(0);
    expect(surplusOf([]).risk('cheap', USUAL)).toBe(0.95);
  });

  test('others may be tried once the baseline has earned what the worst answer could cost', () => {
    expect(allowed(labelled('base', 10, 9))).toEqual(['base']);
    expect(allowed(labelled('base', 200, 180))).toEqual(ARMS);
    expect(allowed(labelled('base', 200, 180), surplusOf(labelled('base', 200, 180)).low - 0.5)).toEqual(['base']);
  });

  test('what arms share is no evidence that one of them is good', () => {
    const both = [...labelled('base', 300, 285), ...labelled('cheap', 300, 285)];
    const { predict, surplus } = believed(both);
    expect(predict('other', Float64Array.from(USUAL), 100).quality.mean).toBeGreaterThan(0.8);
    expect(surplus.risk('other', USUAL)).toBeGreaterThan(0.85);
    expect(surplus.risk('cheap', USUAL)).toBeLessThan(0.15);
  });

  test('a few good answers of an arm are no proof because the baseline has never failed', () => {
    const perfect = labelled('base', 40, 40);
    const lucky = [...perfect, ...labelled('cheap', 5, 5)];
    // As many would come of an arm that is good half of the time, in one run of 32.
    expect(surplusOf(lucky).risk('cheap', USUAL)).toBeGreaterThan(0.4);
    expect(surplusOf(lucky).low).toBeLessThan(surplusOf(perfect).low);
  });

  test('answers that fall short of what is promised use up what there was', () => {
    const before = labelled('base', 200, 180);
    const short = [...before, ...labelled('cheap', 40, 20)];
    expect(surplusOf(short).low).toBeLessThan(surplusOf(before).low);
    expect(allowed([...before, ...labelled('cheap', 60, 30)])).toEqual(['base']);
  });

  test('answers as good as the baseline add to it', () => {
    const before = [...labelled('base', 400, 360), ...labelled('cheap', 100, 90)];
    const after = [...labelled('base', 600, 540), ...labelled('cheap', 400, 360)];
    expect(surplusOf(after).low).toBeGreaterThan(surplusOf(before).low);
  });

  test('unrated answers count at what the arm was rated for elsewhere, and not at all where it was never rated', () => {
    const before = labelled('base', 400, 360);
    const unrated = Array.from({ length: 20 }, () => evidence({ arm: 'cheap', quality: null }));
    // What the baseline would have given, and nothing for it.
    const foregone = 20 * 0.95 * 0.9;
    expect(surplusOf([...before, ...unrated]).low).toBeLessThan(surplusOf(before).low - foregone + 1);
    expect(surplusOf([...before, ...labelled('cheap', 100, 90), ...unrated]).low).toBeGreaterThan(0);
  });

  test('more is left with less confidence, and with less promised', () => {
    const entries = [...labelled('base', 200, 180), ...labelled('cheap', 100, 85)];
    const { low } = surplusOf(entries);
    expect(surplusOf(entries, { confidence: 0.5 }).low).toBeGreaterThan(low);
    expect(surplusOf(entries, { quality: 0.9 }).low).toBeGreaterThan(low);
    expect(surplusOf(entries, { quality: 0.99 }).low).toBeLessThan(low);
  });

  test('the whole promise keeps the baseline, whatever it has shown', () => {
    const certain = labelled('base', 500, 500);
    expect(surplusOf(certain, { quality: 1 }).low).toBeLessThanOrEqual(0);
  });

  test('a tool loop stays with its arm', () => {
    expect(allowed([], 0, 'cheap')).toEqual(['base', 'cheap']);
  });

  test('sums damaged beyond use allow nobody else', () => {
    const fold = foldOf(labelled('base', 300, 280));
    fold.arms.get('base')!.quality.xx.fill(Number.NaN);
    const arms = ARMS.map((id) => ({ id, was: [] }));
    const { surplus } = derivePosterior(fold, arms, calibrate, GUARANTEE);
    expect(surplus!.low).toBeLessThanOrEqual(0);
    expect(surplus!.risk('cheap', USUAL)).toBeGreaterThan(0.9);
  });
});

describe('what a guarantee is relative to', () => {
  const seen = (arm: string, count: number): Evidence[] =>
    Array.from({ length: count }, (_, i) =>
      evidence({ arm, ...NO_LABEL, next: NEXT.indexOf(i % 5 === 0 ? 'corrected' : 'continued'), share: 1 }),
    );

  test('is what people said, once they have said enough', () => {
    expect(surplusOf([...labelled('base', 40, 36), ...labelled('cheap', 60, 55)]).relativeTo).toBe('explicit feedback');
    expect(surplusOf([...labelled('base', 20, 18), ...labelled('cheap', 80, 72)]).relativeTo).toBe('implicit signals');
    expect(surplusOf([]).relativeTo).toBe('implicit signals');
  });

  test('is what was seen until then, and holds by less the less is known of what that means', () => {
    const entries = [...seen('base', 900), ...seen('cheap', 900)];
    const { relativeTo, low } = surplusOf(entries);
    expect(relativeTo).toBe('implicit signals');
    const certain = derivePosterior(
      foldOf(entries),
      ARMS.map((id) => ({ id, was: [] })),
      (signs) => ({ ...calibrate(signs), doubt: { mean: 0, unfollowed: 0, followed: 0 } }),
      GUARANTEE,
    );
    expect(low).toBeLessThan(certain.surplus!.low);
  });

  test('the more answers were rated that showed a sign, the surer is what it means', () => {
    const nothing = believed([]).worth.doubt;
    const next = (quality: number): Evidence[] =>
      Array.from({ length: 50 }, (_, i) =>
        evidence({
          arm: 'base',
          quality,
          next: NEXT.indexOf((i % 5 === 0) === (quality === 1) ? 'corrected' : 'continued'),
          share: 1,
        }),
      );
    const { doubt } = believed([...next(1), ...next(0)]).worth;
    expect(doubt.followed).toBeLessThan(nothing.followed);
    expect(doubt.mean).toBeLessThan(nothing.mean);
  });
});

test('normal quantiles are those of the tables', () => {
  expect(normalQuantile(0.025)).toBeCloseTo(1.96, 3);
  expect(normalQuantile(0.05)).toBeCloseTo(1.645, 3);
  expect(normalQuantile(0.25)).toBeCloseTo(0.674, 3);
});

describe('the width of a bound for all times', () => {
  test('is wider than at one time, and grows only slowly', () => {
    for (const labels of [1, 10, 100, 1_000, 1_000_000]) expect(widthFor(0.05, labels)).toBeGreaterThan(1.645);
    expect(widthFor(0.05, 1_000_000)).toBeLessThan(5);
    expect(widthFor(0.01, 100)).toBeGreaterThan(widthFor(0.05, 100));
  });

  test('holds at all times for sums of fair throws', async () => {
    const { createDice } = await import('../../src/evaluate/dice.ts');
    const random = createDice(1);
    const runs = 400;
    let broken = 0;
    for (let run = 0; run < runs; run++) {
      let sum = 0;
      for (let count = 1; count <= 2_000; count++) {
        sum += random() < 0.5 ? -1 : 1;
        if (sum > widthFor(0.05, count) * Math.sqrt(count)) {
          broken++;
          break;
        }
      }
    }
    expect(broken).toBeLessThanOrEqual(0.05 * runs);
  });
});
