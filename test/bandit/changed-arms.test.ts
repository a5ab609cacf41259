/** That an arm has changed, once the log says so, lasts: in whatever order it is read, and long after its labels have closed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NoticedChange } from '../../src/bandit/changed-arms.ts';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { emptyFold, expectChanges, type Fold, type FoldSettings, foldEntry } from '../../src/bandit/fold.ts';
import { foldFromBytes, foldToBytes } from '../../src/bandit/fold-bytes.ts';
import { allOpen } from '../../src/bandit/open-entries.ts';
import { derivePosterior, type Posterior } from '../../src/bandit/posterior.ts';
import { toldOf } from '../../src/bandit/told-change.ts';
import { expectAlike } from './alike.ts';
import { anyLabel, evidence, foldOf, labelIn, posteriorOf, SETTINGS, said, seeded } from './evidence.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const usual = Float64Array.of(1, 0, 0);
const qualityOf = (posterior: Posterior, arm: string): number => posterior.predict(arm, usual, 100).quality.mean;

/** Labels a minute apart from a time on, as good as `quality` says of each. */
function labels(arm: string, count: number, quality: number, from: number, random: () => number): Evidence[] {
  return Array.from({ length: count }, (_, i) =>
    evidence({ arm, at: from + i * MINUTE, quality: random() < quality ? 1 : 0 }),
  );
}

/** Folds one after the other and tells what is noticed on the way; gives all that was told. */
function learn(fold: Fold, entries: readonly Evidence[], arms: readonly string[], every = 10): NoticedChange[] {
  const noticed: NoticedChange[] = [];
  for (const [i, entry] of entries.entries()) {
    foldEntry(fold, entry);
    if (i % every !== 0) continue;
    for (const change of posteriorOf(fold, arms).changes) {
      if (!change.canBeTold) continue;
      noticed.push(change);
      foldEntry(fold, toldOf(fold, change)!);
    }
  }
  return noticed;
}

describe.each<[string, Partial<FoldSettings>]>([
  ['where nothing fades', { halfLifeMs: null }],
  ['where evidence fades', { halfLifeMs: 100 * HOUR }],
])('an arm that got worse, %s,', (_, settings) => {
  const random = seeded(11);
  const start = 1_000 * HOUR;
  const before = ['a', 'b'].flatMap((arm) => labels(arm, 400, arm === 'a' ? 0.85 : 0.7, start, random));
  const worse = labels('a', 120, 0.3, start + 8 * HOUR, random);
  /** More of the other than may be open, days later. */
  const later = labels('b', 300, 0.7, start + 90 * HOUR, random);
  const few = { ...SETTINGS, ...settings, maxOpen: 1_500 };

  test('stays believed worse long after its labels have closed; not noticed lastingly, it is its old self again', () => {
    const fold = emptyFold(few);
    const noticed = learn(fold, [...before, ...worse], ['a', 'b']);
    expect(noticed.map(({ arm }) => arm)).toEqual(['a']);
    expect(noticed[0]!.shift).toBeLessThan(-0.3);
    const then = qualityOf(posteriorOf(fold, ['a', 'b']), 'a');
    expect(then).toBeLessThan(0.45);
    for (const entry of later) foldEntry(fold, entry);
    expect(allOpen(fold.open).some(({ arm }) => arm === 'a')).toBe(false);
    const posterior = posteriorOf(fold, ['a', 'b']);
    expect(Math.abs(qualityOf(posterior, 'a') - then)).toBeLessThan(0.06);
    expect(posterior.summary('a').changedAt).toBe(noticed[0]!.since);
    expect(posterior.summary('b').changedAt).toBe(null);
    expect(posterior.changes).toEqual([]);
    const untold = posteriorOf(foldOf([...before, ...worse, ...later], few), ['a', 'b']);
    expect(qualityOf(untold, 'a')).toBeGreaterThan(0.6);
    expect(untold.summary('a').changedAt).toBe(null);
  });

  test('is noticed once, and again where it recovers', () => {
    const fold = emptyFold(few);
    const more = labels('a', 200, 0.3, start + 10 * HOUR, random);
    expect(learn(fold, [...before, ...worse, ...more], ['a', 'b'])).toHaveLength(1);
    const recovered = labels('a', 150, 0.85, start + 14 * HOUR, random);
    const noticed = learn(fold, recovered, ['a', 'b']);
    expect(noticed).toHaveLength(1);
    expect(noticed[0]!.shift).toBeGreaterThan(0.3);
    expect(qualityOf(posteriorOf(fold, ['a', 'b']), 'a')).toBeGreaterThan(0.7);
    expect(fold.arms.get('a')!.changes).toHaveLength(2);
  });

  test('counts before and after as if all had been folded with the change known from the beginning', () => {
    const fold = emptyFold(few);
    learn(fold, [...before, ...worse], ['a', 'b']);
    const anew = emptyFold(few);
    expectChanges(anew, fold);
    for (const entry of [...before, ...worse]) foldEntry(anew, entry);
    expectAlike(anew, fold);
    const { pulls, labels: counted, requests } = fold.arms.get('a')!;
    const untold = foldOf([...before, ...worse], few).arms.get('a')!;
    expect({ pulls, counted, requests }).toEqual({
      pulls: untold.pulls,
      counted: untold.labels,
      requests: untold.requests,
    });
    expect(fold.arms.get('b')).toEqual(foldOf([...before, ...worse], few).arms.get('b'));
  });
});

describe('a change that the log tells', () => {
  const DAY = 24 * HOUR;
  const first = evidence({ decisionId: 'first', at: 100 * HOUR, quality: 1, completionTokens: 100 });
  const changed = evidence({ decisionId: 'changed', at: 101 * HOUR, quality: 0, completionTokens: 100 });
  const change = { ...changed, revision: 2, earlier: said(0), worthBefore: 0.25 };
  const weightOf = (fold: Fold): number => fold.arms.get('a')!.quality.xx[0]!;

  test('makes what was before count less, of quality and of lengths, and what comes of it later too', () => {
    const fold = foldOf([first, changed, change]);
    expect(weightOf(fold)).toBe(1.25);
    expect(fold.arms.get('a')!.outcomes.outputTokens.xx[0]).toBe(1.25);
    foldEntry(fold, { ...first, decisionId: 'held up', at: 100 * HOUR + 1 });
    expect(weightOf(fold)).toBe(1.5);
    foldEntry(fold, { ...first, revision: 2, earlier: said(1), quality: null });
    expect(weightOf(fold)).toBe(1.25);
    expect([fold.entries, fold.labels, fold.arms.get('a')!.requests.weight]).toEqual([3, 2, 3]);
  });

  test('takes out what was said of a decision that has closed as often as it was put in', () => {
    const settings = { windowMs: HOUR };
    const later = evidence({ arm: 'b', at: 120 * HOUR });
    const fold = foldOf([first, changed, change, later], settings);
    expect(allOpen(fold.open)).toHaveLength(1);
    foldEntry(fold, { ...first, revision: 2, earlier: said(1), quality: 0 });
    expectAlike(fold, foldOf([{ ...first, quality: 0 }, changed, change, later], settings));
    expect(fold.arms.get('a')!.quality.xy[0]).toBeCloseTo(0, 12);
  });

  test('counts once, however often its decision is revised again; a further one counts beside it', () => {
    const thumb = { ...change, revision: 3, quality: 0.5 };
    const fold = foldOf([first, changed, change, change, thumb]);
    expect(weightOf(fold)).toBe(1.25);
    const second = evidence({ decisionId: 'second', at: 102 * HOUR, quality: 0 });
    for (const one of [second, { ...second, revision: 2, worthBefore: 0.5 }]) foldEntry(fold, one);
    expect(weightOf(fold)).toBe(1 / 8 + 1 / 2 + 1);
  });

  test('told when not all since is open counts from where all is, and is known exactly by who folds anew', () => {
    const settings = { maxOpen: 4 };
    const more = Array.from({ length: 6 }, (_, i) => evidence({ at: 102 * HOUR + i, quality: 0 }));
    const fold = foldOf([first, changed, ...more, { ...change, at: 101 * HOUR }], settings);
    expect(fold.changesLate).toBe(1);
    expect(weightOf(fold)).toBeGreaterThan(3);
    expect(weightOf(fold)).toBeLessThan(7);
    // Whatever is said of one that had closed by then.
    foldEntry(fold, { ...more[0]!, revision: 2, earlier: said(0), quality: null });
    expect(foldFromBytes(foldToBytes(fold))).not.toBe(null);

    const anew = emptyFold({ ...SETTINGS, ...settings });
    expectChanges(anew, fold);
    for (const one of [first, changed, ...more, change]) foldEntry(anew, one);
    expect(anew.changesLate).toBe(0);
    expect(weightOf(anew)).toBe(7.25);
  });

  test('is left out where it says nothing', () => {
    for (const worthBefore of [0, 1, -1, 2, Number.NaN])
      expect(weightOf(foldOf([first, changed, { ...change, worthBefore }]))).toBe(2);
  });

  test('counts the same in whatever order entries, revisions and changes come, and with snapshots in between', () => {
    const decision = fc.record({
      at: fc.integer({ min: 100 * HOUR, max: 120 * HOUR }),
      arm: fc.constantFrom('a', 'b'),
      feature: fc.integer({ min: -9_000, max: 9_000 }),
      labels: fc.array(anyLabel, { minLength: 1, maxLength: 3 }),
      changedIn: fc.oneof(fc.constant(0), fc.integer({ min: 2, max: 3 })),
      cachedShare: fc.option(fc.double({ noNaN: true, min: 0, max: 1 })),
    });
    const log = fc.array(decision, { minLength: 1, maxLength: 25 }).chain((list) => {
      const entries = list.flatMap(({ at, arm, feature, labels, changedIn, cachedShare }, i) =>
        labels.map((label, k): Evidence => {
          const worthBefore = changedIn > 0 && k + 1 >= changedIn ? 0.1 + (i % 7) / 10 : null;
          const x = [1, feature / 1e4, 0];
          // No two changes of an arm at the same time: that would be one.
          const time = at + i;
          const ofDecision = { decisionId: `d${i}`, at: time, arm, x, cachedShare };
          return evidence({ ...ofDecision, revision: k + 1, ...label, worthBefore });
        }),
      );
      return fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length }));
    });
    for (const halfLifeMs of [null, 5 * HOUR])
      fc.assert(
        fc.property(log, fc.nat(30), ([entries, shuffled], cut) => {
          const settings = { halfLifeMs, windowMs: DAY };
          const inOrder = foldOf(entries, settings);
          let fold = foldOf([], settings);
          for (const [i, entry] of shuffled.entries()) {
            if (i === cut) fold = foldFromBytes(foldToBytes(fold))!;
            foldEntry(fold, entry);
          }
          expect(fold.changesLate).toBe(0);
          expectAlike(fold, inOrder);
        }),
        { numRuns: 150 },
      );
  });
});

describe('an arm under another name', () => {
  test('that changed counts what it showed under its old name as little', () => {
    const random = seeded(5);
    const before = labels('old', 300, 0.9, 1_000 * HOUR, random);
    const after = labels('new', 100, 0.3, 1_006 * HOUR, random);
    const fold = foldOf([...before, ...after]);
    const change = { ...after[0]!, revision: 2, earlier: labelIn(after[0]!), worthBefore: 0.04 };
    foldEntry(fold, change);
    expect(fold.arms.get('new')!.changes).toHaveLength(1);
    const posterior = posteriorOf(fold, ['new']);
    const renamed = derivePosterior(fold, [{ id: 'new', was: ['old'] }]);
    expect(Math.abs(qualityOf(renamed, 'new') - qualityOf(posterior, 'new'))).toBeLessThan(0.1);
    expect(renamed.summary('new').pulls).toBe(400);
  });
});

describe('an arm that has not changed', () => {
  test('is hardly ever taken for another in 3,000 labels, however often one looks', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const random = seeded(50_000 + seed);
      const quality = 0.3 + 0.6 * random();
      const fold = emptyFold(SETTINGS);
      if (learn(fold, labels('a', 3_000, quality, HOUR, random), ['a'], 60).length > 0) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(2);
  }, 300_000);

  test('is not taken for another where harder prompts come', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(900 + seed);
      const entries = Array.from({ length: 900 }, (_, i) => {
        // What comes first is of both kinds; from half of the way on it is hard nearly always.
        const isHard = random() < (i < 450 ? 0.25 : 0.9);
        const quality = random() < (isHard ? 0.45 : 0.85) ? 1 : 0;
        return evidence({ arm: 'a', at: HOUR + i * MINUTE, x: [1, isHard ? 0.9 : -0.3, 0], quality });
      });
      if (learn(emptyFold(SETTINGS), entries, ['a'], 30).length > 0) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(1);
  }, 60_000);
});
