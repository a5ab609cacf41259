/** Long work: how far it has come is said on stderr, and a signal stops it where it can stop. */
import { constants } from 'node:os';
import { clearLine, cursorTo } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { CommandFailed } from '../command-failed.ts';
import { SAME_SIGNAL_MS } from '../same-signal.ts';
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
  /**
   * To be called between two steps, each whole by itself: throws what ends the work where a signal asked for that. `share`, in
   * [0, 1]: of the whole, where the total is not known, but this is.
   */
  at(done: number, share?: number): void;
  /** Aborted by the same signal, for what waits long. */
  signal: AbortSignal;
}

const FRAME_MS = 100;
/** Often enough for a service that takes silence for a hanging job, seldom enough for its log. */
const LINE_MS = 10_000;
/** Before that nobody can tell how long the rest takes. */
const KNOWN_AFTER_MS = 1000;

/**
 * Rejects as `work` does; and with a `CommandFailed` where SIGINT or SIGTERM came. A second one ends the process at once. `out`
 * is where it says how far it is, if anywhere.
 */
export async function withProgress<T>(
  long: LongWork,
  work: (progress: Progress) => Promise<T>,
  out: NodeJS.WriteStream | WriteStream | 'nowhere' = process.stderr,
): Promise<T> {
  const ending = new AbortController();
  const startedAt = performance.now();
  const shown = out === 'nowhere' ? null : out;
  const inPlace = shown !== null && redraws(shown);
  let done = 0;
  let shareDone: number | undefined;
  let drawn = '';
  let endingSince: number | null = null;
  const show = (): void => {
    const line = lineOf(long, done, shareDone, performance.now() - startedAt);
    if (!inPlace) shown?.write(`${line}\n`);
    else if (line !== drawn) drawOver(shown, line);
    drawn = line;
  };
  const clear = (): void => {
    if (inPlace) drawOver(shown, '');
  };
  const end = (signal: NodeJS.Signals): void => {
    const exitCode = 128 + constants.signals[signal];
    if (endingSince !== null) {
      if (performance.now() - endingSince < SAME_SIGNAL_MS) return;
      clear();
      process.exit(exitCode);
    }
    endingSince = performance.now();
    clearInterval(timer);
    if (inPlace) drawOver(shown, `${long.doing}: ending after this step (Ctrl-C again ends it at once)`);
    ending.abort(new CommandFailed(`interrupted: ${long.interrupted}`, exitCode));
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  const timer = setInterval(show, inPlace ? FRAME_MS : LINE_MS).unref();
  try {
    return await work({
      at(count, share) {
        done = count;
        shareDone = share;
        ending.signal.throwIfAborted();
      },
      signal: ending.signal,
    });
  } finally {
    clearInterval(timer);
    // After a signal they stay: npm's second one must not end the process before it has said why.
    if (endingSince === null) process.off('SIGINT', end).off('SIGTERM', end);
    clear();
  }
}

function drawOver(out: NodeJS.WriteStream | WriteStream, line: string): void {
  cursorTo(out, 0);
  // One column is left free: at the last one some terminals go on to the next line.
  out.write(line.slice(0, screenOf(out).columns - 1));
  clearLine(out, 1);
}

/** `replaying: 35%, 7 of 20 runs, 12 s left`, `importing: 35%, 7,000 decisions, 12 s left`, `exporting: 7,000 decisions`. */
export function lineOf(
  { doing, noun, total }: LongWork,
  done: number,
  shareDone: number | undefined,
  elapsedMs: number,
): string {
  const share = Math.min(1, shareDone ?? (total === undefined ? Number.NaN : total === 0 ? 1 : done / total));
  const count = total === undefined ? counted(done, noun) : `${thousands(done)} of ${counted(total, noun)}`;
  if (Number.isNaN(share)) return `${doing}: ${count}`;
  const hasTime = share > 0 && share < 1 && elapsedMs >= KNOWN_AFTER_MS;
  const left = hasTime ? `, ${timeText((elapsedMs * (1 - share)) / share / 1000)} left` : '';
  return `${doing}: ${Math.floor(100 * share)}%, ${count}${left}`;
}

function timeText(seconds: number): string {
  if (seconds < 99.5) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
