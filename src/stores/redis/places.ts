/** Where decisions and names are kept, and the arguments by which the scripts find them. */
import { type Handle, handleOf, nameHash, namePlace, namesKey, pointersKey } from './keys.ts';

export interface PlacesOptions {
  now: () => number;
  /** SHA-256 in hex. */
  sha256Hex: (text: string) => string;
  /** For how long decisions and names are found. */
  keepMs: number;
}

export interface Places {
  /** Milliseconds for which a bucket is kept from its first field on. */
  bucketMs: number;
  pointerOf(id: string): Pointer;
  hashOf(name: string): string;
  /**
   * The bucket of each name that is given now, and what is kept there under it. One that is given late goes where it would have
   * gone when the decision was made, so that none that was given since is behind it.
   */
  forNames(
    hashes: readonly string[],
    pointer: Pointer,
    late: boolean,
  ): { keys: string[]; fields: Buffer[]; value: Buffer };
  /** Each bucket in which one of these names may be, and the arguments that say which is which. */
  lookingFor(hashes: readonly string[]): { keys: string[]; args: (number | Buffer)[] };
}

export interface Pointer {
  key: string;
  handle: Buffer;
  stretch: number;
}

/** A name is looked for in as many stretches of time as decisions are kept for, and in the next, if a clock is ahead. */
const STRETCHES_KEPT = 4;
const STRETCHES = STRETCHES_KEPT + 2;

export function createPlaces({ now, sha256Hex, keepMs }: PlacesOptions): Places {
  const stretchMs = Math.ceil(keepMs / STRETCHES_KEPT);
  const stretchOf = (time: number): number => Math.floor(time / stretchMs);
  const pointerAt = ({ bytes, time }: Handle): Pointer => {
    const stretch = stretchOf(time);
    return { key: pointersKey(stretch, bytes), handle: bytes, stretch };
  };
  return {
    bucketMs: keepMs + stretchMs,
    pointerOf: (id) => pointerAt(handleOf(id, sha256Hex)),
    hashOf: (name) => nameHash(sha256Hex(name)),
    forNames(hashes, pointer, late) {
      const present = stretchOf(now());
      const isKept = pointer.stretch <= present && present - pointer.stretch < STRETCHES_KEPT;
      const stretch = late && isKept ? pointer.stretch : present;
      const places = hashes.map(namePlace);
      const back = stretch - pointer.stretch;
      return {
        keys: places.map(({ bucket }) => namesKey(stretch, bucket)),
        fields: places.map(({ field }) => field),
        value: back === 0 ? pointer.handle : Buffer.concat([pointer.handle, Buffer.from(String(back))]),
      };
    },
    lookingFor(hashes) {
      const latest = stretchOf(now()) + 1;
      const places = hashes.map(namePlace);
      return {
        keys: places.flatMap(({ bucket }) => Array.from({ length: STRETCHES }, (_, i) => namesKey(latest - i, bucket))),
        args: [STRETCHES, latest, ...places.map(({ field }) => field)],
      };
    },
  };
}
