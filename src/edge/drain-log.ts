/** A log's object keeps its log in a durable store, too: it alone does, since nobody else has the log. */
import {
  BATCH,
  keepPass,
  type LearningRouter,
  learnedBehind,
  leaveSnapshot,
  SNAPSHOT_DUE,
} from '../routing/archive-pass.ts';
import type { Log } from '../routing/runtime.ts';
import type { LogTables } from '../stores/durable-object/log-tables.ts';
import type { DecisionPacker } from '../stores/durable-object/packed-decision.ts';
import type { DecisionLog, DurableStore } from '../stores/ports.ts';

export interface DrainLogOptions {
  tables: LogTables;
  packer: DecisionPacker;
  /** The log's. */
  name: string;
  /** Null where nobody has asked for what is learned from the log: then nothing is. */
  router: LearningRouter | null;
  sink: DurableStore;
  /** How long the sink keeps a decision, in milliseconds. */
  retentionMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Log;
}

/** Batches in one alarm: with the rest fewer than the fifty questions that the free plan lets an alarm ask. */
const MOST_BATCHES = 40;
/** For how long new batches are begun. */
const PASS_MS = 20_000;
/** What asks much is tried again no sooner: in between what is new is kept, whatever becomes of it. */
const AGAIN_MS = { snapshot: 60_000, recovery: 5 * 60_000 };
/** How often it is looked for what the sink is to forget, and how much of it in one alarm: each a thousand decisions. */
const FORGET_MS = 6 * 60 * 60 * 1_000;
const MOST_FORGOTTEN = 10;

/**
 * One alarm's share. False where there is more to do. Rejects where the sink fails; what was done before that is done. What is
 * begun twice, as after the object died in the midst of it, counts once: the sink has the cursor together with the decisions.
 */
export async function drainLog(options: DrainLogOptions): Promise<boolean> {
  if (await recover(options)) return false;
  if (isSnapshotDue(options)) {
    await snap(options);
    return false;
  }
  return (await keep(options)) && (await forget(options));
}

/** An object that is new, or new to its sink, begins with what that knows of the router. True where it did. */
async function recover({ tables, router, sink, now, log }: DrainLogOptions): Promise<boolean> {
  if (router === null || tables.fact('recovered_at') !== null) return false;
  if (now() < (tables.fact('recovery_tried_at') ?? 0) + AGAIN_MS.recovery) return false;
  tables.putFact('recovery_tried_at', now());
  // Where what a decision has taught is only in the snapshots here, they are not given up for others.
  const learned = tables.hasForgotten() ? null : await learnedBehind(sink, router, tables.feed, log);
  if (learned) tables.restart(learned);
  tables.putFact('recovered_at', now());
  return learned !== null;
}

function isSnapshotDue({ tables, router, now }: DrainLogOptions): boolean {
  const behind = tables.fact('unsnapped') ?? 0;
  if (router === null || behind === 0) return false;
  if (now() < (tables.fact('snap_tried_at') ?? 0) + AGAIN_MS.snapshot) return false;
  return behind >= SNAPSHOT_DUE.decisions || now() >= (tables.fact('snapped_at') ?? 0) + SNAPSHOT_DUE.ms;
}

async function snap({ tables, router, sink, now, log }: DrainLogOptions): Promise<void> {
  tables.putFact('snap_tried_at', now());
  if (router) await leaveSnapshot(sink, router, log);
  tables.putFact('snapped_at', now());
  tables.putFact('unsnapped', 0);
}

function keep({ tables, packer, name, sink, now, log }: DrainLogOptions): Promise<boolean> {
  const endsAt = now() + PASS_MS;
  const unsnapped = tables.fact('unsnapped') ?? 0;
  const source: DecisionLog = {
    async readKept(_log, cursor, limit) {
      const { entries, ...rest } = tables.readKept(cursor, limit);
      return { kept: entries.map((bytes) => ({ decision: packer.decisionIn(bytes), names: [] })), ...rest };
    },
  };
  return keepPass({
    name,
    source,
    sink,
    feed: tables.feed,
    log,
    // The next snapshot need not read back more than an alarm may ask for.
    most: unsnapped < SNAPSHOT_DUE.decisions ? Math.ceil((SNAPSHOT_DUE.decisions - unsnapped) / BATCH) : MOST_BATCHES,
    mayGoOn: () => now() < endsAt,
    onKept(cursor, entries) {
      tables.putDrained(cursor);
      if (entries > 0) tables.putFact('unsnapped', unsnapped + entries);
    },
  });
}

/** True where there is nothing more to forget. What was learned of it must be in a snapshot by then. */
async function forget(options: DrainLogOptions): Promise<boolean> {
  const { tables, sink, retentionMs, now } = options;
  const last = tables.fact('sink_forgot_at');
  if (last !== null && now() < last + FORGET_MS) return true;
  if (last !== null) {
    if ((tables.fact('unsnapped') ?? 0) > 0) await snap(options);
    for (let calls = 1; (await sink.forget(now() - retentionMs)) > 0; calls++)
      if (calls === MOST_FORGOTTEN) return false;
  }
  tables.putFact('sink_forgot_at', now());
  return true;
}
