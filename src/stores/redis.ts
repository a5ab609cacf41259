/** The hot store in Redis: what any number of processes share, and what outlives them. */
import type { DecisionRecord } from './decision-record.ts';
import type { HotStore, SharedState } from './ports.ts';
import { chanceText } from './redis/chance-text.ts';
import { type ConnectionOptions, type Nodes, openConnection } from './redis/connection.ts';
import { createDirect } from './redis/direct.ts';
import { hearGrowth } from './redis/growth.ts';
import { createLookUp } from './redis/look-up.ts';
import { createPlaces } from './redis/places.ts';
import { createReading } from './redis/reading.ts';
import { createRecall } from './redis/recall.ts';
import { createRecords } from './redis/records.ts';
import { SCRIPTS } from './redis/scripts.ts';
import { createShared } from './redis/shared.ts';
import { createTrimming } from './redis/trimming.ts';
import { createWriting } from './redis/writing.ts';
import type { Spool } from './spool.ts';

export interface RedisStoreOptions {
  /** `redis://` or `rediss://`, with the password in it. */
  url: string;
  /** Milliseconds since 1970. Replicas' clocks may differ by minutes. */
  now: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** SHA-256 in hex. */
  sha256Hex: (text: string) => string;
  /** For how long decisions and names are kept. */
  keepMs: number;
  /** Whether a durable store takes what is in the logs. */
  drained: boolean;
  /** Where decisions wait on disk while Redis cannot be written to; null: in memory alone. */
  spool: Spool | null;
  /**
   * Of two versions of a decision that do not know of each other, the next one, with what both were told; `theirs` itself
   * where it has all that `mine` has.
   */
  merge: (mine: DecisionRecord, theirs: DecisionRecord) => DecisionRecord;
  notices: RedisNotices;
  /** Decisions that may wait while Redis cannot be written to: 100,000 with a spool, else 10,000. As bytes they take about 1 kB each. */
  maxWaiting?: number;
}

/** What an operator wants to know. */
export interface RedisNotices {
  /** Told once, until all is well again. */
  trouble(error: Error): void;
  recovered(): void;
  /** Decisions that will never be written. */
  lost(decisions: number, error: Error): void;
}

const MOST_WAITING = { inMemory: 10_000, onDisk: 100_000 };
/** Decisions that this process has written, and would write again where Redis comes back without them. */
const MOST_SENT = 20_000;
/** Between two looks for what snapshots cover by now. */
const FORGET_MS = 10_000;
/** What ending may take for what still waits. */
const CLOSE_MS = 2_000;

export interface RedisStore extends HotStore {
  /** Resolves once Redis can be asked, or once it is known that it cannot yet. */
  tried: Promise<void>;
  readonly shared: SharedState;
}

/** Connects at once, and goes on trying: nobody has to wait for it. */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  const { url, now, random, sha256Hex, drained, spool, merge, notices } = options;
  const keepMs = Math.ceil(options.keepMs);
  const records = createRecords();
  const places = createPlaces({ now, sha256Hex, keepMs });
  const nodes: Nodes = new Set();
  const newEpoch = (): string => chanceText(random);
  const listeners = new Set<(log: string) => void>();
  /** Logs that anybody has asked for or told of. */
  const logs = new Set<string>();
  const tried = Promise.withResolvers<void>();
  let troubled = false;
  let closed = false;

  const tell = (log: string): void => {
    logs.add(log);
    for (const listener of listeners) listener(log);
  };
  const tellOfAll = (): void => {
    for (const log of [...logs]) tell(log);
  };
  const trouble = (error: Error): void => {
    if (!troubled && !closed) notices.trouble(error);
    troubled = true;
    tried.resolve();
  };
  const lookWhetherWell = (): void => {
    if (closed || !writing.isSettled() || !growth.isHeard()) return;
    tried.resolve();
    if (!troubled) return;
    troubled = false;
    notices.recovered();
  };

  const open = (more: Pick<ConnectionOptions, 'onUp' | 'onDown' | 'scripts' | 'onMessage'>) =>
    openConnection({ url, nodes, random, ...more });
  const connection = open({
    scripts: SCRIPTS,
    onUp() {
      writing.cameUp();
      // Whoever tried to read meanwhile has failed.
      tellOfAll();
    },
    onDown(error) {
      writing.wentDown();
      trouble(error);
    },
  });
  const trimming = createTrimming({ connection, now, keepMs, drained, onFailed: trouble });
  const writing = createWriting({
    connection,
    records,
    places,
    spool,
    maxWaiting: options.maxWaiting ?? (spool ? MOST_WAITING.onDisk : MOST_WAITING.inMemory),
    maxSent: MOST_SENT,
    newEpoch,
    merge,
    notices: { trouble, lost: notices.lost },
    onWritten(log, length) {
      trimming.looked(log, length);
      // While nothing is heard from Redis, what this process adds is reason enough to look.
      if (!growth.isHeard()) tell(log);
    },
    onSettled: lookWhetherWell,
  });
  const { seenEpoch } = writing;
  const growth = hearGrowth({
    open,
    onGrown(log) {
      // Else it is told when it can be read.
      if (connection.isUp()) tell(log);
      else logs.add(log);
    },
    onHeard() {
      // Else they are told when they can read.
      if (connection.isUp()) tellOfAll();
      lookWhetherWell();
    },
    onDown: trouble,
  });
  const reading = createReading({ connection, records, places, newEpoch, seenEpoch, onUnreadable: trouble });
  const direct = createDirect({ connection, records, places, keepMs, refusal: writing.refusal });
  const forgetCovered = (): void => void writing.forgetCovered().catch(trouble);
  const forgetting = setInterval(() => {
    forgetCovered();
    // What failed once without the connection failing is over.
    lookWhetherWell();
  }, FORGET_MS);
  forgetting.unref();

  return {
    tried: tried.promise,
    remember: writing.remember,
    revise: writing.revise,
    ...direct,
    lookUp: createLookUp({ reading, places, writing }),

    recall: createRecall({ reading, writing, isWell: writing.isSettled, now, sha256Hex, keepMs }),

    readSince(router, cursor, limit) {
      logs.add(router);
      return reading.readSince(router, cursor, limit);
    },

    readKept(log, cursor, limit) {
      logs.add(log);
      return reading.readKept(log, cursor, limit);
    },

    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    shared: createShared({
      connection,
      newEpoch,
      seenEpoch,
      owner: chanceText(random) + chanceText(random),
      onSnapshot(router) {
        forgetCovered();
        void trimming.trim(router);
      },
    }),

    confirm: writing.confirm,

    async close() {
      if (closed) return;
      const unwritten = await writing.close(now() + CLOSE_MS, now);
      closed = true;
      clearInterval(forgetting);
      if (unwritten > 0) notices.lost(unwritten, new Error('Redis could not be written to before the end'));
      growth.close();
      connection.close();
    },
  };
}
