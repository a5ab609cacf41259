/** A decision as bytes: a tenth of what its objects take, and nothing that the collector has to visit or to move. */
import type { OutcomeKind } from '../upstream/outcome.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type {
  DecidedAttempt,
  DecidedCandidate,
  DecidedOutcome,
  DecidedSignal,
  DecisionRecord,
  Reason,
} from './decision-record.ts';

/** Changes whenever what is written does; what was written before stays readable. */
const FORMAT = 2;
const READERS: Readonly<Record<number, (from: ByteReader, id: string, version: number) => DecisionRecord>> = {
  [FORMAT]: readBody,
};

/** What a decision's first byte says, so that what is usual takes no more. */
const AT_TIME_OF_ID = 1;
const BY_CHOSEN = 2;
const RATED = 4;
const WITH_CERTAINTY = 8;
/** Whether tokens and cost are an estimate. */
const ESTIMATED = 16;
/** The model that answered was tried alone, and ended as the decision did. */
const ONE_ATTEMPT = 32;

/** What a candidate's byte says. */
const ELIGIBLE = 1;
const RULED_OUT = 2;
/** Two bits: which of these its propensity is. */
const PROPENSITY = 2;
const NEVER = 0;
const CERTAIN = 1;
const THE_CHOSEN = 2;
const OWN = 3;

/** Only ever appended to. */
const FINISH_REASONS: readonly (string | null)[] = [null, 'stop', 'length', 'tool_calls', 'content_filter'];

/** Whether a cursor is a text, or an epoch and a place in a log of Redis. */
const ANY_CURSOR = 0;
const PLACE_IN_STREAM = 1;

/** Version and id come first, whatever the format: the scripts in Redis go by them. */
export function writeDecision(to: ByteWriter, decision: DecisionRecord): void {
  to.number(decision.version);
  to.id(decision.id);
  to.byte(FORMAT);
  writeBody(to, decision);
}

export function readDecision(from: ByteReader): DecisionRecord {
  const version = from.number();
  const id = from.id();
  const format = from.byte();
  const read = READERS[format];
  if (!read) throw new RangeError(`a decision of format ${format} cannot be read`);
  return read(from, id, version);
}

/** An id tells the time at which it was made; no number where it is none of ours. */
const timeOf = (id: string): number => (id.length === 36 ? Number.parseInt(id.slice(4, 16), 16) : Number.NaN);

function writeBody(to: ByteWriter, decision: DecisionRecord): void {
  const atTimeOfId = timeOf(decision.id) === decision.created && !Object.is(decision.created, -0);
  const byChosen = decision.model === decision.chosen;
  const { signals, idempotencyKeys } = decision;
  const rated =
    signals.length > 0 || idempotencyKeys.length > 0 || decision.reward !== null || decision.rewardBefore !== null;
  const withCertainty = decision.propensity === 1;
  const [attempt] = decision.attempts;
  const oneAttempt =
    attempt !== undefined &&
    decision.attempts.length === 1 &&
    attempt.model === decision.model &&
    attempt.outcome === decision.outcome?.kind;
  to.byte(
    (atTimeOfId ? AT_TIME_OF_ID : 0) |
      (byChosen ? BY_CHOSEN : 0) |
      (rated ? RATED : 0) |
      (withCertainty ? WITH_CERTAINTY : 0) |
      (decision.outcome?.estimated ? ESTIMATED : 0) |
      (oneAttempt ? ONE_ATTEMPT : 0),
  );
  to.symbol(decision.router);
  if (!atTimeOfId) to.number(decision.created);
  to.symbol(decision.call);
  to.symbol(decision.key);
  to.symbol(decision.chosen);
  if (!byChosen) to.symbol(decision.model);
  to.symbol(decision.reason);
  if (!withCertainty) to.share(decision.propensity);
  to.number(decision.candidates.length);
  for (const candidate of decision.candidates) writeCandidate(to, candidate, decision.propensity);
  to.symbol(decision.encoder);
  to.vector(decision.x);
  to.share(decision.uniform);
  writeCursor(to, decision.cursor, decision.created);
  to.number(decision.promptTokensEstimate);
  writeOutcome(to, decision.outcome);
  if (oneAttempt) writeTimes(to, attempt);
  else {
    to.number(decision.attempts.length);
    for (const one of decision.attempts) writeAttempt(to, one);
  }
  to.text(decision.completionId);
  if (!rated) return;
  to.number(signals.length);
  for (const signal of signals) writeSignal(to, signal);
  to.number(decision.reward);
  to.number(decision.rewardBefore);
  to.number(idempotencyKeys.length);
  for (const key of idempotencyKeys) to.text(key);
}

function readBody(from: ByteReader, id: string, version: number): DecisionRecord {
  const flags = from.byte();
  const rated = (flags & RATED) !== 0;
  // In the order in which it was written.
  const router = from.symbolOrNull();
  const created = flags & AT_TIME_OF_ID ? timeOf(id) : from.number();
  const call = from.symbol();
  const key = from.symbolOrNull();
  const chosen = from.symbol();
  const model = flags & BY_CHOSEN ? chosen : from.symbol();
  const reason = from.symbol() as Reason;
  const propensity = flags & WITH_CERTAINTY ? 1 : from.share();
  const candidates = listOf(from, (reader) => readCandidate(reader, propensity));
  const encoder = from.symbol();
  const x = from.vector();
  const uniform = from.share();
  const cursor = readCursor(from, created);
  const promptTokensEstimate = from.number();
  const outcome = readOutcome(from, (flags & ESTIMATED) !== 0);
  const attempts =
    flags & ONE_ATTEMPT
      ? [readTimes(from, model, (outcome as DecidedOutcome).kind)]
      : listOf(from, (reader) => readTimes(reader, reader.symbol(), reader.symbol() as OutcomeKind));
  const completionId = from.textOrNull();
  return {
    id,
    version,
    router,
    created,
    call,
    key,
    chosen,
    model,
    reason,
    propensity,
    candidates,
    encoder,
    x,
    uniform,
    cursor,
    promptTokensEstimate,
    attempts,
    outcome,
    signals: rated ? listOf(from, readSignal) : [],
    reward: rated ? from.numberOrNull() : null,
    rewardBefore: rated ? from.numberOrNull() : null,
    completionId,
    idempotencyKeys: rated ? listOf(from, (reader) => reader.text()) : [],
  };
}

function listOf<Item>(from: ByteReader, read: (from: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  for (let left = from.number(); left > 0; left--) items.push(read(from));
  return items;
}

function writeCandidate(to: ByteWriter, candidate: DecidedCandidate, ofChosen: number): void {
  const { propensity, ruledOut } = candidate;
  let kind = OWN;
  if (Object.is(propensity, 0)) kind = NEVER;
  else if (propensity === 1) kind = CERTAIN;
  else if (Object.is(propensity, ofChosen)) kind = THE_CHOSEN;
  to.symbol(candidate.model);
  to.byte((candidate.eligible ? ELIGIBLE : 0) | (ruledOut === null ? 0 : RULED_OUT) | (kind << PROPENSITY));
  if (kind === OWN) to.share(propensity);
  to.decimal(candidate.quality.mean);
  to.decimal(candidate.quality.low);
  to.decimal(candidate.quality.high);
  to.decimal(candidate.costUsd);
  to.decimal(candidate.firstByteMs);
  to.decimal(candidate.totalMs);
  to.decimal(candidate.utility);
  if (ruledOut !== null) to.text(ruledOut);
}

function readCandidate(from: ByteReader, ofChosen: number): DecidedCandidate {
  const model = from.symbol();
  const flags = from.byte();
  return {
    model,
    eligible: (flags & ELIGIBLE) !== 0,
    propensity: propensityOf(from, flags >> PROPENSITY, ofChosen),
    quality: { mean: from.decimal(), low: from.decimal(), high: from.decimal() },
    costUsd: from.decimal(),
    firstByteMs: from.decimal(),
    totalMs: from.decimal(),
    utility: from.decimal(),
    ruledOut: flags & RULED_OUT ? from.text() : null,
  };
}

function propensityOf(from: ByteReader, kind: number, ofChosen: number): number {
  if (kind === NEVER) return 0;
  if (kind === CERTAIN) return 1;
  return kind === THE_CHOSEN ? ofChosen : from.share();
}

/** A cursor is a little before the decision: its time as the difference takes one to three bytes. */
function writeCursor(to: ByteWriter, cursor: string, created: number): void {
  const [epoch, time, sequence, ...more] = cursor.split('-');
  const before = created - Number(time);
  const isPlace =
    more.length === 0 &&
    sequence !== undefined &&
    `${epoch}-${created - before}-${Number(sequence)}` === cursor &&
    Number.isSafeInteger(before);
  to.byte(isPlace ? PLACE_IN_STREAM : ANY_CURSOR);
  if (!isPlace) {
    to.text(cursor);
    return;
  }
  to.symbol(epoch as string);
  to.number(before);
  to.number(Number(sequence));
}

function readCursor(from: ByteReader, created: number): string {
  if (from.byte() === ANY_CURSOR) return from.text();
  const epoch = from.symbol();
  return `${epoch}-${created - from.number()}-${from.number()}`;
}

function writeAttempt(to: ByteWriter, attempt: DecidedAttempt): void {
  to.symbol(attempt.model);
  to.symbol(attempt.outcome);
  writeTimes(to, attempt);
}

function writeTimes(to: ByteWriter, { status, firstByteMs, totalMs }: DecidedAttempt): void {
  to.number(status);
  to.decimal(firstByteMs);
  to.decimal(totalMs);
}

const readTimes = (from: ByteReader, model: string, outcome: OutcomeKind): DecidedAttempt => ({
  model,
  outcome,
  status: from.numberOrNull(),
  firstByteMs: from.decimalOrNull(),
  totalMs: from.decimal(),
});

function writeOutcome(to: ByteWriter, outcome: DecidedOutcome | null): void {
  to.symbol(outcome?.kind ?? null);
  if (outcome === null) return;
  writeFinishReason(to, outcome.finishReason);
  to.number(outcome.promptTokens);
  to.number(outcome.completionTokens);
  to.decimal(outcome.costUsd);
}

function readOutcome(from: ByteReader, estimated: boolean): DecidedOutcome | null {
  const kind = from.symbolOrNull() as OutcomeKind | null;
  if (kind === null) return null;
  return {
    kind,
    finishReason: readFinishReason(from),
    promptTokens: from.numberOrNull(),
    completionTokens: from.numberOrNull(),
    costUsd: from.decimal(),
    estimated,
  };
}

/** Not as a symbol: a provider may say whatever it likes, and the table of symbols is the config's. */
function writeFinishReason(to: ByteWriter, reason: string | null): void {
  const place = FINISH_REASONS.indexOf(reason);
  to.byte(place + 1);
  if (place < 0) to.text(reason);
}

function readFinishReason(from: ByteReader): string | null {
  const place = from.byte();
  return place === 0 ? from.text() : (FINISH_REASONS[place - 1] as string | null);
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
