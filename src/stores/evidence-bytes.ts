/** Evidence as bytes, as the log keeps it. */
import type { Evidence } from '../bandit/evidence.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { readLabel, writeLabel } from './label-bytes.ts';

/** Changes whenever what is written does. */
const FORMAT = 3;

export function writeEvidence(to: ByteWriter, evidence: Evidence): void {
  to.byte(FORMAT);
  to.text(evidence.decisionId);
  to.number(evidence.revision);
  to.number(evidence.at);
  to.symbol(evidence.router);
  to.symbol(evidence.arm);
  to.symbol(evidence.encoder);
  to.vector(evidence.x);
  writeLabel(to, evidence);
  to.byte(evidence.earlier ? 1 : 0);
  if (evidence.earlier) writeLabel(to, evidence.earlier);
  to.number(evidence.promptTokensEstimate);
  to.number(evidence.promptTokens);
  to.number(evidence.completionTokens);
  to.number(evidence.costUsd);
  to.number(evidence.firstByteMs);
  to.number(evidence.totalMs);
  to.number(evidence.cachedShare);
  to.number(evidence.worthBefore);
}

export function readEvidence(from: ByteReader): Evidence {
  const format = from.byte();
  if (format !== FORMAT) throw new RangeError(`evidence of format ${format} cannot be read`);
  // In the order in which it was written.
  return {
    decisionId: from.text(),
    revision: from.number(),
    at: from.number(),
    router: from.symbol(),
    arm: from.symbol(),
    encoder: from.symbol(),
    x: from.vector(),
    ...readLabel(from),
    earlier: from.byte() === 1 ? readLabel(from) : null,
    promptTokensEstimate: from.number(),
    promptTokens: from.numberOrNull(),
    completionTokens: from.numberOrNull(),
    costUsd: from.numberOrNull(),
    firstByteMs: from.numberOrNull(),
    totalMs: from.numberOrNull(),
    cachedShare: from.numberOrNull(),
    worthBefore: from.numberOrNull(),
  };
}
