/** What nobody has rated: signs count by what came next, and nothing in half an hour is silence, whatever way the log comes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Evidence, NO_LABEL, PENDING, SILENCE, UNCLEAR } from '../../src/bandit/evidence.ts';
import { type Fold, foldEntry, SILENCE_MS } from '../../src/bandit/fold.ts';
import { derivePosterior } from '../../src/bandit/posterior.ts';
import { pairOf } from '../../src/bandit/sign-sums.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { expectAlike } from './alike.ts';
import { evidence, foldOf, labelIn } from './evidence.ts';

const MINUTE = 60_000;
const START = 1_000 * MINUTE;
const REGENERATED = 4;
const seen = { ...NO_LABEL, share: 1 };

/** Decisions of two hours that nobody rated, each with what followed it, if anything. */
const decisions = fc.array(
  fc.record({
    at: fc.integer({ min: START, max: START + 120 * MINUTE }),
    arm: fc.constantFrom('a', 'b'),
    x: fc.double({ noNaN: true, min: -1, max: 1 }).map((value) => [1, value, 0]),
    shown: fc.constantFrom(0, 0, 6),
    share: fc.constantFrom(1, 0.5, 0.25),
    next: fc.constantFrom(PENDING, PENDING, UNCLEAR, SILENCE, 3, REGENERATED),
  }),
  { minLength: 1, maxLength: 20 },
);
const settings = fc.record({
  halfLifeMs: fc.constantFrom(null, 50 * MINUTE),
  windowMs: fc.constantFrom(10 * MINUTE, 1_000 * MINUTE),
  maxOpen: fc.constantFrom(1, 3, 100),
});
const first = (one: Omit<Evidence, keyof ReturnType<typeof labelIn>> & Evidence): Evidence => ({
  ...one,
  next: one.next === UNCLEAR ? UNCLEAR : PENDING,
});
/** An hour later than any of them. */
const later = evidence({ decisionId: 'later', arm: 'c', at: START + 180 * MINUTE });

const waitingIn = (fold: Fold, arm = 'a'): number =>
  [...(fold.arms.get(arm)?.waiting.values() ?? [])].reduce((sum, { unfollowed }) => sum + unfollowed[0]!, 0);
const countOf = (fold: Fold, pair: number, arm = 'a'): number => fold.arms.get(arm)?.signs.pairs.get(pair)?.[0] ?? 0;

describe('nothing in half an hour', () => {
  test('is silence, of every decision and wholly, in whatever order they come', () => {
    fc.assert(
      fc.property(
        decisions.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys(), -1], { minLength: list.length + 1 })),
        ),
        settings,
        ([list, order], given) => {
          const entries = list.map((one, i) => evidence({ decisionId: `d${i}`, ...one }));
          const fold = foldOf(
            order.map((i) => (i < 0 ? later : entries[i]!)),
            { ...given, windowMs: 1_000 * MINUTE },
          );
          const told = entries.map((one) => ({ ...one, next: one.next === PENDING ? SILENCE : one.next }));
          expectAlike(fold, foldOf([...told, later], given));
          for (const { waiting } of fold.arms.values()) expect(waiting.size).toBe(0);
        },
      ),
    );
  });

  test('is waited for, and by no more than five minutes longer', () => {
    const at = START + 123_456;
    const fold = foldOf([evidence({ at, ...seen })]);
    foldEntry(fold, evidence({ at: at + SILENCE_MS - 1 }));
    expect([waitingIn(fold), countOf(fold, pairOf(0, SILENCE))]).toEqual([1, 0]);
    foldEntry(fold, evidence({ at: at + SILENCE_MS + 5 * MINUTE }));
    expect([waitingIn(fold), countOf(fold, pairOf(0, SILENCE))]).toEqual([0, 1]);
  });

  test('of a decision that is heard of when it is older than that is silence at once', () => {
    const fold = foldOf([later, evidence({ at: START, ...seen, shown: 6 })]);
    expect([waitingIn(fold), countOf(fold, pairOf(6, SILENCE))]).toEqual([0, 1]);
  });

  test('says nothing where it would be no verdict, nor where nothing was seen of the answer', () => {
    const fold = foldOf([evidence({ at: START, ...seen, next: UNCLEAR }), evidence({ at: START }), later]);
    expect(countOf(fold, pairOf(0, UNCLEAR))).toBe(1);
    expect(countOf(fold, pairOf(0, SILENCE))).toBe(0);
    expect(fold.labels).toBe(0);
  });

  test('is taken out again, exactly, where something follows after all', () => {
    fc.assert(
      fc.property(decisions, settings, (list, given) => {
        const last = list.map((one, i) => evidence({ decisionId: `d${i}`, ...one }));
        const firsts = last.map(first);
        const fold = foldOf([...firsts, later], given);
        for (const [i, one] of last.entries())
          if (one.next !== firsts[i]!.next) foldEntry(fold, { ...one, revision: 2, earlier: labelIn(firsts[i]!) });
        expectAlike(fold, foldOf([...last, later], { halfLifeMs: given.halfLifeMs }));
      }),
    );
  });

  test('is taken out again where somebody rates the answer, and tells then what silence is worth', () => {
    const one = evidence({ at: START, ...seen });
    const fold = foldOf([one, later]);
    foldEntry(fold, { ...one, revision: 2, ...seen, quality: 0.25, weight: 1, earlier: seen });
    expectAlike(fold, foldOf([{ ...one, quality: 0.25, weight: 1 }, later]));
    expect(countOf(fold, pairOf(0, SILENCE))).toBe(0);
    expect([...fold.rated.subarray(2 * (16 + SILENCE), 2 * (16 + SILENCE) + 2)]).toEqual([0.25, 0.75]);
  });
});

describe('what was seen', () => {
  test('of an answer a half-life older counts half as much, silence and what is waited for too', () => {
    const halfLifeMs = 10 * MINUTE;
    const old = { at: START, ...seen };
    const fold = foldOf(
      [
        evidence({ ...old, next: REGENERATED }),
        evidence({ ...old, shown: 6 }),
        evidence({ ...old, at: START + halfLifeMs, next: REGENERATED, arm: 'b' }),
        evidence({ ...old, at: START + halfLifeMs, shown: 6, arm: 'b' }),
      ],
      { halfLifeMs },
    );
    const ratio = (of: (arm: string) => number): number => of('a') / of('b');
    expect(ratio((arm) => countOf(fold, pairOf(0, REGENERATED), arm))).toBeCloseTo(0.5, 12);
    expect(ratio((arm) => waitingIn(fold, arm))).toBeCloseTo(0.5, 12);
    foldEntry(fold, { ...later, at: START + 17 * halfLifeMs });
    expect(ratio((arm) => countOf(fold, pairOf(6, SILENCE), arm))).toBeCloseTo(0.5, 12);
    expect(countOf(fold, pairOf(6, SILENCE), 'b')).toBeCloseTo(2 ** -16, 12);
  });

  test('moves what is believed of an arm, less than being told it would, and is counted as an observation where something followed', () => {
    const posteriorAfter = (given: Partial<Evidence>) => {
      const of = (arm: string, next: number) =>
        Array.from({ length: 60 }, (_, i) => evidence({ arm, at: START + i, ...seen, next, ...given }));
      return derivePosterior(
        foldOf([...of('good', 3), ...of('bad', REGENERATED)]),
        ['good', 'bad'].map((id) => ({ id, was: [] })),
        calibrate,
      );
    };
    const implicit = posteriorAfter({});
    const [good, bad] = [implicit.summary('good').quality, implicit.summary('bad').quality];
    expect(good.mean).toBeGreaterThan(bad.mean);
    expect(implicit.predict('good', Float64Array.of(1, 0, 0), 100).observations).toBe(60);
    const told = posteriorAfter({ quality: 1, weight: 1 }).summary('good').quality;
    expect(told.high - told.low).toBeLessThan(good.high - good.low);
    const nothingSeen = posteriorAfter({ share: 0 });
    expect(nothingSeen.summary('good').quality).toEqual(nothingSeen.summary('bad').quality);
  });
});
