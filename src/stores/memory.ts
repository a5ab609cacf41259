/** The hot store of a single process: everything in its own memory, and all of it bounded. */
import type { Evidence } from '../bandit/evidence.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readDecision, writeDecision } from './decision-bytes.ts';
import { type DecisionRecord, evidenceOf } from './decision-record.ts';
import { readEvidence, writeEvidence } from './evidence-bytes.ts';
import { generationsFor } from './generations.ts';
import { createPlaceIndex } from './place-index.ts';
import { type Gap, type HotStore, type Kept, LOG_START, logOf, type SharedHealth } from './ports.ts';
import { createRecordRing, type RecordRing } from './record-ring.ts';
import { createSymbols } from './symbols.ts';

export interface MemoryStoreOptions {
  now: () => number;
  /** Tells this store's cursors from those of another, as of the process before. */
  epoch?: string;
  /** Decisions kept at least for feedback and follow-ups; up to a quarter more are, and the oldest quarter goes at once. */
  maxDecisions?: number;
  /** Entries kept at least of each log for whoever reads behind, as with decisions; what is older has long been folded. */
  maxEntries?: number;
}

/** How many counters are kept before those whose time has come are looked for. */
const MANY_COUNTERS = 10_000;

/**
 * Decisions and log entries are kept as bytes. As objects they would outlive the young generation, so that the collector
 * copied each of them twice, and ten thousand would be most of what the process holds.
 */
export function createMemoryStore(options: MemoryStoreOptions): HotStore {
  const { now, epoch = 'here', maxDecisions = 10_000, maxEntries = 10_000 } = options;
  const symbols = createSymbols();
  const writer = new ByteWriter(symbols);
  const reader = new ByteReader(symbols);
  const generations = generationsFor(maxDecisions);
  /** Places that are left before those of the decisions to come, for decisions that are taken back: the latest the last. */
  let room = (generations.count - 1) * generations.size;
  const decisions = createRecordRing(generations, room);
  const placesById = createPlaceIndex(generations);
  const placesByName = createPlaceIndex(generations);
  /** Evidence by router, and by log in which places decisions came to be or were changed. */
  const logs = new Map<string, RecordRing>();
  const changes = new Map<string, RecordRing>();
  const counters = new Map<string, { value: number; until: number }>();
  let sweepCountersAt = MANY_COUNTERS;
  const health = new Map<string, { value: SharedHealth; until: number }>();
  const listeners = new Set<(router: string) => void>();

  /** Writes all before any of it is kept, so that a record which cannot be written leaves nothing behind. */
  const bytesOf = ({ decision, names }: Kept) => {
    writer.restart();
    writeDecision(writer, decision);
    writer.number(names.length);
    for (const name of names) writer.text(name);
    const end = writer.at;
    const evidence = evidenceOf(decision);
    if (evidence) writeEvidence(writer, evidence);
    return {
      forDecision: writer.bytes.subarray(0, end),
      forEntry: evidence ? writer.bytes.subarray(end, writer.at) : null,
    };
  };

  const ringOf = (rings: Map<string, RecordRing>, log: string): RecordRing => {
    let ring = rings.get(log);
    if (!ring) {
      ring = createRecordRing(generationsFor(maxEntries));
      rings.set(log, ring);
    }
    return ring;
  };

  const append = (decision: DecisionRecord, place: number, entry: Uint8Array | null): void => {
    const log = logOf(decision);
    if (entry) ringOf(logs, log).append(entry);
    writer.restart();
    writer.number(place);
    ringOf(changes, log).append(writer.bytes.subarray(0, writer.at));
    for (const listener of listeners) listener(log);
  };

  /** Without what stands behind the decision. */
  const decisionAt = (place: number | undefined): DecisionRecord | null => {
    if (place === undefined || place < decisions.first()) return null;
    decisions.open(place, reader);
    return readDecision(reader);
  };
  const keptAt = (place: number): Kept | null => {
    const decision = decisionAt(place);
    return decision && { decision, names: Array.from({ length: reader.number() }, () => reader.text()) };
  };

  const isNamed = (name: string): boolean => (placesByName.find(name) ?? -1) >= decisions.first();

  const placeIn = (cursor: string): number | null => {
    if (cursor === LOG_START) return 0;
    return cursor.startsWith(`${epoch}-`) ? Number(cursor.slice(epoch.length + 1)) : null;
  };
  /** Whatever the log has of what stands behind the cursor, as `read` reads it where the reader has been opened. */
  const slice = <Item>(ring: RecordRing | undefined, cursor: string, limit: number, read: () => Item | null) => {
    const place = placeIn(cursor);
    if (!ring) return { items: [], cursor, gap: null };
    const from = Math.max(ring.first(), place ?? 0);
    const to = Math.max(from, Math.min(ring.end(), from + limit));
    const items: Item[] = [];
    for (let at = from; at < to; at++) {
      ring.open(at, reader);
      const item = read();
      if (item !== null) items.push(item);
    }
    const trimmed = place !== null && from > place ? 'trimmed' : null;
    const gap: Gap | null = place === null ? 'other' : trimmed;
    return { items, cursor: to === place ? cursor : `${epoch}-${to}`, gap };
  };

  return {
    async remember(kept) {
      const { forDecision, forEntry } = bytesOf(kept);
      const place = decisions.append(forDecision);
      placesById.put(kept.decision.id, place);
      for (const name of kept.names) placesByName.put(name, place);
      append(kept.decision, place, forEntry);
    },

    async revise(decision) {
      const place = placesById.find(decision.id);
      const kept = place === undefined ? null : keptAt(place);
      if (kept?.decision.id !== decision.id || kept.decision.version !== decision.version - 1) return 'changed';
      const { forDecision, forEntry } = bytesOf({ decision, names: kept.names });
      decisions.put(place as number, forDecision);
      append(decision, place as number, forEntry);
      return 'written';
    },

    async revive(kept) {
      const { decision, names } = kept;
      let place = placesById.find(decision.id);
      if (decisionAt(place)?.id !== decision.id) {
        const { forDecision } = bytesOf(kept);
        const isRoom = room > decisions.first();
        place = isRoom ? --room : decisions.append(forDecision);
        if (isRoom) decisions.put(place, forDecision);
        placesById.put(decision.id, place);
      }
      for (const name of names) if (!isNamed(name)) placesByName.put(name, place as number);
    },

    async recall(decisionId) {
      const decision = decisionAt(placesById.find(decisionId));
      return decision?.id === decisionId ? decision : null;
    },

    async lookUp(wanted) {
      for (const name of wanted) {
        const decision = decisionAt(placesByName.find(name));
        if (decision) return { decision, name };
      }
      return null;
    },

    async readSince(router, cursor, limit) {
      const { items, ...rest } = slice(logs.get(router), cursor, limit, (): Evidence => readEvidence(reader));
      return { entries: items, ...rest };
    },

    async readKept(log, cursor, limit) {
      const { items, ...rest } = slice(changes.get(log), cursor, limit, () => keptAt(reader.number()));
      return { kept: items, ...rest };
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

    shared: null,

    async confirm() {},

    async close() {},
  };
}
