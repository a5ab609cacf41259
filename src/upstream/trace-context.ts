/**
 * The trace that a request is part of, in the headers of W3C Trace Context (https://www.w3.org/TR/trace-context/): what its
 * client says of it, and what an upstream is told.
 */

/** Where a client's request stands in a trace. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** The client's span, 16 hexadecimal digits. */
  spanId: string;
  sampled: boolean;
}

/** One request's part of a trace. */
export interface RequestTrace {
  traceId: string;
  parent: TraceParent | null;
  /** The client's `tracestate`, unchanged. */
  state: string | null;
  /** Null where no spans are made of it. */
  spans: OwnSpans | null;
}

/** Ids of the spans of a request: of itself, and of its attempts in their order. */
export interface OwnSpans {
  request: string;
  attempts: string[];
}

/** How traces are begun. */
export interface TraceTerms {
  /** Of the requests that come without a trace, this share is traced, in [0, 1]. */
  share: number;
  random: () => number;
  randomHex: (bytes: number) => string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/** Null for a header that says nothing, or nothing valid: then a trace begins anew. */
export function readTraceParent(header: string | undefined): TraceParent | null {
  const parts = header === undefined ? null : TRACEPARENT.exec(header.trim());
  if (!parts) return null;
  const [, version, traceId, spanId, flags, more] = parts as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ];
  // The first version has nothing behind its flags, and the last one is none.
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/**
 * The trace of a request. `terms` is null where no spans are made: what the client says is passed on as it is then. Null where it
 * says nothing, too.
 */
export function traceOf(header: (name: string) => string | undefined, terms: TraceTerms | null): RequestTrace | null {
  const parent = readTraceParent(header('traceparent'));
  if (!parent && !terms) return null;
  const state = (parent && header('tracestate')) || null;
  if (!terms) return { traceId: (parent as TraceParent).traceId, parent, state, spans: null };
  const traceId = parent?.traceId ?? terms.randomHex(16);
  // Whoever began the trace has decided whether it is looked at.
  const isTraced = parent ? parent.sampled : terms.random() < terms.share;
  return { traceId, parent, state, spans: isTraced ? { request: terms.randomHex(8), attempts: [] } : null };
}

/**
 * What the next attempt tells its upstream in the place of what the client said; null where that is passed on as it came. Each
 * call begins another attempt.
 */
export function traceHeaders(trace: RequestTrace | null, randomHex: (bytes: number) => string): TraceHeaders | null {
  if (!trace?.spans) return null;
  const spanId = randomHex(8);
  trace.spans.attempts.push(spanId);
  const traceparent = `00-${trace.traceId}-${spanId}-01`;
  return trace.state === null ? { traceparent } : { traceparent, tracestate: trace.state };
}

export type TraceHeaders = { traceparent: string; tracestate?: string };
