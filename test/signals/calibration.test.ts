/** What signs are worth: labels without bias, ratios that follow what people say, and numbers that never run away. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noRatedSigns, pairOf, type SeenSigns, SIGNS } from '../../src/bandit/sign-sums.ts';
import { type Calibration, calibrate, MOST_WORTH } from '../../src/signals/calibration.ts';
import { NEXT_RATES, nextRates, SHOWN_RATES, shownRates } from '../../src/signals/prior-rates.ts';
import { NEXT, type Next, SHOWN, type Shown, SIGNAL_NAMES, type SignalName } from '../../src/signals/signs.ts';
import { seeded } from '../bandit/evidence.ts';

const shownNumber = (name: Shown): number => SHOWN.indexOf(name);
const nextNumber = (name: Next): number => NEXT.indexOf(name);
const FOLLOWED = [...NEXT.keys()].filter((code) => nextRates(code)[0] > 0);
const CODES = [...SHOWN.keys()];

const nothing = (): SeenSigns => ({ rated: noRatedSigns(), said: { good: 0, weight: 0 }, pairs: new Map() });
/** Ratings of answers that showed `shown` and were followed by `next`. */
function rate(seen: SeenSigns, shown: number, next: number, good: number, bad: number): void {
  for (const sign of [shown, SIGNS + next]) {
    seen.rated[2 * sign] = seen.rated[2 * sign]! + good;
    seen.rated[2 * sign + 1] = seen.rated[2 * sign + 1]! + bad;
  }
  seen.said.good += good;
  seen.said.weight += good + bad;
}

/**
 * Rates with the ratios that were learned: π·P(sign | good) + (1 − π)·P(sign | bad) is how often the sign came, the table being
 * worth 10 answers.
 */
function learnedRates(
  seen: SeenSigns,
  { mean, ...calibration }: Calibration,
  from: number,
  codes: readonly number[],
  table: typeof shownRates,
) {
  const counts = codes.map((code) => {
    const [good, bad] = table(code);
    const at = 2 * (from + code);
    return 10 * (mean * good + (1 - mean) * bad) + seen.rated[at]! + seen.rated[at + 1]!;
  });
  const sum = counts.reduce((total, count) => total + count, 0);
  const good = new Map<number, number>();
  const bad = new Map<number, number>();
  for (const [i, code] of codes.entries()) {
    const ratio = Math.exp(from === 0 ? calibration.shownRatio(code) : calibration.nextRatio(code));
    bad.set(code, counts[i]! / sum / (mean * ratio + 1 - mean));
    good.set(code, bad.get(code)! * ratio);
  }
  for (const rates of [good, bad])
    expect([...rates.values()].reduce((total, rate) => total + rate, 0)).toBeCloseTo(1, 9);
  return { good, bad };
}

/** The mean label of an arm's answers that are good with this probability, by what may be seen of them. */
function meanLabels(seen: SeenSigns, calibration: Calibration, quality: number) {
  const shown = learnedRates(seen, calibration, 0, CODES, shownRates);
  const next = learnedRates(seen, calibration, SIGNS, FOLLOWED, nextRates);
  let unfollowed = 0;
  let followed = 0;
  for (const k of CODES) {
    const [good, bad] = [shown.good.get(k)!, shown.bad.get(k)!];
    unfollowed += (quality * good + (1 - quality) * bad) * calibration.labelOf(pairOf(k, 0));
    for (const then of FOLLOWED) {
      const rate = quality * good * next.good.get(then)! + (1 - quality) * bad * next.bad.get(then)!;
      followed += rate * calibration.labelOf(pairOf(k, then));
    }
  }
  return { unfollowed, followed };
}

const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 500 }), fc.double({ noNaN: true, min: 0, max: 50 }));
const ratings = fc
  .array(fc.tuple(fc.constantFrom(...CODES), fc.constantFrom(...FOLLOWED), count, count), { maxLength: 30 })
  .map((list) => {
    const seen = nothing();
    for (const [shown, next, good, bad] of list) rate(seen, shown, next, good, bad);
    return seen;
  });
/** Below this part of the variance labels are held back, so that they stay near [0, 1]. */
const LEAST_EXPLAINED = 0.02;

describe('the label of what was only seen', () => {
  test('is, on the average over an arm’s answers, the share of good ones, whatever arm it is and whatever the others are like', () => {
    let unfollowedToo = 0;
    fc.assert(
      fc.property(ratings, (seen) => {
        const calibration = calibrate(seen);
        for (const quality of [0.1, 0.5, 0.9]) {
          const { unfollowed, followed } = meanLabels(seen, calibration, quality);
          if (calibration.followed > LEAST_EXPLAINED) expect(Math.abs(followed - quality)).toBeLessThan(1e-9);
          if (calibration.unfollowed <= LEAST_EXPLAINED) continue;
          unfollowedToo++;
          expect(Math.abs(unfollowed - quality)).toBeLessThan(1e-9);
        }
      }),
    );
    expect(unfollowedToo).toBeGreaterThan(100);
    expect(calibrate(nothing()).followed).toBeGreaterThan(LEAST_EXPLAINED);
  });

  test('moves nothing where it comes as often with good answers as with bad ones', () => {
    const off = new Set(SIGNAL_NAMES.filter((name) => (SHOWN as readonly string[]).includes(name)));
    const seen = nothing();
    // As many good ones as make the rates equal, found by halving.
    const at = 2 * (SIGNS + nextNumber('regenerated'));
    for (let low = 0, high = 1_000; high - low > 1e-13; ) {
      seen.rated[at] = (low + high) / 2;
      if (calibrate(seen, off).nextRatio(nextNumber('regenerated')) < 0) low = seen.rated[at]!;
      else high = seen.rated[at]!;
      if ((low + high) / 2 === low || (low + high) / 2 === high) break;
    }
    const calibration = calibrate(seen, off);
    expect(calibration.nextRatio(nextNumber('regenerated'))).toBeCloseTo(0, 9);
    expect(calibration.labelOf(pairOf(0, nextNumber('regenerated')))).toBeCloseTo(calibration.mean, 9);
    expect(calibration.chance(0, nextNumber('regenerated'))).toBeCloseTo(calibration.mean, 9);
    expect(calibration.labelOf(pairOf(0, nextNumber('continued')))).toBeGreaterThan(calibration.mean);
  });

  test('of an answer with a good sign and a bad one lies between those of either', () => {
    const { labelOf } = calibrate(nothing());
    const of = (shown: Shown, next: Next): number => labelOf(pairOf(shownNumber(shown), nextNumber(next)));
    expect(of('refusal', 'continued')).toBeLessThan(of('fine', 'continued'));
    expect(of('refusal', 'continued')).toBeGreaterThan(of('refusal', 'corrected'));
  });
});

describe('what people say of answers with signs', () => {
  test('makes the rates what they are, whatever the table says', () => {
    const random = seeded(11);
    const draw = (rates: Record<string, number>): string => {
      let left = random();
      for (const [name, rate] of Object.entries(rates)) {
        left -= rate;
        if (left < 0) return name;
      }
      return Object.keys(rates)[0] as string;
    };
    const truth = {
      good: { silence: 0.3, continued: 0.3, regenerated: 0.3, corrected: 0.1 },
      bad: { silence: 0.6, continued: 0.1, regenerated: 0.1, corrected: 0.2 },
    };
    const seen = nothing();
    for (let i = 0; i < 20_000; i++) {
      const isGood = random() < 0.6;
      const next = draw(isGood ? truth.good : truth.bad) as Next;
      rate(seen, 0, nextNumber(next), isGood ? 1 : 0, isGood ? 0 : 1);
    }
    const calibration = calibrate(seen);
    expect(calibration.mean).toBeCloseTo(0.6, 1);
    for (const next of ['silence', 'continued', 'regenerated', 'corrected'] as const)
      expect(calibration.nextRatio(nextNumber(next))).toBeCloseTo(Math.log(truth.good[next] / truth.bad[next]), 0.7);
  });

  test('turns a sign round: where those who ask again are content, asking again speaks for an answer', () => {
    const regenerated = nextNumber('regenerated');
    const before = calibrate(nothing());
    expect(before.labelOf(pairOf(0, regenerated))).toBeLessThan(before.mean);
    const seen = nothing();
    for (let i = 0; i < 40; i++) rate(seen, 0, regenerated, 1, 0);
    for (let i = 0; i < 40; i++) rate(seen, 0, nextNumber('silence'), i % 2, 1 - (i % 2));
    const after = calibrate(seen);
    expect(after.nextRatio(regenerated)).toBeGreaterThan(0);
    expect(after.labelOf(pairOf(0, regenerated))).toBeGreaterThan(after.mean);
  });
});

test('ratings in between tell what thumbs would, less surely: labels stay on the scale of what people say', () => {
  const random = seeded(5);
  const [continued, regenerated] = [nextNumber('continued'), nextNumber('regenerated')];
  const rates = { good: 0.7, bad: 0.2 };
  const slopeOf = (spread: number): number => {
    const seen = nothing();
    for (let i = 0; i < 40_000; i++) {
      // Ratings from 0 to 1 around 0.6, as wide as this; each the chance that the answer was good.
      const quality = Math.min(1, Math.max(0, 0.6 + spread * (random() + random() + random() - 1.5)));
      const next = random() < quality * rates.good + (1 - quality) * rates.bad ? continued : regenerated;
      for (const sign of [0, SIGNS + next]) {
        seen.rated[2 * sign] = seen.rated[2 * sign]! + quality;
        seen.rated[2 * sign + 1] = seen.rated[2 * sign + 1]! + 1 - quality;
      }
      seen.rated[4 * SIGNS] = seen.rated[4 * SIGNS]! + quality * (1 - quality);
      seen.said = { good: seen.said.good + quality, weight: seen.said.weight + 1 };
    }
    const { labelOf } = calibrate(seen);
    const meanOf = (rate: number): number =>
      rate * labelOf(pairOf(0, continued)) + (1 - rate) * labelOf(pairOf(0, regenerated));
    return meanOf(rates.good) - meanOf(rates.bad);
  };
  for (const spread of [0.3, 0.6]) expect(slopeOf(spread)).toBeCloseTo(1, 0.7);
});

test('a sign that always comes, or never, tells next to nothing, whatever the table says', () => {
  const seen = nothing();
  seen.pairs = new Map([[pairOf(shownNumber('fine'), nextNumber('pending')), 100_000]]);
  const { mean, unfollowed, labelOf } = calibrate(seen);
  expect(unfollowed).toBeLessThan(1e-3);
  expect(labelOf(pairOf(shownNumber('fine'), nextNumber('pending')))).toBeCloseTo(mean, 2);
});

describe('a signal that is switched off', () => {
  test('says nothing, and leaves its share to the others', () => {
    for (const [name, next] of [
      ['regenerated', 'continued'],
      ['silence', 'corrected'],
    ] as const) {
      const calibration = calibrate(nothing(), new Set([name]));
      const ratioOf = (sign: keyof typeof NEXT_RATES): number => Math.log(NEXT_RATES[sign][0] / NEXT_RATES[sign][1]);
      const apart = calibration.nextRatio(nextNumber(next)) - calibration.nextRatio(nextNumber('rephrased'));
      expect(apart).toBeCloseTo(ratioOf(next) - ratioOf('rephrased'), 9);
      expect(calibration.nextRatio(nextNumber(name))).toBe(0);
      expect(calibration.labelOf(pairOf(0, nextNumber(name)))).toBe(calibration.mean);
    }
  });

  test('is off however far in an answer was cut short, where that is the signal', () => {
    const calibration = calibrate(nothing(), new Set<SignalName>(['aborted']));
    for (const next of ['aborted_early', 'aborted_midway', 'aborted_late'] as const)
      expect(calibration.nextRatio(nextNumber(next))).toBe(0);
  });

  test('with all others leaves what people say to be learned from, and no more', () => {
    const seen = nothing();
    seen.said = { good: 8, weight: 10 };
    seen.pairs = new Map([[pairOf(shownNumber('refusal'), nextNumber('silence')), 1_000]]);
    expect(calibrate(seen, new Set(SIGNAL_NAMES))).toMatchObject({ mean: 0.75, unfollowed: 0, followed: 0 });
  });
});

test('nothing runs away, however much or little was counted, and no answer that was only seen is worth more than half a rating', () => {
  const wild = fc.oneof(fc.constantFrom(0, 1e15, -1e-7, 1e-300), fc.double({ noNaN: true, min: 0, max: 1e6 }));
  const seen = fc.record({
    rated: fc.array(wild, { minLength: 4 * SIGNS, maxLength: 4 * SIGNS }).map((counts) => Float64Array.from(counts)),
    said: fc
      .tuple(fc.double({ noNaN: true, min: 0, max: 1 }), wild)
      .map(([quality, weight]) => ({ good: quality * weight, weight })),
    pairs: fc.array(fc.tuple(fc.nat(SIGNS ** 2 - 1), wild)).map((list) => new Map(list)),
  });
  fc.assert(
    fc.property(seen, fc.subarray([...SIGNAL_NAMES]), (counted, off) => {
      const calibration = calibrate(counted, new Set(off));
      const { mean, unfollowed, followed } = calibration;
      expect(mean).toBeGreaterThanOrEqual(0.02);
      expect(mean).toBeLessThanOrEqual(0.98);
      for (const worth of [unfollowed, followed]) {
        expect(worth).toBeGreaterThanOrEqual(0);
        expect(worth).toBeLessThanOrEqual(MOST_WORTH);
      }
      for (let pair = 0; pair < SIGNS ** 2; pair++) {
        const chance = calibration.chance(Math.floor(pair / SIGNS), pair % SIGNS);
        const ratios = calibration.shownRatio(Math.floor(pair / SIGNS)) + calibration.nextRatio(pair % SIGNS);
        const sound =
          chance >= 0 && chance <= 1 && Number.isFinite(ratios) && Math.abs(calibration.labelOf(pair)) <= 51;
        expect(sound).toBe(true);
      }
    }),
  );
});

test('before anybody has said anything, rates are those of a whole: each column of the table adds up to one', () => {
  for (const table of [SHOWN_RATES, NEXT_RATES])
    for (const side of [0, 1] as const)
      expect(Object.values(table).reduce((sum, rates) => sum + rates[side], 0)).toBeCloseTo(1, 12);
});
