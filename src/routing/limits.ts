/** What a key may ask for in a minute, and what a key and a router may spend on a UTC day. */
import type { Counters } from './counters.ts';
import type { Runtime } from './runtime.ts';

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * 60 * 1000;

/** How much of a key's minute is left. */
export interface Rate {
  limit: number;
  remaining: number;
  /** Milliseconds until another request is allowed: 0 while one is. */
  waitMs: number;
  /** Milliseconds until the whole limit is free again. */
  resetMs: number;
}

/** Money set aside for a request whose cost is not known yet. */
export interface Reservation {
  /** Puts what it cost in the place of what was set aside. Only the first call counts. */
  settle(usd: number): void;
}

export interface Limits {
  /** Counts a request of a key, unless its minute is full (`waitMs` above 0). */
  countRequest(key: string, perMinute: number): Rate;
  /** USD spent today, what is set aside for requests on their way included. */
  spentToday(owner: Owner): number;
  /** Sets money aside for a key and a router at once; null for neither. */
  reserve(owners: { key: string | null; router: string | null }, usd: number): Reservation;
  /** Milliseconds until the next UTC day. */
  untilTomorrow(): number;
  flush(): Promise<void>;
}

export type Owner = { kind: 'key' | 'router'; name: string };

export function createLimits(counters: Counters, runtime: Runtime): Limits {
  return {
    countRequest(key, perMinute) {
      const now = runtime.now();
      const minute = Math.floor(now / MINUTE_MS);
      const passed = now / MINUTE_MS - minute;
      const current = requestCounter(key, minute);
      counters.follow(current, 2 * MINUTE_MS);
      const before = counters.value(requestCounter(key, minute - 1));
      const used = counters.value(current);
      // A sliding window out of two counters: the last minute's requests are taken as evenly spread.
      const inWindow = before * (1 - passed) + used;
      const fits = inWindow + 1 <= perMinute;
      if (fits) counters.add(current, 1, 2 * MINUTE_MS);
      const occupied = inWindow + (fits ? 1 : 0);
      return {
        limit: perMinute,
        remaining: Math.max(0, Math.floor(perMinute - occupied)),
        waitMs: fits ? 0 : waitUntilFree(before, used, perMinute, passed),
        resetMs: occupied === 0 ? 0 : used > 0 || fits ? (2 - passed) * MINUTE_MS : (1 - passed) * MINUTE_MS,
      };
    },

    spentToday({ kind, name }) {
      const counter = spendCounter(kind, name, Math.floor(runtime.now() / DAY_MS));
      counters.follow(counter, 2 * DAY_MS);
      return counters.value(counter);
    },

    reserve({ key, router }, usd) {
      const day = Math.floor(runtime.now() / DAY_MS);
      const owned: string[] = [];
      if (key !== null) owned.push(spendCounter('key', key, day));
      if (router !== null) owned.push(spendCounter('router', router, day));
      for (const counter of owned) counters.add(counter, usd, 2 * DAY_MS);
      let open = true;
      return {
        settle(actual) {
          if (!open) return;
          open = false;
          for (const counter of owned) counters.add(counter, actual - usd, 2 * DAY_MS);
        },
      };
    },

    untilTomorrow: () => DAY_MS - (runtime.now() % DAY_MS),
    flush: counters.flush,
  };
}

/** Milliseconds until `before` (1 − passed) + `used` leaves room for one more. */
function waitUntilFree(before: number, used: number, limit: number, passed: number): number {
  if (used + 1 <= limit) return (1 - (limit - used - 1) / before - passed) * MINUTE_MS;
  // This minute's own requests fill the limit: they must fade in the next.
  return (1 - passed + (1 - (limit - 1) / used)) * MINUTE_MS;
}

const requestCounter = (key: string, minute: number): string => `requests:${key}:${minute}`;

/** The day is counted from 1970, in UTC. */
const spendCounter = (kind: Owner['kind'], name: string, day: number): string => `usd:${kind}:${name}:${day}`;
