/** Reads decisions and logs. */
import type { Evidence } from '../../bandit/evidence.ts';
import { type DecisionRecord, evidenceOf } from '../decision-record.ts';
import { type Gap, type KeptSlice, LOG_START, type LogSlice } from '../ports.ts';
import type { Connection } from './connection.ts';
import { cursorAt, FIRST_PLACE, readCursor } from './cursors.ts';
import { EPOCH_KEY, logKey, marksKey, revivedKey } from './keys.ts';
import type { Places } from './places.ts';
import type { Records } from './records.ts';

export interface ReadingOptions {
  connection: Pick<Connection, 'run'>;
  records: Records;
  places: Places;
  /** The epoch that a Redis without one gets: another one each time, since it may lose one and get one from the same process. */
  newEpoch: () => string;
  seenEpoch: (epoch: string) => void;
  /** Told of an entry that cannot be read. */
  onUnreadable: (error: Error) => void;
}

export interface Reading {
  recall(id: string): Promise<DecisionRecord | null>;
  /** By the hashes of names; `place` is that of the one by which it was found. */
  lookUp(hashes: readonly string[]): Promise<{ decision: DecisionRecord; place: number } | null>;
  readSince(router: string, cursor: string, limit: number): Promise<LogSlice>;
  readKept(log: string, cursor: string, limit: number): Promise<KeptSlice>;
}

export function createReading(options: ReadingOptions): Reading {
  const { connection, records, places, newEpoch, seenEpoch, onUnreadable } = options;

  const decisionIn = (answer: unknown): DecisionRecord | null => {
    const [texts, bytes] = answer as [Buffer?, Buffer?];
    return texts && bytes ? records.decisionOf({ texts, bytes }) : null;
  };

  const read = async (log: string, cursor: string, limit: number) => {
    const { epoch: cursorEpoch, place } = readCursor(cursor);
    const answer = await connection.run(
      'conduitReadLog',
      [EPOCH_KEY, logKey(log), marksKey(log)],
      [newEpoch(), cursorEpoch ?? '', place, limit],
    );
    const [epochBytes, gapBytes, found] = answer as [Buffer, Buffer, [Buffer, [Buffer, Buffer, Buffer?, Buffer?]][]];
    const epoch = epochBytes.toString();
    seenEpoch(epoch);
    const entries: { decision: DecisionRecord; again: boolean }[] = [];
    for (const [, [texts, bytes, again]] of found) {
      try {
        entries.push({ decision: records.decisionOf({ texts, bytes }), again: again !== undefined });
      } catch (error) {
        // Of another format, or damaged: one entry that cannot be read must not end all learning.
        onUnreadable(error as Error);
      }
    }
    const gap = gapBytes.length > 0 ? (gapBytes.toString() as Gap) : null;
    const last = found.at(-1)?.[0].toString();
    // Of a full batch nobody knows.
    const end = found.length < limit ? { isEnd: true } : {};
    return { found: entries, gap, cursor: cursorAfter(cursor, epoch, gap, last), ...end };
  };

  return {
    async recall(id) {
      const pointer = places.pointerOf(id);
      const args = [records.idBytes(id), pointer.handle, pointer.stretch];
      return decisionIn(await connection.run('conduitRecall', [pointer.key, revivedKey(pointer.handle)], args));
    },

    async lookUp(hashes) {
      if (hashes.length === 0) return null;
      const { keys, args } = places.lookingFor(hashes);
      const answer = await connection.run('conduitLookUp', keys, args);
      const decision = decisionIn(answer);
      const [, , place] = answer as [Buffer?, Buffer?, number?];
      return decision && place !== undefined ? { decision, place } : null;
    },

    async readSince(router, cursor, limit) {
      const { found, ...rest } = await read(router, cursor, limit);
      const entries = found.flatMap(({ decision, again }): Evidence[] => {
        const entry = evidenceOf(decision);
        if (!entry) return [];
        return [again ? { ...entry, again } : entry];
      });
      return { entries, ...rest };
    },

    async readKept(log, cursor, limit) {
      const { found, ...rest } = await read(log, cursor, limit);
      // The names stay here, where they are found.
      return { kept: found.map(({ decision }) => ({ decision, names: [] })), ...rest };
    },
  };
}

function cursorAfter(cursor: string, epoch: string, gap: Gap | null, last: string | undefined): string {
  if (last !== undefined) return cursorAt(epoch, last);
  return gap === 'other' && cursor !== LOG_START ? cursorAt(epoch, FIRST_PLACE) : cursor;
}
