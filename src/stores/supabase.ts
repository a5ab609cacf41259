/** The durable store in a Supabase project: PostgreSQL behind PostgREST, shared by every process that has its key. */

import type { DecisionRecord } from './decision-record.ts';
import { type DecisionRows, decisionOf, type LabelList, labelIn, rowsOf } from './durable/rows.ts';
import type { Batch, Counted, DurableStore, Gap, Ingested } from './ports.ts';
import { type ClientOptions, createSupabaseCalls } from './supabase/client.ts';

export type SupabaseStoreOptions = ClientOptions;

/** Milliseconds. Somebody waits for a decision that is recalled. */
const RECALL_MS = 2_000;
/** Longer than what Supabase itself gives a statement. */
const BATCH_MS = 10_000;
/** One has some five megabytes, and goes up a slow line beside everything else. */
const SNAPSHOT_MS = 30_000;
/** Decisions forgotten in one call. */
const FORGOTTEN_AT_ONCE = 1_000;

/** Never asks before it is asked. */
export function createSupabaseStore(options: SupabaseStoreOptions): DurableStore {
  const { call, close } = createSupabaseCalls(options);
  return {
    isShared: true,
    cursorOf: async (log, feed = '') => (await call('conduit_cursor_of', { log, feed }, RECALL_MS)) as string | null,

    async ingest({ log, feed = '', after, cursor, kept }) {
      const latest = latestOf(kept);
      const rows_by_table = tablesOf([...latest.values()]);
      const ingested = (await call(
        'conduit_ingest',
        { log, feed, after, cursor, rows_by_table },
        BATCH_MS,
      )) as IngestedBatch;
      if (ingested.outcome === 'moved') return ingested;
      const { before, at, counted } = ingested;
      // What was in the batch as it had been earlier was not sent.
      const each = kept.map(({ decision }) => {
        const there = latest.get(decision.id) === decision && counted?.[decision.id];
        return there ? countedIn(there) : 'all';
      });
      return { outcome: 'ingested', before, at, counted: each };
    },

    async recall(decisionId) {
      const rows = (await call('conduit_recall', { decision_id: decisionId }, RECALL_MS)) as DecisionRows | null;
      return rows && decisionOf(rows);
    },

    async readKept(log, cursor, limit, origin = cursor) {
      const read = (await call('conduit_read_kept', { log, cursor, batch: limit, origin }, BATCH_MS)) as KeptEntries;
      const kept = read.entries.map(({ rows, counted }) => ({
        decision: decisionOf(rows),
        names: [],
        counted: countedIn(counted),
      }));
      return { kept, cursor: read.cursor, gap: read.gap };
    },

    snapshots: {
      async read(router) {
        const found = (await call('conduit_read_snapshots', { router }, SNAPSHOT_MS)) as {
          cursor: string;
          bytes: string;
        }[];
        return found.map(({ cursor, bytes }) => ({ cursor, bytes: new Uint8Array(Buffer.from(bytes, 'base64')) }));
      },
      async put(router, { cursor, bytes }) {
        const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
        return (await call('conduit_put_snapshot', { router, cursor, bytes: text }, SNAPSHOT_MS)) as boolean;
      },
      async drop(router) {
        await call('conduit_drop_snapshots', { router }, SNAPSHOT_MS);
      },
    },

    logs: async () => (await call('conduit_logs', {}, BATCH_MS)) as string[],
    forget: async (before) => (await call('conduit_forget', { before, most: FORGOTTEN_AT_ONCE }, BATCH_MS)) as number,
    async close() {
      close();
    },
  };
}

/** As the functions tell it. */
type CountedList = 'nothing' | { label: LabelList };

const countedIn = (counted: CountedList): Counted =>
  counted === 'nothing' ? counted : { label: labelIn(counted.label) };

interface KeptEntries {
  entries: { rows: DecisionRows; counted: CountedList }[];
  cursor: string;
  gap: Gap | null;
}

/** `counted`: by decision, of those that were taken; null where none was. */
type IngestedBatch =
  | (Omit<Extract<Ingested, { outcome: 'ingested' }>, 'counted'> & { counted: Record<string, CountedList> | null })
  | Extract<Ingested, { outcome: 'moved' }>;

/** Each decision once, as it was last. */
function latestOf(kept: Batch['kept']): Map<string, DecisionRecord> {
  const latest = new Map<string, DecisionRecord>();
  for (const { decision } of kept) {
    const other = latest.get(decision.id);
    if (other && other.version >= decision.version) continue;
    // To the end, where a later version belongs.
    latest.delete(decision.id);
    latest.set(decision.id, decision);
  }
  return latest;
}

/**
 * A batch as rows by table. All of it goes in one call, since the log has no cursors within a batch: at about 2 kB a decision,
 * who makes batches keeps them to some hundreds.
 */
function tablesOf(decisions: readonly DecisionRecord[]): Record<string, unknown[]> {
  const rows = decisions.map(rowsOf);
  return {
    queries: rows.map(({ query }) => query),
    routing_decisions: rows.map(({ decision }) => decision),
    responses: rows.flatMap(({ response }) => (response ? [response] : [])),
    feedback: rows.flatMap(({ feedback }) => feedback),
    implicit_feedback: rows.flatMap(({ implicit_feedback }) => implicit_feedback),
  };
}
