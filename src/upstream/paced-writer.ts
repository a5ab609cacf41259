/** Writes to a client no faster than it reads: while it does not, the upstream is held back. */
import type { ClientSink, UpstreamCall } from './port.ts';

export interface PacedWriter {
  /** Null and no bytes at all write nothing. */
  write(bytes: Uint8Array | null): void;
  /** Whether the client has more than it reads. */
  isWaiting(): boolean;
}

export function createPacedWriter(client: ClientSink, upstream: Pick<UpstreamCall, 'pause' | 'resume'>): PacedWriter {
  let waiting = false;
  const goOn = (): void => {
    waiting = false;
    upstream.resume();
  };
  return {
    write(bytes) {
      if (bytes === null || bytes.length === 0 || client.write(bytes) || waiting) return;
      waiting = true;
      upstream.pause();
      client.onDrain(goOn);
    },
    isWaiting: () => waiting,
  };
}
