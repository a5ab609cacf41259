/**
 * The keyed hashes of a question's shingles, the smallest of them: what tells exactly, of short questions, how much two have in
 * common (bottom-k sketches: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007). Larger than a sketch that is
 * kept with a decision, and only for as long as one process remembers.
 */
import { hashes, hashShingles } from './sketch.ts';

/** Ascending, each once; fewer than `MOST` are all that there are. */
export type Shingles = Uint32Array;

const MOST = 96;
/** Of so many times as many hashes as are kept the smallest are sorted. */
const SPARE = 1.6;
/** Those that are sorted, in the first places. */
const few = new Uint32Array(hashes.length);

export function shinglesOf(text: string, key: number): Shingles {
  const count = hashShingles(text, key);
  let length = takeBelow(count > MOST * SPARE ? (2 ** 32 * MOST * SPARE) / count : 2 ** 32, count);
  // Of a text that says the same over and over too few may be below the limit.
  if (length < Math.min(MOST, count)) length = takeBelow(2 ** 32, count);
  few.subarray(0, length).sort();
  let unique = 0;
  for (let i = 0; i < length && unique < MOST; i++) {
    const hash = few[i]!;
    if (unique === 0 || hash !== few[unique - 1]) few[unique++] = hash;
  }
  const kept = new Uint32Array(unique);
  for (let i = 0; i < unique; i++) kept[i] = few[i]!;
  return kept;
}

/** Takes those of so many hashes that are below the limit, and gives how many they are. */
function takeBelow(limit: number, count: number): number {
  let length = 0;
  for (let i = 0; i < count; i++) {
    const hash = hashes[i]!;
    few[length] = hash;
    if (hash < limit) length++;
  }
  return length;
}

/**
 * When one question is the other, edited. `alike`: a word was mended, or replaced where there are many. `contained`: words were
 * put in or left out, so that the shorter question is in the longer one, which may be twice as long.
 *
 * A first question may as well be another of the same make, as about another country; in the place of one that an answer went
 * before it hardly is, since who asks on goes on behind the answer.
 */
const EDITED = {
  first: { alike: 0.72, contained: 0.82, atLeast: 0.3 },
  later: { alike: 0.45, contained: 0.6, atLeast: 0.25 },
};

export function isEdited(one: Shingles, other: Shingles, place: keyof typeof EDITED): boolean {
  const least = EDITED[place];
  const { alike, contained } = compared(one, other);
  return alike >= least.alike || (contained >= least.contained && alike >= least.atLeast);
}

/** From 0 to 1, which it is where one is the other with something put in. */
export function nearness(one: Shingles, other: Shingles): number {
  const { alike, contained } = compared(one, other);
  return Math.max(alike, contained);
}

/** The shares of what both have: of what either has, and of what the one with less has. Exact where all shingles are there. */
export function compared(one: Shingles, other: Shingles): { alike: number; contained: number } {
  const all = one.length < MOST && other.length < MOST;
  let both = 0;
  let ofOne = 0;
  let ofOther = 0;
  let i = 0;
  let j = 0;
  while (i < one.length || j < other.length) {
    // Of the smallest hashes of both, as many as are kept are a fair sample of all that either has.
    if (!all && ofOne + ofOther - both >= MOST) break;
    const a = one[i] ?? Number.POSITIVE_INFINITY;
    const b = other[j] ?? Number.POSITIVE_INFINITY;
    if (a === b) both++;
    if (a <= b) {
      ofOne++;
      i++;
    }
    if (b <= a) {
      ofOther++;
      j++;
    }
  }
  const either = ofOne + ofOther - both;
  return either === 0
    ? { alike: 0, contained: 0 }
    : { alike: both / either, contained: both / Math.max(1, Math.min(ofOne, ofOther)) };
}
