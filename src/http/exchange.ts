/** The client's side of one exchange: reading its body within a limit, and writing an answer as it comes. */
import type { ClientSink } from '../upstream/port.ts';

export interface ClientExchange extends ClientSink {
  /** The whole body, or why there is none. Reading stops at the limit. */
  readBody(maxBytes: number): Promise<Uint8Array | 'too_large' | 'gone'>;
  /** What the app returns to the server; resolves once the answer has begun, or the client has gone. */
  readonly response: Promise<Response>;
}
