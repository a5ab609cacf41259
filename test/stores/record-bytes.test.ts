import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/bandit/evidence.ts';
import { ByteReader, ByteWriter } from '../../src/stores/bytes.ts';
import { readDecision, writeDecision } from '../../src/stores/decision-bytes.ts';
import { evidenceOf } from '../../src/stores/decision-record.ts';
import { readEvidence, writeEvidence } from '../../src/stores/evidence-bytes.ts';
import { packId, unpackId } from '../../src/stores/redis/keys.ts';
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

  test('every decision and every entry, for other processes too and in any order', () => {
    const [here, there] = [createRecords(), createRecords()];
    fc.assert(
      fc.property(anyDecision, anyEvidence, (one, { revision, ...entry }) => {
        const [decided, logged] = [here.decisionBytes(one), here.evidenceBytes({ ...entry, revision })];
        expect(there.evidenceOf(logged, entry.decisionId, revision)).toStrictEqual({ ...entry, revision });
        expect(there.decisionOf(decided, one.id)).toStrictEqual(one);
        expect(here.decisionBytes(one)).toEqual(decided);
      }),
      { numRuns: 300 },
    );
  });

  test('every id of a decision, ours in 16 bytes', () => {
    fc.assert(
      fc.property(anyText, (id) => {
        expect(unpackId(packId(id))).toBe(id.toWellFormed());
      }),
    );
    const ours = `dec_${'0123456789abcdef'.repeat(2)}`;
    expect(packId(ours)).toHaveLength(16);
    expect(unpackId(packId(ours))).toBe(ours);
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

  test('and is small', () => {
    const x = Array.from({ length: 27 }, (_, i) => Math.round(Math.sin(i) * 5e3) / 1e4);
    const candidates = ['a', 'b', 'c', 'd'].map((name) => ({
      model: `provider/model-${name}`,
      eligible: true,
      propensity: 0.1 + 0.2,
      quality: { mean: 1 / 3, low: 1 / 7, high: 6 / 7 },
      costUsd: 1 / 999,
      firstByteMs: 1_000 / 3,
      totalMs: 10_000 / 3,
      utility: 1 / 9,
      ruledOut: null,
    }));
    const one = decision({ x, candidates });
    expect(passingDecisions()(one).length).toBeLessThan(550);
    expect(passingEvidence()(evidenceOf(one) as Evidence).length).toBeLessThan(180);
  });

  test('bytes of another format are refused', () => {
    const symbols = createSymbols();
    const reader = new ByteReader(symbols);
    const bytes = Uint8Array.of(99, 0, 0);
    const region = { bytes, view: new DataView(bytes.buffer) };
    reader.open(region, 0);
    expect(() => readDecision(reader)).toThrow('format 99');
    reader.open(region, 0);
    expect(() => readEvidence(reader)).toThrow('format 99');
  });
});
