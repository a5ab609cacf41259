/** Work that keeps replicas in step: at most once a second, only while there is traffic, and never waited for. */
import type { Runtime } from './runtime.ts';
import { createSignOfLife } from './sign-of-life.ts';

const PERIOD_MS = 1_000;
/** A turn that takes longer is given up: whatever hangs must not keep later turns from trying. */
const DEADLINE_MS = 2_000;
/** One that has not even been given up by then is lost. */
const LOST_MS = 2 * DEADLINE_MS;

export interface EverySecond {
  /** Says that there is something to do: it is done within about a second. */
  touch(): void;
  /** Does it now, as when the process ends; resolves after the deadline at the latest, and never rejects. */
  flush(): Promise<void>;
}

export function everySecond(work: () => Promise<void>, runtime: Runtime): EverySecond {
  let lastAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  const life = createSignOfLife(runtime, LOST_MS);
  let timerSetAt = Number.NEGATIVE_INFINITY;
  let told = false;
  /** Whether something came up that the running turn may have missed, or that it failed to do. */
  let again = false;

  const turn = async (): Promise<void> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
      unref(timer);
    });
    try {
      await Promise.race([work(), late]);
      told = false;
    } catch (error) {
      // Once, not once a second: whoever reads the log has understood.
      if (!told)
        runtime.log.error(
          { err: error },
          'shared limits and health cannot be kept in step: this process goes by its own',
        );
      told = true;
      again = true;
    } finally {
      clearTimeout(timer);
    }
  };

  const later = (): void => {
    const now = runtime.clock();
    const waitMs = Math.max(0, lastAt + PERIOD_MS - now);
    timerSetAt = now;
    if (runtime.endsTimers) runtime.defer(new Promise<void>((resolve) => setTimeout(resolve, waitMs)).then(start));
    else unref(setTimeout(() => void start(), waitMs));
  };

  const isRunning = (): boolean => running !== null && !life.isLost();

  const start = (): Promise<void> => {
    if (running && isRunning()) return running;
    lastAt = runtime.clock();
    life.give();
    again = false;
    const own = turn().finally(() => {
      if (running === own) running = null;
      if (again) later();
    });
    running = own;
    return own;
  };

  return {
    touch() {
      const now = runtime.clock();
      if (isRunning()) again = true;
      else if (now - lastAt >= PERIOD_MS) return runtime.defer(start());
      // A timer that an edge platform has dropped is set again.
      if (now - timerSetAt < 2 * PERIOD_MS && timerSetAt > lastAt) return;
      later();
    },
    async flush() {
      if (isRunning()) await running;
      await start();
    },
  };
}

/** A process must not stay alive for this; where timers are numbers they keep nothing alive. */
function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
