import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decisionTime, newDecisionId } from '../../src/routing/decision.ts';
import {
  type ExplicitSignal,
  feedbackStatus,
  mergedDecisions,
  normaliseValue,
  readFeedbackText,
  SIGNALS,
  whyUnknown,
  withSignal,
} from '../../src/routing/feedback.ts';
import { withSignals } from '../../src/routing/label.ts';
import { NEXT } from '../../src/signals/signs.ts';
import { decision } from '../stores/state-store-suite.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const feedback = fc.record({
  signal: fc.constantFrom<ExplicitSignal>(...SIGNALS),
  value: fc.constantFrom(0, 0.25, 0.5, 1),
  comment: fc.constantFrom(undefined, 'why', 'because'),
  idempotencyKey: fc.constantFrom(undefined, undefined, 'k1', 'k2', 'k3'),
});

describe('what people say', () => {
  test('is on the scale of quality or is not taken, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SIGNALS),
        fc.oneof(fc.anything(), fc.double(), fc.integer({ min: -2, max: 7 })),
        (signal, value) => {
          const quality = normaliseValue(signal, value);
          if (quality !== null) {
            expect(quality).toBeGreaterThanOrEqual(0);
            expect(quality).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  test('as a word is a thumb, as a number a score, and anything else is not taken', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.double().map(String)), (word) => {
        const read = readFeedbackText(word);
        if (read === null) return;
        expect(['thumbs', 'score']).toContain(read.signal);
        expect(read.value).toBeGreaterThanOrEqual(0);
        expect(read.value).toBeLessThanOrEqual(1);
      }),
    );
    expect(readFeedbackText('  UP ')).toEqual({ signal: 'thumbs', value: 1 });
    expect(readFeedbackText('0.5')).toEqual({ signal: 'score', value: 0.5 });
    for (const word of ['', ' ', 'upp', '2', '-0.1', 'NaN', 'Infinity', '50%', '[object Object]'])
      expect(readFeedbackText(word)).toBe(null);
  });

  test('counts once for each signal, the latest, in whatever order and however often it comes', () => {
    fc.assert(
      fc.property(fc.array(feedback, { maxLength: 12 }), (said) => {
        let present = decision();
        const last = new Map<string, number>();
        const carriedOut = new Set<string>();
        for (const one of said) {
          const status = feedbackStatus(present, one);
          const repeated = one.idempotencyKey !== undefined && carriedOut.has(one.idempotencyKey);
          if (repeated) expect(status).toBe('duplicate');
          else if (!last.has(one.signal)) expect(status).toBe('recorded');
          if (status === 'duplicate') continue;
          if (one.idempotencyKey !== undefined) carriedOut.add(one.idempotencyKey);
          last.set(one.signal, one.value);
          present = withSignal(present, one, 1_000);
          expect(feedbackStatus(present, one)).toBe('duplicate');
        }
        expect(new Map(present.signals.map(({ signal, value }) => [signal, value]))).toEqual(last);
        const mean = [...last.values()].reduce((sum, value) => sum + value, 0) / last.size;
        if (last.size === 0) expect(present.reward).toBe(null);
        else expect(present.reward).toBeCloseTo(mean, 12);
      }),
    );
  });

  test('leaves what was inferred, which then counts for nothing beside it', () => {
    const inferred = { signal: 'regenerated', source: 'implicit' as const, value: 0, weight: 0.2, at: 1 };
    const { signals, reward } = withSignal(decision({ signals: [inferred] }), { signal: 'thumbs', value: 1 }, 2);
    expect(signals).toEqual([
      { ...inferred, weight: 0 },
      { signal: 'thumbs', source: 'explicit', value: 1, weight: 1, at: 2 },
    ]);
    expect(reward).toBe(1);
  });

  test('keeps a bounded number of idempotency keys, the latest', () => {
    let present = decision();
    for (let i = 0; i < 100; i++)
      present = withSignal(present, { signal: 'score', value: i / 100, idempotencyKey: `k${i}` }, i);
    expect(present.idempotencyKeys.length).toBeLessThanOrEqual(20);
    expect(present.idempotencyKeys.at(-1)).toBe('k99');
  });
});

describe('a decision’s id', () => {
  test('tells its own time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 47 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (time, fraction) => {
          // Late enough, the sum itself is rounded to the next millisecond.
          const now = time + fraction;
          const id = newDecisionId(now, (bytes) => 'f0'.repeat(bytes));
          expect(id).toMatch(/^dec_[0-9a-f]{32}$/);
          expect(decisionTime(id)).toBe(Math.floor(now));
        },
      ),
    );
    for (const id of ['', 'dec_', 'abc', `dec_${'g'.repeat(32)}`, `dec_${'0'.repeat(33)}`, `DEC_${'0'.repeat(32)}`])
      expect(decisionTime(id)).toBe(null);
  });

  test('that is unknown is too old or was never ours', () => {
    const now = 1_764_000_000_000;
    const id = (time: number) => newDecisionId(time, (bytes) => '00'.repeat(bytes));
    expect(whyUnknown(id(now - DAY_MS - 1), now)).toBe('too_old');
    expect(whyUnknown(id(now - DAY_MS), now)).toBe('not_found');
    expect(whyUnknown(id(now + DAY_MS), now)).toBe('not_found');
    expect(whyUnknown('nonsense', now)).toBe('not_found');
  });
});

describe('two replicas that each took feedback to one decision', () => {
  const first = decision();
  const saying = (signal: ExplicitSignal, value: number, at: number, of = first, idempotencyKey?: string) =>
    withSignal(of, { signal, value, idempotencyKey }, at);

  test('lose none of it, and of one signal what was said last counts', () => {
    const mine = saying('thumbs', 1, 10, saying('rating', 0.5, 30, first, 'a'), 'b');
    const theirs = saying('thumbs', 0, 20, first, 'c');
    const merged = mergedDecisions(mine, theirs);
    expect(merged.signals.map(({ signal, value }) => [signal, value])).toEqual([
      ['thumbs', 0],
      ['rating', 0.5],
    ]);
    expect(merged).toMatchObject({ version: 3, reward: 0.25, idempotencyKeys: ['c', 'a', 'b'] });
    expect(merged).toMatchObject({ label: { quality: 0.25, weight: 1 }, labelBefore: { quality: 0, weight: 1 } });
  });

  test('do not lose that its model has changed with it, whichever of them knows', () => {
    const changed = { ...first, version: 2, labelBefore: first.label, worthBefore: 0.1 };
    const rated = saying('thumbs', 0, 20);
    for (const merged of [mergedDecisions(changed, rated), mergedDecisions(rated, changed)])
      expect(merged).toMatchObject({ version: 3, reward: 0, worthBefore: 0.1, labelBefore: expect.any(Object) });
    expect(mergedDecisions(first, changed)).toBe(changed);
  });

  test('where the one knows all that the other does, nothing is changed', () => {
    const mine = saying('thumbs', 1, 10);
    const theirs = saying('thumbs', 0, 20, mine);
    expect(mergedDecisions(mine, theirs)).toBe(theirs);
    expect(mergedDecisions(theirs, theirs)).toBe(theirs);
  });

  test('or found out what came next agree on what came last, and count it for no more than either did', () => {
    const seen = (signal: string, at: number, share: number, of = first) =>
      withSignals(of, [...of.signals, { signal, source: 'implicit', value: 0, weight: 0, at }], null, share);
    const mine = seen('regenerated', 30, 0.25);
    const theirs = seen('continued', 20, 1, saying('thumbs', 0, 10));
    for (const merged of [mergedDecisions(mine, theirs), mergedDecisions(theirs, mine)]) {
      expect(merged.signals.map(({ signal }) => signal)).toEqual(['thumbs', 'regenerated']);
      expect(merged.label).toEqual({ quality: 0, weight: 1, shown: 0, next: NEXT.indexOf('regenerated'), share: 0.25 });
    }
  });

  test('agree whoever is asked first', () => {
    const any = fc.array(fc.tuple(fc.constantFrom(...SIGNALS), fc.constantFrom(0, 0.5, 1), fc.integer({ min: 1 })));
    fc.assert(
      fc.property(any, any, (one, other) => {
        // No two people speak in the same millisecond.
        const at = (i: number, late: number) => late * 100 + i;
        const said = (list: typeof one, odd: number) =>
          list.reduce(
            (record, [signal, value, late], i) => saying(signal, value, at(2 * i + odd, late), record),
            first,
          );
        const [mine, theirs] = [said(one, 0), said(other, 1)];
        const values = (record: typeof first) =>
          new Map(record.signals.map(({ signal, value, at: when }) => [signal, [value, when]]));
        expect(values(mergedDecisions(mine, theirs))).toEqual(values(mergedDecisions(theirs, mine)));
      }),
    );
  });
});
