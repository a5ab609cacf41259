/** A decision and its evidence as bytes that whoever reads them can read, whatever else they have read. */
import type { Evidence } from '../../bandit/evidence.ts';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { readDecision, writeDecision } from '../decision-bytes.ts';
import { type DecisionRecord, evidenceOf } from '../decision-record.ts';
import { readEvidence, writeEvidence } from '../evidence-bytes.ts';
import { createRecordSymbols } from '../symbols.ts';
import type { PackedDecision } from './verbs.ts';

export interface DecisionPacker {
  pack(decision: DecisionRecord): PackedDecision;
  decisionIn(bytes: Uint8Array): DecisionRecord;
  /** Of those that can be read. `unreadable`: told of each other, of another release's format or damaged, which must not end all learning. */
  evidenceIn(entries: readonly Uint8Array[], unreadable: (error: Error) => void): Evidence[];
}

export function createDecisionPacker(): DecisionPacker {
  const written = createRecordSymbols([]);
  const read = createRecordSymbols([]);
  const writer = new ByteWriter(written);
  const reader = new ByteReader(read);

  const bytesOf = (write: () => void): Uint8Array => {
    written.restart();
    writer.restart();
    write();
    return writer.bytes.slice(0, writer.at);
  };
  const open = (bytes: Uint8Array): ByteReader => {
    read.restart();
    reader.open({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0);
    return reader;
  };

  return {
    pack(decision) {
      const evidence = evidenceOf(decision);
      return {
        id: decision.id,
        version: decision.version,
        decision: bytesOf(() => writeDecision(writer, decision)),
        evidence: evidence && bytesOf(() => writeEvidence(writer, evidence)),
      };
    },
    decisionIn: (bytes) => readDecision(open(bytes)),
    evidenceIn(entries, unreadable) {
      return entries.flatMap((bytes) => {
        try {
          return [readEvidence(open(bytes))];
        } catch (error) {
          unreadable(error as Error);
          return [];
        }
      });
    },
  };
}
