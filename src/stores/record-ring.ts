/** The latest records of a row that grows, as bytes: the oldest generation is forgotten when another one begins. */
import type { ByteReader } from './bytes.ts';
import type { Generations } from './generations.ts';
import { createSlabs, type Slabs } from './slabs.ts';

export interface RecordRing {
  /** The place of the oldest record that is kept. */
  first(): number;
  /** The place that the next record will have. */
  end(): number;
  /** Keeps a copy of these bytes; gives its place, counted from 0. */
  append(bytes: Uint8Array): number;
  /** Puts other bytes in a kept place. */
  replace(place: number, bytes: Uint8Array): void;
  /** Lets the reader read a kept place. */
  open(place: number, reader: ByteReader): void;
}

export function createRecordRing({ size, count }: Generations): RecordRing {
  const ring: Slabs[] = [];
  let first = 0;
  let end = 0;
  const slabsOf = (place: number): Slabs => ring[Math.floor(place / size) % count] as Slabs;

  return {
    first: () => first,
    end: () => end,
    append(bytes) {
      const place = end;
      if (place % size === 0) {
        first = Math.max(0, place - (count - 1) * size);
        if (ring.length < count) ring.push(createSlabs(size));
        else slabsOf(place).empty();
      }
      slabsOf(place).put(place % size, bytes);
      end++;
      return place;
    },
    replace: (place, bytes) => slabsOf(place).put(place % size, bytes),
    open: (place, reader) => slabsOf(place).open(place % size, reader),
  };
}
