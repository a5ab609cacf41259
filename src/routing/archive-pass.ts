/**
 * An archive's work in passes, for a platform where no process lives long: each begins with what the stores themselves know, and
 * holds nothing in memory for the next one. So what a snapshot in the durable store lacks is read back from there.
 */
import { foldToBytes } from '../bandit/fold-bytes.ts';
import type { Router } from '../config/resolve.ts';
import { type DecisionLog, type DurableStore, LOG_START, type Snapshot } from '../stores/ports.ts';
import { newFollowed } from './followed.ts';
import { keepLog } from './keep-log.ts';
import { nothingLearned } from './learner.ts';
import { DAMAGED, recoverFold } from './recovery.ts';
import type { Log } from './runtime.ts';

/** Decisions that are kept with one wait. */
export const BATCH = 250;
/** Decisions behind a snapshot after which another is due; or, if there are any, so long after the last one. */
export const SNAPSHOT_DUE = { decisions: 10_000, ms: 6 * 60 * 60 * 1_000 };

/** What of a router says how its decisions are folded. */
export type LearningRouter = Pick<Router, 'name' | 'halfLifeMs'>;

export interface PassOptions {
  /** The log's. */
  name: string;
  source: DecisionLog;
  sink: DurableStore;
  /** Whose log it is, where several feed the sink. */
  feed: string;
  log: Log;
  /** Batches at most, of 250 decisions each. */
  most: number;
  /** False once it is time to end. */
  mayGoOn: () => boolean;
  /** Told at the end, also of a pass that fails, up to where the log is kept, and how many entries of it were kept now. */
  onKept: (cursor: string, entries: number) => void;
}

/** True once all that the log held is kept; false where there is more. Rejects where it cannot be kept now. */
export async function keepPass({ onKept, ...options }: PassOptions): Promise<boolean> {
  const one = newFollowed(null, 0);
  try {
    return await keepLog({ ...options, one, batch: BATCH });
  } finally {
    if (one.cursor) onKept(one.cursor, one.sinceSnapshot);
  }
}

/** Leaves what the durable store has of a router as a snapshot there. */
export async function leaveSnapshot(sink: DurableStore, router: LearningRouter, log: Log): Promise<void> {
  const { fold, cursor, behind } = await recover(sink, router, log);
  if (behind > 0) await sink.snapshots.put(router.name, { cursor, bytes: foldToBytes(fold) });
}

/**
 * What the durable store knows of a router, for a log that knows less; null where that is nothing. The cursor is the log's own,
 * up to which that goes.
 */
export async function learnedBehind(
  sink: DurableStore,
  router: LearningRouter,
  feed: string,
  log: Log,
): Promise<Snapshot | null> {
  // Its cursor first: what comes in between is then known twice, not never.
  const cursor = (await sink.cursorOf(router.name, feed)) ?? LOG_START;
  const { fold } = await recover(sink, router, log);
  return fold.entries === 0 ? null : { cursor, bytes: foldToBytes(fold) };
}

async function recover(sink: DurableStore, router: LearningRouter, log: Log) {
  const { refused, ...recovered } = await recoverFold(sink, router.name, () => nothingLearned(router).fold);
  if (refused > 0) log.error({ router: router.name, refused }, DAMAGED);
  return recovered;
}
