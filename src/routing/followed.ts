/** A log that an archive follows, and how far it is kept. */
import type { FoldAt } from './recovery.ts';

export interface Followed {
  /** Up to where the log is kept; undefined while the sink has not been asked. */
  cursor: string | null | undefined;
  /** What it has taught, up to a cursor of the sink's own log; null until that has been read. */
  learned: FoldAt | null;
  halfLifeMs: number | null;
  /** Decisions that no snapshot has. */
  sinceSnapshot: number;
  snapshotAt: number;
  /** Where one of a batch cannot be kept, they are kept one by one until it is behind. */
  cautious: boolean;
  /** Whether it has been told that some were lost. */
  toldOfGap: boolean;
}

export const newFollowed = (halfLifeMs: number | null, now: number): Followed => ({
  cursor: undefined,
  learned: null,
  halfLifeMs,
  sinceSnapshot: 0,
  snapshotAt: now,
  cautious: false,
  toldOfGap: false,
});
