/** Decisions and evidence as Redis keeps them: bytes that any process can read, whatever its own symbols are. */
import type { Evidence } from '../../bandit/evidence.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { readDecision, writeDecision } from '../decision-bytes.ts';
import type { DecisionRecord } from '../decision-record.ts';
import { readEvidence, writeEvidence } from '../evidence-bytes.ts';
import { createRecordSymbols } from '../symbols.ts';

/** The closed sets of words in records. Only ever appended to: what is kept holds their places. */
const WORDS = [
  'chat/completions',
  'completed',
  'client_abort',
  'upstream_error',
  'upstream_drop',
  'timeout',
  'explore',
  'exploit',
  'warmup',
  'sticky',
  'guarantee',
  'budget',
  'only-eligible',
  'pinned',
  'fallback',
  'explicit',
  'implicit',
  'thumbs',
  'rating',
  'score',
  'task_success',
  'auto',
] as const;

/** The id stands in the key or beside the bytes, and the revision is the store's to give. */
const ELSEWHERE = '';

export interface Records {
  /** Bytes that are this decision's alone; the same decision gives the same bytes. */
  decisionBytes(decision: DecisionRecord): Buffer;
  decisionOf(bytes: Uint8Array, id: string): DecisionRecord;
  evidenceBytes(evidence: Evidence): Buffer;
  evidenceOf(bytes: Uint8Array, decisionId: string, revision: number): Evidence;
}

export function createRecords(): Records {
  const written = createRecordSymbols(WORDS);
  const read = createRecordSymbols(WORDS);
  const writer = new ByteWriter(written);
  const reader = new ByteReader(read);

  const bytesOf = (write: () => void): Buffer => {
    written.restart();
    writer.restart();
    write();
    return Buffer.from(writer.bytes.subarray(0, writer.at));
  };
  const open = (bytes: Uint8Array): ByteReader => {
    read.restart();
    reader.open({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0);
    return reader;
  };

  return {
    decisionBytes: (decision) => bytesOf(() => writeDecision(writer, { ...decision, id: ELSEWHERE })),
    decisionOf: (bytes, id) => ({ ...readDecision(open(bytes)), id }),
    evidenceBytes: (evidence) =>
      bytesOf(() => writeEvidence(writer, { ...evidence, decisionId: ELSEWHERE, revision: 0 })),
    evidenceOf: (bytes, decisionId, revision) => ({ ...readEvidence(open(bytes)), decisionId, revision }),
  };
}
