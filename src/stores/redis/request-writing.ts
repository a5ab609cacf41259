/**
 * Writes decisions to Redis by connections that each belong to a request: at once where that can be done, else a little later,
 * behind the same request or one that comes after it. Meanwhile they wait in this isolate's memory, and no promise is shared:
 * one that a request left behind may never be kept.
 */
import type { DecisionRecord } from '../decision-record.ts';
import { type Kept, StoreUnavailable } from '../ports.ts';
import type { Connection } from './connection.ts';
import { createOutbox, type Outgoing } from './outbox.ts';
import type { Places } from './places.ts';
import type { Records } from './records.ts';
import { Refused } from './refused.ts';
import { createSentLog } from './sent.ts';
import { createSteps, isForGood } from './steps.ts';

export interface RequestWritingOptions {
  connection: Pick<Connection, 'run'>;
  records: Records;
  places: Places;
  maxWaiting: number;
  /** Decisions that this isolate has written, and would write again where Redis comes back without them. */
  maxSent: number;
  newEpoch: () => string;
  /** Of two versions of a decision that do not know of each other the next one; `theirs` itself where it lacks nothing. */
  merge: (mine: DecisionRecord, theirs: DecisionRecord) => DecisionRecord;
  /** Milliseconds that only ever grow. */
  clock: () => number;
  /** Lets this work end behind the answer of the request in which it began. */
  defer: (work: Promise<unknown>) => void;
  notices: {
    trouble: (error: Error) => void;
    /** Decisions that the request which made them could not write by its end. */
    unwritten: (decisions: number, error: Error) => void;
    lost: (decisions: number, error: Error) => void;
  };
  /** Told of each log that has grown by this isolate, and how long it is by now. */
  onWritten: (log: string, length: number) => void;
  /** Told whenever nothing waits any more. */
  onSettled: () => void;
}

export interface RequestWriting {
  /** Resolves once it is written, or waits; rejects where it can do neither. */
  remember(kept: Kept): Promise<void>;
  revise(decision: DecisionRecord): Promise<'written' | 'changed'>;
  waiting(id: string): DecisionRecord | null;
  waitingUnder(name: string): DecisionRecord | null;
  /** What Redis took, and may have lost. */
  sent(id: string): DecisionRecord | null;
  /** Told of the epoch with each answer that tells it. */
  seenEpoch(epoch: string): void;
  /** Whether nothing waits. */
  isSettled(): boolean;
  /** Why Redis takes nothing, though it answers; null where it does, as far as is known. */
  refusal(): Error | null;
  /**
   * Resolves once Redis has what was written; rejects where it cannot be had to. Of a decision that others have written it is
   * here too from then on, should Redis lose it.
   */
  confirm(decision?: DecisionRecord): Promise<void>;
  /** Writes what waits, if that can be done now; gives how many decisions wait on. Never rejects. */
  flush(): Promise<number>;
}

/** What is written in one go: a few milliseconds of the processor's, since a request may be cut off for taking many. */
const BATCH = 50;
/** A request that drains is taken to have been cut off after so many milliseconds: another one then goes on. */
const DRAINING_MS = 5_000;
/** When a request tries again what it could not write, in milliseconds from one try to the next. It is let go on for 30 s. */
const AGAIN_MS = [1_500, 3_000];
/** What whoever waits for a word that theirs is kept is held up for a drain of another request. */
const CONFIRM_MS = 1_500;
const LOOK_MS = 50;

export function createRequestWriting(options: RequestWritingOptions): RequestWriting {
  const { connection, records, places, clock, defer, notices, onWritten, onSettled } = options;
  const outbox = createOutbox(options.maxWaiting);
  const sentLog = createSentLog(options.maxSent);
  let epoch: string | null = null;
  let refusal: Refused | null = null;
  let drainingUntil = Number.NEGATIVE_INFINITY;

  const { outgoingOf, writeRevision, writeOrMerge, writeAll } = createSteps({
    connection,
    records,
    places,
    newEpoch: options.newEpoch,
    merge: options.merge,
    seenEpoch: (seen) => seenEpoch(seen),
    onSent(outgoing, place, length) {
      if (place !== '') sentLog.add({ outgoing, epoch: epoch as string, place }, length !== null);
      // It was there, and was trimmed: nobody misses it.
      else if (length === null) sentLog.drop(outgoing.id);
      if (length === null) return;
      refusal = null;
      onWritten(outgoing.log, length);
    },
    onGone(id) {
      const sent = sentLog.find(id);
      // Whoever wants to change it has it from elsewhere.
      if (!sent) return;
      // It was trimmed, or Redis has come back without it: to write it again tells.
      writeAgain([sent.outgoing]);
      throw new StoreUnavailable('Redis has not got back yet what it had');
    },
    onLost: notices.lost,
  });

  const failed = (error: Error): void => {
    if (error instanceof Refused) refusal = error;
    notices.trouble(error);
  };

  const writeAgain = (all: readonly Outgoing[]): void => {
    for (const outgoing of all) {
      if (!outbox.find(outgoing.id) && outbox.room() > 0) outbox.put({ ...outgoing, late: true });
    }
    defer(drain());
  };
  const seenEpoch = (seen: string): void => {
    const isOther = epoch !== null && epoch !== seen;
    epoch = seen;
    if (isOther) writeAgain(sentLog.all().flatMap((sent) => (sent.epoch === seen ? [] : [sent.outgoing])));
  };

  /** Gives why something waits still; null where nothing does, or another request is at it. Never rejects. */
  const drain = async (): Promise<Error | null> => {
    if (outbox.size() === 0 || clock() < drainingUntil) return null;
    try {
      while (outbox.size() > 0) {
        drainingUntil = clock() + DRAINING_MS;
        const failure = await writeAll(outbox.first(BATCH), (outgoing) => void outbox.remove(outgoing));
        if (!failure) continue;
        failed(failure);
        return failure;
      }
      onSettled();
      return null;
    } finally {
      drainingUntil = Number.NEGATIVE_INFINITY;
    }
  };

  /** Never rejects. `failure`: why it could not be written just now; null where nobody has tried. */
  const writeSoon = async ({ id }: Outgoing, failure: Error | null): Promise<void> => {
    let why = failure ?? (await drain());
    for (const wait of AGAIN_MS) {
      if (!outbox.find(id)) return;
      await pause(wait);
      why = (await drain()) ?? why;
    }
    if (outbox.find(id)) notices.unwritten(1, why ?? new StoreUnavailable('others wait for Redis, too'));
  };

  const decisionIn = (outgoing: Outgoing | null | undefined): DecisionRecord | null =>
    outgoing ? records.decisionOf(outgoing) : null;

  return {
    async remember({ decision, names }) {
      const outgoing = outgoingOf(decision, names.map(places.hashOf));
      let failure: Error | null = null;
      // Behind what waits already, so that a name ends with the decision that had it last.
      if (outbox.size() === 0) {
        try {
          await writeOrMerge(outgoing);
          return;
        } catch (error) {
          if (isForGood(error)) throw error;
          failure = error as Error;
          failed(failure);
        }
      }
      outbox.put(outgoing);
      defer(writeSoon(outgoing, failure));
    },

    async revise(decision) {
      const waiting = outbox.find(decision.id);
      if (!waiting) return await writeRevision(outgoingOf(decision, []));
      if (waiting.version !== decision.version - 1) return 'changed';
      const changed: Outgoing = { ...outgoingOf(decision, waiting.names), late: waiting.late };
      outbox.put(changed);
      defer(writeSoon(changed, null));
      return 'written';
    },

    waiting: (id) => decisionIn(outbox.find(id)),
    waitingUnder: (name) => decisionIn(outbox.findByName(places.hashOf(name))),
    sent: (id) => decisionIn(sentLog.find(id)?.outgoing),
    seenEpoch,
    isSettled: () => outbox.size() === 0,
    refusal: () => (outbox.size() === 0 ? null : refusal),

    async confirm(decision) {
      if (decision && !outbox.find(decision.id)) {
        const sent = sentLog.find(decision.id)?.outgoing;
        if (sent && sent.version >= decision.version) return;
        await writeOrMerge({ ...outgoingOf(decision, []), late: true });
        return;
      }
      const isWaiting = (): boolean => (decision ? outbox.find(decision.id) !== null : outbox.size() > 0);
      const until = clock() + CONFIRM_MS;
      while (isWaiting()) {
        const failure = await drain();
        if (isWaiting() && (failure || clock() >= until)) {
          throw new StoreUnavailable('what waits for Redis is in memory alone');
        }
        if (isWaiting()) await pause(LOOK_MS);
      }
    },

    async flush() {
      await drain();
      return outbox.size();
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
