/** Long work: how far it has come is said on stderr, and a signal stops it where it can stop. */
import { constants } from 'node:os';
import { clearLine, cursorTo } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { CommandFailed } from '../command-failed.ts';
import { counted, thousands } from './counted.ts';
import { redraws, screenOf } from './screen.ts';

export interface LongWork {
  /** As in `importing`. */
  doing: string;
  /** What is counted, in the singular. */
  noun: string;
  /** Left out where nobody knows how many there are. */
  total?: number;
  /** Said where a signal ends it: what is left behind, and how to go on. */
  interrupted: string;
}

export interface Progress {
  /** Throws what ends the work where a signal asked for that: to be called between two steps, each whole by itself. */
  at(done: number): void;
  /** Aborted by the same signal, for what waits long. */
  signal: AbortSignal;
}

const FRAME_MS = 100;
/** Often enough for a service that takes silence for a hanging job, seldom enough for its log. */
const LINE_MS = 10_000;
/** Before that nobody can tell how long the rest takes. */
const KNOWN_AFTER_MS = 1000;

/** Rejects as `work` does; and with a `CommandFailed` where SIGINT or SIGTERM came. A second one ends the process at once. */
export async function withProgress<T>(
  long: LongWork,
  work: (progress: Progress) => Promise<T>,
  out: NodeJS.WriteStream | WriteStream = process.stderr,
): Promise<T> {
  const ending = new AbortController();
  const startedAt = performance.now();
  const inPlace = redraws(out);
  let done = 0;
  const show = (): void => {
    const line = lineOf(long, done, performance.now() - startedAt);
    if (inPlace) drawOver(out, line);
    else out.write(`${line}\n`);
  };
  const clear = (): void => {
    if (inPlace) drawOver(out, '');
  };
  const end = (signal: NodeJS.Signals): void => {
    const exitCode = 128 + constants.signals[signal];
    if (ending.signal.aborted) {
      clear();
      process.exit(exitCode);
    }
    ending.abort(new CommandFailed(`interrupted: ${long.interrupted}`, exitCode));
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  const timer = setInterval(show, inPlace ? FRAME_MS : LINE_MS).unref();
  try {
    return await work({
      at(count) {
        done = count;
        ending.signal.throwIfAborted();
      },
      signal: ending.signal,
    });
  } finally {
    clearInterval(timer);
    process.off('SIGINT', end).off('SIGTERM', end);
    clear();
  }
}

function drawOver(out: NodeJS.WriteStream | WriteStream, line: string): void {
  cursorTo(out, 0);
  // One column is left free: at the last one some terminals go on to the next line.
  out.write(line.slice(0, screenOf(out).columns - 1));
  clearLine(out, 1);
}

/** `replaying: 35%, 7 of 20 runs, 12 s left`, or `exporting: 12,500 decisions so far`. */
export function lineOf({ doing, noun, total }: LongWork, done: number, elapsedMs: number): string {
  if (total === undefined) return `${doing}: ${counted(done, noun)} so far`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const left = done > 0 && elapsedMs >= KNOWN_AFTER_MS && done < total ? (elapsedMs / done) * (total - done) : null;
  return (
    `${doing}: ${Math.floor(100 * share)}%, ${thousands(done)} of ${counted(total, noun)}` +
    `${left === null ? '' : `, ${timeText(left / 1000)} left`}`
  );
}

function timeText(seconds: number): string {
  if (seconds < 99.5) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
