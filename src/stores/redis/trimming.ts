/** Keeps logs from growing without end. */
import type { Connection } from './connection.ts';
import { logKey, marksKey, snapshotsKey } from './keys.ts';

export interface TrimmingOptions {
  connection: Pick<Connection, 'run'>;
  now: () => number;
  /** For how long entries are kept for their own sake, where no durable store takes them. */
  keepMs: number;
  /** Whether a durable store takes every entry: what it has not got yet is then kept as long as there is room. */
  drained: boolean;
  onFailed: (error: Error) => void;
}

export interface Trimming {
  /** Whatever nobody needs any more. Never rejects. */
  trim(log: string): Promise<void>;
  /** Told how long a log is. */
  looked(log: string, length: number): void;
}

/** Entries that a log has at most, but for a tenth more until they are taken off. */
const MOST_ENTRIES = 100_000;
const TOO_MANY = 110_000;
export const isTooLong = (length: number): boolean => length > TOO_MANY;
/** Entries that stay, whoever has them too: those that a decision's feedback and follow-ups find soonest. */
const FEWEST_ENTRIES = 10_000;
/** One call takes Redis some milliseconds, and whoever waits behind it. */
const CHUNK = 500;
const CHUNKS = 4;

export function createTrimming({ connection, now, keepMs, drained, onFailed }: TrimmingOptions): Trimming {
  const trimming = new Map<string, Promise<void>>();

  const trimNow = async (log: string): Promise<void> => {
    for (;;) {
      const more = await connection.run(
        'conduitTrim',
        [logKey(log), marksKey(log), snapshotsKey(log)],
        [
          MOST_ENTRIES,
          FEWEST_ENTRIES,
          // Of the decisions that no router made nobody learns.
          log === '' ? 0 : 1,
          drained ? '' : `${Math.floor(now() - keepMs)}-0`,
          CHUNK,
          CHUNKS,
        ],
      );
      if (more !== 1) return;
    }
  };

  const trim = (log: string): Promise<void> => {
    let running = trimming.get(log);
    if (!running) {
      running = trimNow(log)
        .catch(onFailed)
        .finally(() => trimming.delete(log));
      trimming.set(log, running);
    }
    return running;
  };

  return {
    trim,
    looked(log, length) {
      if (isTooLong(length)) void trim(log);
    },
  };
}
