/** The client's side of one exchange: reading its body within a limit, and writing an answer as it comes. */
import type { ClientSink } from '../upstream/port.ts';

/** A body as it comes, to be read once. Reading fails where the client goes before the body is whole. */
export interface BodyPieces extends AsyncIterableIterator<Uint8Array> {
  /** Stops reading, also while a `next` is waiting, and leaves the connection as it is. */
  return(): Promise<IteratorResult<Uint8Array>>;
}

/** Where an answer goes, be it whole or as it comes. */
export interface AnswerSink extends ClientSink {
  /** Answers with all there is; `content-length` is added. */
  answer(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void;
  /** Resolves when what has been written so far has gone out, or cannot any more. */
  sent(): Promise<void>;
}

export interface ClientExchange extends AnswerSink {
  /** What was asked for, path and query, as it came over the wire: nothing decoded, nothing resolved. */
  readonly target: string;
  /** A request header, by its name in lower case. */
  header(name: string): string | undefined;
  /** The whole body, or why there is none. Reading stops at the limit. */
  readBody(maxBytes: number): Promise<Uint8Array | 'too_large' | 'gone'>;
  /** The body piece by piece, instead of `readBody`: read from the connection no faster than it is asked for. */
  readPieces(): BodyPieces;
  /** What the app returns to the server; resolves when the answer has begun or the client has gone, at the latest. */
  readonly response: Promise<Response>;
}
