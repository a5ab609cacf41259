/**
 * Counters that replicas share: own additions count at once, those of the others within about a second. What the store
 * could not take yet is kept and given to it later, once.
 */
import { type StateStore, UncertainWrite } from '../stores/ports.ts';
import { everySecond } from './every-second.ts';
import type { Runtime } from './runtime.ts';

export interface Counters {
  value(name: string): number;
  /** `ttlMs` is how long the counter is of interest after its first addition. */
  add(name: string, amount: number, ttlMs: number): void;
  /** Reads what the others have counted, for a counter that is about to be needed. */
  follow(name: string, ttlMs: number): void;
  flush(): Promise<void>;
}

interface Counter {
  /** The store's value as last heard. */
  known: number;
  /** Added here and not told to the store yet. */
  pending: number;
  /** Told to the store, which has not answered yet: told again it might count twice. */
  sent: number | null;
  ttlMs: number;
  until: number;
  /** Whether anybody asked for it since the store was asked last. */
  wanted: boolean;
}

export function createCounters(state: StateStore, runtime: Runtime): Counters {
  const counters = new Map<string, Counter>();

  const exchange = async (name: string, counter: Counter): Promise<void> => {
    const amount = counter.pending;
    counter.sent = amount;
    counter.pending = 0;
    counter.wanted = false;
    try {
      counter.known = await state.add(name, amount, counter.ttlMs);
    } catch (error) {
      // Mostly it was only late. The true value comes with the next turn.
      if (error instanceof UncertainWrite) counter.known += amount;
      else counter.pending += amount;
      counter.wanted = true;
      throw error;
    } finally {
      counter.sent = null;
    }
  };

  const pulse = everySecond(async () => {
    const now = runtime.now();
    for (const [name, counter] of counters) if (counter.until <= now && counter.sent === null) counters.delete(name);
    const due = [...counters].filter(([, { sent, pending, wanted }]) => sent === null && (pending !== 0 || wanted));
    await Promise.all(due.map(([name, counter]) => exchange(name, counter)));
  }, runtime);

  const counterOf = (name: string, ttlMs: number): Counter => {
    let counter = counters.get(name);
    if (!counter) {
      counter = { known: 0, pending: 0, sent: null, ttlMs, until: runtime.now() + ttlMs, wanted: false };
      counters.set(name, counter);
    }
    return counter;
  };

  return {
    value(name) {
      const counter = counters.get(name);
      if (!counter) return 0;
      return counter.known + counter.pending + (counter.sent ?? 0);
    },
    add(name, amount, ttlMs) {
      if (amount === 0) return;
      counterOf(name, ttlMs).pending += amount;
      pulse.touch();
    },
    follow(name, ttlMs) {
      counterOf(name, ttlMs).wanted = true;
      pulse.touch();
    },
    flush: pulse.flush,
  };
}
