/** The log of a Node process, where nobody hands in another: JSON lines on stderr. */
import { pino } from 'pino';
import type { ConduitConfig } from '../config/resolve.ts';
import type { Log } from '../routing/runtime.ts';
import { within } from '../within.ts';

export interface StderrLog extends Log {
  setLevel(level: ConduitConfig['log']['level']): void;
  /** Writes out what it still holds, unless nobody reads it; nothing can be logged afterwards. */
  close(): Promise<void>;
}

/** Bytes. Lines go out together: a system call for each would cost more than the line. */
const LOG_BATCH = 4_096;
/** Bytes that may wait for a reader. Beyond them lines are lost: the log must not fill the memory. */
const LOG_BACKLOG = 8 * 1024 * 1024;
const LOG_FLUSH_MS = 1_000;

/** JSON lines on stderr, written in the background: whoever does not read them holds nobody up. */
export function openLog(level: ConduitConfig['log']['level']): StderrLog {
  const stderr = pino.destination({
    dest: 2,
    sync: false,
    minLength: LOG_BATCH,
    maxLength: LOG_BACKLOG,
    periodicFlush: LOG_FLUSH_MS,
  });
  // A terminal that is gone, a full disk: not being able to log is no reason to stop serving.
  stderr.on('error', () => {});
  const lines = pino({ level }, stderr);
  let open = true;
  const write =
    (severity: keyof Log) =>
    (fields: object, message: string): void => {
      if (open) lines[severity](fields, message);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error(fields, message) {
      write('error')(fields, message);
      if (open) stderr.flush();
    },
    setLevel(next) {
      lines.level = next;
    },
    async close() {
      if (!open) return;
      const written = new Promise<void>((resolve) => stderr.flush(() => resolve()));
      await within(LOG_FLUSH_MS, written);
      open = false;
      // Else it would be written out once more as the process ends, and wait for a reader then.
      stderr.destroy();
    },
  };
}
