/** Keeps what is shown of a router up to date with its log, which all processes share: so it shows the traffic of all. */
import { type DecisionLog, LOG_START } from '../stores/ports.ts';
import { type Activity, emptyActivity, foldDecision } from './activity.ts';
import type { BucketTerms } from './bucket.ts';

export interface Followed {
  activity: Activity;
  cursor: string;
  /** Decisions that were read so far, their later versions included. */
  read: number;
  /** Whether the log was read to its end once: until then less is shown than there is. */
  isWhole: boolean;
  /** When somebody last began to read, by the steady clock. */
  readAt: number;
}

/** Decisions that are read at once. */
const BATCH = 250;
/** Whoever watches sees how far the reading has come at least so often. */
const TURN_MS = 800;
/** Where several watch, the log is read for all of them. */
const SOON_MS = 700;

export const followFromStart = (terms: BucketTerms): Followed => ({
  activity: emptyActivity(terms),
  cursor: LOG_START,
  read: 0,
  isWhole: false,
  readAt: Number.NEGATIVE_INFINITY,
});

interface Clocks {
  now: () => number;
  clock: () => number;
}

/**
 * Reads what is new, for about a second at most. Rejects where the log cannot be read. Where two do so at once, each decision
 * is counted once. After a store has come back empty what is shown begins anew with its log: that holds again whatever its
 * senders still had, of which nobody could say by itself whether it has been counted.
 */
export async function followOn(
  followed: Followed,
  log: DecisionLog,
  router: string,
  { now, clock }: Clocks,
): Promise<void> {
  const startedAt = clock();
  if (followed.isWhole && startedAt - followed.readAt < SOON_MS) return;
  followed.readAt = startedAt;
  do {
    const from = followed.cursor;
    const slice = await log.readKept(router, from, BATCH);
    if (followed.cursor !== from) return;
    if (slice.gap === 'other' && from !== LOG_START)
      Object.assign(followed, followFromStart(followed.activity.terms), { readAt: startedAt });
    const at = now();
    for (const { decision } of slice.kept) foldDecision(followed.activity, decision, at, followed.isWhole);
    followed.read += slice.kept.length;
    followed.cursor = slice.cursor;
    if (slice.cursor === from) {
      followed.isWhole = true;
      return;
    }
    // Whatever else waits goes first.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } while (clock() - startedAt < TURN_MS);
}
