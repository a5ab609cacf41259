import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Evidence, PENDING, SILENCE, UNCLEAR } from '../../src/bandit/evidence.ts';
import { type Fold, type FoldSettings, foldEntry } from '../../src/bandit/fold.ts';
import { foldFromBytes, foldToBytes } from '../../src/bandit/fold-bytes.ts';
import { allOpen } from '../../src/bandit/open-entries.ts';
import { evidence, foldOf, SETTINGS, seeded } from './evidence.ts';
import { type PlainFold, plainFoldOf } from './plain-fold.ts';

const wild = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, -1, 1e300, 5e-324, 2 ** 53, null);
const number = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 4, arbitrary: fc.double({ noNaN: true, min: 0, max: 1e5 }) },
  { weight: 1, arbitrary: wild as fc.Arbitrary<number> },
);
const numberOrNull = fc.option(number, { freq: 3 });
const feature = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -40_000, max: 40_000 }).map((value) => Math.round(value) / 1e4) },
  { weight: 2, arbitrary: fc.constant(-0) },
  { weight: 1, arbitrary: fc.double() },
);
const x = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant(1), feature, feature).map((values): number[] => values) },
  { weight: 1, arbitrary: fc.array(feature, { maxLength: 4 }) },
);
const decisionId = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 12 }).map((i) => `dec_${i}`) },
  { weight: 1, arbitrary: fc.constantFrom('', 'ÿ', 'Ā', 'x'.repeat(39), 'x'.repeat(40), '\0', '\ud800') },
);
/** Numbers that are no signs do not fit into the arrays either. */
const sign = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 15 }) },
  { weight: 1, arbitrary: fc.constantFrom(16, 255, 256, -1, 0.5, Number.NaN) },
);
const label = {
  quality: numberOrNull,
  weight: number,
  shown: sign,
  next: fc.oneof(fc.constantFrom(PENDING, PENDING, UNCLEAR, SILENCE), sign),
  share: fc.oneof(
    { weight: 8, arbitrary: fc.double({ noNaN: true, min: 0, max: 1 }) },
    { weight: 1, arbitrary: wild as fc.Arbitrary<number> },
  ),
};
const entry: fc.Arbitrary<Evidence> = fc.record(
  {
    decisionId,
    revision: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(0, 1.5, Number.POSITIVE_INFINITY, Number.NaN)),
    at: fc.oneof(
      { weight: 12, arbitrary: fc.integer({ min: 1_000, max: 1_300 }) },
      { weight: 1, arbitrary: fc.constantFrom(-1, 0, Number.NaN, 2_000.5) },
    ),
    router: fc.constantFrom('auto', 'other'),
    arm: fc.constantFrom('a', 'b', 'c'),
    encoder: fc.constantFrom('test', 'test', 'older'),
    x,
    ...label,
    earlier: fc.option(fc.record(label, { noNullPrototype: true })),
    promptTokensEstimate: number,
    promptTokens: numberOrNull,
    completionTokens: numberOrNull,
    costUsd: numberOrNull,
    firstByteMs: numberOrNull,
    totalMs: numberOrNull,
    cachedShare: numberOrNull,
    worthBefore: fc.oneof(
      { weight: 8, arbitrary: fc.constant(null) },
      { weight: 2, arbitrary: fc.double({ noNaN: true, min: 0.01, max: 0.99 }) },
      { weight: 1, arbitrary: wild },
    ),
  },
  { noNullPrototype: true },
);
const settings: fc.Arbitrary<FoldSettings> = fc.record(
  {
    encoder: fc.constant('test'),
    dimensions: fc.constant(3),
    halfLifeMs: fc.constantFrom(null, 30, 1e6),
    windowMs: fc.constantFrom(0, 50, 150, 1e6),
    maxOpen: fc.constantFrom(0, 1, 3, 8, 100),
  },
  { noNullPrototype: true },
);

function expectEqual(fold: Fold, plain: PlainFold): void {
  expect({ ...fold, open: allOpen(fold.open) }).toStrictEqual({ ...plain, open: [...plain.open.values()] });
  expect(fold.open.size).toBe(plain.open.size);
}

/** Thousands of decisions in about the order of their times, each with up to three revisions, some hours late. */
function longLog(count: number): Evidence[] {
  const random = seeded(5);
  const seen = () => ({
    shown: Math.floor(random() * 4),
    next: random() < 0.5 ? PENDING : Math.floor(random() * 9),
    share: random() < 0.2 ? 0 : 2 ** -Math.floor(random() * 4),
  });
  const entries: Evidence[] = [];
  for (let i = 0; i < count; i++) {
    const revisionOf = random() < 0.4 ? Math.max(0, i - Math.floor(random() * 900)) : i;
    entries.push(
      evidence({
        decisionId: `dec_${revisionOf.toString(16).padStart(32, '0')}`,
        revision: revisionOf === i ? 1 : 1 + Math.ceil(random() * 3),
        at: revisionOf * 1_000 + (random() < 0.1 ? Math.floor(random() * 9e5) : 0),
        arm: 'abcd'[Math.floor(random() * 4)]!,
        x: [1, Math.round(random() * 1e4) / 1e4, random() < 0.05 ? random() : -Math.round(random() * 1e4) / 1e4],
        quality: random() < 0.5 ? null : random(),
        earlier: random() < 0.5 ? null : { ...seen(), quality: random() < 0.5 ? null : random(), weight: 1 },
        ...seen(),
        firstByteMs: random() < 0.5 ? null : random() * 1_000,
        totalMs: random() * 5_000,
        cachedShare: random() < 0.7 ? null : random(),
        worthBefore: random() < 0.995 ? null : random(),
      }),
    );
  }
  return entries;
}
const longSettings = { ...SETTINGS, halfLifeMs: 700_000, windowMs: 800_000, maxOpen: 600 };

describe('a fold is equal, bit for bit, to one that keeps its open entries as they came', () => {
  test('whatever comes, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60, size: 'max' }), settings, (entries, settings) => {
        expectEqual(foldOf(entries, settings), plainFoldOf(entries, settings));
      }),
      { numRuns: 500 },
    );
  });

  test('over thousands of decisions, more than may be open', () => {
    const entries = longLog(4_000);
    const fold = foldOf(entries, longSettings);
    expect(fold.late).toBeGreaterThan(100);
    expectEqual(fold, plainFoldOf(entries, longSettings));
  });

  test.each<[string, (fold: Fold) => Fold]>([
    ['as a structured clone', structuredClone],
    ['as processes send it to one another', (fold) => deserialize(serialize(fold))],
    ['as a snapshot', (fold) => foldFromBytes(foldToBytes(fold))!],
  ])('also after it went somewhere else %s', (_, moved) => {
    const entries = longLog(3_000);
    const fold = moved(foldOf(entries.slice(0, 1_500), longSettings));
    for (const one of entries.slice(1_500)) foldEntry(fold, one);
    expectEqual(fold, plainFoldOf(entries, longSettings));
  });
});

test('more names than can be numbered are kept all the same', () => {
  const entries = Array.from({ length: 1_000 }, (_, i) => evidence({ arm: `arm-${i}`, decisionId: `${i}` }));
  const revised = entries.map((one) => ({ ...one, revision: 2, quality: 1 }));
  expectEqual(foldOf([...entries, ...revised]), plainFoldOf([...entries, ...revised], SETTINGS));
});

test('no more room is taken than the most that may be open', () => {
  const { open } = foldOf(longLog(4_000), longSettings);
  expect(open.used).toBeLessThanOrEqual(longSettings.maxOpen + 1);
});
