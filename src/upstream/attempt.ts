/** One attempt at one arm: sends the request, passes the answer on, and ends exactly once with one outcome. */
import type { Timeouts } from '../config/resolve.ts';
import { isEncoded, isEventStream } from './content.ts';
import { errorEvent } from './error-event.ts';
import { createStreamObserver, errorMessage, type Observed, observeWhole, type StreamObserver } from './observe.ts';
import { createOwnUsageFilter } from './own-usage.ts';
import { createPacedWriter } from './paced-writer.ts';
import type { ClientSink, ResponseHeaders, Send, UpstreamRequest } from './port.ts';
import { createTimers, watchSilence } from './timers.ts';
import { concatenated, createWholeLines } from './whole-lines.ts';

export type OutcomeKind = 'completed' | 'client_abort' | 'upstream_error' | 'upstream_drop' | 'timeout';

export interface AttemptPlan {
  send: Send;
  request: UpstreamRequest;
  timeouts: Timeouts;
  /** Whether the client asked for a stream. */
  stream: boolean;
  /** The bytes of an error as the client may see them: some upstreams repeat the key that they were sent. */
  clean: (error: Uint8Array) => Uint8Array;
  /** Whether the stream's usage was asked for by us alone. */
  ownUsage: boolean;
  client: ClientSink;
  /** Milliseconds on a steady clock. */
  clock: () => number;
  /** Called once, before the first byte goes to the client: gives the headers that begin the answer. */
  begin: (status: number, headers: ResponseHeaders, completionId: string | null) => void;
}

export interface AttemptEnd {
  outcome: OutcomeKind;
  /** What the upstream answered with; null where no headers came. */
  status: number | null;
  headers: ResponseHeaders;
  /** Of a stream: until its first event, since comments that keep a connection alive are none of the answer. */
  firstByteMs: number | null;
  totalMs: number;
  /** Why it did not complete, in words for a log and a client; null where it did. */
  message: string | null;
  /** What was seen of the answer; null where there was none. */
  observed: Observed | null;
  /** Whether bytes of it have gone to the client, so that no other arm may answer any more. */
  begun: boolean;
  /** A body that has not been sent, byte for byte: a whole answer, or an upstream's error. */
  body: Uint8Array | null;
}

export interface RunningAttempt {
  ended: Promise<AttemptEnd>;
  /** The client has gone: closes the upstream request at once. */
  abandon(): void;
}

const decoder = new TextDecoder();

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
  let heard = false;
  let lastByteAt = startedAt;
  let chunks: Uint8Array[] = [];
  let size = 0;
  const filter = plan.ownUsage ? createOwnUsageFilter() : createWholeLines();
  let resolve: (end: AttemptEnd) => void;
  const ended = new Promise<AttemptEnd>((give) => {
    resolve = give;
  });

  const timers = createTimers();
  const writer = createPacedWriter(client, {
    pause: () => call.pause(),
    resume() {
      lastByteAt = clock();
      if (phase !== 'over') call.resume();
    },
  });

  const finish = (outcome: OutcomeKind, message: string | null, more: Partial<AttemptEnd> = {}): void => {
    if (phase === 'over') return;
    const begun = phase === 'streaming';
    phase = 'over';
    timers.stop();
    chunks = [];
    resolve({
      outcome,
      status,
      headers,
      firstByteMs: firstByteAt === null ? null : firstByteAt - startedAt,
      totalMs: clock() - startedAt,
      message,
      observed: (begun && observer?.observed()) || null,
      begun,
      body: null,
      ...more,
    });
  };

  /** Ends the attempt badly; a client whose stream has begun is told so, and never sees it end as if it were whole. */
  const breakOff = (outcome: 'upstream_error' | 'upstream_drop' | 'timeout', message: string): void => {
    if (phase === 'over') return;
    // Where the upstream has told an error in an event of its own, that one stands.
    const told = observer?.error() ?? null;
    // A connection that breaks behind the whole answer has broken nothing.
    if (phase === 'streaming' && told === null && observer?.finished()) {
      client.end();
      finish('completed', null);
      return;
    }
    if (phase === 'streaming') {
      if (told === null) client.write(errorEvent(outcome, message));
      client.end();
    }
    finish(told === null ? outcome : 'upstream_error', told ?? message);
  };

  /** Ends where the client is not there for the rest of the answer. */
  const leave = (message: string): void => {
    if (phase === 'over') return;
    call.cancel();
    // Many clients hang up at the finish reason or at [DONE] without waiting for the connection's end.
    const told = observer?.error() ?? null;
    if (told !== null) finish('upstream_error', told);
    else if (observer?.finished()) finish('completed', null);
    else finish('client_abort', message);
  };

  /** A client that does not read would not read an error either: its connection is cut. */
  const cutClient = (message: string): void => {
    client.abort();
    leave(message);
  };

  const cleaned = (bytes: Uint8Array | null): Uint8Array | null =>
    bytes === null || observer === null || observer.error() === null ? bytes : plan.clean(bytes);

  const beginStream = (): void => {
    phase = 'streaming';
    firstByteAt = lastByteAt;
    plan.begin(status as number, headers, observer?.observed().completionId ?? null);
    const held = chunks;
    chunks = [];
    for (const chunk of held) writer.write(cleaned(filter.push(chunk)));
  };

  const timeOut = (message: string): void => {
    call.cancel();
    breakOff('timeout', message);
  };

  const call = plan.send(plan.request, {
    headers(code, received) {
      status = code;
      headers = received;
      if (isEncoded(received)) {
        const encoding = received['content-encoding'];
        call.cancel();
        return breakOff('upstream_error', `the upstream answered in the encoding ${encoding}, which was not asked for`);
      }
      if (code >= 200 && code < 300 && isEventStream(received)) observer = createStreamObserver();
    },
    data(chunk) {
      if (phase === 'over') return;
      lastByteAt = clock();
      if (!heard) {
        heard = true;
        watchSilence(timers, {
          idleMs: timeouts.idleMs,
          clock,
          movedAt: () => lastByteAt,
          waitsForClient: writer.isWaiting,
          ofUpstream: timeOut,
          ofClient: cutClient,
        });
      }
      if (!observer) {
        firstByteAt ??= lastByteAt;
        size += chunk.length;
        if (size > MAX_WHOLE_BYTES) {
          call.cancel();
          return breakOff('upstream_error', `the upstream's answer is larger than ${MAX_WHOLE_BYTES} bytes`);
        }
        chunks.push(chunk);
        return;
      }
      observer.push(chunk);
      if (phase === 'streaming') return writer.write(cleaned(filter.push(chunk)));
      chunks.push(chunk);
      size += chunk.length;
      if (observer.error() !== null) {
        call.cancel();
        return finish('upstream_error', observer.error());
      }
      if (observer.begun() || size > MAX_HELD_BYTES) beginStream();
    },
    end() {
      if (observer) return endStream(observer);
      const body = concatenated(chunks);
      const text = decoder.decode(body);
      const observed = status !== null && status >= 200 && status < 300 ? observeWhole(text) : null;
      if (observed) finish('completed', null, { observed, body });
      else finish('upstream_error', messageOf(status, text), { body });
    },
    failed({ kind, message }) {
      if (kind === 'connect_timeout') breakOff('timeout', `no connection within ${plan.request.connectMs} ms`);
      else breakOff(heard ? 'upstream_drop' : 'upstream_error', message);
    },
  });

  const endStream = (watched: StreamObserver): void => {
    const told = watched.error();
    if (!watched.begun() || (!watched.finished() && told === null)) {
      const where = phase === 'waiting' ? 'before its first event' : 'the stream before the answer was whole';
      breakOff('upstream_drop', `the upstream ended ${where}`);
      return;
    }
    writer.write(cleaned(filter.end()));
    client.end();
    // The client has been told by the upstream's own event.
    finish(told === null ? 'completed' : 'upstream_error', told);
  };

  // A whole answer's first byte is its last, so this limit is for streams unless the user set one.
  if (plan.stream || timeouts.firstByteForWholeAnswers) {
    timers.after(timeouts.firstByteMs, () => {
      if (phase !== 'waiting' || (heard && !observer)) return;
      timeOut(`no first byte within ${timeouts.firstByteMs} ms`);
    });
  }
  timers.after(timeouts.totalMs, () => {
    if (writer.isWaiting()) cutClient(`the client had not read the answer within ${timeouts.totalMs} ms`);
    else timeOut(`the answer was not whole within ${timeouts.totalMs} ms`);
  });

  return { ended, abandon: () => leave('the client left') };
}

function messageOf(status: number | null, body: string): string {
  try {
    const error = (JSON.parse(body) as { error?: unknown } | null)?.error;
    if (error) return errorMessage(error);
  } catch {
    // Not JSON: an error page of a proxy in between, most likely.
  }
  const isAnswer = status !== null && status >= 200 && status < 300;
  return isAnswer
    ? 'the upstream answered with something that is no chat completion'
    : `the upstream answered with status ${status}`;
}
