/**
 * Takes out of a stream the usage that Conduit alone asked for (`stream_options.include_usage`), so that a client sees
 * what it would have seen without us. Everything else passes byte for byte; only a line that is not whole yet is held.
 */

import { MAX_LINE_BYTES } from './sse.ts';

const LF = 10;
const CR = 13;
const NEEDLE = new TextEncoder().encode('"usage"');

export interface OwnUsageFilter {
  /** The bytes of this chunk that are the client's, or null for none. */
  push(chunk: Uint8Array): Uint8Array | null;
  /** What was held when the stream ended, or null. */
  end(): Uint8Array | null;
}

export function createOwnUsageFilter(): OwnUsageFilter {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const encoder = new TextEncoder();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let dropBlankLine = false;

  /** The line as the client shall have it, its end included; null where the whole event goes. */
  const lineFor = (line: Uint8Array): Uint8Array | null => {
    if (dropBlankLine) {
      dropBlankLine = false;
      if (isBlank(line)) return null;
    }
    if (!includes(line, NEEDLE)) return line;
    const text = decoder.decode(line);
    const body = text.trimEnd();
    if (!body.startsWith('data:')) return line;
    const event = parsed(body.slice(5));
    if (!event || !('usage' in event)) return line;
    if (event.usage === null) {
      // OpenAI says `"usage":null` in every chunk but the last once usage has been asked for.
      const without = text.replace(/,\s*"usage"\s*:\s*null(?=\s*\}\s*$)/, '');
      if (without !== text) return encoder.encode(without);
      const { usage: _, ...rest } = event;
      return encoder.encode(`data: ${JSON.stringify(rest)}${text.slice(body.length)}`);
    }
    if (Array.isArray(event.choices) && event.choices.length === 0) {
      dropBlankLine = true;
      return null;
    }
    // Usage beside a choice is what this provider sends of its own accord.
    return line;
  };

  return {
    push(chunk) {
      const clean = held.length === 0 && !dropBlankLine && chunk[chunk.length - 1] === LF && !includes(chunk, NEEDLE);
      if (clean) return chunk;
      const out: Uint8Array[] = [];
      let start = 0;
      for (let end = afterLine(chunk, 0); end > 0; end = afterLine(chunk, start)) {
        const kept = lineFor(concatenated([...held, chunk.subarray(start, end)]));
        held = [];
        heldBytes = 0;
        if (kept) out.push(kept);
        start = end;
      }
      if (start < chunk.length) {
        // A copy, since the platform may reuse the chunk's memory.
        held.push(chunk.slice(start));
        heldBytes += chunk.length - start;
        if (heldBytes > MAX_LINE_BYTES) {
          out.push(...held);
          held = [];
          heldBytes = 0;
        }
      }
      return out.length === 0 ? null : concatenated(out);
    },
    end() {
      if (held.length === 0) return null;
      const kept = lineFor(concatenated(held));
      held = [];
      return kept;
    },
  };
}

/** The position behind the line that begins at `start`, its LF, CRLF or CR included; 0 while it is not whole. */
function afterLine(chunk: Uint8Array, start: number): number {
  const lf = chunk.indexOf(LF, start);
  const cr = chunk.subarray(start, lf < 0 ? chunk.length : lf).indexOf(CR);
  // A CR that ends the chunk may yet be half of a CRLF.
  if (cr >= 0 && start + cr + 1 < chunk.length && start + cr + 1 !== lf) return start + cr + 1;
  return lf + 1;
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === LF || byte === CR);
}

function parsed(text: string): { usage?: unknown; choices?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

function includes(haystack: Uint8Array, needle: Uint8Array): boolean {
  const first = needle[0] as number;
  for (let at = haystack.indexOf(first); at >= 0; at = haystack.indexOf(first, at + 1)) {
    let matched = 1;
    while (matched < needle.length && haystack[at + matched] === needle[matched]) matched++;
    if (matched === needle.length) return true;
  }
  return false;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
