/** Where a stream of events stands, by the bytes of it that have been passed on: in an event, or between two. */

const LF = 10;
const CR = 13;
const LETTER_I = 105;
const LETTER_D = 100;
const COLON = 58;

/** An empty line is at most so many bytes with the end of the line before it: LF, CR and LF. */
const LONGEST_EDGE = 3;

export interface EventEdge {
  push(chunk: Uint8Array): void;
  /** Whether what comes next begins an event: nothing has been passed on yet, or an empty line was the last. */
  isBetween(): boolean;
  /** Whether some event had an `id`. */
  hasIds(): boolean;
}

export function createEventEdge(): EventEdge {
  /** The last bytes, as far as an edge is told by them. */
  let last: number[] = [LF, LF, LF];
  let ids = false;
  /** How much of `id:` the line has that is being passed on; null where it begins otherwise. */
  let matched: number | null = 0;
  const ID = [LETTER_I, LETTER_D, COLON];

  const look = (chunk: Uint8Array): void => {
    for (let at = 0; at < chunk.length && !ids; at++) {
      if (matched === null) {
        const lf = chunk.indexOf(LF, at);
        const cr = chunk.subarray(at, lf < 0 ? chunk.length : lf).indexOf(CR);
        if (lf < 0 && cr < 0) return;
        at = cr < 0 ? lf : at + cr;
        matched = 0;
      } else if (chunk[at] === ID[matched]) ids = ++matched === ID.length;
      else if (chunk[at] === LF || chunk[at] === CR) matched = 0;
      else matched = null;
    }
  };

  return {
    push(chunk) {
      if (!ids) look(chunk);
      last = [...last, ...chunk.subarray(-LONGEST_EDGE)].slice(-LONGEST_EDGE);
    },
    isBetween() {
      const [first, second, third] = last;
      // CR, CR and LF may be one too: what is not sure is none.
      const isEnd = third === LF || third === CR;
      return (isEnd && second === third) || (first === LF && second === CR && third === LF);
    },
    hasIds: () => ids,
  };
}
