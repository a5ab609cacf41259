/** One attempt at one arm: sends the request, passes the answer on, and ends exactly once with one outcome. */
import type { Timeouts } from '../config/resolve.ts';
import { createStreamObserver, type Observed, observeWhole, type StreamObserver } from './observe.ts';
import { createOwnUsageFilter } from './own-usage.ts';
import type { ClientSink, ResponseHeaders, Send, UpstreamRequest } from './port.ts';

export type OutcomeKind = 'completed' | 'client_abort' | 'upstream_error' | 'upstream_drop' | 'timeout';

export interface AttemptPlan {
  send: Send;
  request: UpstreamRequest;
  timeouts: Timeouts;
  /** Whether the client asked for a stream. */
  stream: boolean;
  /** Whether the stream's usage was asked for by us alone. */
  ownUsage: boolean;
  client: ClientSink;
  /** Milliseconds on a steady clock. */
  clock: () => number;
  /** Called once, before the first byte goes to the client: gives the headers that begin the answer. */
  begin: (status: number, headers: ResponseHeaders) => void;
}

export interface AttemptEnd {
  outcome: OutcomeKind;
  /** What the upstream answered with; null where no headers came. */
  status: number | null;
  headers: ResponseHeaders;
  firstByteMs: number | null;
  totalMs: number;
  /** Why it did not complete, in words for a log and a client; null where it did. */
  message: string | null;
  /** What was seen of the answer; null where there was none. */
  observed: Observed | null;
  /** Whether bytes of it have gone to the client, so that no other arm may answer any more. */
  begun: boolean;
  /** A body that has not been sent: a whole answer, or an upstream's error. */
  body: string | null;
}

export interface RunningAttempt {
  ended: Promise<AttemptEnd>;
  /** The client has gone: closes the upstream request at once. */
  abandon(): void;
}

/** The longest whole answer that is held: far beyond any completion, and below what would hurt. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** Before the first event no more than this is held back: comments that keep a connection alive, mostly. */
const MAX_HELD_BYTES = 64 * 1024;

export function startAttempt(plan: AttemptPlan): RunningAttempt {
  const { client, clock, timeouts } = plan;
  const startedAt = clock();
  let phase: 'waiting' | 'streaming' | 'over' = 'waiting';
  let status: number | null = null;
  let headers: ResponseHeaders = {};
  let observer: StreamObserver | null = null;
  let firstByteAt: number | null = null;
  let lastByteAt = startedAt;
  let waitingForClient = false;
  let chunks: Uint8Array[] = [];
  let size = 0;
  const filter = plan.ownUsage ? createOwnUsageFilter() : null;
  let resolve: (end: AttemptEnd) => void;
  const ended = new Promise<AttemptEnd>((give) => {
    resolve = give;
  });

  const timers = new Set<ReturnType<typeof setTimeout>>();
  const after = (ms: number, action: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, ms);
    timers.add(timer);
  };

  const finish = (outcome: OutcomeKind, message: string | null, more: Partial<AttemptEnd> = {}): void => {
    if (phase === 'over') return;
    const begun = phase === 'streaming';
    phase = 'over';
    for (const timer of timers) clearTimeout(timer);
    chunks = [];
    resolve({
      outcome,
      status,
      headers,
      firstByteMs: firstByteAt === null ? null : firstByteAt - startedAt,
      totalMs: clock() - startedAt,
      message,
      observed: observer?.observed() ?? null,
      begun,
      body: null,
      ...more,
    });
  };

  /** Ends the attempt badly; a stream that has begun is told so and never ends as if it were whole. */
  const breakOff = (outcome: 'upstream_error' | 'upstream_drop' | 'timeout', message: string): void => {
    if (phase === 'over') return;
    if (phase === 'streaming') {
      client.write(errorEvent(outcome, message));
      client.end();
    }
    finish(outcome, message);
  };

  const write = (bytes: Uint8Array | null): void => {
    if (bytes === null || bytes.length === 0 || client.write(bytes)) return;
    if (waitingForClient) return;
    waitingForClient = true;
    call.pause();
    client.onDrain(() => {
      waitingForClient = false;
      lastByteAt = clock();
      if (phase !== 'over') call.resume();
    });
  };

  const beginStream = (): void => {
    phase = 'streaming';
    plan.begin(status as number, headers);
    const held = chunks;
    chunks = [];
    for (const chunk of held) write(filter ? filter.push(chunk) : chunk);
  };

  const watchIdle = (ms: number): void => {
    after(ms, () => {
      // Time in which the client would not read is not the upstream's.
      const idle = waitingForClient ? 0 : clock() - lastByteAt;
      if (idle < timeouts.idleMs) return watchIdle(timeouts.idleMs - idle);
      call.cancel();
      breakOff('timeout', `the upstream sent nothing for ${timeouts.idleMs} ms`);
    });
  };

  const call = plan.send(plan.request, {
    headers(code, received) {
      status = code;
      headers = received;
      const streams = code >= 200 && code < 300 && /^text\/event-stream\b/i.test(received['content-type'] ?? '');
      if (streams) observer = createStreamObserver();
    },
    data(chunk) {
      if (phase === 'over') return;
      lastByteAt = clock();
      if (firstByteAt === null) {
        firstByteAt = lastByteAt;
        watchIdle(timeouts.idleMs);
      }
      if (!observer) {
        size += chunk.length;
        if (size > MAX_WHOLE_BYTES) {
          call.cancel();
          return breakOff('upstream_error', `the upstream's answer is larger than ${MAX_WHOLE_BYTES} bytes`);
        }
        chunks.push(chunk);
        return;
      }
      observer.push(chunk);
      if (phase === 'streaming') return write(filter ? filter.push(chunk) : chunk);
      chunks.push(chunk);
      size += chunk.length;
      if (observer.refused() !== null) {
        call.cancel();
        return finish('upstream_error', observer.refused());
      }
      if (observer.begun() || size > MAX_HELD_BYTES) beginStream();
    },
    end() {
      if (observer) return endStream(observer);
      const body = decoded(chunks);
      const observed = status !== null && status >= 200 && status < 300 ? observeWhole(body) : null;
      if (observed) finish('completed', null, { observed, body });
      else finish('upstream_error', messageOf(status, body), { body });
    },
    failed({ kind, message }) {
      if (kind === 'connect_timeout') breakOff('timeout', `no connection within ${plan.request.connectMs} ms`);
      else breakOff(firstByteAt === null ? 'upstream_error' : 'upstream_drop', message);
    },
  });

  const endStream = (watched: StreamObserver): void => {
    if (!watched.finished()) {
      const where = phase === 'waiting' ? 'before its first event' : 'the stream before the answer was whole';
      breakOff('upstream_drop', `the upstream ended ${where}`);
      return;
    }
    if (phase === 'waiting') beginStream();
    write(filter?.end() ?? null);
    client.end();
    finish('completed', null);
  };

  // A whole answer's first byte is its last, so this limit is for streams unless the user set one.
  if (plan.stream || timeouts.firstByteForWholeAnswers) {
    after(timeouts.firstByteMs, () => {
      if (phase !== 'waiting') return;
      call.cancel();
      breakOff('timeout', `no first byte within ${timeouts.firstByteMs} ms`);
    });
  }
  after(timeouts.totalMs, () => {
    call.cancel();
    breakOff('timeout', `the answer was not whole within ${timeouts.totalMs} ms`);
  });

  return {
    ended,
    abandon() {
      if (phase === 'over') return;
      call.cancel();
      // Many clients hang up at the finish reason or at [DONE] without waiting for the connection's end.
      if (observer?.finished()) finish('completed', null);
      else finish('client_abort', 'the client left');
    },
  };
}

/** OpenAI's clients raise an `APIError` with this message when an event holds `error`. */
function errorEvent(outcome: OutcomeKind, message: string): Uint8Array {
  const type = outcome === 'timeout' ? 'timeout_error' : 'upstream_error';
  const error = { message: `The upstream broke off: ${message}`, type, param: null, code: outcome };
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify({ error })}\n\n`);
}

function decoded(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  let text = '';
  for (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

function messageOf(status: number | null, body: string): string {
  if (status !== null && status >= 200 && status < 300)
    return 'the upstream answered with something that is no chat completion';
  try {
    const message = (JSON.parse(body) as { error?: { message?: unknown } | null })?.error?.message;
    if (typeof message === 'string') return message;
  } catch {
    // Not JSON: an error page of a proxy in between, most likely.
  }
  return `the upstream answered with status ${status}`;
}
