/** What a decision's signals amount to, and what is told of each. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_LABEL, PENDING, SILENCE, UNCLEAR } from '../../src/bandit/evidence.ts';
import { SILENCE_MS } from '../../src/bandit/fold.ts';
import { noRatedSigns } from '../../src/bandit/sign-sums.ts';
import { explained, withSignals } from '../../src/routing/label.ts';
import { calibrate, MOST_WORTH } from '../../src/signals/calibration.ts';
import { NEXT, NO_VERDICT, SHOWN, type SignalName } from '../../src/signals/signs.ts';
import type { DecidedSignal, DecisionRecord } from '../../src/stores/decision-record.ts';
import { decision } from '../stores/state-store-suite.ts';

const CALIBRATION = calibrate({ rated: noRatedSigns(), said: { good: 0, weight: 0 }, pairs: new Map() });
const START = 1_764_000_000_000;
const first = (share = 1): DecisionRecord => decision({ created: START, label: { ...NO_LABEL, share } });

const seen = (signal: string, at = START + 1): DecidedSignal => ({
  signal,
  source: 'implicit',
  value: 0,
  weight: 0,
  at,
});
const said = (signal: string, value: number, at = START + 2): DecidedSignal => ({
  signal,
  source: 'explicit',
  value,
  weight: 1,
  at,
});
const judged = (signals: readonly DecidedSignal[], share = 1): DecisionRecord =>
  withSignals(first(share), signals, CALIBRATION);
const told = (of: DecisionRecord, now = START + 10) => explained(of, CALIBRATION, now);
const weightsOf = (signals: readonly DecidedSignal[]): number[] => signals.map(({ weight }) => weight);

const implicit = fc
  .uniqueArray(fc.constantFrom(...SHOWN.slice(1), ...NEXT.slice(2), ...NO_VERDICT), { maxLength: 8 })
  .map((names) => names.map((name, i) => seen(name, START + i)));
const explicit = fc
  .uniqueArray(fc.constantFrom('thumbs', 'rating', 'score'), { maxLength: 3 })
  .chain((names) => fc.tuple(...names.map((name) => fc.constantFrom(0, 0.25, 1).map((value) => said(name, value)))));

describe('the label', () => {
  test('is of the gravest that an answer showed, and of what came next', () => {
    const { label, labelBefore, version } = judged([seen('length'), seen('refusal'), seen('continued')]);
    expect(label).toEqual({
      quality: null,
      weight: 0,
      shown: SHOWN.indexOf('refusal'),
      next: NEXT.indexOf('continued'),
      share: 1,
    });
    expect([labelBefore, version]).toEqual([first().label, 2]);
  });

  test('is what people said, as the mean of it, with what was seen beside it', () => {
    const { label, reward } = judged([seen('regenerated'), said('thumbs', 1), said('rating', 0.25)]);
    expect(label).toMatchObject({ quality: 0.625, weight: 1, next: NEXT.indexOf('regenerated') });
    expect(reward).toBe(0.625);
  });

  test.each(NO_VERDICT)('is unclear where what followed is %s, whatever comes without a verdict after it', (why) => {
    const unclear = judged([seen(why)]);
    expect(unclear.label.next).toBe(UNCLEAR);
    expect(unclear.reward).toBe(null);
    const later = withSignals(unclear, [said('thumbs', 1)], CALIBRATION);
    expect(later.label.next).toBe(UNCLEAR);
    expect(withSignals(unclear, [seen('corrected')], CALIBRATION).label.next).toBe(NEXT.indexOf('corrected'));
  });

  test('of the version before is the one that it takes the place of, however many come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(implicit, explicit), { minLength: 1, maxLength: 5 }), (versions) => {
        let present = first();
        for (const [some, others] of versions) {
          const next = withSignals(present, [...some, ...others], CALIBRATION);
          expect(next.labelBefore).toEqual(present.label);
          expect(next.version).toBe(present.version + 1);
          present = next;
        }
      }),
    );
  });
});

describe('what a signal weighs', () => {
  test('is nothing where somebody has said something, and at most half a rating, all of an answer’s together', () => {
    fc.assert(
      fc.property(implicit, explicit, fc.constantFrom(1, 0.5, 0.25), (some, others, share) => {
        for (const { signals } of [judged([...some, ...others], share), told(judged([...some, ...others], share))]) {
          const weights = weightsOf(signals.filter(({ source }) => source === 'implicit'));
          if (others.length > 0) expect(weights.every((weight) => weight === 0)).toBe(true);
          // They are rounded to four places.
          const sum = weights.reduce((total, weight) => total + weight, 0);
          expect(sum).toBeLessThanOrEqual(MOST_WORTH * share + 1e-3);
          for (const { value, weight } of signals) {
            expect(weight).toBeGreaterThanOrEqual(0);
            expect([0, 0.25, 1]).toContain(value);
          }
        }
      }),
    );
  });

  test('tells which way it moves the mean: for the answer or against it', () => {
    const values = new Map(
      ['continued', 'regenerated', 'corrected', 'refusal'].map((name) => [
        name,
        judged([seen(name)]).signals[0]?.value,
      ]),
    );
    expect(Object.fromEntries(values)).toEqual({ continued: 1, regenerated: 0, corrected: 0, refusal: 0 });
  });

  test('is nothing where it is switched off, and where there is no verdict', () => {
    const off = calibrate(
      { rated: noRatedSigns(), said: { good: 0, weight: 0 }, pairs: new Map() },
      new Set<SignalName>(['regenerated']),
    );
    expect(weightsOf(withSignals(first(), [seen('regenerated')], off).signals)).toEqual([0]);
    expect(weightsOf(judged([seen('fan_out')]).signals)).toEqual([0]);
  });
});

describe('what is told of each signal', () => {
  test('is the reward before it and after it, one after the other up to the reward as it is', () => {
    fc.assert(
      fc.property(implicit, explicit, fc.constantFrom(10, SILENCE_MS, 2 * SILENCE_MS), (some, others, later) => {
        const { signals, reward } = told(judged([...some, ...others]), START + later);
        let before: number | null = null;
        for (const signal of signals) {
          expect(signal.rewardBefore).toBe(before);
          before = signal.rewardAfter;
        }
        expect(reward).toBe(before);
        expect(signals.map(({ at }) => at)).toEqual(signals.map(({ at }) => at).sort((a, b) => a - b));
      }),
    );
  });

  test('speaks for an answer or against it in the reward as in its value', () => {
    const { signals } = told(judged([seen('refusal', START + 1), seen('continued', START + 2)]));
    expect(signals.map(({ rewardBefore }) => rewardBefore === null)).toEqual([true, false]);
    expect(signals[0]?.rewardAfter).toBeLessThan(CALIBRATION.mean);
    expect(signals[1]?.rewardAfter).toBeGreaterThan(signals[1]?.rewardBefore as number);
  });

  test('holds silence from half an hour on, and not where something followed, nothing was seen, or it would be no verdict', () => {
    const silent = (of: DecisionRecord, now: number): boolean =>
      told(of, now).signals.some(({ signal }) => signal === 'silence');
    const fine = judged([]);
    expect([silent(fine, START + SILENCE_MS - 1), silent(fine, START + SILENCE_MS)]).toEqual([false, true]);
    for (const none of [judged([seen('continued')]), judged([seen('template')]), judged([], 0)])
      expect(silent(none, START + 9 * SILENCE_MS)).toBe(false);
    const { signals, reward } = told(fine, START + SILENCE_MS);
    expect(signals).toMatchObject([{ source: 'implicit', at: START + SILENCE_MS, rewardBefore: null }]);
    expect(reward).toBe(CALIBRATION.chance(0, SILENCE));
    expect(fine.label.next).toBe(PENDING);
  });

  test('is, for a rated answer, silence of no weight', () => {
    const { signals, reward } = told(judged([said('thumbs', 0)]), START + SILENCE_MS);
    expect(signals.map(({ signal, weight }) => [signal, weight])).toEqual([
      ['thumbs', 1],
      ['silence', 0],
    ]);
    expect(reward).toBe(0);
  });
});
