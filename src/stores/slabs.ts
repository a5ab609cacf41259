/** One generation's records as bytes in slabs, each found by its slot. What is emptied is filled again, not given back. */
import { type ByteRegion, newRegion } from './byte-forms.ts';
import type { ByteReader } from './byte-reader.ts';

const SLAB_BYTES = 65_536;

export interface Slabs {
  /** Puts a copy of these bytes into a slot, in the place of what was there. */
  put(slot: number, bytes: Uint8Array): void;
  open(slot: number, reader: ByteReader): void;
  /** Forgets everything. */
  empty(): void;
}

export function createSlabs(slots: number): Slabs {
  let slabs: ByteRegion[] = [];
  /** Slabs that are filled, or being filled. */
  let used = 0;
  /** Where in the last used slab the next record goes. */
  let next = SLAB_BYTES;
  let written = 0;
  let wasted = 0;
  /** A slab's number times its usual size, and the position in it. */
  const addresses = new Uint32Array(slots);
  /** How many bytes each slot's record may take where it is. */
  const rooms = new Uint32Array(slots);

  const slabFor = (length: number): ByteRegion => {
    if (next + length <= SLAB_BYTES) return slabs[used - 1] as ByteRegion;
    next = 0;
    // A record larger than a slab gets one of its own, into which nothing else goes.
    if (length > SLAB_BYTES) slabs[used] = newRegion(length);
    else slabs[used] ??= newRegion(SLAB_BYTES);
    return slabs[used++] as ByteRegion;
  };

  const place = (slot: number, bytes: Uint8Array): void => {
    const { length } = bytes;
    slabFor(length).bytes.set(bytes, next);
    addresses[slot] = (used - 1) * SLAB_BYTES + next;
    rooms[slot] = length;
    next += length;
    written += length;
  };

  const slabOf = (slot: number): number => Math.floor(addresses[slot]! / SLAB_BYTES);
  const offsetOf = (slot: number): number => addresses[slot]! % SLAB_BYTES;

  const restart = (): void => {
    used = 0;
    next = SLAB_BYTES;
    written = 0;
    wasted = 0;
  };

  /** Writes what counts into new slabs: a record that is revised without end would fill the old ones without end. */
  const compact = (): void => {
    const old = slabs;
    slabs = [];
    restart();
    for (const [slot, room] of rooms.entries()) {
      if (room === 0) continue;
      const { bytes } = old[slabOf(slot)] as ByteRegion;
      place(slot, bytes.subarray(offsetOf(slot), offsetOf(slot) + room));
    }
  };

  return {
    put(slot, bytes) {
      const room = rooms[slot]!;
      // Empty slots have no room.
      if (bytes.length <= room) {
        (slabs[slabOf(slot)] as ByteRegion).bytes.set(bytes, offsetOf(slot));
        return;
      }
      wasted += room;
      place(slot, bytes);
      if (wasted > written / 2) compact();
    },

    open(slot, reader) {
      reader.open(slabs[slabOf(slot)] as ByteRegion, offsetOf(slot));
    },

    empty() {
      // What this life did not need was for an unusual one before; neither is a slab of unusual size kept.
      slabs = slabs.slice(0, used).filter(({ bytes }) => bytes.length === SLAB_BYTES);
      rooms.fill(0);
      restart();
    },
  };
}
