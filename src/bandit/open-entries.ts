/**
 * The entries that may still be revised, in the order in which they came, as numbers in a few arrays: thousands of objects
 * that live for thousands of requests are copied by the collector and visited by it ever after. Plain data, so that a fold
 * may go to another process as it is.
 */
import {
  armAt,
  type Columns,
  entryOf,
  hasId,
  idOf,
  newColumns,
  putEntry,
  revisionOf,
  timeOf,
} from './entry-columns.ts';
import type { Evidence } from './evidence.ts';

export interface OpenEntries {
  readonly dimensions: number;
  size: number;
  /** Slots that have ever been used; those that are free again are chained by `newer`. */
  used: number;
  free: number;
  oldest: number;
  newest: number;
  /** By the last bits of an id's hash, the first slot of its chain; their number is a power of two. */
  heads: Int32Array;
  chunks: Chunk[];
  /** Routers, arms and encoders by number. */
  names: string[];
  /** By slot, the entries that do not fit into a chunk's arrays. */
  odd: Map<number, Evidence>;
}

/** Room for so many slots. What has been reserved once is never copied, and none of it ever given back. */
export interface Chunk extends Columns {
  /** Of the ids. */
  hashes: Int32Array;
  /** Slots: the next one whose id's hash ends alike, and those that came before and after. */
  next: Int32Array;
  older: Int32Array;
  newer: Int32Array;
}

const CHUNK_BITS = 8;
export const CHUNK = 1 << CHUNK_BITS;
export const IN_CHUNK = CHUNK - 1;
/** In the place of a slot. */
export const NONE = -1;

export function emptyOpenEntries(dimensions: number): OpenEntries {
  return {
    dimensions,
    size: 0,
    used: 0,
    free: NONE,
    oldest: NONE,
    newest: NONE,
    heads: new Int32Array(CHUNK).fill(NONE),
    chunks: [],
    names: [],
    odd: new Map(),
  };
}

/** The slot of the decision's entry, until one is kept or forgotten; NONE where there is none. */
export const slotFor = (open: OpenEntries, decisionId: string): number => slotOf(open, decisionId, hashOf(decisionId));

export const revisionAt = (open: OpenEntries, slot: number): number =>
  oddAt(open, slot)?.revision ?? revisionOf(chunkOf(open, slot), slot & IN_CHUNK);

/** Who knows the decision's id need not have it read. */
export function entryAt(open: OpenEntries, slot: number, id?: string): Evidence {
  const odd = oddAt(open, slot);
  if (odd) return odd;
  const chunk = chunkOf(open, slot);
  const at = slot & IN_CHUNK;
  return entryOf(chunk, at, open.dimensions, open.names, id ?? idOf(chunk, at));
}

/** In the place of the decision's entry, or as the newest. */
export function keepEntry(open: OpenEntries, entry: Evidence): void {
  const hash = hashOf(entry.decisionId);
  let slot = slotOf(open, entry.decisionId, hash);
  if (slot === NONE) slot = newSlot(open, hash);
  put(open, slot, entry);
}

/** The time of the decision whose entry came first; null where there is none. */
export function oldestAt(open: OpenEntries): number | null {
  const slot = open.oldest;
  if (slot === NONE) return null;
  return oddAt(open, slot)?.at ?? timeOf(chunkOf(open, slot), slot & IN_CHUNK);
}

export function forgetOldest(open: OpenEntries): void {
  forget(open, open.oldest);
}

export function allOpen(open: OpenEntries): Evidence[] {
  const entries: Evidence[] = [];
  for (let slot = open.oldest; slot !== NONE; slot = chunkOf(open, slot).newer[slot & IN_CHUNK]!)
    entries.push(entryAt(open, slot));
  return entries;
}

/** An arm's, of decisions made at this time or later; the others are not read. */
export function openSinceOf(open: OpenEntries, arm: string, from: number): Evidence[] {
  const name = open.names.indexOf(arm);
  const entries: Evidence[] = [];
  for (let slot = open.oldest; slot !== NONE; ) {
    const chunk = chunkOf(open, slot);
    const at = slot & IN_CHUNK;
    const odd = oddAt(open, slot);
    if (odd) {
      if (odd.arm === arm && odd.at >= from) entries.push(odd);
    } else if (armAt(chunk, at) === name && timeOf(chunk, at) >= from) entries.push(entryAt(open, slot));
    slot = chunk.newer[at]!;
  }
  return entries;
}

/** Visits them where they lie, the latest first, `most` of them; those that do not fit into a chunk's arrays are left out. */
export function visitLatest(
  open: OpenEntries,
  visit: (columns: Columns, at: number) => void,
  most = Number.POSITIVE_INFINITY,
): void {
  for (let slot = open.newest, left = most; slot !== NONE && left > 0; left--) {
    const chunk = chunkOf(open, slot);
    const at = slot & IN_CHUNK;
    if (!oddAt(open, slot)) visit(chunk, at);
    slot = chunk.older[at]!;
  }
}

export const chunkOf = (open: OpenEntries, slot: number): Chunk => open.chunks[slot >> CHUNK_BITS]!;

/** FNV-1a over the code units. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

function slotOf(open: OpenEntries, id: string, hash: number): number {
  let slot = open.heads[hash & (open.heads.length - 1)]!;
  while (slot !== NONE) {
    const chunk = chunkOf(open, slot);
    const at = slot & IN_CHUNK;
    if (chunk.hashes[at] === hash && isOf(open, slot, id)) return slot;
    slot = chunk.next[at]!;
  }
  return NONE;
}

function isOf(open: OpenEntries, slot: number, id: string): boolean {
  const odd = oddAt(open, slot);
  return odd ? odd.decisionId === id : hasId(chunkOf(open, slot), slot & IN_CHUNK, id);
}

/** As the newest, found by this hash. */
function newSlot(open: OpenEntries, hash: number): number {
  let slot = open.free;
  if (slot !== NONE) open.free = chunkOf(open, slot).newer[slot & IN_CHUNK]!;
  else {
    slot = open.used++;
    if ((slot & IN_CHUNK) === 0) open.chunks.push(newChunk(open.dimensions));
    if (open.used > open.heads.length) spread(open);
  }
  const chunk = chunkOf(open, slot);
  const at = slot & IN_CHUNK;
  chunk.hashes[at] = hash;
  chain(open, slot, hash);
  chunk.older[at] = open.newest;
  chunk.newer[at] = NONE;
  if (open.newest === NONE) open.oldest = slot;
  else chunkOf(open, open.newest).newer[open.newest & IN_CHUNK] = slot;
  open.newest = slot;
  open.size++;
  return slot;
}

function chain(open: OpenEntries, slot: number, hash: number): void {
  const head = hash & (open.heads.length - 1);
  chunkOf(open, slot).next[slot & IN_CHUNK] = open.heads[head]!;
  open.heads[head] = slot;
}

/** Over twice as many chains. */
function spread(open: OpenEntries): void {
  open.heads = new Int32Array(2 * open.heads.length).fill(NONE);
  for (let slot = open.oldest; slot !== NONE; ) {
    const { hashes, newer } = chunkOf(open, slot);
    const at = slot & IN_CHUNK;
    chain(open, slot, hashes[at]!);
    slot = newer[at]!;
  }
}

function forget(open: OpenEntries, slot: number): void {
  const { hashes, next, older, newer } = chunkOf(open, slot);
  const at = slot & IN_CHUNK;
  const head = hashes[at]! & (open.heads.length - 1);
  if (open.heads[head] === slot) open.heads[head] = next[at]!;
  else {
    let before = open.heads[head]!;
    while (chunkOf(open, before).next[before & IN_CHUNK] !== slot)
      before = chunkOf(open, before).next[before & IN_CHUNK]!;
    chunkOf(open, before).next[before & IN_CHUNK] = next[at]!;
  }
  const one = older[at]!;
  const other = newer[at]!;
  if (one === NONE) open.oldest = other;
  else chunkOf(open, one).newer[one & IN_CHUNK] = other;
  if (other === NONE) open.newest = one;
  else chunkOf(open, other).older[other & IN_CHUNK] = one;
  if (open.odd.size > 0) open.odd.delete(slot);
  newer[at] = open.free;
  open.free = slot;
  open.size--;
}

export function newChunk(dimensions: number): Chunk {
  return {
    ...newColumns(CHUNK, dimensions),
    hashes: new Int32Array(CHUNK),
    next: new Int32Array(CHUNK),
    older: new Int32Array(CHUNK),
    newer: new Int32Array(CHUNK),
  };
}

function put(open: OpenEntries, slot: number, entry: Evidence): void {
  if (!putEntry(chunkOf(open, slot), slot & IN_CHUNK, entry, open.dimensions, open.names))
    open.odd.set(slot, { ...entry, earlier: null, worthBefore: null });
  else if (open.odd.size > 0) open.odd.delete(slot);
}

/** Hardly ever is there one. */
const oddAt = (open: OpenEntries, slot: number): Evidence | undefined =>
  open.odd.size > 0 ? open.odd.get(slot) : undefined;
