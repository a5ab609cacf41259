/** Keeps a slice of a log in the durable store, and folds what was new to that. */
import { foldEntry } from '../bandit/fold.ts';
import { type DurableStore, type Ingested, type KeptSlice, RejectedBatch } from '../stores/ports.ts';
import type { Followed } from './followed.ts';
import { entryOf, foldKept } from './recovery.ts';
import type { Log } from './runtime.ts';

export interface SliceToKeep {
  /** Of the log. */
  name: string;
  one: Followed;
  slice: KeptSlice;
  sink: DurableStore;
  feed: string;
  log: Log;
}

/** Moves the log's cursor on; where something in the slice can never be kept, it is to be read again more cautiously. */
export async function keepSlice(what: SliceToKeep): Promise<void> {
  const { name, one, slice, sink } = what;
  const ingested = await ingest(what);
  if (ingested === null) return;
  if (ingested.outcome === 'moved') {
    one.cursor = ingested.cursor;
    one.learned = null;
    return;
  }
  one.cursor = slice.cursor;
  one.cautious = false;
  one.sinceSnapshot += slice.kept.length;
  const { learned } = one;
  if (!learned) return;
  // Another process has added to the sink's log: its decisions come first.
  if (ingested.before !== learned.cursor) {
    one.learned = (await foldKept(learned, sink, name)) ? learned : null;
    return;
  }
  for (const [i, { decision }] of slice.kept.entries()) {
    const counted = ingested.counted[i];
    if (counted === 'all') continue;
    const entry = entryOf(decision, counted);
    if (entry) foldEntry(learned.fold, entry);
  }
  learned.cursor = ingested.at;
}

/** Null where it has to be tried again with fewer at once. */
async function ingest({ name, one, slice, sink, feed, log }: SliceToKeep): Promise<Ingested | null> {
  const { kept, cursor } = slice;
  const batch = { log: name, feed, after: one.cursor ?? null, cursor };
  try {
    return await sink.ingest({ ...batch, kept });
  } catch (error) {
    if (!(error instanceof RejectedBatch)) throw error;
    if (kept.length > 1) {
      one.cautious = true;
      return null;
    }
    const { message } = error;
    log.error({ problem: message, decision: kept[0]?.decision.id }, 'a decision cannot be kept in the durable store');
    return await sink.ingest({ ...batch, kept: [] });
  }
}
