/** A log's object learns along, so that whoever starts need not read all of the log. */
import { foldToBytes } from '../bandit/fold-bytes.ts';
import { learnOn, nothingLearned } from '../routing/learner.ts';
import type { Log } from '../routing/runtime.ts';
import type { LogTables } from '../stores/durable-object/log-tables.ts';
import type { DecisionPacker } from '../stores/durable-object/packed-decision.ts';
import type { Snapshot, Snapshots } from '../stores/ports.ts';

export interface FoldLogOptions {
  tables: LogTables;
  packer: DecisionPacker;
  router: string;
  halfLifeMs: number | null;
  log: Log;
  /** Entries that are folded at most, a batch more or less: an alarm has only so much time. */
  most: number;
  /** Lets whoever waits go first. */
  pause: () => Promise<void>;
}

/** Folds on from the latest sound snapshot and leaves another. False where there is more to fold. */
export async function foldLog(options: FoldLogOptions): Promise<boolean> {
  const { tables, packer, router, halfLifeMs, log, most, pause } = options;
  const learned = nothingLearned({ halfLifeMs });
  const snapshots: Snapshots = {
    read: async () => tables.readSnapshots(),
    put: async (_router, snapshot) => tables.putSnapshot(snapshot),
    drop: async () => tables.dropSnapshots(),
  };
  let left = most;
  const unreadable = ({ message }: Error): void =>
    log.error({ router, problem: message }, 'an entry of the log cannot be read: nothing is learned from it');
  const readSince = async (_router: string, cursor: string, limit: number) => {
    if (left <= 0) return { entries: [], cursor, gap: null };
    await pause();
    const { entries, ...rest } = tables.readSince(cursor, limit);
    left -= limit;
    return { entries: packer.evidenceIn(entries, unreadable), ...rest };
  };
  const folded = await learnOn(learned, router, { readSince, shared: { snapshots } }, log);
  if (folded > 0) leaveSnapshot(tables, { cursor: learned.cursor, bytes: foldToBytes(learned.fold) });
  return learned.cursor === tables.end();
}

/** Where evidence fades otherwise by now, or is encoded otherwise, those that went further are of no use. */
function leaveSnapshot(tables: LogTables, snapshot: Snapshot): void {
  const isOfThisLog = tables.readSince(snapshot.cursor, 0).gap !== 'other';
  if (tables.putSnapshot(snapshot) || !isOfThisLog) return;
  tables.dropSnapshots();
  tables.putSnapshot(snapshot);
}
