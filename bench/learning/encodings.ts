/** Prompts as other vectors than the encoder's, so that what each part of it is good for can be seen. */
import { encoder } from '../../src/context/encoder.ts';
import { FEATURES } from '../../src/context/features.ts';
import { readConversation } from '../../src/context/text.ts';
import { createDice, normal, seedOf } from '../../src/evaluate/dice.ts';
import type { Recorded } from '../../src/evaluate/recorded.ts';
import { type ReplayRow, rowsOf } from '../../src/evaluate/replay.ts';

export interface Encoding {
  name: string;
  /** The rows with their vectors made otherwise, as long as the encoder's. */
  rows: (recorded: Recorded) => ReplayRow[];
}

const HAND = 1 + FEATURES.length;
const KINDS = encoder.dimensions - HAND;
/** Size, code and mathematics, which come first. */
const FEW = 4;

export const ENCODINGS: readonly Encoding[] = [
  { name: 'nothing: the same for all prompts', rows: keeping((i) => i < 1) },
  { name: 'size, code, mathematics', rows: keeping((i) => i < FEW) },
  { name: `${FEATURES.length} features by hand`, rows: keeping((i) => i < HAND) },
  { name: `${KINDS} kinds`, rows: keeping((i) => i === 0 || i >= HAND) },
  { name: `${FEATURES.length} features by hand and ${KINDS} kinds: as it is`, rows: rowsOf },
  {
    name: `${FEATURES.length} features by hand, words and pairs hashed to ${KINDS}`,
    rows: (recorded) => withWords(recorded, HAND),
  },
  { name: `words and pairs hashed to ${KINDS}`, rows: (recorded) => withWords(recorded, 1) },
];

/** Coordinates that are 0 for all teach nothing and are believed to mean nothing. */
function keeping(kept: (coordinate: number) => boolean) {
  return (recorded: Recorded): ReplayRow[] =>
    rowsOf(recorded).map((row) => ({ ...row, x: row.x.map((value, i) => (kept(i) ? value : 0)) }));
}

const BINS = 256;
const MOST_WORDS = 1500;

/** In the place of the kinds: log counts of words and of pairs of words, hashed, of length 1, and projected at random. */
function withWords(recorded: Recorded, kept: number): ReplayRow[] {
  const random = createDice(seedOf(1));
  const projection = Array.from({ length: KINDS * BINS }, () => normal(random) / Math.sqrt(KINDS));
  return rowsOf(recorded).map((row, i) => {
    const bins = hashedWords(readConversation(recorded.prompts[i]!.input).asked);
    const words = Array.from({ length: KINDS }, (_, d) =>
      bins.reduce((sum, value, b) => sum + value * projection[d * BINS + b]!, 0),
    );
    return {
      ...row,
      x: [...row.x.map((value, at) => (at < kept ? value : 0)).slice(0, HAND), ...words.map(fourPlaces)],
    };
  });
}

function hashedWords(text: string): number[] {
  const words = (text.toLowerCase().match(/[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu) ?? []).slice(0, MOST_WORDS);
  const counts = new Array<number>(BINS).fill(0);
  const count = (gram: string): void => {
    const bin = (seedOf(...[...gram].map((character) => character.codePointAt(0)!)) >>> 0) % BINS;
    counts[bin] = counts[bin]! + 1;
  };
  for (const [i, word] of words.entries()) {
    count(word);
    if (i > 0) count(`${words[i - 1]} ${word}`);
  }
  const logs = counts.map(Math.log1p);
  const length = Math.hypot(...logs) || 1;
  return logs.map((value) => value / length);
}

const fourPlaces = (value: number): number => Math.round(value * 1e4) / 1e4;
