/** The port of the hot store: the log of evidence, the decisions still open to feedback, their names, counters, health. */
import type { Evidence } from '../bandit/evidence.ts';
import type { DecisionRecord } from './decision-record.ts';

/** Evidence as its maker knows it: the store gives the revision. */
export type NewEvidence = Omit<Evidence, 'revision'>;

export interface LogSlice {
  entries: Evidence[];
  /** Where to read on from. Opaque, ordered within one log. */
  cursor: string;
}

/** The cursor before the first entry of every log. */
export const LOG_START = '0';

export interface Remembered {
  decision: DecisionRecord;
  /** Names under which the decision shall be found again, none of which tells what was said. A name given again moves. */
  names: readonly string[];
  /** What the decision has shown so far; null where it teaches nothing (no arm answered, a pinned model). */
  evidence: NewEvidence | null;
}

/** What is known of the rest of an arm or of a provider's key: the latest knowledge counts, whoever had it. */
export interface SharedHealth {
  /** Milliseconds since 1970 at which this became known. */
  at: number;
  /** Milliseconds since 1970 until which it rests. */
  until: number;
  reason: 'failing' | 'rate_limited' | 'misconfigured';
  /** How many rests in a row came before this one and this one too; 0 once it has recovered. */
  strikes: number;
}

/** The store gives no answer now. What was asked of it was not done, but for an `UncertainWrite`. */
export class StoreUnavailable extends Error {}

/** A write of which nobody knows whether it was done: repeated, it might be done twice. */
export class UncertainWrite extends StoreUnavailable {}

export interface StateStore {
  /** Keeps a finished decision, its names and the first revision of its evidence: all of it or nothing. */
  remember(remembered: Remembered): Promise<void>;
  /**
   * Puts a changed decision in the place of the one with `version` = decision.version - 1 and appends the next revision
   * of its evidence, in one step. `changed`: somebody else was faster, recall it and try again.
   */
  revise(decision: DecisionRecord, evidence: NewEvidence | null): Promise<'written' | 'changed'>;
  recall(decisionId: string): Promise<DecisionRecord | null>;
  /** The decision behind the first of these names that is known. */
  lookUp(names: readonly string[]): Promise<DecisionRecord | null>;
  /** Entries of a router's log behind the cursor, oldest first, at most `limit`. */
  readSince(router: string, cursor: string, limit: number): Promise<LogSlice>;
  /** Adds to a counter that vanishes `ttlMs` after its first addition, and gives its new value. */
  add(counter: string, amount: number, ttlMs: number): Promise<number>;
  /** Keeps this for `ttlMs`, unless what is kept under the name is as late or later. */
  putHealth(name: string, health: SharedHealth, ttlMs: number): Promise<void>;
  readHealth(): Promise<ReadonlyMap<string, SharedHealth>>;
  /** Tells the listener whenever a router's log has grown, by whomever, until it is called off. */
  watch(listener: (router: string) => void): () => void;
  /** Writes what still waits to be written, for a few seconds at most, and lets go of every connection. Never rejects. */
  close(): Promise<void>;
}
