/** The exchange on Node: straight to the server's own response, since web streams cost a proxy most of its time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { BodyPieces, ClientExchange } from './exchange.ts';
import { type Flushable, flushSoon } from './flush-node.ts';
import { frameOf } from './frame-node.ts';

const NOTHING_WAITS = Promise.resolve();

/** The server's response is written to as it is: there is nothing to wait for before the app returns. */
const WRITTEN_TO = Promise.resolve(RESPONSE_ALREADY_SENT);

/** `preset` are headers that go out beside those that the answer begins with. */
export const createNodeExchange = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  preset: Readonly<Record<string, string>> | null = null,
): ClientExchange => new NodeExchange(incoming, outgoing, preset);

/** A class rather than closures, of which a request would need a dozen. */
class NodeExchange implements ClientExchange, Flushable {
  readonly response = WRITTEN_TO;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #preset: Readonly<Record<string, string>> | null;
  /** What has been written and not gone out yet, so many bytes of it, and who waits until it has. */
  #pieces: Uint8Array[] = [];
  #length = 0;
  #onDrain: (() => void) | null = null;
  #onSent: (() => void) | null = null;
  /** Whether the body goes out in frames, since its length is not known beforehand. */
  #frames = false;
  #waitsForFlush = false;
  #ended = false;
  #cut = false;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, preset: Readonly<Record<string, string>> | null) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#preset = preset;
  }

  get target(): string {
    return this.#incoming.url ?? '/';
  }

  header(name: string): string | undefined {
    // A list only of `set-cookie`, which no request has a use for.
    return this.#incoming.headers[name] as string | undefined;
  }

  readBody(maxBytes: number): Promise<Uint8Array | 'too_large' | 'gone'> {
    const incoming = this.#incoming;
    if (Number(incoming.headers['content-length']) > maxBytes) return Promise.resolve('too_large');
    return new Promise((resolve) => {
      // The listeners live as long as the request, since taking them off costs more than their idle calls: what they hold
      // must not. A body of megabytes would else stay for as long as its answer streams.
      let tell: typeof resolve | null = resolve;
      let chunks: Buffer[] = [];
      let size = 0;
      const finish = (result: Uint8Array | 'too_large' | 'gone'): void => {
        tell?.(result);
        tell = null;
        chunks = [];
      };
      incoming.on('data', (chunk: Buffer) => {
        // What comes behind a refusal is drained by the server, so that the connection stays of use.
        if (tell === null) return;
        size += chunk.length;
        if (size <= maxBytes) chunks.push(chunk);
        else {
          incoming.pause();
          finish('too_large');
        }
      });
      incoming.on('end', () => finish(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
      const onGone = (): void => finish('gone');
      incoming.on('close', onGone);
      incoming.on('error', onGone);
    });
  }

  readPieces(): BodyPieces {
    return piecesOf(this.#incoming);
  }

  begin(status: number, headers: Readonly<Record<string, string>>): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed) return;
    const all = this.#preset === null ? headers : { ...this.#preset, ...headers };
    outgoing.writeHead(status, all);
    // Where Node would frame the body, that is done here.
    this.#frames = outgoing.chunkedEncoding;
    outgoing.chunkedEncoding = false;
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void {
    this.begin(status, { ...headers, 'content-length': String(body.length) });
    if (body.length > 0) this.write(body);
    this.end();
  }

  write(chunk: Uint8Array): boolean {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed) return true;
    this.#pieces.push(chunk);
    this.#length += chunk.length;
    this.#flushSoon();
    return this.#length < outgoing.writableHighWaterMark && !outgoing.writableNeedDrain;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
    this.#flushSoon();
  }

  end(): void {
    this.#ended = true;
    this.#flushSoon();
  }

  abort(): void {
    this.#cut = true;
    // What has been written is the client's all the same.
    this.flush();
    this.#outgoing.destroy();
  }

  flush(): void {
    this.#waitsForFlush = false;
    if (!this.#outgoing.destroyed) this.#writeOut();
    this.#onSent?.();
    this.#onSent = null;
  }

  #writeOut(): void {
    const outgoing = this.#outgoing;
    const isLast = this.#ended && !this.#cut;
    const bytes = this.#frames ? frameOf(this.#pieces, this.#length, isLast) : this.#pieces;
    this.#pieces = [];
    this.#length = 0;
    // Corked, so that it is one write to the connection, and now: else Node would put it off once more.
    const { socket } = outgoing;
    socket?.cork();
    for (const piece of bytes) outgoing.write(piece);
    if (isLast) outgoing.end();
    else socket?.uncork();
    this.#tellDrained();
  }

  #tellDrained(): void {
    const listener = this.#onDrain;
    if (listener === null) return;
    this.#onDrain = null;
    if (this.#outgoing.writableNeedDrain) this.#outgoing.once('drain', listener);
    else listener();
  }

  #flushSoon(): void {
    if (this.#waitsForFlush) return;
    this.#waitsForFlush = true;
    flushSoon(this);
  }

  sent(): Promise<void> {
    if (!this.#waitsForFlush) return NOTHING_WAITS;
    return new Promise((resolve) => {
      this.#onSent = resolve;
    });
  }

  onLeave(listener: () => void): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.closed) this.#left(listener);
    else outgoing.on('close', () => this.#left(listener));
  }

  #left(listener: () => void): void {
    if (!this.#cut && !(this.#ended && this.#outgoing.writableFinished)) listener();
  }
}

/** Read by hand: node's own iterator destroys the connection, and with it the answer, where it is left early. */
function piecesOf(incoming: IncomingMessage): BodyPieces {
  let stopped = false;
  let wake: (() => void) | undefined;
  const onChange = (): void => wake?.();
  // The last of these stays: an error that nobody listens to would end the process.
  incoming.on('readable', onChange).on('end', onChange).on('close', onChange).on('error', onChange);
  const stop = (): void => {
    stopped = true;
    incoming.off('readable', onChange).off('end', onChange).off('close', onChange);
    wake?.();
  };
  const done = { done: true, value: undefined } as const;
  return {
    async next() {
      while (!stopped) {
        const chunk = incoming.read() as Buffer | null;
        if (chunk !== null) return { done: false, value: chunk };
        if (incoming.readableEnded) stop();
        else if (incoming.destroyed || incoming.errored) {
          stop();
          throw new Error('the client left before its body was whole');
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      return done;
    },
    async return() {
      stop();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
