/** The ports of the two stores: the hot one, which requests go by, and the durable one behind it, which outlives it. */
import type { Evidence, Label } from '../bandit/evidence.ts';
import type { DecisionRecord } from './decision-record.ts';

/** The cursor before the first entry of every log. */
export const LOG_START = '0';

/** The log of the decisions that no router made, since the request named its model. They teach nothing. */
export const PINNED_LOG = '';

/** The log in which a decision and its revisions are: its router's. */
export const logOf = ({ router }: Pick<DecisionRecord, 'router'>): string => router ?? PINNED_LOG;

/**
 * Why entries behind a cursor are missing. `trimmed`: the log no longer goes back so far. `other`: the cursor is of another
 * log, as after a store has come back empty, and what is read is this one from its start.
 */
export type Gap = 'trimmed' | 'other';

export interface LogSlice {
  entries: Evidence[];
  /** Where to read on from. Opaque, ordered within one log, and its own whichever store has it. */
  cursor: string;
  gap: Gap | null;
  /** Whether the log ended there as it was read; left out where the store does not say. */
  isEnd?: boolean;
}

/** A decision with the names under which it shall be found again, none of which tells what was said. */
export interface Kept {
  decision: DecisionRecord;
  /** A name given again moves to the later decision. Empty where a durable store's log is read. */
  names: readonly string[];
}

export interface Found {
  decision: DecisionRecord;
  name: string;
}

/** Where to look for names, for a store that has to ask for each log by itself: others look everywhere at once. */
export interface Whereabouts {
  /** The log to look in first. */
  log: string;
  /** Found there under one of so many names, the first ones, it is looked for nowhere else. `only`: nor if nothing is found. */
  sure: number | 'only';
  /** Routers in whose logs it may be; null for all. */
  routers: readonly string[] | null;
}

/** What a fold that goes up to some cursor has counted of a decision: nothing yet, or a version with this label. */
export type Counted = 'nothing' | { label: Label };

export interface ReadKept extends Kept {
  /** Told by a durable store, which has each decision once, as it is now: what a fold up to the origin has of it. */
  counted?: Counted;
}

export interface KeptSlice {
  kept: ReadKept[];
  cursor: string;
  gap: Gap | null;
}

/** Decisions in the order in which they came to be or were changed. */
export interface DecisionLog {
  /**
   * Those behind the cursor, oldest first, from at most `limit` entries. A decision that was changed since may come as it
   * was then or as it is now, and then maybe more than once. `origin`: where a reading began that goes on here; the cursor
   * itself where it is left out.
   */
  readKept(log: string, cursor: string, limit: number, origin?: string): Promise<KeptSlice>;
}

/** A fold up to a cursor. */
export interface Snapshot {
  cursor: string;
  bytes: Uint8Array;
}

/** The latest two snapshots of each router, so that one that turns out damaged is not the only one. */
export interface Snapshots {
  /** The latest first. They may be damaged: whoever reads one checks it. */
  read(router: string): Promise<Snapshot[]>;
  /** False, and nothing is kept, where a later one is there, or one of another log than the cursor's. */
  put(router: string, snapshot: Snapshot): Promise<boolean>;
  /** Forgets those of a router. */
  drop(router: string): Promise<void>;
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

/** It is not where this store can look now, and it may be where it cannot: another gateway may have it. */
export class MayBeElsewhere extends StoreUnavailable {}

/** A write of which nobody knows whether it was done: repeated, it might be done twice. */
export class UncertainWrite extends StoreUnavailable {}

/** To a counter that vanishes `ttlMs` after its first addition. */
export interface Addition {
  counter: string;
  amount: number;
  ttlMs: number;
}

export interface StateStore {
  /** Keeps a finished decision, its names and its evidence, if it teaches anything: all of it or nothing. */
  remember(kept: Kept): Promise<void>;
  /**
   * Puts a changed decision in the place of the one with `version` = decision.version - 1 and appends the evidence of this
   * revision, in one step. `changed`: somebody else was faster, recall it and try again.
   */
  revise(decision: DecisionRecord): Promise<'written' | 'changed'>;
  /** Null where there is none; rejects with `MayBeElsewhere` where none is found and there may be one all the same. */
  recall(decisionId: string): Promise<DecisionRecord | null>;
  /** The decision behind the first of these names that is known, and that name; with `where` it may be of a later name. */
  lookUp(names: readonly string[], where?: Whereabouts): Promise<Found | null>;
  /** Evidence in a router's log behind the cursor, oldest first, from at most `limit` entries. */
  readSince(router: string, cursor: string, limit: number): Promise<LogSlice>;
  /** Adds to a counter that vanishes `ttlMs` after its first addition, and gives its new value. */
  add(counter: string, amount: number, ttlMs: number): Promise<number>;
  /**
   * The same of several in one step, all of them or none; the new values in their order. Left out where that saves nothing over
   * one after another.
   */
  addAll?(additions: readonly Addition[]): Promise<number[]>;
  /** Keeps this for `ttlMs`, unless what is kept under the name is as late or later. */
  putHealth(name: string, health: SharedHealth, ttlMs: number): Promise<void>;
  /** Rejects where nothing can be kept, too: whoever cannot tell what they know need not go by what others knew. */
  readHealth(): Promise<ReadonlyMap<string, SharedHealth>>;
  /** Tells the listener whenever a log has grown, by whomever, until it is called off. */
  watch(listener: (log: string) => void): () => void;
  /** What replicas need of a store that they share; null where one machine has it to itself. */
  readonly shared: SharedState | null;
  /**
   * Resolves once all that was written until now is where it outlives this process, if there is such a place; rejects with
   * `StoreUnavailable` where it cannot be had now. `decision`: the one that somebody is told of, as it was recalled or written.
   */
  confirm(decision?: DecisionRecord): Promise<void>;
  /** Writes what still waits to be written, for a few seconds at most, and lets go of every connection. Never rejects. */
  close(): Promise<void>;
}

export interface SharedState {
  /** Whether the store folds its logs by itself and leaves snapshots of that: then nobody else need. */
  readonly leavesSnapshots: boolean;
  snapshots: Snapshots;
  /** True for one process at a time, which holds it for `ttlMs` and may take it again before that is over. */
  lease(name: string, ttlMs: number): Promise<boolean>;
  /** Keeps this secret where there is none yet; gives the one that is kept, the same to whoever asks. */
  secret(proposed: string): Promise<string>;
  /** Tells that everything up to this cursor is in the durable store: the log need not keep it for that. */
  drained(log: string, cursor: string): Promise<void>;
  /**
   * Begins the logs anew with these snapshots, by router: whoever has learned something else takes them in its place, and goes
   * on from their cursors, or from the start of a log where a cursor is of another.
   */
  restart(snapshots: ReadonlyMap<string, Snapshot>): Promise<void>;
}

/** A state store that a durable one can stand behind. */
export interface HotStore extends StateStore, DecisionLog {
  /**
   * Takes back a decision that it no longer has, as the durable store kept it, and appends nothing. One that it has stays as
   * it is, but for its names. Takes no name back that another decision has. Of several the latest comes first.
   */
  revive(kept: Kept): Promise<void>;
}

export interface Batch {
  log: string;
  /** Whose log it is, where several feed one store and each has one of that name: their cursors are apart. */
  feed?: string;
  /** Where the cursor kept beside the data must be for this batch to be taken; null: nothing was ever ingested of the log. */
  after: string | null;
  /** Where it is then. */
  cursor: string;
  kept: readonly Kept[];
}

/**
 * `before` and `at`: cursors of the durable store's own log of this name, without this batch and with it. `counted`: of each of
 * the batch's decisions what a fold up to `before` has; `all` where it has this version, and nothing was changed. `moved`:
 * another drainer was faster; nothing was taken, and it has come so far.
 */
export type Ingested =
  | { outcome: 'ingested'; before: string; at: string; counted: readonly (Counted | 'all')[] }
  | { outcome: 'moved'; cursor: string | null };

/** The durable store will never take this batch: something in it cannot be kept there. */
export class RejectedBatch extends Error {}

/**
 * Keeps every decision for as long as `retention` says. Its own log (`readKept`) holds each decision once, as it is now, in
 * the order in which they were last ingested.
 */
export interface DurableStore extends DecisionLog {
  /** Up to where a log of the hot store has been ingested; null where nothing has been. */
  cursorOf(log: string, feed?: string): Promise<string | null>;
  /** Keeps each of these decisions unless it has a version as late or later, and the cursor: all of it or nothing. */
  ingest(batch: Batch): Promise<Ingested>;
  recall(decisionId: string): Promise<DecisionRecord | null>;
  /** Cursors are of its own log. */
  snapshots: Snapshots;
  /** Names of all logs that it has. */
  logs(): Promise<string[]>;
  /** Forgets decisions made before this time (milliseconds since 1970), some at a time; gives how many it forgot. */
  forget(before: number): Promise<number>;
  /** Whether several processes may write to it, so that one of them is enough. */
  readonly isShared: boolean;
  /** Never rejects. */
  close(): Promise<void>;
}

/** What calls of one UTC day to one model with one key have used, or a part of them. */
export interface Usage {
  /** Counted from 1970, in UTC. */
  day: number;
  /** Null for calls without a key, as while there were none. */
  key: string | null;
  model: string | null;
  calls: number;
  promptTokens: number;
  completionTokens: number;
  /** Of the prompts' tokens those that the provider had in its cache. */
  cachedTokens: number;
  costUsd: number;
  /** Calls of which the provider told no usage: their tokens and costs are estimates. */
  estimated: number;
  /** Milliseconds since 1970 of the first and of the last one. */
  first: number;
  last: number;
}

/** What is in a durable store, for whoever changes nothing in it, also while a gateway writes there. */
export interface DurableReader extends DecisionLog {
  /** Names of all logs that it has. */
  logs(): Promise<string[]>;
  /**
   * What was used by calls from this time on (milliseconds since 1970), whatever became of them; in parts, the oldest first, so
   * that neither memory nor a transaction grows with the number of calls. Several parts may be of the same day, key and model.
   */
  usageSince(time: number): AsyncIterable<Usage>;
  /** Never rejects. */
  close(): Promise<void>;
}
