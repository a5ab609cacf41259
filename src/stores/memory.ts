/** The hot store of a single process: everything in its own memory, and all of it bounded. */
import type { Evidence } from '../bandit/evidence.ts';
import type { DecisionRecord } from './decision-record.ts';
import { LOG_START, type NewEvidence, type SharedHealth, type StateStore } from './ports.ts';

export interface MemoryStoreOptions {
  now: () => number;
  /** Decisions kept for feedback and follow-ups; the oldest goes first. */
  maxDecisions?: number;
  /** Log entries kept for whoever reads behind; what is older has long been folded. */
  maxEntries?: number;
}

interface Kept {
  decision: DecisionRecord;
  names: readonly string[];
  revision: number;
}

interface Log {
  entries: Evidence[];
  /** The cursor before the first kept entry. */
  base: number;
}

export function createMemoryStore(options: MemoryStoreOptions): StateStore {
  const { now, maxDecisions = 10_000, maxEntries = 10_000 } = options;
  const decisions = new Map<string, Kept>();
  // A map's first key is found only behind all that were deleted before it: at a steady load, thousands.
  const oldestFirst = createQueue<string>();
  const names = new Map<string, string>();
  const logs = new Map<string, Log>();
  const counters = new Map<string, { value: number; until: number }>();
  const health = new Map<string, { value: SharedHealth; until: number }>();
  const listeners = new Set<(router: string) => void>();

  const append = (evidence: NewEvidence, revision: number): void => {
    let log = logs.get(evidence.router);
    if (!log) {
      log = { entries: [], base: Number(LOG_START) };
      logs.set(evidence.router, log);
    }
    log.entries.push({ ...evidence, revision });
    // Cut by a quarter rather than one by one, so that an append stays cheap.
    if (log.entries.length > maxEntries * 1.25) {
      log.base += log.entries.length - maxEntries;
      log.entries = log.entries.slice(-maxEntries);
    }
    for (const listener of listeners) listener(evidence.router);
  };

  const forgetOldest = (): void => {
    const id = oldestFirst.take() as string;
    const oldest = decisions.get(id);
    decisions.delete(id);
    for (const name of oldest?.names ?? []) if (names.get(name) === id) names.delete(name);
  };

  return {
    async remember({ decision, names: given, evidence }) {
      const revision = evidence ? 1 : 0;
      if (!decisions.has(decision.id)) oldestFirst.put(decision.id);
      decisions.set(decision.id, { decision, names: given, revision });
      for (const name of given) names.set(name, decision.id);
      if (evidence) append(evidence, revision);
      while (decisions.size > maxDecisions) forgetOldest();
    },

    async revise(decision, evidence) {
      const kept = decisions.get(decision.id);
      if (!kept || kept.decision.version !== decision.version - 1) return 'changed';
      kept.decision = decision;
      if (evidence) append(evidence, ++kept.revision);
      return 'written';
    },

    async recall(decisionId) {
      return decisions.get(decisionId)?.decision ?? null;
    },

    async lookUp(wanted) {
      for (const name of wanted) {
        const id = names.get(name);
        const kept = id === undefined ? undefined : decisions.get(id);
        if (kept) return kept.decision;
      }
      return null;
    },

    async readSince(router, cursor, limit) {
      const log = logs.get(router);
      if (!log) return { entries: [], cursor };
      const from = Math.max(0, Number(cursor) - log.base);
      const entries = log.entries.slice(from, from + limit);
      return { entries, cursor: String(log.base + from + entries.length) };
    },

    async add(counter, amount, ttlMs) {
      const at = now();
      const present = counters.get(counter);
      const value = present && present.until > at ? present.value + amount : amount;
      const until = present && present.until > at ? present.until : at + ttlMs;
      counters.set(counter, { value, until });
      if (counters.size > 10_000) for (const [name, { until: end }] of counters) if (end <= at) counters.delete(name);
      return value;
    },

    async putHealth(name, value, ttlMs) {
      const present = health.get(name);
      if (present && present.until > now() && present.value.at >= value.at) return;
      health.set(name, { value, until: now() + ttlMs });
    },

    async readHealth() {
      for (const [name, { until }] of health) if (until <= now()) health.delete(name);
      return new Map([...health].map(([name, { value }]) => [name, value]));
    },

    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

interface Queue<T> {
  put(item: T): void;
  take(): T | undefined;
}

function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let head = 0;
  return {
    put: (item) => {
      items.push(item);
    },
    take() {
      const item = items[head++];
      // In halves, so that a take stays cheap.
      if (head > items.length / 2) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
