/** What the gateway's thread and the database's say to each other. */
import type { Batch, Gap, Ingested, Snapshot } from '../ports.ts';
import type { Spent } from './cost-table.ts';
import type { OpenFailure } from './failures.ts';
import type { Packed } from './packing.ts';

/** With which the thread is started. */
export interface ThreadData {
  folder: string;
  pid: number;
}

/** The verbs of the database as they travel. */
export interface Verbs {
  cursorOf(log: string, feed?: string): string | null;
  ingest(batch: Omit<Batch, 'kept'> & { kept: Packed }): Ingested;
  recall(decisionId: string): Packed | null;
  readLatest(limit: number, before: string | null): Packed;
  readKept(
    log: string,
    cursor: string,
    limit: number,
    origin: string,
  ): { kept: Packed; cursor: string; gap: Gap | null };
  readSnapshots(router: string): Snapshot[];
  putSnapshot(router: string, snapshot: Snapshot): boolean;
  dropSnapshots(router: string): void;
  logs(): string[];
  forget(before: number): number;
  identity(): string;
  spentSince(time: number): Spent[];
}

export type Verb = keyof Verbs;

export type Request = { id: number; verb: Verb; args: readonly unknown[] } | 'close';

export type Answer =
  | { kind: 'opened' }
  | { kind: 'not opened'; failure: OpenFailure }
  | { kind: 'value'; id: number; value: unknown }
  /** Nothing was done. `unavailable`: it may go well later. */
  | { kind: 'error'; id: number; message: string; unavailable: boolean };
