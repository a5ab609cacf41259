/** The arrays that open entries lie in, for whoever copies them, and whether what stands in them can have come there. */
import { isEntry } from './entry-columns.ts';
import { CHUNK, chunkOf, emptyOpenEntries, IN_CHUNK, NONE, newChunk, type OpenEntries } from './open-entries.ts';

/** Open entries but for their arrays. */
export type OpenFrame = Omit<OpenEntries, 'heads' | 'chunks'>;

/** In one order, the widest numbers first. */
export function arraysOf({ heads, chunks }: OpenEntries): ArrayBufferView[] {
  const ofChunks = chunks.map(({ numbers, hashes, next, older, newer, features, ids, names, signs }) => [
    numbers,
    hashes,
    next,
    older,
    newer,
    features,
    ids,
    names,
    signs,
  ]);
  return [heads, ...ofChunks.flat()];
}

/** With arrays as large as they became, and nothing in them. */
export function roomFor(frame: OpenFrame): OpenEntries {
  let { heads } = emptyOpenEntries(frame.dimensions);
  while (heads.length < frame.used) heads = new Int32Array(2 * heads.length);
  return {
    ...frame,
    heads,
    chunks: Array.from({ length: Math.ceil(frame.used / CHUNK) }, () => newChunk(frame.dimensions)),
  };
}

/** What is known of a slot, so that none is come upon twice: no list can loop. */
const UNKNOWN = 0;
const FREE = 1;
const LISTED = 2;
const CHAINED = 3;

/** Whether each slot is free, or is in the list of the open ones, in one chain, and holds an entry. */
export function areSound(open: OpenEntries, newest: number): boolean {
  const { size, used, heads, odd } = open;
  const marks = new Uint8Array(used);
  const walk = (
    start: number,
    by: 'newer' | 'next',
    from: number,
    to: number,
    fits: (slot: number) => boolean,
  ): number => {
    let count = 0;
    for (let slot = start; slot !== NONE; slot = chunkOf(open, slot)[by][slot & IN_CHUNK]!) {
      if (marks[slot] !== from || !fits(slot)) return Number.NaN;
      marks[slot] = to;
      count++;
    }
    return count;
  };

  let before = NONE;
  const listed = walk(open.oldest, 'newer', UNKNOWN, LISTED, (slot) => {
    const chunk = chunkOf(open, slot);
    const at = slot & IN_CHUNK;
    const follows = chunk.older[at] === before;
    before = slot;
    return follows && (odd.has(slot) || isEntry(chunk, at, open.names, newest));
  });
  if (listed !== size || before !== open.newest) return false;
  if (walk(open.free, 'newer', UNKNOWN, FREE, () => true) !== used - size) return false;
  let chained = 0;
  for (const [head, first] of heads.entries())
    chained += walk(first, 'next', LISTED, CHAINED, (slot) => {
      const hash = chunkOf(open, slot).hashes[slot & IN_CHUNK]!;
      return (hash & (heads.length - 1)) === head;
    });
  if (chained !== size) return false;
  for (const [slot, { revision, at }] of odd)
    if (marks[slot] !== CHAINED || !(revision > 0 && at >= 0 && at <= newest)) return false;
  return true;
}
