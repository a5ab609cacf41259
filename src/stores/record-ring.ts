/** The latest records of a row that grows, as bytes: the oldest generation is forgotten when another one begins. */
import type { ByteReader } from './byte-reader.ts';
import type { Generations } from './generations.ts';
import { createSlabs, type Slabs } from './slabs.ts';

export interface RecordRing {
  /** The place of the oldest record that is kept. */
  first(): number;
  /** The place that the next record will have. */
  end(): number;
  /** Keeps a copy of these bytes; gives its place, counted from 0. */
  append(bytes: Uint8Array): number;
  /** Puts other bytes in a kept place, or the first ones in one that was there from the beginning. */
  put(place: number, bytes: Uint8Array): void;
  /** Lets the reader read a kept place. */
  open(place: number, reader: ByteReader): void;
}

/** `begin`: how many places are there from the beginning, with nothing in them. */
export function createRecordRing({ size, count }: Generations, begin = 0): RecordRing {
  const ring: (Slabs | undefined)[] = [];
  let first = 0;
  let end = begin;
  const slabsOf = (place: number): Slabs => {
    const at = Math.floor(place / size) % count;
    ring[at] ??= createSlabs(size);
    return ring[at];
  };

  return {
    first: () => first,
    end: () => end,
    append(bytes) {
      const place = end;
      if (place % size === 0) {
        first = Math.max(0, place - (count - 1) * size);
        slabsOf(place).empty();
      }
      slabsOf(place).put(place % size, bytes);
      end++;
      return place;
    },
    put: (place, bytes) => slabsOf(place).put(place % size, bytes),
    open: (place, reader) => slabsOf(place).open(place % size, reader),
  };
}
