/** Snapshots of folds: nothing is lost in them, and none that is not whole is taken. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ArmChange } from '../../src/bandit/arm-sums.ts';
import { checksumOf } from '../../src/bandit/checksum.ts';
import type { Evidence, Label } from '../../src/bandit/evidence.ts';
import { type Fold, foldEntry } from '../../src/bandit/fold.ts';
import { foldFromBytes, foldToBytes, isOfOtherVersion } from '../../src/bandit/fold-bytes.ts';
import { allOpen } from '../../src/bandit/open-entries.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { anyLabel, evidence, foldOf, labelIn, labelled, posteriorOf, seeded } from './evidence.ts';

const MINUTE = 60_000;
const settings = { halfLifeMs: 9 * MINUTE, windowMs: 60 * MINUTE, maxOpen: 9 };

/** Some of these fit into no array. */
const number = fc.oneof(
  fc.integer({ min: 0, max: 5_000 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.1) as fc.Arbitrary<number>,
);
const context = fc.oneof(
  fc.constant([1, 0.5, -0]),
  fc.tuple(fc.constant(1), number, number).map((x): number[] => x),
);
const decision = fc.record({
  decisionId: fc.oneof(
    { weight: 9, arbitrary: fc.nat(1e9).map((i) => `dec_${i}`) },
    { weight: 1, arbitrary: fc.constantFrom('', '\ud800', '__proto__', 'x'.repeat(50)) },
  ),
  at: fc.integer({ min: MINUTE, max: 100 * MINUTE }),
  arm: fc.constantFrom('a', 'b', '__proto__'),
  promptTokensEstimate: number,
  totalMs: fc.option(number),
  cachedShare: fc.option(fc.double({ noNaN: true, min: 0, max: 1 })),
  x: context,
});
const label = fc.oneof(
  anyLabel,
  fc.record({
    quality: fc.option(number),
    weight: number,
    shown: fc.constantFrom(0, 1, 255, 256),
    next: fc.constantFrom(0, 1, 16, -1, 0.5),
    share: number,
  }),
);
/** Revisions of some decisions, each of them as often as it is named, with a label that says another thing each time. */
const log = fc
  .tuple(
    fc.uniqueArray(decision, { minLength: 1, maxLength: 25, selector: ({ decisionId }) => decisionId }),
    fc.array(fc.tuple(fc.nat(), label), { maxLength: 80, size: 'max' }),
  )
  .map(([decisions, named]) => {
    const latest = new Map<object, Evidence>();
    return named.map(([which, label]): Evidence => {
      const one = decisions[which % decisions.length]!;
      const before = latest.get(one) ?? null;
      const earlier = before && labelIn(before);
      // Some are found to be the first of another arm, once they have been revised.
      const worthBefore = before && Number(one.decisionId.slice(-1)) % 5 === 0 ? 0.25 : null;
      latest.set(one, evidence({ ...one, revision: 1 + (before?.revision ?? 0), ...label, earlier, worthBefore }));
      return latest.get(one)!;
    });
  });

test('a fold that went through snapshots on its way is byte-equal to one that never did', () => {
  fc.assert(
    fc.property(log, fc.array(fc.nat(80)), fc.boolean(), (entries, cuts, isOften) => {
      const whole = foldOf(entries, settings);
      let fold = foldOf([], settings);
      for (const [i, entry] of entries.entries()) {
        if (isOften || cuts.includes(i)) fold = foldFromBytes(foldToBytes(fold))!;
        foldEntry(fold, entry);
      }
      const bytes = foldToBytes(whole);
      expect(foldToBytes(fold)).toEqual(bytes);
      expect(foldToBytes(foldFromBytes(bytes)!)).toEqual(bytes);
      expect(fold).toStrictEqual(whole);
    }),
    { numRuns: 300 },
  );
});

test('so is one of thousands of open entries, from wherever in the memory it is read', () => {
  const random = seeded(3);
  const log = Array.from({ length: 9_000 }, (_, i): Evidence => {
    const k = random() < 0.3 ? Math.floor(random() * (i + 1)) : i;
    return evidence({ decisionId: `dec_${k}`, revision: k === i ? 1 : 2, at: k, quality: random() });
  });
  const whole = foldOf(log, { maxOpen: 3_000 });
  const bytes = foldToBytes(foldOf(log.slice(0, 5_000), { maxOpen: 3_000 }));
  for (const offset of [0, 1, 4]) {
    const room = new Uint8Array(bytes.length + 8);
    room.set(bytes, offset);
    const fold = foldFromBytes(room.subarray(offset, offset + bytes.length))!;
    for (const entry of log.slice(5_000)) foldEntry(fold, entry);
    expect(foldToBytes(fold)).toEqual(foldToBytes(whole));
  }
});

describe('a snapshot', () => {
  const fold = foldOf(
    [
      ...Array.from({ length: 40 }, (_, i) =>
        evidence({
          arm: 'abc'[i % 3]!,
          at: i * MINUTE,
          quality: i % 5 < 2 ? i % 5 : null,
          shown: i % 7 === 0 ? 6 : 0,
          next: i % 4,
          share: i % 2 === 0 ? 1 : 0.5,
        }),
      ),
      evidence({ decisionId: 'odd', at: 40 * MINUTE, x: [1, 0.123456, 0], weight: Number.POSITIVE_INFINITY }),
    ],
    { ...settings, maxOpen: 30 },
  );
  const bytes = foldToBytes(fold);
  /** Where the arrays begin. */
  const headEnd = 24 + new Uint32Array(bytes.buffer)[3]!;
  const flips = fc.array(
    fc.record({
      at: fc.oneof(
        fc.integer({ min: 0, max: headEnd }),
        fc.integer({ min: headEnd, max: bytes.length - 1 }),
        fc.constantFrom(...bytes.entries()).map(([at]) => at),
      ),
      change: fc.integer({ min: 1, max: 255 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const flipped = (list: readonly { at: number; change: number }[]): Uint8Array => {
    const damaged = bytes.slice();
    for (const { at, change } of list) damaged[at] = damaged[at]! ^ change;
    return damaged;
  };
  function withChecksum(damaged: Uint8Array): Uint8Array {
    const words = new Uint32Array(damaged.buffer);
    words.fill(0, 4, 6);
    words.set(checksumOf(words), 4);
    return damaged;
  }

  test('holds pairs of signs, some of which may yet be silence', () => {
    const { signs, waiting } = foldFromBytes(bytes)!.arms.get('b')!;
    expect(signs.pairs.size).toBeGreaterThan(1);
    expect([...waiting.values()].flatMap(({ pairs }) => [...pairs]).length).toBeGreaterThan(0);
    expect(foldFromBytes(bytes)).toStrictEqual(fold);
  });

  test('of a log of which the beginning was lost is taken, though more was taken out of it than had been counted', () => {
    const of = (next: number): Label => ({ quality: 1, weight: 1, shown: 0, next, share: 1 });
    const lost = evidence({ at: MINUTE, revision: 2, ...of(4), earlier: of(0) });
    const others = Array.from({ length: 3 }, (_, i) => evidence({ at: 10 * MINUTE + i, ...of(3) }));
    const fold = foldOf([...others, lost], { windowMs: MINUTE });
    expect(foldFromBytes(foldToBytes(fold))).toStrictEqual(fold);
    expect(calibrate({ rated: fold.rated, said: { good: 3, weight: 3 }, pairs: new Map() }).mean).toBeGreaterThan(0.5);
  });

  test('that was damaged anywhere, or cut off, is refused', () => {
    for (let at = 0; at < bytes.length; at += 1 + (at >> 8))
      expect(foldFromBytes(flipped([{ at, change: 1 }]))).toBeNull();
    fc.assert(
      fc.property(flips, fc.nat(bytes.length), (list, length) => {
        const damaged = flipped(list);
        if (damaged.some((byte, at) => byte !== bytes[at])) expect(foldFromBytes(damaged)).toBeNull();
        if (length < bytes.length) expect(foldFromBytes(bytes.slice(0, length))).toBeNull();
      }),
    );
    expect(foldFromBytes(new Uint8Array())).toBeNull();
  });

  test('of a version to come is refused, and any text that is none', () => {
    const words = new Uint32Array(bytes.slice().buffer);
    words[1] = 4;
    expect(foldFromBytes(withChecksum(new Uint8Array(words.buffer)))).toBeNull();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => foldFromBytes(any) === null));
  });

  test('that was damaged with a checksum that is right is refused, or is a fold that can be learned on and derived from', () => {
    const outcomes = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(flips, (list) => {
        const taken = foldFromBytes(withChecksum(flipped(list)));
        outcomes[taken ? 'taken' : 'refused']++;
        if (taken) expectUsable(taken);
      }),
      { numRuns: 3_000 },
    );
    expect(outcomes.refused).toBeGreaterThan(300);
    expect(outcomes.taken).toBeGreaterThan(300);
  });

  function changeOf({ arms }: Fold, ...changes: Partial<ArmChange>[]): void {
    arms.get('a')!.changes.push(...changes.map((one) => ({ since: 1, from: 1, worthBefore: 0.5, ...one })));
  }

  const spoilings: [string, (fold: Fold) => void][] = [
    ['a list that loops', ({ open }) => open.chunks[0]!.newer.fill(open.oldest, open.newest, open.newest + 1)],
    ['a list that is too short', ({ open }) => open.chunks[0]!.newer.fill(-1, open.oldest, open.oldest + 1)],
    ['a chain that loops', ({ open }) => open.chunks[0]!.next.set([...open.chunks[0]!.next.keys()])],
    ['a chain out of the room', ({ open }) => open.chunks[0]!.next.fill(1_000)],
    ['no chains', ({ open }) => open.heads.fill(-1)],
    ['free slots that are none', ({ open }) => Object.assign(open, { free: open.oldest })],
    ['an end that is none', ({ open }) => Object.assign(open, { newest: open.oldest })],
    ['names that are unknown', ({ open }) => open.names.splice(0)],
    ['more decisions than its arms have', (fold) => fold.entries++],
    ['fewer labels than none', (fold) => Object.assign(fold.arms.get('a')!, { labels: -1 })],
    ['no number among its sums', (fold) => fold.arms.get('a')!.quality.xx.fill(Number.NaN, 0, 1)],
    ['a negative square', (fold) => fold.arms.get('a')!.quality.xx.fill(-3, 0, 1)],
    ['a change that makes more of what was before', (fold) => changeOf(fold, { worthBefore: 2 })],
    ['changes in no order', (fold) => changeOf(fold, { from: 1 }, { from: 2 })],
    ['a landmark that is none', (fold) => fold.landmark++],
    ['more dimensions than there is room for', (fold) => Object.assign(fold.settings, { dimensions: 1e9 })],
    ['more slots than there is room for', ({ open }) => Object.assign(open, { used: 1e9 })],
  ];
  test.each(spoilings)('with %s is refused though its checksum is right', (_, spoil) => {
    const spoilt = foldFromBytes(bytes)!;
    spoil(spoilt);
    expect(foldFromBytes(foldToBytes(spoilt))).toBeNull();
  });

  test('of the release before changes of arms were kept is read, and goes on as if it were of this one', () => {
    const written = readFileSync(join(import.meta.dirname, 'before-changes.fold'), 'utf8');
    const read = foldFromBytes(gunzipSync(Buffer.from(written, 'base64')))!;
    expect(read.entries).toBe(30);
    expect(allOpen(read.open)).toHaveLength(20);
    expect(allOpen(read.open).map(({ cachedShare }) => cachedShare)).toEqual(Array(20).fill(null));
    for (const { changes, cache } of read.arms.values())
      expect({ changes, cache }).toEqual({ changes: [], cache: { weight: 0, hits: 0 } });
    // Taken out again what was put in: nothing of it is left.
    const sumsBefore = [...read.arms.values()].map(({ quality }) => quality.xx[0]!);
    for (const one of allOpen(read.open)) {
      foldEntry(read, { ...one, revision: 2, quality: 1, weight: 1 });
      foldEntry(read, { ...one, revision: 3 });
    }
    expect([...read.arms.values()].map(({ quality }) => quality.xx[0]!)).toEqual(
      sumsBefore.map((sum) => expect.closeTo(sum, 9)),
    );
    expect(foldFromBytes(foldToBytes(read))).toStrictEqual(read);
  });

  test('of another release is told from one that is damaged', () => {
    const other = bytes.slice();
    other[4] = 250;
    expect(foldFromBytes(other)).toBeNull();
    expect(isOfOtherVersion(other)).toBe(true);
    for (const damaged of [bytes.slice(0, -8), bytes.slice(0, 3), new Uint8Array(64), bytes])
      expect(isOfOtherVersion(damaged)).toBe(false);
  });

  function expectUsable(taken: Fold): void {
    const known = allOpen(taken.open).slice(0, 5);
    const { dimensions } = taken.settings;
    for (const entry of [
      ...known.map((one) => ({ ...one, revision: one.revision + 1, quality: 1 })),
      ...labelled('a', 40, 9),
    ])
      foldEntry(taken, entry);
    const posterior = posteriorOf(taken, ['a', 'b', 'c']);
    const { quality, ...rest } = posterior.predict('a', new Float64Array(dimensions).fill(1), 100);
    expect([...Object.values(quality), ...Object.values(rest)].every(Number.isFinite)).toBe(true);
  }
});
