/** The hot store of a single process: everything in its own memory, and all of it bounded. */
import type { Evidence } from '../bandit/evidence.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readDecision, writeDecision } from './decision-bytes.ts';
import type { DecisionRecord } from './decision-record.ts';
import { readEvidence, writeEvidence } from './evidence-bytes.ts';
import { generationsFor } from './generations.ts';
import { createPlaceIndex } from './place-index.ts';
import type { NewEvidence, SharedHealth, StateStore } from './ports.ts';
import { createRecordRing, type RecordRing } from './record-ring.ts';
import { createSymbols } from './symbols.ts';

export interface MemoryStoreOptions {
  now: () => number;
  /** Decisions kept at least for feedback and follow-ups; up to a quarter more are, and the oldest quarter goes at once. */
  maxDecisions?: number;
  /** Entries kept at least of each log for whoever reads behind, as with decisions; what is older has long been folded. */
  maxEntries?: number;
}

/** How many counters are kept before those whose time has come are looked for. */
const MANY_COUNTERS = 10_000;

/** A decision with how many revisions of its evidence there have been. */
interface Kept {
  decision: DecisionRecord;
  revision: number;
}

/**
 * Decisions and log entries are kept as bytes. As objects they would outlive the young generation, so that the collector
 * copied each of them twice, and ten thousand would be most of what the process holds.
 */
export function createMemoryStore(options: MemoryStoreOptions): StateStore {
  const { now, maxDecisions = 10_000, maxEntries = 10_000 } = options;
  const symbols = createSymbols();
  const writer = new ByteWriter(symbols);
  const reader = new ByteReader(symbols);
  const generations = generationsFor(maxDecisions);
  const decisions = createRecordRing(generations);
  const placesById = createPlaceIndex(generations);
  const placesByName = createPlaceIndex(generations);
  const logs = new Map<string, RecordRing>();
  const counters = new Map<string, { value: number; until: number }>();
  let sweepCountersAt = MANY_COUNTERS;
  const health = new Map<string, { value: SharedHealth; until: number }>();
  const listeners = new Set<(router: string) => void>();

  /** Writes all before any of it is kept, so that a record which cannot be written leaves nothing behind. */
  const bytesOf = ({ decision, revision }: Kept, evidence: NewEvidence | null) => {
    writer.restart();
    writer.number(revision);
    writeDecision(writer, decision);
    const end = writer.at;
    if (evidence) writeEvidence(writer, evidence, revision);
    return { forDecision: writer.bytes.subarray(0, end), forEntry: writer.bytes.subarray(end, writer.at) };
  };

  const append = (router: string, entry: Uint8Array): void => {
    let log = logs.get(router);
    if (!log) {
      log = createRecordRing(generationsFor(maxEntries));
      logs.set(router, log);
    }
    log.append(entry);
    for (const listener of listeners) listener(router);
  };

  const keptAt = (place: number | undefined): Kept | null => {
    if (place === undefined || place < decisions.first()) return null;
    decisions.open(place, reader);
    return { revision: reader.number(), decision: readDecision(reader) };
  };

  return {
    async remember({ decision, names, evidence }) {
      const { forDecision, forEntry } = bytesOf({ decision, revision: evidence ? 1 : 0 }, evidence);
      const place = decisions.append(forDecision);
      placesById.put(decision.id, place);
      for (const name of names) placesByName.put(name, place);
      if (evidence) append(evidence.router, forEntry);
    },

    async revise(decision, evidence) {
      const place = placesById.find(decision.id);
      const kept = keptAt(place);
      if (kept?.decision.id !== decision.id || kept.decision.version !== decision.version - 1) return 'changed';
      const revision = kept.revision + (evidence ? 1 : 0);
      const { forDecision, forEntry } = bytesOf({ decision, revision }, evidence);
      decisions.replace(place as number, forDecision);
      if (evidence) append(evidence.router, forEntry);
      return 'written';
    },

    async recall(decisionId) {
      const decision = keptAt(placesById.find(decisionId))?.decision;
      return decision?.id === decisionId ? decision : null;
    },

    async lookUp(wanted) {
      for (const name of wanted) {
        const kept = keptAt(placesByName.find(name));
        if (kept) return kept.decision;
      }
      return null;
    },

    async readSince(router, cursor, limit) {
      const log = logs.get(router);
      if (!log) return { entries: [], cursor };
      const from = Math.max(log.first(), Number(cursor));
      const to = Math.max(from, Math.min(log.end(), from + limit));
      const entries: Evidence[] = [];
      for (let place = from; place < to; place++) {
        log.open(place, reader);
        entries.push(readEvidence(reader));
      }
      return { entries, cursor: String(to) };
    },

    async add(counter, amount, ttlMs) {
      const at = now();
      const present = counters.get(counter);
      if (present && present.until > at) {
        present.value += amount;
        return present.value;
      }
      counters.set(counter, { value: amount, until: at + ttlMs });
      if (counters.size > sweepCountersAt) {
        for (const [name, { until }] of counters) if (until <= at) counters.delete(name);
        // Where most live on, the next search waits for as many again: else each new counter would go through all.
        sweepCountersAt = Math.max(MANY_COUNTERS, 2 * counters.size);
      }
      return amount;
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

    async close() {},
  };
}
