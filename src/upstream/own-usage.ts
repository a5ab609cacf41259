/**
 * Takes out of a stream the usage that Conduit alone asked for (`stream_options.include_usage`), so that a client sees
 * what it would have seen without us. Everything else passes byte for byte; only a line that is not whole yet is held.
 */
import { editBody } from './body.ts';
import { parsedObject } from './json.ts';
import { NO_NAME } from './open-event.ts';
import { MAX_LINE_BYTES } from './sse.ts';
import { concatenated, type StreamFilter } from './whole-lines.ts';

const LF = 10;
const CR = 13;
const DATA = new TextEncoder().encode('data');
const EVENT = new TextEncoder().encode('event');
const NEEDLE = new TextEncoder().encode('"usage"');
/** Its `g`: JSON is full of quotes, and each that is found costs a call. */
const RAREST = 4;

const WITHOUT_USAGE = { set: new Map([['usage', null]]) };

export function createOwnUsageFilter(): StreamFilter {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
  const encoder = new TextEncoder();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  /** Of the event that is not over yet: whether the client has had data of it, or a name for it, and whether it lost its usage. */
  let hasData = false;
  let isNamed = false;
  let lostUsage = false;
  /** What became of a line whose CR ended a chunk: an LF that begins the next one shares its fate. */
  let afterCarriageReturn: 'nothing' | 'passed' | 'dropped' = 'nothing';

  /** The line as the client shall have it, its end included; null where it goes. */
  const lineFor = (line: Uint8Array): Uint8Array | null => {
    if (isBlank(line)) {
      // It stays where the event had other data, or the next event would be taken for the same one. Behind an `id` alone it would make
      // an event without data, at which OpenAI's Python client fails: the next event has both ids then, and the later counts.
      const goes = lostUsage && !hasData;
      beginAnew();
      return goes ? null : line;
    }
    const kept = withoutUsage(line);
    if (kept !== null) {
      hasData ||= begins(kept, DATA);
      isNamed ||= begins(kept, EVENT);
      return kept;
    }
    lostUsage = true;
    // The name that the client has had is of an event that it will not have.
    return isNamed && !hasData ? unnamed(line) : null;
  };

  const beginAnew = (): void => {
    hasData = false;
    isNamed = false;
    lostUsage = false;
  };

  const unnamed = (line: Uint8Array): Uint8Array => {
    isNamed = false;
    const isEnd = (byte: number): boolean => byte === LF || byte === CR;
    const end = line.findIndex(isEnd);
    return concatenated([encoder.encode(NO_NAME), end < 0 ? new Uint8Array() : line.subarray(end)]);
  };

  const withoutUsage = (line: Uint8Array): Uint8Array | null => {
    if (!includes(line, NEEDLE)) return line;
    const text = decoded(line);
    if (!text?.startsWith('data:')) return line;
    const event = parsedObject(text.slice(5));
    if (!event || !('usage' in event)) return line;
    // OpenAI says `"usage":null` in every chunk but the last once usage has been asked for.
    if (event.usage === null) return encoder.encode(editBody(text, WITHOUT_USAGE));
    // Usage beside a choice is what this provider sends of its own accord.
    return Array.isArray(event.choices) && event.choices.length === 0 ? null : line;
  };

  /** Null for bytes that are no UTF-8: to write them out again would change them. */
  const decoded = (line: Uint8Array): string | null => {
    try {
      return decoder.decode(line);
    } catch {
      return null;
    }
  };

  return {
    push(chunk) {
      const wholeLines = chunk[chunk.length - 1] === LF && held.length === 0 && afterCarriageReturn === 'nothing';
      if (wholeLines && !lostUsage && endsInBlankLine(chunk) && !includes(chunk, NEEDLE)) {
        beginAnew();
        return chunk;
      }
      const out: Uint8Array[] = [];
      let start = 0;
      if (afterCarriageReturn !== 'nothing' && chunk.length > 0) {
        if (chunk[0] === LF) {
          start = 1;
          if (afterCarriageReturn === 'passed') out.push(chunk.subarray(0, 1));
        }
        afterCarriageReturn = 'nothing';
      }
      for (let end = afterLine(chunk, start); end > 0; end = afterLine(chunk, start)) {
        const kept = lineFor(concatenated([...held, chunk.subarray(start, end)]));
        held = [];
        heldBytes = 0;
        if (kept) out.push(kept);
        if (end === chunk.length && chunk[end - 1] === CR) afterCarriageReturn = kept ? 'passed' : 'dropped';
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
  return cr < 0 || start + cr + 1 === lf ? lf + 1 : start + cr + 1;
}

/** Whether the last line of a chunk that ends in LF is empty, as far as this chunk tells. */
function endsInBlankLine(chunk: Uint8Array): boolean {
  const end = chunk.length - (chunk[chunk.length - 2] === CR ? 2 : 1);
  return end === 0 || chunk[end - 1] === LF || chunk[end - 1] === CR;
}

const begins = (line: Uint8Array, word: Uint8Array): boolean => word.every((byte, at) => line[at] === byte);

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === LF || byte === CR);
}

function includes(haystack: Uint8Array, needle: Uint8Array): boolean {
  const rare = needle[RAREST] as number;
  for (let at = haystack.indexOf(rare); at >= 0; at = haystack.indexOf(rare, at + 1)) {
    const start = at - RAREST;
    let matched = 0;
    while (matched < needle.length && haystack[start + matched] === needle[matched]) matched++;
    if (matched === needle.length) return true;
  }
  return false;
}
