/** The steps by which a decision gets into Redis, each of which may be taken again: what is there already changes nothing. */
import type { DecisionRecord } from '../decision-record.ts';
import { logOf, StoreUnavailable } from '../ports.ts';
import type { Connection } from './connection.ts';
import { EPOCH_KEY, GROWN_CHANNEL, logKey, marksKey, revivedKey } from './keys.ts';
import type { Outgoing } from './outbox.ts';
import type { Places } from './places.ts';
import type { Entry, Records } from './records.ts';
import { Refused } from './refused.ts';

export interface StepsOptions {
  connection: Pick<Connection, 'run'>;
  records: Records;
  places: Places;
  /** The epoch that a Redis without one gets: another one each time, since it may lose one and get one from the same process. */
  newEpoch: () => string;
  /** Of two versions of a decision that do not know of each other the next one; `theirs` itself where it lacks nothing. */
  merge: (mine: DecisionRecord, theirs: DecisionRecord) => DecisionRecord;
  /** Told of the epoch with each answer that tells it. */
  seenEpoch: (epoch: string) => void;
  /**
   * Told of each that Redis has by now. `place`: in its log, "MS-SEQ"; empty where it was trimmed. `length`: how long that log
   * is; null where the decision was found there and not appended.
   */
  onSent: (outgoing: Outgoing, place: string, length: number | null) => void;
  /** Told of a decision that was to be revised and is not there; what it throws, the revision rejects with. */
  onGone: (id: string) => void;
  /** Told of decisions that will never be written. */
  onLost: (decisions: number, error: Error) => void;
}

export interface Steps {
  /** `names`: as hashes. */
  outgoingOf(decision: DecisionRecord, names: readonly string[]): Outgoing;
  writeRevision(outgoing: Outgoing): Promise<'written' | 'changed'>;
  /** Writes it, or makes it one with what others have made of the decision meanwhile. */
  writeOrMerge(outgoing: Outgoing): Promise<void>;
  /** Writes these; gives why some could not be written, if they may be later on. Never rejects. */
  writeAll(all: readonly Outgoing[], done: (outgoing: Outgoing) => void): Promise<Error | null>;
}

/** How often two versions are made one, where a third comes in between. */
const MOST_MERGES = 10;

export function createSteps(options: StepsOptions): Steps {
  const { connection, records, places, newEpoch, merge, seenEpoch, onSent, onGone, onLost } = options;

  const outgoingOf = (decision: DecisionRecord, names: readonly string[]): Outgoing => ({
    id: decision.id,
    version: decision.version,
    log: logOf(decision),
    names,
    late: false,
    ...records.entryOf(decision),
  });

  /** The arguments that `remember` and `revise` have in common. */
  const argumentsFor = ({ id, log, texts, bytes }: Outgoing) => {
    const pointer = places.pointerOf(id);
    return {
      pointer,
      keys: [EPOCH_KEY, logKey(log), pointer.key, revivedKey(pointer.handle)],
      args: [
        newEpoch(),
        GROWN_CHANNEL,
        log,
        texts,
        bytes,
        records.idBytes(id),
        pointer.handle,
        pointer.stretch,
        places.bucketMs,
      ],
    };
  };

  /** Null where it was written; else what is there, and where. */
  const write = async (outgoing: Outgoing): Promise<(Entry & { place: string }) | null> => {
    const { pointer, keys, args } = argumentsFor(outgoing);
    const named = places.forNames(outgoing.names, pointer, outgoing.late);
    const answer = await connection.run(
      'conduitRemember',
      [...keys, marksKey(outgoing.log), ...named.keys],
      [...args, outgoing.late ? 1 : 0, named.value, ...named.fields],
    );
    const [epochBytes, placeBytes, length, texts, bytes] = answer as [Buffer, Buffer, number, Buffer?, Buffer?];
    const place = placeBytes.toString();
    seenEpoch(epochBytes.toString());
    if (!bytes || !texts) onSent(outgoing, place, place === '' ? null : length);
    else if (bytes.equals(outgoing.bytes)) onSent(outgoing, place, null);
    else return { texts, bytes, place };
    return null;
  };

  const writeRevision = async (outgoing: Outgoing): Promise<'written' | 'changed'> => {
    const { keys, args } = argumentsFor(outgoing);
    const answer = await connection.run('conduitRevise', keys, args);
    const [epochBytes, place, length] = answer as [Buffer, Buffer?, number?];
    seenEpoch(epochBytes.toString());
    if (place?.length === 0) onGone(outgoing.id);
    if (!place || length === undefined) return 'changed';
    onSent(outgoing, place.toString(), length);
    return 'written';
  };

  const writeOrMerge = async (outgoing: Outgoing): Promise<void> => {
    for (let tries = 0; tries < MOST_MERGES; tries++) {
      const entry = await write(outgoing);
      if (!entry) return;
      const theirs = records.decisionOf(entry);
      const merged = merge(records.decisionOf(outgoing), theirs);
      const { names, late } = outgoing;
      if (merged === theirs) {
        // From here on it is this one that must not get lost.
        const { place, ...kept } = entry;
        onSent({ ...outgoing, ...kept, version: theirs.version }, place, null);
        return;
      }
      if ((await writeRevision({ ...outgoingOf(merged, names), late })) === 'written') return;
    }
    throw new StoreUnavailable('a decision is changed too often to be written');
  };

  const writeAll = async (all: readonly Outgoing[], done: (outgoing: Outgoing) => void): Promise<Error | null> => {
    const results = await Promise.allSettled(all.map(writeOrMerge));
    const isTaking = results.some(({ status }) => status === 'fulfilled');
    let failure: Error | null = null;
    for (const [i, result] of results.entries()) {
      if (result.status === 'fulfilled') done(all[i] as Outgoing);
      else if (isForGood(result.reason) || (isTaking && mayBeForGood(result.reason))) {
        done(all[i] as Outgoing);
        onLost(1, result.reason);
      } else failure = result.reason;
    }
    return failure;
  };

  return { outgoingOf, writeRevision, writeOrMerge, writeAll };
}

/** Whether writing it again would fail again. */
export const isForGood = (error: unknown): error is Refused => error instanceof Refused && error.forGood;
const mayBeForGood = (error: unknown): error is Refused => error instanceof Refused && error.mayBeForGood;
