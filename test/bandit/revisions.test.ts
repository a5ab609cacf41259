/** Whatever way the log comes to a fold, every decision counts once, as it was last. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { emptyFold, foldEntry } from '../../src/bandit/fold.ts';
import { foldFromBytes, foldToBytes } from '../../src/bandit/fold-bytes.ts';
import { NONE, slotFor } from '../../src/bandit/open-entries.ts';
import { expectAlike } from './alike.ts';
import { anyLabel, evidence, foldOf, SETTINGS } from './evidence.ts';

const HOUR = 3_600_000;

/** Decisions of four days with their revisions, each of which says what the one before it said. */
const decisions = fc
  .array(
    fc.record({
      at: fc.integer({ min: 1_000 * HOUR, max: 1_100 * HOUR }),
      arm: fc.constantFrom('a', 'b'),
      coordinate: fc.double({ noNaN: true, min: -1, max: 1 }),
      totalMs: fc.integer({ min: 0, max: 10_000 }),
      labels: fc.array(anyLabel, { minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) =>
    list.map(({ at, arm, coordinate, totalMs, labels }, i): Evidence[] =>
      labels.map((given, k) =>
        evidence({
          decisionId: `d${i}`,
          revision: k + 1,
          at,
          arm,
          x: [1, coordinate, Math.round(coordinate * 100) / 100],
          totalMs,
          ...given,
          earlier: labels[k - 1] ?? null,
        }),
      ),
    ),
  );
const settings = fc.record({
  halfLifeMs: fc.constantFrom(null, 5 * HOUR),
  windowMs: fc.constantFrom(0, 3 * HOUR, 24 * HOUR, 1_000 * HOUR),
  maxOpen: fc.constantFrom(0, 1, 2, 5, 100),
});
const steps = fc.array(
  fc.record({ what: fc.constantFrom('next', 'next', 'any', 'any', 'snapshot'), which: fc.nat(), revision: fc.nat() }),
  { maxLength: 80, size: 'max' },
);

/**
 * What is taken for granted of the log: of each decision the revisions come one after the other the first time (`next`). All
 * else, be it a revision again, or one before its time, or one that was left out, comes while its decision is open, or at a
 * time from which on every decision that was counted is (`any`).
 */
test('all revisions, some of them again or not in order, with snapshots between them, count as the last ones alone', () => {
  let closedRevisions = 0;
  fc.assert(
    fc.property(decisions, settings, steps, (list, given, steps) => {
      let fold = emptyFold({ ...SETTINGS, ...given });
      const highest = list.map(() => 0);
      const isOpen = (k: number): boolean => slotFor(fold.open, `d${k}`) !== NONE;
      const deliver = (k: number, revision: number): void => {
        if (highest[k]! > 0 && !isOpen(k)) closedRevisions++;
        foldEntry(fold, list[k]![revision - 1]!);
        highest[k] = Math.max(highest[k]!, revision);
      };
      for (const { what, which, revision } of steps) {
        const k = which % list.length;
        const revisions = list[k]!;
        if (what === 'snapshot') fold = foldFromBytes(foldToBytes(fold))!;
        else if (what === 'next' && highest[k]! < revisions.length) deliver(k, highest[k]! + 1);
        else if (what === 'any' && (isOpen(k) || revisions[0]!.at >= fold.openSince))
          deliver(k, 1 + (revision % revisions.length));
      }
      for (const [k, revisions] of list.entries()) while (highest[k]! < revisions.length) deliver(k, highest[k]! + 1);

      const last = list.map((revisions) => revisions.at(-1)!);
      expectAlike(fold, foldOf(last, { halfLifeMs: given.halfLifeMs, windowMs: 1e6 * HOUR }));
      expect(fold.open.size).toBeLessThanOrEqual(given.maxOpen);
    }),
    { numRuns: 1_000 },
  );
  expect(closedRevisions).toBeGreaterThan(1_000);
});

test('whatever comes again while its decision is open changes nothing but the count of what was left out', () => {
  fc.assert(
    fc.property(decisions, settings, fc.nat(), (list, given, which) => {
      const fold = foldOf(list.flat(), given);
      const again = list.flat().filter(({ decisionId }) => slotFor(fold.open, decisionId) !== NONE);
      if (again.length === 0) return;
      const before = foldFromBytes(foldToBytes(fold))!;
      foldEntry(fold, again[which % again.length]!);
      before.late++;
      expect(foldToBytes(fold)).toEqual(foldToBytes(before));
    }),
  );
});

test('a decision that was counted and is not open is of before the time from which on all are open', () => {
  fc.assert(
    fc.property(decisions, settings, (list, given) => {
      const fold = emptyFold({ ...SETTINGS, ...given });
      const counted: Evidence[] = [];
      for (const entry of list.flat().sort((one, other) => one.revision - other.revision)) {
        foldEntry(fold, entry);
        counted.push(entry);
        for (const { decisionId, at } of counted)
          if (slotFor(fold.open, decisionId) === NONE) expect(at).toBeLessThan(fold.openSince);
      }
    }),
  );
});
