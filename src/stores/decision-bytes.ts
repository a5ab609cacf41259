/** A decision as bytes: a tenth of what its objects take, and nothing that the collector has to visit or to move. */
import type { OutcomeKind } from '../upstream/outcome.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import {
  BEFORE_CHANGES,
  type DecidedAttempt,
  type DecidedCandidate,
  type DecidedOutcome,
  type DecidedSignal,
  type DecisionRecord,
  learnedFromRewards,
  type Reason,
} from './decision-record.ts';
import { readLabel, readPair, writeLabel, writePair } from './label-bytes.ts';

/** Changes whenever what is written does; what was written before stays readable. */
const FORMAT = 4;
const READERS: Readonly<Record<number, (from: ByteReader, core: Core) => Learned>> = {
  2: readRewards,
  3: (from, core) => readLearned(from, core, NOTHING_MORE),
  [FORMAT]: readLearned,
};

/** What a format's end is read by. */
interface Core {
  flags: number;
  version: number;
  created: number;
}

/** What stands at the end, where formats differ. */
type Learned = Pick<
  DecisionRecord,
  | 'signals'
  | 'reward'
  | 'label'
  | 'labelBefore'
  | 'turn'
  | 'retry'
  | 'prefixTokens'
  | 'worthBefore'
  | 'sketch'
  | 'idempotencyKeys'
> &
  Pick<DecidedOutcome, 'cachedTokens'>;

/** What a decision's first byte says, so that what is usual takes no more. */
const AT_TIME_OF_ID = 1;
const BY_CHOSEN = 2;
const RATED = 4;
const WITH_CERTAINTY = 8;
/** Whether tokens and cost are an estimate. */
const ESTIMATED = 16;
/** The model that answered was tried alone, and ended as the decision did. */
const ONE_ATTEMPT = 32;
/** Others of its conversation came before it. */
const FOLLOWING = 64;
/** The answer's id begins as most do, and what follows is written. */
const USUAL_COMPLETION = 128;

const COMPLETION_PREFIX = 'chatcmpl-';

/** What the byte before the sketch says: which of these follow. */
const CACHED = 1;
/** The provider had none of the prompt in its cache. */
const NONE_CACHED = 2;
const PREFIXED = 4;
const CHANGED = 8;
/** Of formats that have no such byte. */
const NOTHING_MORE = 0;

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

/** Only ever appended to. */
const IMPLICIT_SIGNALS: readonly string[] = [
  'silence',
  'continued',
  'regenerated',
  'rephrased',
  'corrected',
  'aborted_early',
  'aborted_midway',
  'aborted_late',
  'latency',
  'length',
  'invalid_tool_call',
  'invalid_json',
  'content_filter',
  'refusal',
  'repetition',
  'empty',
  'resumed',
  'fan_out',
  'template',
  'retried',
];

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
  const readEnd = READERS[format];
  if (!readEnd) throw new RangeError(`a decision of format ${format} cannot be read`);
  return readBody(from, id, version, readEnd);
}

/** An id tells the time at which it was made; no number where it is none of ours. */
const timeOf = (id: string): number => (id.length === 36 ? Number.parseInt(id.slice(4, 16), 16) : Number.NaN);

function writeBody(to: ByteWriter, decision: DecisionRecord): void {
  const atTimeOfId = timeOf(decision.id) === decision.created && !Object.is(decision.created, -0);
  const byChosen = decision.model === decision.chosen;
  const { signals, idempotencyKeys } = decision;
  const rated =
    signals.length > 0 || idempotencyKeys.length > 0 || decision.reward !== null || decision.labelBefore !== null;
  const withCertainty = decision.propensity === 1;
  const [attempt] = decision.attempts;
  const oneAttempt =
    attempt !== undefined &&
    decision.attempts.length === 1 &&
    attempt.model === decision.model &&
    attempt.outcome === decision.outcome?.kind;
  const following = decision.turn !== 0 || decision.retry !== 0;
  const usualCompletion = decision.completionId?.startsWith(COMPLETION_PREFIX) === true;
  to.byte(
    (atTimeOfId ? AT_TIME_OF_ID : 0) |
      (byChosen ? BY_CHOSEN : 0) |
      (rated ? RATED : 0) |
      (withCertainty ? WITH_CERTAINTY : 0) |
      (decision.outcome?.estimated ? ESTIMATED : 0) |
      (oneAttempt ? ONE_ATTEMPT : 0) |
      (following ? FOLLOWING : 0) |
      (usualCompletion ? USUAL_COMPLETION : 0),
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
  to.text(usualCompletion ? (decision.completionId as string).slice(COMPLETION_PREFIX.length) : decision.completionId);
  writeLabel(to, decision.label);
  if (following) writePair(to, decision.turn, decision.retry);
  writeMore(to, decision);
  to.text(decision.sketch);
  if (!rated) return;
  to.number(signals.length);
  for (const signal of signals) writeSignal(to, signal, decision.created);
  to.decimal(decision.reward);
  to.byte(decision.labelBefore ? 1 : 0);
  if (decision.labelBefore) writeLabel(to, decision.labelBefore);
  to.number(idempotencyKeys.length);
  for (const key of idempotencyKeys) to.text(key);
}

function writeMore(to: ByteWriter, { outcome, prefixTokens, worthBefore }: DecisionRecord): void {
  const cachedTokens = outcome?.cachedTokens ?? null;
  let cached = CACHED;
  if (cachedTokens === null) cached = 0;
  else if (Object.is(cachedTokens, 0)) cached = NONE_CACHED;
  to.byte(cached | (prefixTokens === null ? 0 : PREFIXED) | (worthBefore === null ? 0 : CHANGED));
  if (cached === CACHED) to.number(cachedTokens);
  if (prefixTokens !== null) to.number(prefixTokens);
  if (worthBefore !== null) to.float(worthBefore);
}

function readBody(
  from: ByteReader,
  id: string,
  version: number,
  readEnd: (from: ByteReader, core: Core) => Learned,
): DecisionRecord {
  const flags = from.byte();
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
      ? [readTimes(from, model, (outcome as { kind: OutcomeKind }).kind)]
      : listOf(from, (reader) => readTimes(reader, reader.symbol(), reader.symbol() as OutcomeKind));
  const completionId = flags & USUAL_COMPLETION ? COMPLETION_PREFIX + from.text() : from.textOrNull();
  const learned = readEnd(from, { flags, version, created });
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
    outcome: outcome && withCached(outcome, learned.cachedTokens),
    signals: learned.signals,
    reward: learned.reward,
    label: learned.label,
    labelBefore: learned.labelBefore,
    turn: learned.turn,
    retry: learned.retry,
    sketch: learned.sketch,
    prefixTokens: learned.prefixTokens,
    worthBefore: learned.worthBefore,
    completionId,
    idempotencyKeys: learned.idempotencyKeys,
  };
}

/** `given`: what the byte before the sketch says, in a format that has none. */
function readLearned(from: ByteReader, { flags, created }: Core, given?: number): Learned {
  const rated = (flags & RATED) !== 0;
  // In the order in which it was written.
  const label = readLabel(from);
  const [turn, retry] = flags & FOLLOWING ? readPair(from) : [0, 0];
  const more = given ?? from.byte();
  let cachedTokens = more & NONE_CACHED ? 0 : null;
  if (more & CACHED) cachedTokens = from.number();
  const prefixTokens = more & PREFIXED ? from.number() : null;
  const worthBefore = more & CHANGED ? from.float() : null;
  const sketch = from.textOrNull();
  return {
    label,
    turn,
    retry,
    cachedTokens,
    prefixTokens,
    worthBefore,
    sketch,
    signals: rated ? listOf(from, (reader) => readSignal(reader, created)) : [],
    reward: rated ? from.decimalOrNull() : null,
    labelBefore: rated && from.byte() === 1 ? readLabel(from) : null,
    idempotencyKeys: rated ? textsIn(from) : [],
  };
}

/** Of format 2. */
function readRewards(from: ByteReader, { flags, version }: Core): Learned {
  const rated = (flags & RATED) !== 0;
  const signals = rated ? listOf(from, readPlainSignal) : [];
  const reward = rated ? from.numberOrNull() : null;
  const rewardBefore = rated ? from.numberOrNull() : null;
  const idempotencyKeys = rated ? textsIn(from) : [];
  const unknown = { ...BEFORE_CHANGES, cachedTokens: null };
  return { signals, reward, idempotencyKeys, ...unknown, ...learnedFromRewards(version, reward, rewardBefore) };
}

const textsIn = (from: ByteReader): string[] => listOf(from, (reader) => reader.text());

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

function readOutcome(from: ByteReader, estimated: boolean): Omit<DecidedOutcome, 'cachedTokens'> | null {
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

/** In the order in which an outcome has its fields everywhere. */
const withCached = (
  { kind, finishReason, promptTokens, completionTokens, costUsd, estimated }: Omit<DecidedOutcome, 'cachedTokens'>,
  cachedTokens: number | null,
): DecidedOutcome => ({ kind, finishReason, promptTokens, completionTokens, cachedTokens, costUsd, estimated });

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

function writeSignal(to: ByteWriter, signal: DecidedSignal, created: number): void {
  const place = IMPLICIT_SIGNALS.indexOf(signal.signal);
  to.byte(place + 1);
  if (place < 0) to.symbol(signal.signal);
  to.symbol(signal.source);
  to.decimal(signal.value);
  to.decimal(signal.weight);
  writeLater(to, signal.at, created);
  to.text(signal.comment ?? null);
}

function readSignal(from: ByteReader, created: number): DecidedSignal {
  const place = from.byte();
  const signal: DecidedSignal = {
    signal: place === 0 ? from.symbol() : (IMPLICIT_SIGNALS[place - 1] as string),
    source: from.symbol() as DecidedSignal['source'],
    value: from.decimal(),
    weight: from.decimal(),
    at: readLater(from, created),
  };
  const comment = from.textOrNull();
  return comment === null ? signal : { ...signal, comment };
}

/** Of format 2. */
function readPlainSignal(from: ByteReader): DecidedSignal {
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

/** A time after the decision's: the difference takes half of what the time would. Null stands for any other. */
function writeLater(to: ByteWriter, time: number, created: number): void {
  const after = time - created;
  const isLater = after >= 0 && [time, created, after].every(Number.isSafeInteger) && !Object.is(time, -0);
  to.number(isLater ? after : null);
  if (!isLater) to.number(time);
}

function readLater(from: ByteReader, created: number): number {
  const after = from.numberOrNull();
  return after === null ? from.number() : created + after;
}
