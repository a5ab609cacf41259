import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { foldEntry } from '../../src/bandit/fold.ts';
import { allOpen } from '../../src/bandit/open-entries.ts';
import { expectAlike, numbersOf } from './alike.ts';
import { anyLabel, evidence, foldOf, labelled, said } from './evidence.ts';

const HOUR = 3_600_000;
const settings = { halfLifeMs: 5 * HOUR, windowMs: 24 * HOUR };

const unit = { noNaN: true, min: 0, max: 1 };
const known = fc.option(fc.double({ noNaN: true, min: 0, max: 1e5 }));
/** What a decision may have shown at one time. */
const shown = fc.record({
  label: anyLabel,
  completionTokens: known,
  promptTokens: known,
  firstByteMs: known,
  totalMs: known,
});
/** Decisions of one day, each with its revisions in order. */
const decisions = fc
  .array(
    fc.record({
      at: fc.integer({ min: 1_000 * HOUR, max: 1_023 * HOUR }),
      arm: fc.constantFrom('a', 'b', 'c'),
      x: fc.tuple(fc.constant(1), fc.double({ ...unit, min: -1 }), fc.double({ ...unit, min: -1 })),
      revisions: fc.array(shown, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 25 },
  )
  .map((list) =>
    list.map(({ at, arm, x, revisions }, i): Evidence[] =>
      revisions.map(({ label, ...what }, revision) =>
        evidence({ decisionId: `d${i}`, revision: revision + 1, at, arm, x, ...what, ...label }),
      ),
    ),
  );
const log = decisions.chain((list) =>
  fc.tuple(fc.constant(list), fc.shuffledSubarray(list.flat(), { minLength: list.flat().length })),
);

describe('replicas that read the same log', () => {
  test('agree in whatever order entries and revisions come', () => {
    fc.assert(
      fc.property(log, ([list, shuffled]) => expectAlike(foldOf(shuffled, settings), foldOf(list.flat(), settings))),
    );
  });

  test('know after a revision what they would know had it been the first', () => {
    fc.assert(
      fc.property(decisions, (list) => {
        const last = list.map((revisions) => revisions.at(-1)!);
        expectAlike(foldOf(list.flat(), settings), foldOf(last, settings));
      }),
    );
  });

  test('count a decision once, however often its entry comes', () => {
    const entry = evidence({ quality: 1 });
    const fold = foldOf([entry, entry, { ...entry, quality: 0 }]);
    expect(fold).toMatchObject({ entries: 1, labels: 1, late: 2 });
    expect(fold.arms.get('a')!.quality.xy[0]).toBe(1);
  });

  test('learn nothing of one arm from another', () => {
    const ours = labelled('a', 5, 3);
    const alone = foldOf(ours);
    const together = foldOf([...labelled('b', 9, 1), ...ours, ...labelled('c', 2, 2)]);
    expect(together.arms.get('a')).toEqual(alone.arms.get('a'));
  });
});

describe('forgetting', () => {
  test('an observation a half-life older weighs half as much', () => {
    const fold = foldOf(
      [evidence({ arm: 'old', at: 100 * HOUR, quality: 1 }), evidence({ arm: 'new', at: 105 * HOUR, quality: 1 })],
      settings,
    );
    const weight = (arm: string): number => fold.arms.get(arm)!.quality.xx[0]!;
    expect(weight('old') / weight('new')).toBeCloseTo(0.5, 12);
  });

  test('what is a thousand half-lives old is gone without a trace of infinity', () => {
    const fold = foldOf([...labelled('a', 3, 3), evidence({ arm: 'b', at: 1e6 * HOUR, quality: 1 })], settings);
    expect(fold.arms.get('a')!.quality.xx[0]).toBe(0);
    expect(fold.arms.get('b')!.quality.xx[0]).toBeGreaterThanOrEqual(1);
  });

  test('switched off, everything weighs the same', () => {
    const fold = foldOf([evidence({ at: 1, quality: 1 }), evidence({ at: 1e13, quality: 1 })]);
    expect(fold.arms.get('a')!.quality.xx[0]).toBe(2);
  });
});

describe('the window for revisions', () => {
  const first = evidence({ decisionId: 'd', at: 10 * HOUR, quality: 1 });
  const dayLater = evidence({ at: 40 * HOUR });

  test('a revision after its decision has closed changes nothing', () => {
    const fold = foldOf([first, dayLater, { ...first, revision: 2, quality: 0 }], settings);
    expect(fold.late).toBe(1);
    expect(fold.arms.get('a')!.quality.xy[0]).toBeGreaterThan(0);
  });

  test('unless it says what it was before: then the label alone is moved, once, and a further one moves this', () => {
    const second = { ...first, revision: 2, quality: 0, earlier: said(1) };
    const third = { ...first, revision: 3, quality: 0.5, weight: 2, earlier: said(0) };
    const fold = foldOf([first, dayLater, second, second], settings);
    expectAlike(fold, foldOf([{ ...first, quality: 0 }, dayLater], settings));
    for (const entry of [third, second, third]) foldEntry(fold, entry);
    expectAlike(fold, foldOf([{ ...first, quality: 0.5, weight: 2 }, dayLater], settings));
    expect(fold.late).toBe(3);
  });

  test('a label that was never counted is not taken out: the decision counts as new', () => {
    const second = { ...first, revision: 2, quality: 0, earlier: said(1) };
    for (const others of [[dayLater], [dayLater, { ...dayLater, decisionId: 'other', arm: 'b' }]]) {
      const fold = foldOf([...others, second], settings);
      expectAlike(fold, foldOf([...others, { ...first, quality: 0 }], settings));
    }
  });

  test('a decision whose first entry was held up still counts', () => {
    expectAlike(foldOf([dayLater, first], settings), foldOf([first, dayLater], settings));
  });

  test('of more open decisions than may be kept, the oldest close', () => {
    const entries = Array.from({ length: 10 }, (_, i) => evidence({ decisionId: `${i}`, at: i * 1000, quality: 0 }));
    const fold = foldOf(entries, { maxOpen: 3 });
    expect(allOpen(fold.open).map(({ decisionId }) => decisionId)).toEqual(['7', '8', '9']);
    for (const entry of entries) foldEntry(fold, { ...entry, revision: 2, quality: 1 });
    expect(fold.arms.get('a')!.quality.xy[0]).toBe(3);
    expect(fold.entries).toBe(10);
  });

  test('a clock that ran ahead once closes nothing that comes after it', () => {
    const ahead = evidence({ decisionId: 'ahead', at: 1e5 * HOUR });
    const fold = foldOf([ahead, first, dayLater, { ...first, revision: 2, quality: 0 }], settings);
    expectAlike(fold, foldOf([ahead, { ...first, quality: 0 }, dayLater], settings));
  });
});

describe('evidence that is not as it should be', () => {
  test('of another encoder, it counts for the arm on the whole', () => {
    const fold = foldOf([evidence({ encoder: 'older', x: [1, 0.5, 0.5, 0.5], quality: 1 })]);
    expect(fold.arms.get('a')!.quality.xx).toEqual(Float64Array.of(1, 0, 0, 0, 0, 0));
  });

  test('with numbers that are none, the sums stay finite', () => {
    const wild = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1e300, 0, null);
    fc.assert(
      fc.property(wild, wild, wild, wild, (one, two, three, four) => {
        const fold = foldOf([
          evidence({
            at: one as number,
            x: [1, two as number, 0],
            quality: three,
            weight: four as number,
            shown: one as number,
            next: two as number,
            share: three as number,
            promptTokensEstimate: one as number,
            promptTokens: two,
            completionTokens: three,
            firstByteMs: four,
            totalMs: one,
          }),
        ]);
        expect([...numbersOf(fold).values()].every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test('counts nothing twice that is sent again after it has been closed, and everything that it has never seen', () => {
    const all = Array.from({ length: 30 }, (_, i) => evidence({ at: 1_000_000 + i, quality: i % 2 }));
    const revised = { ...all[2]!, revision: 2, quality: 1, earlier: said(0) };
    const fold = foldOf([...all.slice(0, 29), revised], { maxOpen: 5 });
    const { entries, labels } = fold;
    for (const entry of [...all.slice(0, 29), revised]) foldEntry(fold, { ...entry, again: true });
    expect(fold).toMatchObject({ entries, labels });
    foldEntry(fold, { ...all[29]!, again: true });
    expect(fold).toMatchObject({ entries: entries + 1, labels: labels + 1 });
  });
});
