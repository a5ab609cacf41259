/** Counts a text's characters and words by kind, in one pass and without making any string. */
import { groupOf, HASH_START, hashStep, WORD_GROUPS } from './words.ts';

/** Kinds of character. */
export const LETTER = 1;
export const CAPITAL = 2;
export const DIGIT = 3;
const SPACE = 4;
export const LINE = 5;
export const MATHS = 6;
export const BRACKET = 7;
export const QUOTE = 8;
export const COMMA = 9;
export const STOP = 10;
export const QUESTION = 11;
const OTHER = 12;
const KINDS = 14;
export const BEYOND_ASCII = 13;

const KIND = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/.test(character)) return LETTER;
  if (/[A-Z]/.test(character)) return CAPITAL;
  if (/[0-9]/.test(character)) return DIGIT;
  if (character === '\n') return LINE;
  if (/\s/.test(character)) return SPACE;
  if ('+*/=<>^\\$%_|~'.includes(character)) return MATHS;
  if ('(){}[]'.includes(character)) return BRACKET;
  if ('"\'`'.includes(character)) return QUOTE;
  if (character === ',') return COMMA;
  if ('.;:!'.includes(character)) return STOP;
  return character === '?' ? QUESTION : OTHER;
});

const SMALL_A = 97;
const SMALL_Z = 122;

export interface Scan {
  /** Characters by kind, and words by group; the next scan overwrites them. */
  kinds: Int32Array;
  groups: Int32Array;
  words: number;
  /** Markers of choices or steps, and of list items or headings. */
  options: number;
  bullets: number;
}

const kinds = new Int32Array(KINDS);
const groups = new Int32Array(WORD_GROUPS.length);

export function scan(text: string): Scan {
  kinds.fill(0);
  groups.fill(0);
  const { length } = text;
  let letters = 0;
  let words = 0;
  let options = 0;
  let bullets = 0;
  let hash = HASH_START;
  let wordStart = 0;
  let lineStart = 0;
  for (let i = 0; i <= length; i++) {
    const code = i < length ? text.charCodeAt(i) : 10;
    // Most characters are small letters: a look at the tables for each would take most of the time.
    if (code >= SMALL_A && code <= SMALL_Z) {
      letters++;
      hash = hashStep(hash, code);
      continue;
    }
    const kind = code < 128 ? KIND[code]! : BEYOND_ASCII;
    kinds[kind]!++;
    if (kind === CAPITAL || kind === BEYOND_ASCII) {
      hash = hashStep(hash, kind === CAPITAL ? code + 32 : code);
      continue;
    }
    if (wordStart < i) {
      const group = groupOf(hash);
      if (group >= 0) groups[group]!++;
      words++;
      hash = HASH_START;
    }
    wordStart = i + 1;
    if (kind === SPACE) continue;
    if (kind === LINE) lineStart = i + 1;
    // `A.`, `A)`, `(A)`, `1.` are choices or steps; `-`, `*`, `#` are lists and headings.
    else if ((code === 41 || code === 46) && isMarker(text, i)) options++;
    else if (i === lineStart && (code === 35 || code === 42 || code === 45)) bullets++;
  }
  kinds[LETTER] = letters;
  kinds[LINE]!--;
  return { kinds, groups, words, options, bullets };
}

/** Whether a single capital or digit stands alone before the `)` or `.` at `end`. */
function isMarker(text: string, end: number): boolean {
  const kind = KIND[text.charCodeAt(end - 1)];
  if (kind !== CAPITAL && kind !== DIGIT) return false;
  const before = end < 2 ? 10 : text.charCodeAt(end - 2);
  return before === 40 || before === 10;
}
