/** Finds the place in a row that a text was last given, without keeping the text or any object for it. */
import type { Generations } from './generations.ts';

export interface PlaceIndex {
  /** A text given again moves, but for one in a later generation: that is the one found. No place may be forgotten. */
  put(text: string, place: number): void;
  /**
   * Undefined where it is not known. Two texts may be taken for one another with a chance of 1 in 2^64: whoever asks for
   * texts that somebody else could choose looks at what is in that place.
   */
  find(text: string): number | undefined;
}

const FIRST_CAPACITY = 64;
/** Numbers for each entry: the two halves of the text's fingerprint, and its slot within the generation from 1 on, or 0. */
const STRIDE = 3;
const LOW = 0;
const HIGH = 1;
const SLOT = 2;

/** A table with open addressing: an entry lies at the first free position from where its fingerprint points. */
interface Table {
  entries: Int32Array;
  /** A power of two. */
  capacity: number;
  filled: number;
}

export function createPlaceIndex({ size, count }: Generations): PlaceIndex {
  const ring: Table[] = [];
  let newest = -1;
  // The last fingerprint, here rather than in an object, since every request makes several.
  let low = 0;
  let high = 0;

  /** As cyrb53 does (github.com/bryc/code): two multiplicative hashes, each of which is mixed into the other in the end. */
  const takeFingerprint = (text: string): void => {
    let one = 0xdeadbeef | 0;
    let other = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      one = Math.imul(one ^ unit, 0x9e3779b1);
      other = Math.imul(other ^ unit, 0x5f356495);
    }
    low = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35);
    high = Math.imul(other ^ (other >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  };

  /** Where this fingerprint's entry is or would go. */
  const positionIn = ({ entries, capacity }: Table): number => {
    const mask = capacity - 1;
    for (let at = low & mask; ; at = (at + 1) & mask) {
      const position = at * STRIDE;
      if (entries[position + SLOT] === 0) return position;
      if (entries[position + LOW] === low && entries[position + HIGH] === high) return position;
    }
  };

  const insert = (table: Table, slot: number): void => {
    const { entries } = table;
    const position = positionIn(table);
    if (entries[position + SLOT] === 0) table.filled++;
    entries[position + LOW] = low;
    entries[position + HIGH] = high;
    entries[position + SLOT] = slot;
  };

  const grow = (table: Table): void => {
    const { entries } = table;
    table.capacity *= 2;
    table.entries = new Int32Array(table.capacity * STRIDE);
    table.filled = 0;
    for (let position = 0; position < entries.length; position += STRIDE) {
      if (entries[position + SLOT] === 0) continue;
      low = entries[position + LOW]!;
      high = entries[position + HIGH]!;
      insert(table, entries[position + SLOT]!);
    }
  };

  const tableFor = (generation: number): Table => {
    while (newest < generation) {
      newest++;
      const old = ring[newest % count];
      if (old) {
        old.entries.fill(0);
        old.filled = 0;
      } else ring.push({ entries: new Int32Array(FIRST_CAPACITY * STRIDE), capacity: FIRST_CAPACITY, filled: 0 });
    }
    return ring[generation % count] as Table;
  };

  return {
    put(text, place) {
      const table = tableFor(Math.floor(place / size));
      // Beyond three quarters the ways to a free position grow long.
      if (table.filled >= table.capacity * 0.75) grow(table);
      takeFingerprint(text);
      insert(table, (place % size) + 1);
    },

    find(text) {
      takeFingerprint(text);
      for (let generation = newest; generation >= 0 && generation > newest - count; generation--) {
        const table = ring[generation % count] as Table;
        const slot = table.entries[positionIn(table) + SLOT]!;
        if (slot > 0) return generation * size + slot - 1;
      }
      return undefined;
    },
  };
}
