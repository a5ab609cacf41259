/**
 * Relays one request of which nothing needs to be understood: its body up and the answer down, each no faster than the
 * other side takes it, and one outcome at the end, as an attempt at a completion has.
 */
import { isEncoded, isEventStream } from './content.ts';
import { errorEvent } from './error-event.ts';
import { createOpenEvent } from './open-event.ts';
import type { AttemptEnd, OutcomeKind } from './outcome.ts';
import { createPacedWriter } from './paced-writer.ts';
import type { ClientSink, ResponseHeaders, Send, UpstreamRequest } from './port.ts';
import { createUsageTap, type UsageTap } from './tap-usage.ts';
import { createTimers, watchSilence } from './timers.ts';
import { concatenated, createWholeLines, type StreamFilter } from './whole-lines.ts';

/** In milliseconds. */
export interface RelayTimeouts {
  /** From the request's last byte to the answer's first; null for no limit. */
  firstByteMs: number | null;
  /** Without a byte of the answer, or without taking one of the request that is waiting. */
  idleMs: number;
  /** Null for no limit: a large file may take long. */
  totalMs: number | null;
}

export interface RelayPlan {
  send: Send;
  request: UpstreamRequest;
  timeouts: RelayTimeouts;
  client: ClientSink;
  /** Milliseconds on a steady clock. */
  clock: () => number;
  /** The bytes of an error as the client may see them: some upstreams repeat the key that they were sent. */
  clean: (error: Uint8Array) => Uint8Array;
  /** Called once, before the first byte of a good answer goes to the client: gives the headers that begin it. */
  begin: (status: number, headers: ResponseHeaders) => void;
}

export interface RunningRelay {
  /** `observed` is null where the answer told no usage; `body` holds an answer that is an error or a redirect. */
  ended: Promise<AttemptEnd>;
  /** The client has gone: closes the upstream request at once. */
  abandon(): void;
}

/** The longest error that is held. */
const MAX_ERROR_BYTES = 1024 * 1024;

export function startRelay(plan: RelayPlan): RunningRelay {
  const { client, clock, timeouts } = plan;
  const startedAt = clock();
  let phase: 'waiting' | 'passing' | 'over' = 'waiting';
  let status: number | null = null;
  let headers: ResponseHeaders = {};
  /** What is done with the answer: passed on as bytes or line by line, or held since it is an error. */
  let manner: 'bytes' | 'events' | 'held' = 'bytes';
  let tap: UsageTap | null = null;
  let filter: StreamFilter | null = null;
  let firstByteAt: number | null = null;
  let lastByteAt = startedAt;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let resolve: (end: AttemptEnd) => void;
  const ended = new Promise<AttemptEnd>((give) => {
    resolve = give;
  });

  const open = createOpenEvent();
  const timers = createTimers(clock);
  const writer = createPacedWriter(client, {
    pause: () => call.pause(),
    resume() {
      lastByteAt = clock();
      if (phase !== 'over') call.resume();
    },
  });

  const finish = (outcome: OutcomeKind, message: string | null, body: Uint8Array | null = null): void => {
    if (phase === 'over') return;
    const begun = phase === 'passing';
    phase = 'over';
    timers.stop();
    upload?.stop();
    resolve({
      outcome,
      status,
      headers,
      firstByteMs: firstByteAt === null ? null : firstByteAt - startedAt,
      totalMs: clock() - startedAt,
      message,
      observed: (begun && tap?.observed()) || null,
      begun,
      body,
    });
  };

  /** Ends badly. A client whose answer has begun never sees it end as if it were whole. */
  const breakOff = (outcome: 'upstream_error' | 'upstream_drop' | 'timeout', message: string): void => {
    if (phase === 'over') return;
    if (phase === 'passing') {
      // Where the upstream has said that its stream is whole, or what failed in it, a break behind that is none.
      const told = tap?.finished() || tap?.error();
      if (manner === 'events') {
        const last = told ? open.ending() : errorEvent(outcome, message, open);
        if (last) client.write(last);
        client.end();
      } else client.abort();
      if (told) finishTold();
    }
    finish(outcome, message);
  };

  /** Ends as the upstream's own events say. */
  const finishTold = (): void => {
    const told = tap?.error() ?? null;
    finish(told === null ? 'completed' : 'upstream_error', told);
  };

  const giveUp = (outcome: 'upstream_error' | 'timeout', message: string): void => {
    call.cancel();
    breakOff(outcome, message);
  };

  /** Ends where the client is not there for the rest of the answer. */
  const leave = (message: string): void => {
    if (phase === 'over') return;
    call.cancel();
    // Many clients hang up at a stream's last event without waiting for the connection's end.
    if (tap?.finished() || tap?.error()) finishTold();
    else finish('client_abort', message);
  };

  /** A client that does not read would not read an error either: its connection is cut. */
  const cutClient = (message: string): void => {
    client.abort();
    leave(message);
  };

  const pass = (bytes: Uint8Array | null): void => {
    const cleaned = bytes === null || !tap?.error() ? bytes : plan.clean(bytes);
    if (cleaned && manner === 'events') open.push(cleaned);
    writer.write(cleaned);
  };

  const beginAnswer = (): void => {
    phase = 'passing';
    plan.begin(status as number, manner === 'events' ? withoutLength(headers) : headers);
  };

  const watchUpload = (ms: number): void => {
    timers.after(ms, () => {
      if (!upload || upload.isDone()) return;
      const idle = upload.idleMs();
      if (idle < timeouts.idleMs) return watchUpload(timeouts.idleMs - idle);
      giveUp('timeout', `the upstream took nothing of the body for ${timeouts.idleMs} ms`);
    });
  };

  const waitForFirstByte = (): void => {
    const { firstByteMs } = timeouts;
    if (firstByteMs === null) return;
    timers.after(firstByteMs, () => {
      if (firstByteAt === null) giveUp('timeout', `no first byte within ${firstByteMs} ms`);
    });
  };

  const abandon = (): void => leave('the client left');

  const { body } = plan.request;
  const upload = isInPieces(body) ? trackUpload(body, clock, { done: waitForFirstByte, gone: abandon }) : null;

  const call = plan.send(upload ? { ...plan.request, body: upload.pieces } : plan.request, {
    headers(code, received) {
      status = code;
      headers = received;
      manner = mannerOf(code, received);
      if (manner === 'held') return;
      if (manner === 'events') filter = createWholeLines();
      // Packed bytes tell nothing.
      if (!isEncoded(received)) tap = createUsageTap(received, manner === 'events');
    },
    data(chunk) {
      if (phase === 'over') return;
      lastByteAt = clock();
      if (firstByteAt === null) {
        firstByteAt = lastByteAt;
        watchSilence(timers, {
          idleMs: timeouts.idleMs,
          clock,
          movedAt: () => lastByteAt,
          waitsForClient: writer.isWaiting,
          ofUpstream: (message) => giveUp('timeout', message),
          ofClient: cutClient,
        });
      }
      if (manner === 'held') {
        heldBytes += chunk.length;
        if (heldBytes > MAX_ERROR_BYTES) {
          held = [];
          return giveUp('upstream_error', `the upstream answered with status ${status} and more than it is read of`);
        }
        held.push(chunk);
        return;
      }
      if (phase === 'waiting') beginAnswer();
      tap?.push(chunk);
      pass(filter ? filter.push(chunk) : chunk);
    },
    end() {
      if (phase === 'over') return;
      if (manner === 'held') {
        return finish('upstream_error', `the upstream answered with status ${status}`, concatenated(held));
      }
      if (phase === 'waiting') beginAnswer();
      if (tap?.cutShort()) {
        return breakOff('upstream_drop', 'the upstream ended the stream before the answer was whole');
      }
      pass(filter?.end() ?? null);
      client.end();
      finishTold();
    },
    failed({ kind, message }) {
      if (kind === 'connect_timeout') breakOff('timeout', `no connection within ${plan.request.connectMs} ms`);
      else breakOff(firstByteAt === null ? 'upstream_error' : 'upstream_drop', message);
    },
  });

  if (upload) watchUpload(timeouts.idleMs);
  else waitForFirstByte();
  const { totalMs } = timeouts;
  if (totalMs !== null) {
    timers.after(totalMs, () => {
      if (writer.isWaiting()) cutClient(`the client had not read the answer within ${totalMs} ms`);
      else giveUp('timeout', `the answer was not whole within ${totalMs} ms`);
    });
  }

  return { ended, abandon };
}

function mannerOf(status: number, headers: ResponseHeaders): 'bytes' | 'events' | 'held' {
  const isGood = (status >= 200 && status < 300) || status === 304;
  if (!isGood) return 'held';
  return isEventStream(headers) && !isEncoded(headers) ? 'events' : 'bytes';
}

/** A stream of events may have to end with one of our own. */
function withoutLength({ 'content-length': _, ...headers }: ResponseHeaders): ResponseHeaders {
  return headers;
}

const isInPieces = (body: UpstreamRequest['body']): body is AsyncIterable<Uint8Array> =>
  body !== null && typeof body !== 'string' && !(body instanceof Uint8Array);

interface Upload {
  pieces: AsyncIterable<Uint8Array>;
  isDone(): boolean;
  /** How long the upstream has not taken the piece that it was given; 0 while it is the client that is waited for. */
  idleMs(): number;
  /** Reads no more of the client's body. */
  stop(): void;
}

/** The body on its way up. `gone` is told where the client leaves in it, `done` when all of it has been handed on. */
function trackUpload(
  body: AsyncIterable<Uint8Array>,
  clock: () => number,
  told: { done: () => void; gone: () => void },
): Upload {
  const source = body[Symbol.asyncIterator]();
  /** When the piece that is now being sent was handed on; null while the client is waited for. */
  let handedAt: number | null = null;
  let done = false;
  const stop = (): void => {
    void source.return?.();
  };
  const pieces: AsyncIterableIterator<Uint8Array> = {
    async next() {
      handedAt = null;
      try {
        const piece = await source.next();
        if (!piece.done) handedAt = clock();
        else if (!done) {
          done = true;
          told.done();
        }
        return piece;
      } catch (error) {
        told.gone();
        throw error;
      }
    },
    async return() {
      stop();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return {
    pieces,
    isDone: () => done,
    idleMs: () => (handedAt === null ? 0 : clock() - handedAt),
    stop,
  };
}
