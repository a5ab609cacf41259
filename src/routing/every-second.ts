/** Work that keeps replicas in step: at most once a second, only while there is traffic, and never waited for. */
import type { Runtime } from './runtime.ts';

const PERIOD_MS = 1_000;
/** A turn that takes longer is given up: whatever hangs must not keep later turns from trying. */
const DEADLINE_MS = 2_000;

export interface EverySecond {
  /** Says that there is something to do: it is done within about a second. */
  touch(): void;
  /** Does it now, as when the process ends; resolves after the deadline at the latest, and never rejects. */
  flush(): Promise<void>;
}

export function everySecond(work: () => Promise<void>, runtime: Runtime): EverySecond {
  let lastAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let timerSetAt = Number.NEGATIVE_INFINITY;
  let told = false;

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
    } finally {
      clearTimeout(timer);
    }
  };

  const start = (): Promise<void> => {
    lastAt = runtime.clock();
    running ??= turn().finally(() => {
      running = null;
    });
    return running;
  };

  return {
    touch() {
      const now = runtime.clock();
      if (running === null && now - lastAt >= PERIOD_MS) return runtime.defer(start());
      // A timer that an edge platform has dropped is set again.
      if (now - timerSetAt < 2 * PERIOD_MS && timerSetAt > lastAt) return;
      timerSetAt = now;
      unref(setTimeout(() => void start(), Math.max(0, lastAt + PERIOD_MS - now)));
    },
    async flush() {
      await running;
      await start();
    },
  };
}

/** A process must not stay alive for this; where timers are numbers they keep nothing alive. */
function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
