/** How one request to an upstream ended: exactly one of these for each. */
import type { Observed } from './observe.ts';
import type { ResponseHeaders } from './port.ts';

export type OutcomeKind = 'completed' | 'client_abort' | 'upstream_error' | 'upstream_drop' | 'timeout';

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
