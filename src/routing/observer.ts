/** What happens to requests, told as plain facts to whoever counts, logs or traces it. */
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { OutcomeKind } from '../upstream/outcome.ts';
import type { RequestTrace } from '../upstream/trace-context.ts';

/** How a request is answered: as a stream of events, as a whole, or passed through as it comes. */
export type RequestKind = 'stream' | 'whole' | 'passed';

export interface AskedUpstream {
  /** A name of the client's own choice is none, and stands as `PROVIDER/*`. */
  model: string;
  provider: string;
  outcome: OutcomeKind;
  status: number | null;
  /** On the steady clock, in milliseconds. */
  sentAt: number;
  /** Null where no byte came, and for a whole answer, whose first byte is its last. */
  firstByteMs: number | null;
  totalMs: number;
}

/** What the client got. */
export interface Answered {
  /** Null where it left before. */
  status: number | null;
  /** From the whole request until the answer began, in milliseconds; null where none did. */
  firstByteMs: number | null;
  /** What of that was Conduit's own. */
  overheadMs: number | null;
}

/** A request that was sent upstream, once nothing more comes of it. */
export interface Settled {
  kind: RequestKind;
  decision: DecisionRecord;
  /** Whether the decision can be looked up. */
  isKept: boolean;
  /** The arm that answered or was asked last, as among the attempts. */
  model: string;
  /** What the upstream calls that model in its answer; null where it told nothing. */
  answeringModel: string | null;
  attempts: readonly AskedUpstream[];
  /** USD for all attempts together. */
  usd: number;
  answered: Answered;
  /** When the request was whole, on the steady clock, in milliseconds. */
  startedAt: number;
  totalMs: number;
  /** Null where its client told none and none is made. */
  trace: RequestTrace | null;
}

/** A request that Conduit answered by itself, be it what was asked for or why not. */
export interface OwnAnswer {
  method: string;
  /** Behind `/v1/`, without what it names. */
  route: string;
  status: number;
  /** The error's code, or its type; null where there was no error. */
  code: string | null;
  /** The name of the key; null where none is known. */
  key: string | null;
  /** Null where it is part of no trace. */
  traced: TracedAnswer | null;
}

export interface TracedAnswer {
  trace: RequestTrace;
  /** When it came, on the steady clock, in milliseconds. */
  startedAt: number;
  totalMs: number;
}

/** Nothing here may throw, or take long: it is called on a request's way. */
export interface Observer {
  /** A request goes upstream; `settled` follows. */
  began(kind: RequestKind): void;
  settled(request: Settled): void;
  answered(request: OwnAnswer): void;
  /** Somebody said what an answer was worth. */
  rated(router: string | null, signal: string, status: string): void;
  /** Something was seen of an answer, or in what followed it. */
  saw(router: string | null, signal: string): void;
}

/** Tells each of them, in this order. */
export function toldToAll(observers: readonly Observer[]): Observer {
  const [only] = observers;
  if (only && observers.length === 1) return only;
  return {
    began(kind) {
      for (const one of observers) one.began(kind);
    },
    settled(request) {
      for (const one of observers) one.settled(request);
    },
    answered(request) {
      for (const one of observers) one.answered(request);
    },
    rated(...what) {
      for (const one of observers) one.rated(...what);
    },
    saw(...what) {
      for (const one of observers) one.saw(...what);
    },
  };
}
