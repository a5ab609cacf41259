/**
 * Counters that replicas share: own additions count at once, those of the others within about a second. What the store
 * could not take yet is kept and given to it later, once.
 */
import { type Addition, type StateStore, UncertainWrite } from '../stores/ports.ts';
import { everySecond } from './every-second.ts';
import type { Runtime } from './runtime.ts';
import { createSignOfLife, type SignOfLife } from './sign-of-life.ts';

export interface Counters {
  /** The counter of this name, to be held as long as it is of use. `ttlMs` is how long it is of interest once it is made. */
  named(name: string, ttlMs: number): Counter;
  value(counter: Counter): number;
  add(counter: Counter, amount: number): void;
  /** Reads what the others have counted, for a counter that is about to be needed. */
  follow(counter: Counter): void;
  flush(): Promise<void>;
}

export interface Counter {
  readonly name: string;
  /** The store's value as last heard. */
  known: number;
  /** Added here and not told to the store yet. */
  pending: number;
  /** Told to the store, which has not answered yet: told again it might count twice. */
  sent: number | null;
  /** Of the call that tells it. */
  telling: SignOfLife | null;
  readonly ttlMs: number;
  readonly until: number;
  /** Whether anybody asked for it since the store was asked last. */
  wanted: boolean;
  /** Whether its time is over, so that the store is told of another one of its name, if of any. */
  dropped: boolean;
}

/** Stores give up a call sooner. */
const LOST_MS = 30_000;

export function createCounters(state: StateStore, runtime: Runtime): Counters {
  const counters = new Map<string, Counter>();

  /** Of all of them or, where it rejects, of none. */
  const exchange = async (told: readonly Counter[]): Promise<void> => {
    const life = createSignOfLife(runtime, LOST_MS);
    life.give();
    const additions = told.map(({ name, pending, ttlMs }) => ({ counter: name, amount: pending, ttlMs }));
    for (const counter of told) {
      counter.sent = counter.pending;
      counter.telling = life;
      counter.pending = 0;
      counter.wanted = false;
    }
    /** What it was told, unless that was given up. */
    const ended = (counter: Counter): number | null => {
      const { sent } = counter;
      if (sent === null || counter.telling !== life) return null;
      counter.sent = null;
      return sent;
    };
    try {
      const known = await addedTo(state, additions);
      for (const [i, counter] of told.entries()) if (ended(counter) !== null) counter.known = known[i] as number;
    } catch (error) {
      for (const counter of told) {
        const amount = ended(counter);
        if (amount === null) continue;
        // Mostly it was only late. The true value comes with the next turn.
        if (error instanceof UncertainWrite) counter.known += amount;
        else counter.pending += amount;
        counter.wanted = true;
      }
      throw error;
    }
  };

  /** An answer that was waited for in a request that is gone never comes. Mostly the store has counted it. */
  const giveUp = (counter: Counter): void => {
    if (counter.sent === null || !counter.telling?.isLost()) return;
    counter.known += counter.sent;
    counter.sent = null;
    counter.wanted = true;
  };

  const pulse = everySecond(async () => {
    const now = runtime.now();
    for (const counter of counters.values()) {
      giveUp(counter);
      if (counter.until > now || counter.sent !== null) continue;
      counter.dropped = true;
      counters.delete(counter.name);
    }
    const due = [...counters.values()].filter(
      ({ sent, pending, wanted }) => sent === null && (pending !== 0 || wanted),
    );
    await Promise.all((state.addAll ? [due] : due.map((counter) => [counter])).map(exchange));
  }, runtime);

  const named = (name: string, ttlMs: number): Counter => {
    let counter = counters.get(name);
    if (!counter) {
      const until = runtime.now() + ttlMs;
      counter = { name, known: 0, pending: 0, sent: null, telling: null, ttlMs, until, wanted: false, dropped: false };
      counters.set(name, counter);
    }
    return counter;
  };
  /** What was held beyond its time still counts. */
  const current = (counter: Counter): Counter => (counter.dropped ? named(counter.name, counter.ttlMs) : counter);

  return {
    named,
    value(counter) {
      const { known, pending, sent } = current(counter);
      return known + pending + (sent ?? 0);
    },
    add(counter, amount) {
      if (amount === 0) return;
      current(counter).pending += amount;
      pulse.touch();
    },
    follow(counter) {
      current(counter).wanted = true;
      pulse.touch();
    },
    flush: pulse.flush,
  };
}

async function addedTo(state: StateStore, additions: readonly Addition[]): Promise<number[]> {
  const [first] = additions;
  if (!first) return [];
  if (additions.length > 1 && state.addAll) return await state.addAll(additions);
  return [await state.add(first.counter, first.amount, first.ttlMs)];
}
