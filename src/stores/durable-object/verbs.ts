/** What an isolate asks of a Durable Object, and what travels between them: bytes, which the object keeps as they come. */
import type { Addition, Gap, SharedHealth, Snapshot } from '../ports.ts';

export interface PackedDecision {
  id: string;
  version: number;
  /** The whole record, as `packed-decision.ts` writes it. */
  decision: Uint8Array;
  /** Null where it teaches nothing. */
  evidence: Uint8Array | null;
}

export interface PackedKept extends PackedDecision {
  names: readonly string[];
}

/** Entries from somewhere in the log on, and where to read on. */
export interface PackedSlice {
  entries: Uint8Array[];
  cursor: string;
  gap: Gap | null;
  /** Whether the log ends there. */
  isEnd: boolean;
}

export interface FoundBytes {
  name: string;
  decision: Uint8Array;
}

/** What the config says of a log that its object must know to look after it by itself. */
export interface LogTerms {
  /** The log's name. An object that is woken by its alarm does not know its own. */
  name: string;
  /** For how long a decision is kept, in milliseconds. */
  retentionMs: number;
  /** Whether the object is to keep its log in the config's durable store, too. */
  isDrained: boolean;
}

/** What was asked was done, or it was not: then nothing of it was. Classes of errors do not survive the way. */
export type Answer<Value> = { value: Value } | { failure: string };

/** The object of one log: a router's, or that of the requests that name their model. */
export interface LogVerbs {
  /** Done again it does nothing. */
  remember(kept: PackedKept, terms: LogTerms): Promise<Answer<null>>;
  revise(decision: PackedDecision): Promise<Answer<'written' | 'changed'>>;
  revive(kept: PackedKept): Promise<Answer<null>>;
  recall(decisionId: string): Promise<Answer<Uint8Array | null>>;
  lookUp(names: readonly string[]): Promise<Answer<FoundBytes | null>>;
  /** Evidence. */
  readSince(cursor: string, limit: number): Promise<Answer<PackedSlice>>;
  /** Decisions. */
  readKept(cursor: string, limit: number): Promise<Answer<PackedSlice>>;
  /**
   * The latest first; further ones only where that is damaged. `halfLifeMs`: how evidence fades in the router's fold; the object
   * goes on folding so.
   */
  readSnapshots(halfLifeMs: number | null, terms: LogTerms): Promise<Answer<Snapshot[]>>;
  putSnapshot(snapshot: Snapshot): Promise<Answer<boolean>>;
  dropSnapshots(): Promise<Answer<null>>;
  restart(snapshot: Snapshot): Promise<Answer<null>>;
  /** False where the durable store did not take what it was last given. */
  isWell(): Promise<Answer<boolean>>;
}

/** The object of what all isolates share whatever the router. */
export interface SharedVerbs {
  add(counter: string, amount: number, ttlMs: number): Promise<Answer<number>>;
  /** All of them or none. */
  addAll(additions: readonly Addition[]): Promise<Answer<number[]>>;
  putHealth(name: string, health: SharedHealth, ttlMs: number): Promise<Answer<null>>;
  readHealth(): Promise<Answer<Map<string, SharedHealth>>>;
  lease(name: string, holder: string, ttlMs: number): Promise<Answer<boolean>>;
  /** Done again it does nothing. */
  secret(proposed: string): Promise<Answer<string>>;
}

/** Objects by name. One that is not there yet comes to be when it is first asked. */
export interface StateObjects {
  getByName(name: string): LogVerbs & SharedVerbs;
}

export const SHARED_OBJECT = 'shared';
/** A router's name may be any; an object's begins with what it is. */
export const objectOf = (log: string): string => `router:${log}`;
