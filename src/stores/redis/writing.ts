/**
 * Writes decisions to Redis, each once: at once where that can be done, else as soon as Redis is back, and again where it came
 * back without what it had taken.
 */
import type { DecisionRecord } from '../decision-record.ts';
import { type Kept, StoreUnavailable } from '../ports.ts';
import type { Spool, Spooled } from '../spool.ts';
import type { Connection } from './connection.ts';
import { EPOCH_KEY, logKey, marksKey, snapshotsKey } from './keys.ts';
import { createOutbox, type Outgoing } from './outbox.ts';
import type { Places } from './places.ts';
import type { Records } from './records.ts';
import { Refused } from './refused.ts';
import { createSentLog } from './sent.ts';
import { createSteps, isForGood } from './steps.ts';

export interface WritingOptions {
  connection: Pick<Connection, 'isUp' | 'run'>;
  records: Records;
  places: Places;
  spool: Spool | null;
  maxWaiting: number;
  maxSent: number;
  /** The epoch that a Redis without one gets: another one each time, since it may lose one and get one from the same process. */
  newEpoch: () => string;
  /** Of two versions of a decision that do not know of each other the next one; `theirs` itself where it lacks nothing. */
  merge: (mine: DecisionRecord, theirs: DecisionRecord) => DecisionRecord;
  notices: { trouble: (error: Error) => void; lost: (decisions: number, error: Error) => void };
  /** Told of each log that has grown by this process, and how long it is by now. */
  onWritten: (log: string, length: number) => void;
  /** Told whenever nothing waits any more. */
  onSettled: () => void;
}

export interface Writing {
  remember(kept: Kept): Promise<void>;
  revise(decision: DecisionRecord): Promise<'written' | 'changed'>;
  /** What waits, or was taken by Redis and may be missing there. */
  waiting(id: string): DecisionRecord | null;
  waitingUnder(name: string): DecisionRecord | null;
  sent(id: string): DecisionRecord | null;
  /** Whether Redis has all that it should have. */
  isSettled(): boolean;
  /** Why Redis takes nothing, though it answers; null where it does, as far as is known. */
  refusal(): Error | null;
  cameUp(): void;
  wentDown(): void;
  /** Told of the epoch with each answer that tells it. */
  seenEpoch(epoch: string): void;
  /** Forgets what snapshots cover by now. */
  forgetCovered(): Promise<void>;
  /**
   * Resolves once Redis has what was written, or a disk what waits for it; rejects where neither can be. Of a decision that
   * another process has written it is here too from then on, should Redis lose it.
   */
  confirm(decision?: DecisionRecord): Promise<void>;
  /** Writes what waits for a few seconds at most; gives how many decisions nobody will write any more. */
  close(untilMs: number, now: () => number): Promise<number>;
}

/**
 * Decisions that are written with one wait for all of them: more from one to the next while that goes well, so that a Redis
 * far away is caught up with too.
 */
const BATCH = { first: 100, most: 1_000 };
const RETRY_MS = 1_000;
/** Between two looks for what other processes have left behind. */
const ADOPT_MS = 30_000;

export function createWriting(options: WritingOptions): Writing {
  const { connection, records, places, spool, newEpoch, merge, notices, onWritten, onSettled } = options;
  const outbox = createOutbox(options.maxWaiting);
  /** What waits and could not be put on disk. */
  const inMemory = new Set<string>();
  const sentLog = createSentLog(options.maxSent);
  /** Ids of what was sent and is to be written again: whatever happens meanwhile, until it is. */
  const missing = new Set<string>();
  let epoch: string | null = null;
  /** Of what waits still. */
  let refusal: Refused | null = null;
  /** Whether it is known that Redis has what it took before this connection was made. */
  let checked = false;
  let checking: Promise<void> | null = null;
  /** Counts the connections. */
  let connected = 0;
  let draining: Promise<void> | null = null;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  const canWrite = (): boolean => checked && connection.isUp();

  const failed = (error: Error): void => {
    if (error instanceof Refused) refusal = error;
    notices.trouble(error);
  };

  const isSent = (outgoing: Outgoing, place: string, length: number | null): void => {
    if (length !== null) refusal = null;
    if (place !== '') sentLog.add({ outgoing, epoch: epoch as string, place }, length !== null);
    // It was there, and was trimmed: nobody misses it.
    else if (length === null) sentLog.drop(outgoing.id);
    if (length !== null) onWritten(outgoing.log, length);
  };
  const { outgoingOf, writeRevision, writeOrMerge, writeAll } = createSteps({
    connection,
    records,
    places,
    newEpoch,
    merge,
    seenEpoch: (seen) => seenEpoch(seen),
    onSent: isSent,
    onGone(id) {
      if (!checked) throw new StoreUnavailable('Redis has not got back yet what it had');
      // It was trimmed: whoever wants to change it has it from elsewhere.
      sentLog.drop(id);
    },
    onLost: notices.lost,
  });

  /** Never rejects. */
  const check = (): void => {
    checked = false;
    checking ??= restoreWhatIsMissing()
      .catch((error) => {
        failed(error);
        later();
      })
      .finally(() => {
        checking = null;
        if (canWrite()) void drain();
      });
  };

  /** What Redis took and does not have any more: without the end of its log, or as another one, it has come back. */
  const restoreWhatIsMissing = async (): Promise<void> => {
    const through = connected;
    const newest = sentLog.newest();
    const log = newest?.outgoing.log ?? '';
    const answer = await connection.run(
      'conduitStillThere',
      [EPOCH_KEY, logKey(log), marksKey(log)],
      [newest?.place ?? '0-0', newest?.outgoing.bytes ?? ''],
    );
    const [epochBytes, there] = answer as [Buffer, number];
    const present = epochBytes.toString();
    const isWhole = newest !== null && newest.epoch === present && there === 1;
    for (const sent of sentLog.all()) if (!isWhole || sent.epoch !== present) missing.add(sent.outgoing.id);
    const again = missing.size === 0 ? [] : sentLog.all().filter(({ outgoing }) => missing.has(outgoing.id));
    epoch = present === '' ? null : present;
    let expected = epoch;
    let most = BATCH.first;
    for (let from = 0; from < again.length; from += most, most = larger(most)) {
      const batch = again.slice(from, from + most).map(({ outgoing }) => ({ ...outgoing, late: true }));
      const failure = await writeAll(batch, ({ id }) => missing.delete(id));
      if (failure) throw failure;
      expected ??= epoch;
      if (epoch !== expected) throw new StoreUnavailable('Redis has lost its logs once more');
      if (through !== connected) throw new StoreUnavailable('the connection was lost');
    }
    missing.clear();
    checked = through === connected && connection.isUp();
    if (!checked) throw new StoreUnavailable('the connection was lost');
  };

  const seenEpoch = (seen: string): void => {
    const before = epoch;
    epoch = seen;
    // While it is being checked whatever is missing is written anyway.
    if (before !== null && before !== seen && !checking) check();
  };

  /** Writes what waits, in order, until nothing does or Redis takes no more. Never rejects. */
  const drain = (): Promise<void> => {
    draining ??= writeWaiting().finally(() => {
      draining = null;
      onSettled();
      if (outbox.size() > 0 && !closed) later();
    });
    return draining;
  };

  const writeWaiting = async (): Promise<void> => {
    for (let most = BATCH.first; outbox.size() > 0 && canWrite(); most = larger(most)) {
      const failure = await writeAll(outbox.first(most), (outgoing) => {
        if (!outbox.remove(outgoing)) return;
        inMemory.delete(outgoing.id);
        spool?.remove(outgoing.id);
      });
      if (failure) {
        failed(failure);
        return;
      }
    }
  };

  const later = (): void => {
    clearTimeout(retry);
    if (closed) return;
    retry = setTimeout(() => {
      if (!connection.isUp()) return;
      if (checked) void drain();
      else check();
    }, RETRY_MS);
    retry.unref();
  };

  const putOnDisk = async (outgoing: Outgoing): Promise<void> => {
    if (!spool) return;
    await spool.put(spooledOf(outgoing));
    inMemory.delete(outgoing.id);
  };

  /** Tries again what could not be put on disk; the first that cannot be tells that it is no better. */
  const putRestOnDisk = async (): Promise<void> => {
    const [first, ...others] = [...inMemory].flatMap((id) => outbox.find(id) ?? []);
    if (first) await putOnDisk(first);
    await Promise.all(others.map(putOnDisk));
  };

  const putAside = (outgoing: Outgoing): void => {
    outbox.put(outgoing);
    // Where Redis is away, its return is what begins it.
    if (outbox.size() === 1) later();
  };

  /** Takes up what processes left behind that are gone, behind what waits already. */
  const adopt = async (): Promise<void> => {
    await spool?.adopt(outbox.room, (spooled) => {
      for (const one of spooled) {
        const present = outbox.find(one.id);
        if (!present || present.version < one.version) outbox.put({ ...one, late: true });
      }
      if (canWrite()) void drain();
    });
  };
  const adoptSoon = (): void => void adopt().catch(notices.trouble);
  const adopting = spool && setInterval(adoptSoon, ADOPT_MS);
  adopting?.unref();
  adoptSoon();

  const decisionIn = (outgoing: Outgoing | null | undefined): DecisionRecord | null =>
    outgoing ? records.decisionOf(outgoing) : null;

  return {
    async remember({ decision, names }) {
      const outgoing = outgoingOf(decision, names.map(places.hashOf));
      // Behind what waits already, so that a name ends with the decision that had it last.
      if (outbox.size() === 0 && canWrite()) {
        try {
          await writeOrMerge(outgoing);
          return;
        } catch (error) {
          if (isForGood(error)) throw error;
          failed(error as Error);
        }
      }
      putAside(outgoing);
      // It is kept in any case; on disk it would outlive this process too.
      await putOnDisk(outgoing).catch((error) => {
        if (outbox.find(outgoing.id)) inMemory.add(outgoing.id);
        notices.trouble(error);
      });
    },

    async revise(decision) {
      const waiting = outbox.find(decision.id);
      if (!waiting) {
        if (!checked) throw new StoreUnavailable('Redis cannot be reached, or has not got back yet what it had');
        return await writeRevision(outgoingOf(decision, []));
      }
      if (waiting.version !== decision.version - 1) return 'changed';
      const changed: Outgoing = { ...outgoingOf(decision, waiting.names), late: waiting.late };
      outbox.put(changed);
      try {
        await putOnDisk(changed);
      } catch (error) {
        if (outbox.find(decision.id) === changed) outbox.put(waiting);
        throw new StoreUnavailable(`the change could not be kept on disk: ${(error as Error).message}`);
      }
      return 'written';
    },

    waiting: (id) => decisionIn(outbox.find(id)),
    waitingUnder: (name) => decisionIn(outbox.findByName(places.hashOf(name))),
    sent: (id) => decisionIn(sentLog.find(id)?.outgoing),
    isSettled: () => canWrite() && outbox.size() === 0,
    refusal: () => (checked && outbox.size() === 0 ? null : refusal),

    cameUp: check,
    wentDown() {
      connected++;
      checked = false;
      refusal = null;
    },
    seenEpoch,

    async forgetCovered() {
      const logs = sentLog.logs();
      if (logs.length === 0 || !canWrite()) return;
      const keys = logs.map((log) => (log === '' ? marksKey(log) : snapshotsKey(log)));
      const [present, ...covered] = (await connection.run('conduitCovered', [EPOCH_KEY, ...keys], [])) as Buffer[];
      seenEpoch(String(present));
      for (const [i, log] of logs.entries()) {
        const place = String(covered[i]);
        if (place !== '') sentLog.forget(log, String(present), place.split('-').slice(-2).join('-'));
      }
    },

    async confirm(decision) {
      if (decision && !outbox.find(decision.id)) {
        const sent = sentLog.find(decision.id)?.outgoing;
        if (sent && sent.version >= decision.version) return;
        if (!canWrite()) throw new StoreUnavailable('Redis cannot be reached, or has not got back yet what it had');
        await writeOrMerge({ ...outgoingOf(decision, []), late: true });
        return;
      }
      if (outbox.size() === 0) return;
      if (!spool) throw new StoreUnavailable('what waits for Redis is in memory alone');
      await spool.flushed();
      await putRestOnDisk().catch((error) => {
        throw new StoreUnavailable(`what waits for Redis could not be kept on disk: ${(error as Error).message}`);
      });
    },

    async close(untilMs, now) {
      while (outbox.size() > 0 && now() < untilMs) {
        if (canWrite()) await Promise.race([drain(), pause(untilMs - now())]);
        if (outbox.size() > 0) await pause(100);
      }
      closed = true;
      clearTimeout(retry);
      clearInterval(adopting ?? undefined);
      await putRestOnDisk().catch(notices.trouble);
      await spool?.close();
      return spool ? inMemory.size : outbox.size();
    },
  };
}

const spooledOf = ({ id, version, log, texts, bytes, names }: Outgoing): Spooled => ({
  id,
  version,
  log,
  texts,
  bytes,
  names,
});

const larger = (batch: number): number => Math.min(BATCH.most, batch * 2);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
