/** What a key may ask for in a minute, and what a key and a router may spend on a UTC day. */
import type { DaySpending } from '../bandit/pacing.ts';
import type { StateStore } from '../stores/ports.ts';
import type { Counter, Counters } from './counters.ts';
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
  /**
   * Puts what it cost in the place of what was set aside. `served` is false where it has got no answer and cost nothing: it is
   * none of the router's requests then. Only the first call counts.
   */
  settle(usd: number, served?: boolean): void;
}

/** What a router's requests of two UTC days have cost, those on their way included, and the part of today that is gone. */
export interface RouterSpending {
  today: DaySpending;
  yesterday: DaySpending;
  dayGone: number;
}

export interface Limits {
  /** Counts a request of a key, unless its minute is full (`waitMs` above 0). */
  countRequest(key: string, perMinute: number): Rate;
  /** USD spent today, what is set aside for requests on their way included. */
  spentToday(owner: Owner): number;
  spending(router: string): RouterSpending;
  /** Sets money aside for a key and a router at once; null for neither. */
  reserve(owners: { key: string | null; router: string | null }, usd: number): Reservation;
  /** Milliseconds until the next UTC day. */
  untilTomorrow(): number;
  flush(): Promise<void>;
}

export type Owner = { kind: 'key' | 'router'; name: string };

/** Held while their minute or day lasts, so that no request has to write and look up names. */
interface Minute {
  minute: number;
  before: Counter;
  current: Counter;
}
interface Day {
  day: number;
  spent: Counter;
}
interface RouterDay extends Day {
  requests: Counter;
  arrivals: Counter;
}

export function createLimits(counters: Counters, runtime: Runtime): Limits {
  const minutes = new Map<string, Minute>();
  const days = new Map<string, Day>();
  const routerDays = new Map<string, { today: RouterDay; yesterday: RouterDay }>();

  const minuteOf = (key: string, minute: number): Minute => {
    const known = minutes.get(key);
    if (known?.minute === minute) return known;
    const next = {
      minute,
      before: counters.named(requestCounter(key, minute - 1), 2 * MINUTE_MS),
      current: counters.named(requestCounter(key, minute), 2 * MINUTE_MS),
    };
    // What others counted in the last minute may never have been heard of here.
    counters.follow(next.before);
    minutes.set(key, next);
    return next;
  };

  const spentByKey = (name: string, day: number): Counter => {
    const known = days.get(name);
    if (known?.day === day) return known.spent;
    const spent = counters.named(spendCounter('key', name, day), 2 * DAY_MS);
    days.set(name, { day, spent });
    return spent;
  };

  const routerDay = (name: string, day: number): RouterDay => ({
    day,
    spent: counters.named(spendCounter('router', name, day), 2 * DAY_MS),
    requests: counters.named(askedCounter(name, day), 2 * DAY_MS),
    arrivals: counters.named(arrivalCounter(name, day), 2 * DAY_MS),
  });
  const daysOf = (name: string, day: number): { today: RouterDay; yesterday: RouterDay } => {
    const known = routerDays.get(name);
    if (known?.today.day === day) return known;
    const next = { today: routerDay(name, day), yesterday: routerDay(name, day - 1) };
    routerDays.set(name, next);
    return next;
  };

  const spendingOn = ({ spent, requests, arrivals }: RouterDay): DaySpending => {
    counters.follow(spent);
    counters.follow(requests);
    counters.follow(arrivals);
    return { usd: counters.value(spent), requests: counters.value(requests), arrivals: counters.value(arrivals) };
  };

  return {
    countRequest(key, perMinute) {
      const now = runtime.now();
      const minute = Math.floor(now / MINUTE_MS);
      const passed = now / MINUTE_MS - minute;
      const { current, before: last } = minuteOf(key, minute);
      counters.follow(current);
      const before = counters.value(last);
      const used = counters.value(current);
      // A sliding window out of two counters: the last minute's requests are taken as evenly spread.
      const inWindow = before * (1 - passed) + used;
      const fits = inWindow + 1 <= perMinute;
      if (fits) counters.add(current, 1);
      const occupied = inWindow + (fits ? 1 : 0);
      return {
        limit: perMinute,
        remaining: Math.max(0, Math.floor(perMinute - occupied)),
        waitMs: fits ? 0 : waitUntilFree(before, used, perMinute, passed),
        resetMs: occupied === 0 ? 0 : used > 0 || fits ? (2 - passed) * MINUTE_MS : (1 - passed) * MINUTE_MS,
      };
    },

    spentToday({ kind, name }) {
      const day = Math.floor(runtime.now() / DAY_MS);
      const counter = kind === 'key' ? spentByKey(name, day) : daysOf(name, day).today.spent;
      counters.follow(counter);
      return counters.value(counter);
    },

    spending(router) {
      const now = runtime.now();
      const { today, yesterday } = daysOf(router, Math.floor(now / DAY_MS));
      return { today: spendingOn(today), yesterday: spendingOn(yesterday), dayGone: partGone(now) };
    },

    reserve({ key, router }, usd) {
      const now = runtime.now();
      const day = Math.floor(now / DAY_MS);
      const owned: Counter[] = [];
      if (key !== null) owned.push(spentByKey(key, day));
      const routed = router === null ? null : daysOf(router, day).today;
      if (routed) owned.push(routed.spent);
      for (const counter of owned) counters.add(counter, usd);
      const countRequests = (count: 1 | -1): void => {
        if (!routed) return;
        counters.add(routed.requests, count);
        counters.add(routed.arrivals, count * partGone(now));
      };
      countRequests(1);
      let open = true;
      return {
        settle(actual, served = true) {
          if (!open) return;
          open = false;
          for (const counter of owned) counters.add(counter, actual - usd);
          if (!served) countRequests(-1);
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

const askedCounter = (router: string, day: number): string => `asked:${router}:${day}`;
const arrivalCounter = (router: string, day: number): string => `arrivals:${router}:${day}`;

/** The part of the UTC day that is gone, in [0, 1). */
const partGone = (now: number): number => (now % DAY_MS) / DAY_MS;

/** The first moment that counts at this time: when the UTC day before began; both in milliseconds since 1970. */
export const countedSince = (now: number): number => now - (now % DAY_MS) - DAY_MS;

/** What a router's requests to a key came to on a day. */
export interface SpentOnDay extends DaySpending {
  /** Counted from 1970, in UTC. */
  day: number;
  router: string | null;
  key: string | null;
}

/** Counts again what was asked and spent by a process that had the counters to itself and is gone. */
export async function countSpent(state: StateStore, spent: readonly SpentOnDay[]): Promise<void> {
  for (const { day, router, key, usd, requests, arrivals } of spent) {
    if (router !== null) {
      await state.add(spendCounter('router', router, day), usd, 2 * DAY_MS);
      await state.add(askedCounter(router, day), requests, 2 * DAY_MS);
      await state.add(arrivalCounter(router, day), arrivals, 2 * DAY_MS);
    }
    if (key !== null) await state.add(spendCounter('key', key, day), usd, 2 * DAY_MS);
  }
}
