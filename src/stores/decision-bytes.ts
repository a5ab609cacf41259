/** A decision as bytes: a tenth of what its objects take, and nothing that the collector has to visit or to move. */
import type { OutcomeKind } from '../upstream/outcome.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type {
  DecidedAttempt,
  DecidedCandidate,
  DecidedOutcome,
  DecidedSignal,
  DecisionRecord,
  Reason,
} from './decision-record.ts';

/** Changes whenever what is written does. */
const FORMAT = 1;

export function writeDecision(to: ByteWriter, decision: DecisionRecord): void {
  to.byte(FORMAT);
  to.text(decision.id);
  to.number(decision.version);
  to.symbol(decision.router);
  to.number(decision.created);
  to.symbol(decision.call);
  to.symbol(decision.key);
  to.symbol(decision.chosen);
  to.symbol(decision.model);
  to.symbol(decision.reason);
  to.float(decision.propensity);
  to.number(decision.candidates.length);
  for (const candidate of decision.candidates) writeCandidate(to, candidate);
  to.symbol(decision.encoder);
  to.vector(decision.x);
  to.float(decision.uniform);
  to.text(decision.cursor);
  to.number(decision.promptTokensEstimate);
  to.number(decision.attempts.length);
  for (const attempt of decision.attempts) writeAttempt(to, attempt);
  writeOutcome(to, decision.outcome);
  to.number(decision.signals.length);
  for (const signal of decision.signals) writeSignal(to, signal);
  to.number(decision.reward);
  to.number(decision.rewardBefore);
  to.text(decision.completionId);
  to.number(decision.idempotencyKeys.length);
  for (const key of decision.idempotencyKeys) to.text(key);
}

export function readDecision(from: ByteReader): DecisionRecord {
  const format = from.byte();
  if (format !== FORMAT) throw new RangeError(`a decision of format ${format} cannot be read`);
  // In the order in which it was written.
  return {
    id: from.text(),
    version: from.number(),
    router: from.symbolOrNull(),
    created: from.number(),
    call: from.symbol(),
    key: from.symbolOrNull(),
    chosen: from.symbol(),
    model: from.symbol(),
    reason: from.symbol() as Reason,
    propensity: from.float(),
    candidates: listOf(from, readCandidate),
    encoder: from.symbol(),
    x: from.vector(),
    uniform: from.float(),
    cursor: from.text(),
    promptTokensEstimate: from.number(),
    attempts: listOf(from, readAttempt),
    outcome: readOutcome(from),
    signals: listOf(from, readSignal),
    reward: from.numberOrNull(),
    rewardBefore: from.numberOrNull(),
    completionId: from.textOrNull(),
    idempotencyKeys: listOf(from, (reader) => reader.text()),
  };
}

function listOf<Item>(from: ByteReader, read: (from: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  for (let left = from.number(); left > 0; left--) items.push(read(from));
  return items;
}

function writeCandidate(to: ByteWriter, candidate: DecidedCandidate): void {
  to.symbol(candidate.model);
  to.byte(candidate.eligible ? 1 : 0);
  to.float(candidate.propensity);
  to.float(candidate.quality.mean);
  to.float(candidate.quality.low);
  to.float(candidate.quality.high);
  to.float(candidate.costUsd);
  to.float(candidate.firstByteMs);
  to.float(candidate.totalMs);
  to.float(candidate.utility);
  to.text(candidate.ruledOut);
}

function readCandidate(from: ByteReader): DecidedCandidate {
  return {
    model: from.symbol(),
    eligible: from.byte() === 1,
    propensity: from.float(),
    quality: { mean: from.float(), low: from.float(), high: from.float() },
    costUsd: from.float(),
    firstByteMs: from.float(),
    totalMs: from.float(),
    utility: from.float(),
    ruledOut: from.textOrNull(),
  };
}

function writeAttempt(to: ByteWriter, attempt: DecidedAttempt): void {
  to.symbol(attempt.model);
  to.symbol(attempt.outcome);
  to.number(attempt.status);
  to.number(attempt.firstByteMs);
  to.number(attempt.totalMs);
}

function readAttempt(from: ByteReader): DecidedAttempt {
  return {
    model: from.symbol(),
    outcome: from.symbol() as OutcomeKind,
    status: from.numberOrNull(),
    firstByteMs: from.numberOrNull(),
    totalMs: from.number(),
  };
}

function writeOutcome(to: ByteWriter, outcome: DecidedOutcome | null): void {
  to.symbol(outcome?.kind ?? null);
  if (outcome === null) return;
  to.text(outcome.finishReason);
  to.number(outcome.promptTokens);
  to.number(outcome.completionTokens);
  to.number(outcome.costUsd);
  to.byte(outcome.estimated ? 1 : 0);
}

function readOutcome(from: ByteReader): DecidedOutcome | null {
  const kind = from.symbolOrNull() as OutcomeKind | null;
  if (kind === null) return null;
  return {
    kind,
    finishReason: from.textOrNull(),
    promptTokens: from.numberOrNull(),
    completionTokens: from.numberOrNull(),
    costUsd: from.number(),
    estimated: from.byte() === 1,
  };
}

function writeSignal(to: ByteWriter, signal: DecidedSignal): void {
  to.symbol(signal.signal);
  to.symbol(signal.source);
  to.number(signal.value);
  to.number(signal.weight);
  to.number(signal.at);
  to.text(signal.comment ?? null);
}

function readSignal(from: ByteReader): DecidedSignal {
  const signal: DecidedSignal = {
    signal: from.symbol(),
    source: from.symbol() as DecidedSignal['source'],
    value: from.number(),
    weight: from.number(),
    at: from.number(),
  };
  const comment = from.textOrNull();
  return comment === null ? signal : { ...signal, comment };
}
