/** One attempt at one arm: sends the request, passes the answer on, and ends exactly once with one outcome. */
import type { Timeouts } from '../config/resolve.ts';
import { isEncoded, isEventStream } from './content.ts';
import { errorEvent } from './error-event.ts';
import { createStreamObserver, errorMessage, type Observed, observeWhole, type StreamObserver } from './observe.ts';
import { createOpenEvent, type OpenEvent } from './open-event.ts';
import type { AttemptEnd, OutcomeKind } from './outcome.ts';
import { createOwnUsageFilter } from './own-usage.ts';
import { createPacedWriter, type PacedWriter } from './paced-writer.ts';
import type {
  ClientSink,
  ResponseHeaders,
  Send,
  UpstreamCall,
  UpstreamEvents,
  UpstreamFailure,
  UpstreamRequest,
} from './port.ts';
import { createTimers, type Timers, watchSilence } from './timers.ts';
import { concatenated, createWholeLines, type StreamFilter } from './whole-lines.ts';

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

export interface RunningAttempt {
  ended: Promise<AttemptEnd>;
  /** The client has gone: closes the upstream request at once. */
  abandon(): void;
  /** Whether a stream has said that it is whole, though the upstream may not have hung up yet. */
  isWhole(): boolean;
}

const decoder = new TextDecoder();

/** The longest whole answer that is held: far beyond any completion, and below what would hurt. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** Before the first event no more than this is held back: comments that keep a connection alive, mostly. */
const MAX_HELD_BYTES = 64 * 1024;

export const startAttempt = (plan: AttemptPlan): RunningAttempt => new Attempt(plan);

/** A class rather than closures: there is one for each request, and a closure for each of its verbs costs more than the verb. */
class Attempt implements RunningAttempt, UpstreamEvents {
  readonly ended: Promise<AttemptEnd>;
  readonly #plan: AttemptPlan;
  readonly #startedAt: number;
  readonly #timers: Timers;
  readonly #call: UpstreamCall;
  #resolve!: (end: AttemptEnd) => void;
  #phase: 'waiting' | 'streaming' | 'over' = 'waiting';
  #status: number | null = null;
  #headers: ResponseHeaders = {};
  /** What watches a stream, stands between it and the client, and writes it; null for anything else. */
  #stream: Streaming | null = null;
  #firstByteAt: number | null = null;
  #heard = false;
  #lastByteAt: number;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(plan: AttemptPlan) {
    this.#plan = plan;
    this.#startedAt = plan.clock();
    this.#lastByteAt = this.#startedAt;
    this.#timers = createTimers(plan.clock);
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#call = plan.send(plan.request, this);
    this.#setLimits();
  }

  /** The client has gone: closes the upstream request at once. */
  abandon(): void {
    this.#leave('the client left');
  }

  isWhole(): boolean {
    return this.#stream?.observer.finished() ?? false;
  }

  headers(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (isEncoded(headers)) {
      const encoding = headers['content-encoding'];
      this.#call.cancel();
      this.#breakOff('upstream_error', `the upstream answered in the encoding ${encoding}, which was not asked for`);
    } else if (isGood(status) && isEventStream(headers)) this.#stream = this.#watchStream();
  }

  data(chunk: Uint8Array): void {
    if (this.#phase === 'over') return;
    this.#lastByteAt = this.#plan.clock();
    if (!this.#heard) this.#hear();
    const stream = this.#stream;
    if (stream === null) this.#holdWhole(chunk);
    else {
      stream.observer.push(chunk);
      if (this.#phase === 'streaming') this.#pass(stream, stream.filter.push(chunk));
      else this.#holdBack(stream, chunk);
    }
  }

  end(): void {
    if (this.#stream) this.#endStream(this.#stream);
    else this.#endWhole();
  }

  #endWhole(): void {
    const body = concatenated(this.#chunks);
    const text = decoder.decode(body);
    const observed = this.#status !== null && isGood(this.#status) ? observeWhole(text) : null;
    if (observed) this.#finish('completed', null, observed, body);
    else this.#finish('upstream_error', messageOf(this.#status, text), null, body);
  }

  failed({ kind, message }: UpstreamFailure): void {
    const { connectMs } = this.#plan.request;
    if (kind === 'connect_timeout') this.#breakOff('timeout', `no connection within ${connectMs} ms`);
    else this.#breakOff(this.#heard ? 'upstream_drop' : 'upstream_error', message);
  }

  #setLimits(): void {
    const { firstByteMs, firstByteForWholeAnswers, totalMs } = this.#plan.timeouts;
    // A whole answer's first byte is its last, so this limit is for streams unless the user set one.
    if (this.#plan.stream || firstByteForWholeAnswers) {
      this.#timers.after(firstByteMs, () => {
        if (this.#phase !== 'waiting' || (this.#heard && !this.#stream)) return;
        this.#timeOut(`no first byte within ${firstByteMs} ms`);
      });
    }
    this.#timers.after(totalMs, () => {
      if (this.#isHeldBack()) this.#cutClient(`the client had not read the answer within ${totalMs} ms`);
      else this.#timeOut(`the answer was not whole within ${totalMs} ms`);
    });
  }

  #hear(): void {
    this.#heard = true;
    watchSilence(this.#timers, {
      idleMs: this.#plan.timeouts.idleMs,
      clock: this.#plan.clock,
      movedAt: () => this.#lastByteAt,
      waitsForClient: () => this.#isHeldBack(),
      ofUpstream: (message) => this.#timeOut(message),
      ofClient: (message) => this.#cutClient(message),
    });
  }

  #isHeldBack(): boolean {
    return this.#stream?.writer.isWaiting() ?? false;
  }

  #watchStream(): Streaming {
    return {
      observer: createStreamObserver(),
      filter: this.#plan.ownUsage ? createOwnUsageFilter() : createWholeLines(),
      open: createOpenEvent(),
      writer: createPacedWriter(this.#plan.client, {
        pause: () => this.#call.pause(),
        resume: () => {
          this.#lastByteAt = this.#plan.clock();
          if (this.#phase !== 'over') this.#call.resume();
        },
      }),
    };
  }

  #holdWhole(chunk: Uint8Array): void {
    this.#firstByteAt ??= this.#lastByteAt;
    this.#size += chunk.length;
    if (this.#size > MAX_WHOLE_BYTES) {
      this.#call.cancel();
      this.#breakOff('upstream_error', `the upstream's answer is larger than ${MAX_WHOLE_BYTES} bytes`);
    } else this.#chunks.push(chunk);
  }

  /** Keeps what comes before a stream's first event. */
  #holdBack(stream: Streaming, chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const told = stream.observer.error();
    if (told !== null) {
      this.#call.cancel();
      this.#finish('upstream_error', told);
    } else if (stream.observer.begun() || this.#size > MAX_HELD_BYTES) this.#beginStream(stream);
  }

  #beginStream(stream: Streaming): void {
    this.#phase = 'streaming';
    this.#firstByteAt = this.#lastByteAt;
    this.#plan.begin(this.#status as number, this.#headers, stream.observer.completionId());
    const held = this.#chunks;
    this.#chunks = [];
    for (const chunk of held) this.#pass(stream, stream.filter.push(chunk));
  }

  /** What the client may see of these bytes: an error may repeat a key of ours. */
  #pass(stream: Streaming, bytes: Uint8Array | null): void {
    const cleaned = bytes === null || stream.observer.error() === null ? bytes : this.#plan.clean(bytes);
    if (cleaned) stream.open.push(cleaned);
    stream.writer.write(cleaned);
  }

  #endStream(stream: Streaming): void {
    const { observer, filter } = stream;
    const told = observer.error();
    if (!observer.begun() || (!observer.finished() && told === null)) {
      const where = this.#phase === 'waiting' ? 'before its first event' : 'the stream before the answer was whole';
      this.#breakOff('upstream_drop', `the upstream ended ${where}`);
      return;
    }
    this.#pass(stream, filter.end());
    this.#plan.client.end();
    // The client has been told by the upstream's own event.
    this.#finish(told === null ? 'completed' : 'upstream_error', told);
  }

  #timeOut(message: string): void {
    this.#call.cancel();
    this.#breakOff('timeout', message);
  }

  /** Ends the attempt badly; a client whose stream has begun is told so, and never sees it end as if it were whole. */
  #breakOff(outcome: 'upstream_error' | 'upstream_drop' | 'timeout', message: string): void {
    if (this.#phase === 'over') return;
    const { client } = this.#plan;
    // Where the upstream has told an error in an event of its own, that one stands.
    const told = this.#stream?.observer.error() ?? null;
    if (this.#phase === 'streaming') {
      const { observer, open } = this.#stream as Streaming;
      // A connection that breaks behind the whole answer has broken nothing.
      const isWhole = told === null && observer.finished();
      const last = told === null && !isWhole ? errorEvent(outcome, message, open) : open.ending();
      if (last) client.write(last);
      client.end();
      if (isWhole) this.#finish('completed', null);
    }
    this.#finish(told === null ? outcome : 'upstream_error', told ?? message);
  }

  /** Ends where the client is not there for the rest of the answer. */
  #leave(message: string): void {
    if (this.#phase === 'over') return;
    this.#call.cancel();
    // Many clients hang up at the finish reason or at [DONE] without waiting for the connection's end.
    const told = this.#stream?.observer.error() ?? null;
    if (told !== null) this.#finish('upstream_error', told);
    else if (this.#stream?.observer.finished()) this.#finish('completed', null);
    else this.#finish('client_abort', message);
  }

  /** A client that does not read would not read an error either: its connection is cut. */
  #cutClient(message: string): void {
    this.#plan.client.abort();
    this.#leave(message);
  }

  /** `whole` is what was seen of an answer that came at once, `body` what of it has not been sent. */
  #finish(
    outcome: OutcomeKind,
    message: string | null,
    whole: Observed | null = null,
    body: Uint8Array | null = null,
  ): void {
    if (this.#phase === 'over') return;
    const begun = this.#phase === 'streaming';
    this.#phase = 'over';
    this.#timers.stop();
    this.#chunks = [];
    this.#resolve({
      outcome,
      status: this.#status,
      headers: this.#headers,
      firstByteMs: this.#firstByteAt === null ? null : this.#firstByteAt - this.#startedAt,
      totalMs: this.#plan.clock() - this.#startedAt,
      message,
      observed: whole ?? (begun ? (this.#stream?.observer.observed() ?? null) : null),
      begun,
      body,
    });
  }
}

interface Streaming {
  observer: StreamObserver;
  filter: StreamFilter;
  open: OpenEvent;
  writer: PacedWriter;
}

const isGood = (status: number): boolean => status >= 200 && status < 300;

function messageOf(status: number | null, body: string): string {
  try {
    const error = (JSON.parse(body) as { error?: unknown } | null)?.error;
    if (error) return errorMessage(error);
  } catch {
    // Not JSON: an error page of a proxy in between, most likely.
  }
  return status !== null && isGood(status)
    ? 'the upstream answered with something that is no chat completion'
    : `the upstream answered with status ${status}`;
}
