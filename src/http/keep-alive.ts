/**
 * Comments in a stream of events while nothing else is written. A connection that is silent is cut by what stands in between,
 * and some platforms notice that a client has left only when something is written to it.
 */
import { isEncoded, isEventStream } from '../upstream/content.ts';
import { createEventEdge } from '../upstream/event-edge.ts';
import { asEvents } from '../upstream/late-answer.ts';
import type { AnswerSink } from './exchange.ts';

export interface KeepAlivePlan {
  /** Milliseconds without a byte to the client, after each of which comments are written. */
  everyMs: number;
  /** Milliseconds on a steady clock. */
  clock: () => number;
  /**
   * Gives the headers that begin a stream for which no upstream has said anything yet. Null where comments have to wait for
   * the upstream, since nobody knows that its answer will be a stream.
   */
  early: (() => Readonly<Record<string, string>>) | null;
}

/** The sink with comments. What is written by others passes through it byte for byte, and no comment is within an event. */
export const keptAlive = (sink: AnswerSink, plan: KeepAlivePlan): AnswerSink => new KeptAlive(sink, plan);

const encoder = new TextEncoder();
const COMMENT = encoder.encode(': keep-alive\n\n');
/** OpenAI's client for Python takes each empty line for an event of its own once one had an id. */
const COMMENT_AFTER_IDS = encoder.encode(': keep-alive\n');

const STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/**
 * A comment is repeated once so soon. A proxy in between learns from the first that its client has left, and with that closes
 * its own connection: who wrote learns of that from the second.
 */
const REPEATED_MS = 1_000;

class KeptAlive implements AnswerSink {
  readonly #sink: AnswerSink;
  readonly #plan: KeepAlivePlan;
  readonly #edge = createEventEdge();
  #phase: 'waiting' | 'begun early' | 'begun' | 'over' = 'waiting';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writtenAt: number;
  /** Whether the client has more than it reads: it needs no comment, and gets none on top. */
  #isFull = false;
  /** Whether a comment is the last that was written, and has not been repeated yet. */
  #isToRepeat = false;

  constructor(sink: AnswerSink, plan: KeepAlivePlan) {
    this.#sink = sink;
    this.#plan = plan;
    this.#writtenAt = plan.clock();
    if (plan.early !== null) this.#lookIn(plan.everyMs);
  }

  begin(status: number, headers: Readonly<Record<string, string>>): void {
    const early = this.#phase === 'begun early';
    if (this.#phase !== 'over') this.#phase = 'begun';
    // The client has had a status and headers.
    if (early) return;
    this.#sink.begin(status, headers);
    this.#writtenAt = this.#plan.clock();
    if (!isEventStream(headers) || isEncoded(headers)) this.#stop();
    else if (this.#timer === undefined) this.#lookIn(this.#plan.everyMs);
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void {
    const early = this.#phase === 'begun early';
    this.#stop();
    if (early) {
      this.#sink.write(asEvents(status, body));
      this.#sink.end();
    } else this.#sink.answer(status, headers, body);
  }

  write(chunk: Uint8Array): boolean {
    this.#edge.push(chunk);
    this.#writtenAt = this.#plan.clock();
    this.#isToRepeat = false;
    this.#isFull = !this.#sink.write(chunk);
    return !this.#isFull;
  }

  onDrain(listener: () => void): void {
    this.#sink.onDrain(() => {
      this.#isFull = false;
      listener();
    });
  }

  end(): void {
    this.#stop();
    this.#sink.end();
  }

  abort(): void {
    this.#stop();
    this.#sink.abort();
  }

  sent(): Promise<void> {
    return this.#sink.sent();
  }

  onLeave(listener: () => void): void {
    this.#sink.onLeave(() => {
      this.#stop();
      listener();
    });
  }

  #lookIn(ms: number): void {
    if (this.#phase !== 'over') this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const silentMs = this.#plan.clock() - this.#writtenAt;
    const leftMs = this.#patienceMs() - silentMs;
    // By this clock a timer may go off a little early.
    if (leftMs >= 1) this.#lookIn(leftMs);
    else {
      if (!this.#isFull && this.#edge.isBetween()) this.#comment();
      this.#lookIn(this.#patienceMs());
    }
  }

  #patienceMs(): number {
    const { everyMs } = this.#plan;
    return this.#isToRepeat ? Math.min(REPEATED_MS, everyMs) : everyMs;
  }

  #comment(): void {
    const { early, clock } = this.#plan;
    if (this.#phase === 'waiting' && early !== null) {
      this.#phase = 'begun early';
      this.#sink.begin(200, { ...STREAM, ...early() });
    }
    this.#writtenAt = clock();
    this.#isToRepeat = !this.#isToRepeat;
    if (this.#sink.write(this.#edge.hasIds() ? COMMENT_AFTER_IDS : COMMENT)) return;
    this.#isFull = true;
    this.onDrain(() => {});
  }

  #stop(): void {
    this.#phase = 'over';
    clearTimeout(this.#timer);
  }
}
