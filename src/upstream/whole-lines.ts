/**
 * Passes a stream on line by line: what is not a whole line yet waits for its end. A client can do nothing with half a
 * line, and where the upstream breaks off in one, the error that follows would be lost in it.
 */
import { MAX_LINE_BYTES } from './sse.ts';

const LF = 10;
const CR = 13;

/** What stands between an upstream's stream and the client. */
export interface StreamFilter {
  /** The bytes up to here that are the client's, or null for none. */
  push(chunk: Uint8Array): Uint8Array | null;
  /** What was held when the stream ended well, or null. */
  end(): Uint8Array | null;
}

export function createWholeLines(): StreamFilter {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const release = (more?: Uint8Array): Uint8Array | null => {
    const parts = more ? [...held, more] : held;
    held = [];
    heldBytes = 0;
    return parts.length === 0 ? null : concatenated(parts);
  };
  return {
    push(chunk) {
      const end = Math.max(chunk.lastIndexOf(LF), chunk.lastIndexOf(CR)) + 1;
      const passed = end > 0 ? release(chunk.subarray(0, end)) : null;
      if (end < chunk.length) {
        // A copy, since the platform may reuse the chunk's memory.
        held.push(chunk.slice(end));
        heldBytes += chunk.length - end;
        // Longer than any line that is read here: it passes as it comes.
        if (heldBytes > MAX_LINE_BYTES) return release();
      }
      return passed;
    },
    end: () => release(),
  };
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
