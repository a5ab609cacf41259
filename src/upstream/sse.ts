/**
 * Reads server-sent events out of chunks of bytes, wherever the chunks are cut (WHATWG HTML, "Server-sent events").
 * Lines are cut as bytes and decoded whole, so that a character split over two chunks is never torn.
 */

const LF = 10;
const CR = 13;

/** The longest line that is held; a longer one is skipped, so that no upstream can make memory grow. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface LineReader {
  /** Hands every line that is complete with this chunk to the listener, in order, each without its end. */
  push(chunk: Uint8Array): void;
  /** Whether all that came was whole lines, so that the next byte begins one. */
  isBetweenLines(): boolean;
}

/** Lines may end in LF, CRLF or CR; a CR at a chunk's end waits for no LF, which the next chunk's start then drops. */
export function createLineReader(onLine: (line: Uint8Array) => void, maxBytes = MAX_LINE_BYTES): LineReader {
  let parts: Uint8Array[] = [];
  let held = 0;
  let skipping = false;
  let afterCarriageReturn = false;

  const finish = (tail: Uint8Array): void => {
    // Not even told as an empty line, which would end the event.
    const tooLong = skipping || held + tail.length > maxBytes;
    if (!tooLong) onLine(held === 0 ? tail : joined(parts, held, tail));
    parts = [];
    held = 0;
    skipping = false;
  };

  return {
    push(chunk) {
      let start = 0;
      if (afterCarriageReturn && chunk.length > 0) {
        if (chunk[0] === LF) start = 1;
        afterCarriageReturn = false;
      }
      while (start < chunk.length) {
        const end = lineEnd(chunk, start);
        if (end < 0) break;
        finish(chunk.subarray(start, end));
        start = end + 1;
        if (chunk[end] === CR) {
          if (start === chunk.length) afterCarriageReturn = true;
          else if (chunk[start] === LF) start++;
        }
      }
      if (start < chunk.length) {
        const rest = chunk.length - start;
        if (skipping || held + rest > maxBytes) {
          parts = [];
          held = 0;
          skipping = true;
        } else {
          // A copy, since the platform may reuse the chunk's memory once it has been handed on.
          parts.push(chunk.slice(start));
          held += rest;
        }
      }
    },
    isBetweenLines: () => held === 0 && !skipping && !afterCarriageReturn,
  };
}

/** The position of the first LF or CR at or after `start`, or -1. */
function lineEnd(chunk: Uint8Array, start: number): number {
  const lf = chunk.indexOf(LF, start);
  const cr = chunk.subarray(start, lf < 0 ? chunk.length : lf).indexOf(CR);
  return cr < 0 ? lf : start + cr;
}

function joined(parts: readonly Uint8Array[], length: number, tail: Uint8Array): Uint8Array {
  const line = new Uint8Array(length + tail.length);
  let at = 0;
  for (const part of parts) {
    line.set(part, at);
    at += part.length;
  }
  line.set(tail, at);
  return line;
}

const BYTE_ORDER_MARK = '\ufeff';

export interface EventReader {
  push(chunk: Uint8Array): void;
}

/**
 * Calls back with the data of each event, at the empty line that ends it: `data:` lines joined by LF, comments and
 * other fields passed over. An event that the stream's end cuts off is not dispatched, as the standard says.
 */
export function createEventReader(onData: (data: string) => void, maxBytes = MAX_LINE_BYTES): EventReader {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let data: string | undefined;
  let first = true;

  const read = (given: string): void => {
    const line = first && given.startsWith(BYTE_ORDER_MARK) ? given.slice(1) : given;
    first = false;
    if (line === '') {
      if (data !== undefined) onData(data);
      data = undefined;
    } else if (line.startsWith('data:')) {
      const value = line.slice(line.charCodeAt(5) === 32 ? 6 : 5);
      data = data === undefined ? value : `${data}\n${value}`;
    } else if (line === 'data') {
      data = data === undefined ? '' : `${data}\n`;
    }
  };

  const lines = createLineReader((bytes) => read(bytes.length === 0 ? '' : decoder.decode(bytes)), maxBytes);
  return {
    push(chunk) {
      // Most chunks are whole lines that end in LF: decoded at once they cost a third.
      const isWholeLines = lines.isBetweenLines() && chunk[chunk.length - 1] === LF && chunk.length <= maxBytes;
      if (!isWholeLines || chunk.includes(CR)) return lines.push(chunk);
      const text = decoder.decode(chunk);
      for (let start = 0, end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        read(text.slice(start, end));
        start = end + 1;
      }
    },
  };
}
