import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { ByteReader } from '../../src/stores/byte-reader.ts';
import { ByteWriter } from '../../src/stores/byte-writer.ts';
import { readDecision, writeDecision } from '../../src/stores/decision-bytes.ts';
import {
  BEFORE_CHANGES,
  type DecisionRecord,
  evidenceOf,
  rounded,
  roundedShare,
} from '../../src/stores/decision-record.ts';
import { readEvidence, writeEvidence } from '../../src/stores/evidence-bytes.ts';
import { createRecords } from '../../src/stores/redis/records.ts';
import { createSymbols } from '../../src/stores/symbols.ts';
import { anyDecision, anyEvidence, anyNumber, anyText, anyVector } from './arbitrary-records.ts';
import { decision } from './state-store-suite.ts';

/** Writes with one writer after another and reads from a copy, as the store does. */
function passing<Value>(write: (to: ByteWriter, value: Value) => void, read: (from: ByteReader) => Value) {
  const symbols = createSymbols();
  const writer = new ByteWriter(symbols);
  const reader = new ByteReader(symbols);
  return (value: Value): { back: Value; length: number } => {
    writer.restart();
    write(writer, value);
    const bytes = writer.bytes.slice(0, writer.at);
    reader.open({ bytes, view: new DataView(bytes.buffer) }, 0);
    return { back: read(reader), length: bytes.length };
  };
}

const anyId = fc.oneof(
  anyText,
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }).map((hex) => `dec_${hex}`),
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdefAg-'), minLength: 32, maxLength: 32 })
    .map((hex) => `dec_${hex}`),
);
const anyRounded = fc.oneof(
  anyNumber.map(rounded),
  anyNumber.map(roundedShare),
  fc.integer({ min: -1e5, max: 1e5 }).map((units) => units / 1e4),
);

/** Entries of a log in Redis as they were written, and the decisions that were in them. */
const BEFORE_LABELS: {
  texts: string;
  bytes: string;
  decision: Partial<DecisionRecord> & { version: number; reward: number | null; rewardBefore: number | null };
}[] = readFileSync(join(import.meta.dirname, 'before-labels.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

/** The same of the release before changes of arms were kept. */
const BEFORE_THEM: { texts: string; bytes: string; decision: DecisionRecord }[] = readFileSync(
  join(import.meta.dirname, 'before-changes.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

/** As the scripts in Redis read it: the version, and where the id begins. */
function versionOf(bytes: Buffer): [version: number, start: number] {
  const first = bytes[0] as number;
  if (first < 208) return [first, 1];
  if (first < 240) return [208 + (first - 208) * 256 + (bytes[1] as number), 2];
  return first === 241 ? [bytes.readUInt16BE(1), 3] : [bytes.readUInt32BE(1), 5];
}

const passingDecisions = () => passing(writeDecision, readDecision);
const passingEvidence = () => passing<Evidence>((to, value) => writeEvidence(to, value), readEvidence);

describe('a record that was written as bytes comes back as it was', () => {
  test('every decision', () => {
    const pass = passingDecisions();
    fc.assert(
      fc.property(anyDecision, (one) => {
        // Strictly: −0 is not 0, and a comment that was not given is no comment of `undefined`.
        expect(pass(one).back).toStrictEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test('every entry of the log', () => {
    const pass = passingEvidence();
    fc.assert(
      fc.property(anyEvidence, (one) => {
        expect(pass(one).back).toStrictEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test('every decision, for other processes too and in any order', () => {
    const [here, there] = [createRecords(), createRecords()];
    fc.assert(
      fc.property(anyDecision, (one) => {
        const entry = here.entryOf(one);
        expect(there.decisionOf(entry)).toStrictEqual(one);
        expect(here.entryOf(one)).toEqual(entry);
      }),
      { numRuns: 300 },
    );
  });

  test('every decision of a release before there were labels, which its rewards stand for', () => {
    const nothing = { quality: null, weight: 0, shown: 0, next: 0, share: 0 };
    const reading = createRecords();
    for (const { texts, bytes, decision: one } of BEFORE_LABELS) {
      const { rewardBefore, ...rest } = one;
      expect(reading.decisionOf({ texts: Buffer.from(texts), bytes: Buffer.from(bytes, 'base64') })).toStrictEqual({
        ...rest,
        ...BEFORE_CHANGES,
        outcome: rest.outcome && { ...rest.outcome, cachedTokens: null },
        label: one.reward === null ? nothing : { ...nothing, quality: one.reward, weight: 1 },
        labelBefore: one.version === 1 ? null : { ...nothing, quality: rewardBefore, weight: 1 },
        turn: 0,
        retry: 0,
        sketch: null,
      });
    }
    expect(BEFORE_LABELS.map(({ decision }) => [decision.version, decision.reward])).toEqual([
      [1, null],
      [3, 0],
      [1, 0.75],
    ]);
  });

  test('every decision of a release before changes were kept, without one', () => {
    const reading = createRecords();
    for (const { texts, bytes, decision: one } of BEFORE_THEM)
      expect(reading.decisionOf({ texts: Buffer.from(texts), bytes: Buffer.from(bytes, 'base64') })).toStrictEqual({
        ...one,
        ...BEFORE_CHANGES,
        outcome: one.outcome && { ...one.outcome, cachedTokens: null },
      });
    expect(BEFORE_THEM.map(({ decision }) => [decision.version, decision.reward])).toEqual([
      [1, null],
      [2, 1],
      [1, null],
    ]);
  });

  test('as Redis reads it: the version first, then the id', () => {
    const records = createRecords();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), anyId, (version, id) => {
        const { bytes } = records.entryOf(decision({ id, version }));
        const [read, start] = versionOf(bytes);
        expect(read).toBe(version);
        const own = records.idBytes(id);
        expect(bytes.subarray(start, start + own.length)).toEqual(own);
      }),
    );
  });

  test('every number, text and vector', () => {
    const number = passing<number | null>(
      (to, value) => to.number(value),
      (from) => from.numberOrNull(),
    );
    const text = passing<string | null>(
      (to, value) => to.text(value),
      (from) => from.textOrNull(),
    );
    const vector = passing<readonly number[]>(
      (to, value) => to.vector(value),
      (from) => from.vector(),
    );
    fc.assert(
      fc.property(fc.option(anyNumber), (one) => {
        expect(number(one).back).toBe(one);
      }),
    );
    const decimal = passing<number | null>(
      (to, value) => to.decimal(value),
      (from) => from.decimalOrNull(),
    );
    const id = passing<string>(
      (to, value) => to.id(value),
      (from) => from.id(),
    );
    fc.assert(
      fc.property(fc.option(fc.oneof(anyNumber, anyRounded)), (one) => {
        expect(decimal(one).back).toBe(one);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(anyId, (one) => {
        expect(id(one).back).toBe(one);
      }),
    );
    fc.assert(
      fc.property(fc.option(anyText), (one) => {
        expect(text(one).back).toBe(one);
      }),
    );
    fc.assert(
      fc.property(anyVector, (one) => {
        expect(vector(one).back).toStrictEqual(one);
      }),
    );
  });

  test('names beyond those that the table of symbols takes', () => {
    const pass = passingDecisions();
    for (let i = 0; i < 1_500; i++) {
      const one = decision({ model: `model-${i}`, key: i % 2 === 0 ? null : `key-${i}`, call: 'x'.repeat(i) });
      expect(pass(one).back).toStrictEqual(one);
    }
  });

  test('a number of five digits in three bytes, a share of four places in two, an id of ours in 17', () => {
    const decimal = passing<number>(
      (to, value) => to.decimal(value),
      (from) => from.decimal(),
    );
    fc.assert(
      fc.property(fc.double({ min: 1e-15, max: 1e12, noNaN: true }), (value) => {
        const five = rounded(value);
        expect(five).toBe(Number(value.toPrecision(5)));
        expect(decimal(five).length).toBeLessThanOrEqual(3);
        expect(decimal(-five).length).toBe(3);
      }),
      { numRuns: 2_000 },
    );
    expect(decimal(roundedShare(2 / 3)).length).toBe(2);
    for (const odd of [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 5e-324]) expect(rounded(odd)).toBe(odd);
    const ours = `dec_${'0123456789abcdef'.repeat(2)}`;
    expect(createRecords().idBytes(ours)).toHaveLength(17);
  });

  test('and is small', () => {
    const x = Array.from({ length: 27 }, (_, i) => Math.round(Math.sin(i) * 5e3) / 1e4);
    const candidates = ['a', 'b', 'c', 'd'].map((name) => ({
      model: `provider/model-${name}`,
      eligible: true,
      propensity: 1_234_567_890 / 2 ** 32,
      quality: { mean: 0.3333, low: 0.1429, high: 0.8571 },
      costUsd: rounded(1 / 999),
      firstByteMs: rounded(1_000 / 3),
      totalMs: rounded(10_000 / 3),
      utility: rounded(1 / 9),
      ruledOut: null,
    }));
    const drawn = { propensity: 1_234_567_890 / 2 ** 32, uniform: 987_654_321 / 2 ** 32 };
    const one = decision({ x, candidates, ...drawn });
    const size = (more: Partial<DecisionRecord>): number => passingDecisions()({ ...one, ...more }).length;
    expect(size({})).toBeLessThan(330);
    // What is usual of an answer just given takes a byte or two, and one of a fan-out no more.
    const usual = size({});
    expect(size({ label: { ...one.label, share: 2 ** -12 } })).toBe(usual);
    expect(size({ label: { ...one.label, share: 2 ** -30 } })).toBe(usual + 1);
    expect(size({ label: { ...one.label, shown: 8, next: 15 } })).toBe(usual + 1);
    expect(size({ turn: 9, retry: 1 })).toBe(usual + 1);
    expect(size({ sketch: 'AAECAwQFBgcICQoLDA0ODw' })).toBe(usual + 17);
    const silence = { signal: 'silence', source: 'implicit' as const, value: 1, weight: 0.25, at: one.created + 6e5 };
    const later = { label: { ...one.label, next: 2 }, labelBefore: one.label, signals: [silence] };
    expect(size(later)).toBeLessThanOrEqual(usual + 20);
    expect(createRecords().entryOf(one).bytes.length).toBeLessThan(220);
    expect(passingEvidence()(evidenceOf(one) as Evidence).length).toBeLessThan(180);
  });

  test('bytes of another format are refused', () => {
    const symbols = createSymbols();
    const reader = new ByteReader(symbols);
    const bytes = Uint8Array.of(99, 0, 0);
    const region = { bytes, view: new DataView(bytes.buffer) };
    const decided = Uint8Array.of(1, 0, 99);
    reader.open({ bytes: decided, view: new DataView(decided.buffer) }, 0);
    expect(() => readDecision(reader)).toThrow('format 99');
    reader.open(region, 0);
    expect(() => readEvidence(reader)).toThrow('format 99');
  });
});
