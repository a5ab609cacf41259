/** The timers of one request to an upstream, which end with it, and the watch for when nothing moves any more. */

export interface Timers {
  after(ms: number, action: () => void): void;
  /** Clears them all, and starts none from here on. */
  stop(): void;
}

/** `clock` gives milliseconds on a steady clock. */
export const createTimers = (clock: () => number): Timers => new SharedAlarm(clock);

interface Due {
  at: number;
  action: () => void;
}

/** One timer of the platform's for all of a request's, set for the next that is due: most requests end before any is. */
class SharedAlarm implements Timers {
  readonly #clock: () => number;
  readonly #dues: Due[] = [];
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  after(ms: number, action: () => void): void {
    if (this.#stopped) return;
    const at = this.#clock() + ms;
    this.#dues.push({ at, action });
    if (at < this.#alarmAt) this.#setFor(at, ms);
  }

  stop(): void {
    this.#stopped = true;
    this.#dues.length = 0;
    clearTimeout(this.#alarm);
  }

  #setFor(at: number, ms: number): void {
    clearTimeout(this.#alarm);
    this.#alarmAt = at;
    this.#alarm = setTimeout(() => this.#ring(), Math.max(0, ms));
  }

  #ring(): void {
    // A timer may go off a little early by this clock: whatever the alarm was set for is due.
    const until = Math.max(this.#clock(), this.#alarmAt);
    this.#alarmAt = Number.POSITIVE_INFINITY;
    for (let next = this.#takeFirst(until); next && !this.#stopped; next = this.#takeFirst(until)) next.action();
    const first = this.#first();
    if (first && !this.#stopped && first.at < this.#alarmAt) this.#setFor(first.at, first.at - this.#clock());
  }

  #takeFirst(until: number): Due | null {
    const first = this.#first();
    if (!first || first.at > until) return null;
    this.#dues.splice(this.#dues.indexOf(first), 1);
    return first;
  }

  #first(): Due | undefined {
    let first = this.#dues[0];
    for (const due of this.#dues) if (due.at < (first as Due).at) first = due;
    return first;
  }
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
