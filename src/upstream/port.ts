/** What forwarding needs from the platform: a way to send one HTTP request and be told, byte by byte, what came back. */

export interface UpstreamRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  /** What comes in pieces is read as fast as the upstream takes it, and once only. */
  body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Milliseconds that setting up a connection may take. */
  connectMs: number;
}

/** How a call can fail on the way, told apart because a client is told apart: 502, 504 or nothing at all. */
export interface UpstreamFailure {
  kind: 'connect' | 'connect_timeout' | 'reset';
  message: string;
}

/** Exactly one of `end` and `failed` is called, and nothing after it; nothing at all after `cancel`. */
export interface UpstreamEvents {
  headers(status: number, headers: ResponseHeaders): void;
  data(chunk: Uint8Array): void;
  end(): void;
  failed(failure: UpstreamFailure): void;
}

/** Header names in lower case; a header that came more than once is joined with a comma. */
export type ResponseHeaders = Readonly<Record<string, string>>;

export interface UpstreamCall {
  /** Stops reading from the upstream's socket, so that its own flow control holds it back. */
  pause(): void;
  resume(): void;
  /** Closes the upstream request at once. */
  cancel(): void;
}

export type Send = (request: UpstreamRequest, events: UpstreamEvents) => UpstreamCall;

/** Where an answer goes: the client's side of the exchange. */
export interface ClientSink {
  begin(status: number, headers: Readonly<Record<string, string>>): void;
  /** False when the client reads slower than we write: wait for `onDrain` before writing on. */
  write(chunk: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  end(): void;
  /** Cuts the connection in an answer that has begun, so that nobody takes for whole what is not. */
  abort(): void;
  /** Called at most once, when the client goes before `end`. Called at once where it has gone already. */
  onLeave(listener: () => void): void;
}
