/**
 * What a client has of an event that is not over yet, so that one of ours can follow in a stream that broke off, or its end. Not one empty
 * line more than it takes: OpenAI's Python client takes an empty line behind an event with an `id` for another event, and fails at it.
 */

const LF = 10;
const CR = 13;
const DATA = new TextEncoder().encode('data');
const EVENT = new TextEncoder().encode('event');
/** Takes back the name of an event that has no data yet, as the standard has it: the last name counts, and an empty one is none. */
export const NO_NAME = 'event:';
const UNNAMED = new TextEncoder().encode(`${NO_NAME}\n`);

export interface OpenEvent {
  /** Bytes that the client is given: whole lines, but for one that is too long to be held. */
  push(chunk: Uint8Array): void;
  /** What stands between them and an event that begins. OpenAI's clients do not look for an error in an event named `thread.…`. */
  closing(): string;
  /** What stands between them and the end, or null for nothing: OpenAI's client for Node takes a name alone for an event, and fails at its missing data. */
  ending(): Uint8Array | null;
}

export function createOpenEvent(): OpenEvent {
  let last = LF;
  /** Whether the last line that ended was empty, or there was none. */
  let isBetween = true;
  /** Whether the event has data: else what follows may be its data, as after an `id` alone. */
  let hasData = false;
  let isNamed = false;
  /** Whether a CR was the last byte, so that an LF now ends the same line. */
  let afterCarriageReturn = false;

  const beginAnew = (): void => {
    isBetween = true;
    hasData = false;
    isNamed = false;
  };

  const readLines = (chunk: Uint8Array): void => {
    let start = afterCarriageReturn && chunk[0] === LF ? 1 : 0;
    // The rest of a line that was too long, which is taken for data.
    let isWhole = last === LF || last === CR;
    while (start < chunk.length) {
      const end = lineEnd(chunk, start);
      const isEmpty = isWhole && end === start;
      if (end < chunk.length && isEmpty) {
        beginAnew();
      } else {
        isBetween = false;
        hasData ||= !isWhole || begins(chunk, start, DATA);
        isNamed ||= isWhole && begins(chunk, start, EVENT);
      }
      isWhole = true;
      start = end + (chunk[end] === CR && chunk[end + 1] === LF ? 2 : 1);
    }
  };

  return {
    push(chunk) {
      const { length } = chunk;
      if (length === 0) return;
      // Nearly every chunk ends with an event.
      if (endsInEmptyLine(chunk)) beginAnew();
      else readLines(chunk);
      last = chunk[length - 1] as number;
      afterCarriageReturn = last === CR;
    },
    closing() {
      if (isBetween) return '';
      if (last !== LF && last !== CR) return '\n\n';
      if (!hasData) return isNamed ? `${NO_NAME}\n` : '';
      // Behind a CR the first LF would be part of the same line's end.
      return last === CR ? '\n\n' : '\n';
    },
    ending: () => (isNamed && !hasData ? UNNAMED : null),
  };
}

/** Whether two LF or CRLF are the chunk's end. Other ends of events are found line by line. */
const endsInEmptyLine = (chunk: Uint8Array): boolean => {
  const { length } = chunk;
  if (length < 3 || chunk[length - 1] !== LF) return false;
  return chunk[length - 2] === LF || (chunk[length - 2] === CR && chunk[length - 3] === LF);
};

/** The position of the CR or LF that ends the line, or the chunk's end. */
function lineEnd(chunk: Uint8Array, start: number): number {
  const lf = chunk.indexOf(LF, start);
  const until = lf < 0 ? chunk.length : lf;
  const cr = chunk.subarray(start, until).indexOf(CR);
  return cr < 0 ? until : start + cr;
}

const begins = (chunk: Uint8Array, at: number, word: Uint8Array): boolean =>
  word.every((byte, i) => chunk[at + i] === byte);
