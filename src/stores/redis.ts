/** The hot store in Redis: what any number of processes share, and what outlives them. */
import type { Evidence } from '../bandit/evidence.ts';
import { type DecisionRecord, evidenceOf } from './decision-record.ts';
import { type LogSlice, type SharedHealth, type StateStore, StoreUnavailable, UncertainWrite } from './ports.ts';
import { type ConnectionOptions, openConnection, Refused } from './redis/connection.ts';
import { hearGrowth } from './redis/growth.ts';
import {
  counterKey,
  decisionKey,
  GROWN_CHANNEL,
  HEALTH_KEY,
  logKey,
  namePlace,
  namesKey,
  packId,
  unpackId,
} from './redis/keys.ts';
import { createOutbox, type Outgoing } from './redis/outbox.ts';
import { createRecords } from './redis/records.ts';
import { ADD } from './redis/scripts/add.ts';
import { LOOK_UP } from './redis/scripts/look-up.ts';
import { PUT_HEALTH } from './redis/scripts/put-health.ts';
import { READ_HEALTH } from './redis/scripts/read-health.ts';
import { REMEMBER } from './redis/scripts/remember.ts';
import { REVISE } from './redis/scripts/revise.ts';

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
  notices: RedisNotices;
  /** Decisions that may wait while Redis cannot be written to. As bytes they take 1 to 2 kB each. */
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

/** Entries that a log keeps, or a few more: Redis drops whole blocks of them. */
const LOG_ENTRIES = 100_000;
/** A name is looked for in as many stretches of time as decisions are kept for, and in the next, if a clock is ahead. */
const STRETCHES_KEPT = 4;
const STRETCHES = STRETCHES_KEPT + 2;
/** Decisions that are written with one wait for all of them. */
const BATCH = 100;
const RETRY_MS = 1_000;
/** What ending may take for what still waits. */
const CLOSE_MS = 2_000;

const SCRIPTS = {
  conduitRemember: REMEMBER,
  conduitRevise: REVISE,
  conduitLookUp: LOOK_UP,
  conduitAdd: ADD,
  conduitPutHealth: PUT_HEALTH,
  conduitReadHealth: READ_HEALTH,
};

export interface RedisStore extends StateStore {
  /** Resolves once Redis can be asked, or once it is known that it cannot yet. */
  tried: Promise<void>;
}

/** Connects at once, and goes on trying: nobody has to wait for it. */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  const { url, now, random, sha256Hex, notices, maxWaiting = 10_000 } = options;
  const keepMs = Math.ceil(options.keepMs);
  const stretchMs = Math.ceil(keepMs / STRETCHES_KEPT);
  const records = createRecords();
  const outbox = createOutbox(maxWaiting);
  const listeners = new Set<(router: string) => void>();
  /** Routers whose logs anybody has asked for or told of. */
  const routers = new Set<string>();
  const tried = Promise.withResolvers<void>();
  let troubled = false;
  let closed = false;
  let draining: Promise<void> | null = null;
  let retry: NodeJS.Timeout | undefined;

  const tell = (router: string): void => {
    routers.add(router);
    for (const listener of listeners) listener(router);
  };
  const tellOfAll = (): void => {
    for (const router of [...routers]) tell(router);
  };
  const trouble = (error: Error): void => {
    if (!troubled && !closed) notices.trouble(error);
    troubled = true;
    tried.resolve();
  };
  /** While nothing is heard from Redis, what this process adds is reason enough to look. */
  const tellOfOwn = (evidence: { router: string } | null): void => {
    if (evidence && !growth.isHeard()) tell(evidence.router);
  };
  const lookWhetherWell = (): void => {
    if (closed || !connection.isUp() || !growth.isHeard() || outbox.size() > 0) return;
    tried.resolve();
    if (!troubled) return;
    troubled = false;
    notices.recovered();
  };

  const open = (more: Pick<ConnectionOptions, 'onUp' | 'onDown' | 'scripts' | 'onMessage'>) =>
    openConnection({ url, random, ...more });
  const connection = open({
    scripts: SCRIPTS,
    onUp() {
      void drain();
      // Whoever tried to read meanwhile has failed.
      tellOfAll();
      lookWhetherWell();
    },
    onDown: trouble,
  });
  const growth = hearGrowth({
    open,
    onGrown: tell,
    onHeard() {
      // Else they are told when they can read.
      if (connection.isUp()) tellOfAll();
      lookWhetherWell();
    },
    onDown: trouble,
  });

  const stretchOf = (time: number): number => Math.floor(time / stretchMs);

  const write = async ({ id, version, decision, names, evidence }: Outgoing): Promise<void> => {
    const packed = packId(id);
    const places = names.map(namePlace);
    const stretch = stretchOf(now());
    await connection.run(
      'conduitRemember',
      [decisionKey(packed), logKey(evidence?.router ?? ''), ...places.map(({ bucket }) => namesKey(stretch, bucket))],
      [
        Buffer.concat([Buffer.from(`${version};${evidence ? 1 : 0};`), decision]),
        keepMs,
        keepMs + stretchMs,
        packed,
        evidence?.bytes ?? '',
        LOG_ENTRIES,
        GROWN_CHANNEL,
        evidence?.router ?? '',
        ...places.map(({ field }) => field),
      ],
    );
    tellOfOwn(evidence);
  };

  /** Writes what waits, in order, until nothing does or Redis takes no more. Never rejects. */
  const drain = (): Promise<void> => {
    draining ??= writeWaiting().finally(() => {
      draining = null;
      lookWhetherWell();
      if (outbox.size() > 0 && !closed) later();
    });
    return draining;
  };

  const writeWaiting = async (): Promise<void> => {
    while (outbox.size() > 0 && connection.isUp()) {
      const batch = outbox.first(BATCH);
      for (const outgoing of batch) outgoing.tried = true;
      const results = await Promise.allSettled(batch.map(write));
      let failure: Error | null = null;
      for (const [i, result] of results.entries()) {
        const outgoing = batch[i] as Outgoing;
        if (result.status === 'fulfilled') outbox.remove(outgoing);
        else if (isForGood(result.reason)) {
          outbox.remove(outgoing);
          notices.lost(1, result.reason);
        } else failure = result.reason;
      }
      if (failure) return trouble(failure);
    }
  };

  const later = (): void => {
    clearTimeout(retry);
    retry = setTimeout(() => void drain(), RETRY_MS);
    retry.unref();
  };

  const keepForLater = (outgoing: Outgoing): void => {
    outbox.add(outgoing);
    // Where Redis is away, its return is what begins it.
    if (outbox.size() === 1) later();
  };

  const outgoingEvidence = (evidence: Evidence | null): Outgoing['evidence'] =>
    evidence && { router: evidence.router, bytes: records.evidenceBytes(evidence) };

  const waitingDecision = (outgoing: Outgoing | null): DecisionRecord | null =>
    outgoing && records.decisionOf(outgoing.decision, outgoing.id);

  const storedDecision = (value: unknown, id: string): DecisionRecord | null => {
    if (value === null) return null;
    const bytes = value as Buffer;
    const start = bytes.indexOf(';', bytes.indexOf(';') + 1) + 1;
    return records.decisionOf(bytes.subarray(start), id);
  };

  /** By name, in the order of the names; from what waits to be written, else from Redis. */
  const idsBehind = async (hashes: readonly string[]): Promise<string[]> => {
    const waiting = hashes.map((hash) => outbox.findByName(hash)?.id ?? null);
    if (typeof waiting[0] === 'string') return [waiting[0]];
    const latest = stretchOf(now()) + 1;
    const places = hashes.map(namePlace);
    const found = (await connection.run(
      'conduitLookUp',
      places.flatMap(({ bucket }) => Array.from({ length: STRETCHES }, (_, i) => namesKey(latest - i, bucket))),
      [STRETCHES, ...places.map(({ field }) => field)],
    )) as Buffer[];
    return found.flatMap((id, i) => waiting[i] ?? (id.length > 0 ? unpackId(id) : []));
  };

  const recall = async (id: string): Promise<DecisionRecord | null> =>
    waitingDecision(outbox.find(id)) ?? storedDecision(await connection.call('get', decisionKey(packId(id))), id);

  return {
    tried: tried.promise,

    async remember({ decision, names }) {
      const outgoing: Outgoing = {
        id: decision.id,
        version: decision.version,
        decision: records.decisionBytes(decision),
        names: names.map(sha256Hex),
        evidence: outgoingEvidence(evidenceOf(decision)),
        tried: false,
      };
      // Behind what waits already, so that a name ends with the decision that had it last.
      if (outbox.size() > 0 || !connection.isUp()) return keepForLater(outgoing);
      try {
        await write(outgoing);
      } catch (error) {
        if (isForGood(error)) throw error;
        trouble(error as Error);
        keepForLater({ ...outgoing, tried: error instanceof UncertainWrite });
      }
    },

    async revise(decision) {
      const evidence = evidenceOf(decision);
      const waiting = outbox.find(decision.id);
      if (waiting) {
        if (waiting.version !== decision.version - 1) return 'changed';
        // Redis may have it as it was, and would take the changed one for a repeat.
        if (waiting.tried) throw new StoreUnavailable('the decision is still on its way to Redis');
        waiting.version = decision.version;
        waiting.decision = records.decisionBytes(decision);
        waiting.evidence = outgoingEvidence(evidence);
        return 'written';
      }
      const packed = packId(decision.id);
      const written = await connection.run(
        'conduitRevise',
        [decisionKey(packed), logKey(evidence?.router ?? '')],
        [
          decision.version - 1,
          records.decisionBytes(decision),
          packed,
          evidence ? records.evidenceBytes(evidence) : '',
          LOG_ENTRIES,
          GROWN_CHANNEL,
          evidence?.router ?? '',
        ],
      );
      if (written !== 1) return 'changed';
      tellOfOwn(evidence);
      return 'written';
    },

    recall,

    async lookUp(names) {
      if (names.length === 0) return null;
      for (const id of await idsBehind(names.map(sha256Hex))) {
        const decision = await recall(id);
        if (decision) return decision;
      }
      return null;
    },

    async readSince(router, cursor, limit): Promise<LogSlice> {
      routers.add(router);
      const found = await connection.call('xrange', logKey(router), `(${cursor}`, '+', 'COUNT', limit);
      const entries: Evidence[] = [];
      let last = cursor;
      for (const [id, fields] of found as [Buffer, Buffer[]][]) {
        // In the order in which the scripts write them.
        const [, revision, , decisionId, , bytes] = fields as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
        last = id.toString();
        try {
          entries.push(records.evidenceOf(bytes, unpackId(decisionId), Number(revision.toString())));
        } catch (error) {
          // Of another format, or damaged: one entry that cannot be read must not end all learning.
          trouble(error as Error);
        }
      }
      return { entries, cursor: last, gap: null };
    },

    async add(counter, amount, ttlMs) {
      const value = await connection.run('conduitAdd', [counterKey(counter)], [amount, Math.ceil(ttlMs)]);
      return Number(String(value));
    },

    async putHealth(name, health, ttlMs) {
      await connection.run(
        'conduitPutHealth',
        [HEALTH_KEY],
        [name, health.at, Math.ceil(ttlMs), JSON.stringify(health)],
      );
    },

    async readHealth() {
      const flat = (await connection.run('conduitReadHealth', [HEALTH_KEY], [])) as Buffer[];
      const known = new Map<string, SharedHealth>();
      for (let i = 0; i < flat.length; i += 2) known.set(String(flat[i]), JSON.parse(String(flat[i + 1])));
      return known;
    },

    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    shared: null,

    async confirm() {},

    async close() {
      if (closed) return;
      const until = now() + CLOSE_MS;
      while (outbox.size() > 0 && now() < until) {
        if (connection.isUp()) await Promise.race([drain(), pause(until - now())]);
        if (outbox.size() > 0) await pause(100);
      }
      closed = true;
      clearTimeout(retry);
      if (outbox.size() > 0) notices.lost(outbox.size(), new Error('Redis could not be written to before the end'));
      growth.close();
      connection.close();
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether writing it again would fail again. */
const isForGood = (error: unknown): error is Refused => error instanceof Refused && error.forGood;
