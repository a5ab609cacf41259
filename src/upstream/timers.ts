/** The timers of one request to an upstream, which end with it, and the watch for when nothing moves any more. */

export interface Timers {
  after(ms: number, action: () => void): void;
  /** Clears them all, and starts none from here on. */
  stop(): void;
}

export function createTimers(): Timers {
  const running = new Set<ReturnType<typeof setTimeout>>();
  let stopped = false;
  return {
    after(ms, action) {
      if (stopped) return;
      const timer = setTimeout(() => {
        running.delete(timer);
        action();
      }, ms);
      running.add(timer);
    },
    stop() {
      stopped = true;
      for (const timer of running) clearTimeout(timer);
      running.clear();
    },
  };
}

/** A client may leave what is there for it unread so many times as long as an upstream may be silent, and so long at least. */
const CLIENT_PATIENCE = 10;
const LEAST_CLIENT_PATIENCE_MS = 300_000;

export const clientPatienceMs = (idleMs: number): number =>
  Math.max(LEAST_CLIENT_PATIENCE_MS, CLIENT_PATIENCE * idleMs);

export interface Silence {
  /** How long an upstream may be silent. */
  idleMs: number;
  clock: () => number;
  /** When the upstream last sent something, or was last let send again. */
  movedAt: () => number;
  /** Whether it is held back since the client does not read. */
  waitsForClient: () => boolean;
  ofUpstream: (message: string) => void;
  ofClient: (message: string) => void;
}

/** Tells of the first silence that is too long: the upstream's, or the client's, whose time is not held against the upstream. */
export function watchSilence(timers: Timers, silence: Silence): void {
  const { idleMs, clock, movedAt, waitsForClient } = silence;
  const look = (): void => {
    const silentMs = clock() - movedAt();
    const isClients = waitsForClient();
    const limitMs = isClients ? clientPatienceMs(idleMs) : idleMs;
    // Not later than the upstream's own limit: a client that reads again hands the silence back to it.
    if (silentMs < limitMs) timers.after(Math.min(limitMs - silentMs, idleMs), look);
    else if (isClients) silence.ofClient(`the client read nothing for ${limitMs} ms`);
    else silence.ofUpstream(`the upstream sent nothing for ${idleMs} ms`);
  };
  timers.after(idleMs, look);
}
