/**
 * The hot store in Redis as the edge has it: the data, keys and steps of the store that processes on Node keep, so that both may
 * have one Redis, over connections that each belong to a request.
 */
import type { DecisionRecord } from './decision-record.ts';
import type { HotStore, SharedState } from './ports.ts';
import { chanceText } from './redis/chance-text.ts';
import type { Argument, Connection } from './redis/connection.ts';
import { createDirect } from './redis/direct.ts';
import { createLookUp } from './redis/look-up.ts';
import { createPlaces } from './redis/places.ts';
import { createReading } from './redis/reading.ts';
import { createRecall } from './redis/recall.ts';
import { createRecords } from './redis/records.ts';
import { Refused } from './redis/refused.ts';
import { createRequestWriting } from './redis/request-writing.ts';
import { createShared } from './redis/shared.ts';
import { createTrimming, isTooLong } from './redis/trimming.ts';

export interface EdgeRedisStoreOptions {
  /** That of the request in which the call is made. */
  connection: Pick<Connection, 'call' | 'run'>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds that only ever grow. */
  clock: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** SHA-256 in hex. */
  sha256Hex: (text: string) => string;
  /** For how long decisions and names are kept: as long as whoever shares this Redis keeps them. */
  keepMs: number;
  /** Whether a durable store takes what is in the logs. */
  drained: boolean;
  /** Of two versions of a decision that do not know of each other the next one; `theirs` itself where it lacks nothing. */
  merge: (mine: DecisionRecord, theirs: DecisionRecord) => DecisionRecord;
  /** Lets this work end behind the answer of the request in which it began. */
  defer: (work: Promise<unknown>) => void;
  notices: EdgeRedisNotices;
  /** Decisions that may wait in memory while Redis cannot be written to; 2,000 unless told. As bytes they take about 1 kB each. */
  maxWaiting?: number;
}

/** What an operator wants to know. */
export interface EdgeRedisNotices {
  /** Told once, until all is well again. */
  trouble(error: Error): void;
  recovered(): void;
  /** Of each once: its request has ended, and it waits in this isolate's memory, with which it would be lost. */
  unwritten(decisions: number, error: Error): void;
  /** Decisions that will never be written. */
  lost(decisions: number, error: Error): void;
}

export interface EdgeRedisStore extends HotStore {
  readonly shared: SharedState;
}

const MOST_WAITING = 2_000;
const MOST_SENT = 1_000;
/** For how long nobody else need look at a log that was found too long. */
const TRIMMING_MS = 10_000;
/** For how long after an outage another isolate may have decisions that Redis has not. */
const OTHERS_MS = 5_000;

/** Opens nothing before it is asked. Whoever watches is told of what this isolate writes: of the rest they have to look. */
export function createEdgeRedisStore(options: EdgeRedisStoreOptions): EdgeRedisStore {
  const { now, clock, random, sha256Hex, drained, merge, defer, notices } = options;
  const keepMs = Math.ceil(options.keepMs);
  const records = createRecords();
  const places = createPlaces({ now, sha256Hex, keepMs });
  const newEpoch = (): string => chanceText(random);
  const listeners = new Set<(log: string) => void>();
  const trimmedAt = new Map<string, number>();
  let troubled = false;
  let mayWaitUntil = Number.NEGATIVE_INFINITY;

  const tell = (log: string): void => {
    for (const listener of listeners) listener(log);
  };
  const trouble = (error: Error): void => {
    if (!troubled) notices.trouble(error);
    troubled = true;
    mayWaitUntil = clock() + OTHERS_MS;
  };
  const lookWhetherWell = (): void => {
    if (!troubled || !writing.isSettled()) return;
    troubled = false;
    notices.recovered();
  };
  const heard = async (answer: Promise<unknown>): Promise<unknown> => {
    try {
      const value = await answer;
      lookWhetherWell();
      return value;
    } catch (error) {
      if (!(error instanceof Refused)) trouble(error as Error);
      throw error;
    }
  };
  const connection = {
    call: (command: string, ...args: Argument[]) => heard(options.connection.call(command, ...args)),
    run: (script: string, keys: readonly (string | Buffer)[], args: readonly Argument[]) =>
      heard(options.connection.run(script, keys, args)),
  };

  const writing = createRequestWriting({
    connection,
    records,
    places,
    maxWaiting: options.maxWaiting ?? MOST_WAITING,
    maxSent: MOST_SENT,
    newEpoch,
    merge,
    clock,
    defer,
    notices: { trouble, unwritten: notices.unwritten, lost: notices.lost },
    onWritten(log, length) {
      if (isTooLong(length)) defer(trim(log));
      tell(log);
    },
    onSettled: lookWhetherWell,
  });
  const { seenEpoch } = writing;
  const reading = createReading({ connection, records, places, newEpoch, seenEpoch, onUnreadable: trouble });
  const direct = createDirect({ connection, records, places, keepMs, refusal: writing.refusal });
  const shared = createShared({
    connection,
    newEpoch,
    seenEpoch,
    owner: chanceText(random) + chanceText(random),
    onSnapshot: (router) => defer(trim(router)),
  });

  /** By one request of all at a time. Never rejects. */
  const trim = async (log: string): Promise<void> => {
    if (clock() < (trimmedAt.get(log) ?? Number.NEGATIVE_INFINITY) + TRIMMING_MS) return;
    trimmedAt.set(log, clock());
    try {
      if (!(await shared.lease(`trim:${log}`, TRIMMING_MS))) return;
      await createTrimming({ connection, now, keepMs, drained, onFailed: trouble }).trim(log);
    } catch (error) {
      trouble(error as Error);
    }
  };

  return {
    remember: writing.remember,
    revise: writing.revise,
    ...direct,
    lookUp: createLookUp({ reading, places, writing }),

    recall: createRecall({
      reading,
      writing,
      isWell: () => writing.isSettled() && clock() >= mayWaitUntil,
      now,
      sha256Hex,
      keepMs,
    }),

    readSince: reading.readSince,
    readKept: reading.readKept,

    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    shared,
    confirm: writing.confirm,

    async close() {
      const unwritten = await writing.flush();
      if (unwritten > 0) notices.lost(unwritten, new Error('Redis could not be written to before the end'));
    },
  };
}
