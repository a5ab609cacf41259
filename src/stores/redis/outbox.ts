/** What Redis could not be told yet, in the order in which it is to be told. Bounded, and found again meanwhile. */
import type { Entry } from './records.ts';

/** The latest version of a decision on its way to Redis, in the shape in which it is kept there. */
export interface Outgoing extends Entry {
  id: string;
  version: number;
  log: string;
  /** Hashes of its names. */
  names: readonly string[];
  /** Whether others may have been told of since, who then have its names by right, and it may have been told before itself. */
  late: boolean;
}

export interface Outbox {
  size(): number;
  room(): number;
  /** In the place of what waits under this id, or behind all others. Throws where there is no room for it. */
  put(outgoing: Outgoing): void;
  find(id: string): Outgoing | null;
  /** The last that was given this name. */
  findByName(name: string): Outgoing | null;
  /** The next of them to be told, at most so many; they stay until they are removed. */
  first(most: number): Outgoing[];
  /** False where another version waits in its place by now. */
  remove(outgoing: Outgoing): boolean;
}

export function createOutbox(mostDecisions: number): Outbox {
  const waiting = new Map<string, Outgoing>();
  const byName = new Map<string, string>();
  return {
    size: () => waiting.size,
    room: () => mostDecisions - waiting.size,
    put(outgoing) {
      const { id, names, late } = outgoing;
      if (!waiting.has(id) && waiting.size >= mostDecisions) throw new Error('too many decisions wait for Redis');
      waiting.set(id, outgoing);
      for (const name of names) if (!late || !byName.has(name)) byName.set(name, id);
    },
    find: (id) => waiting.get(id) ?? null,
    findByName: (name) => waiting.get(byName.get(name) ?? '') ?? null,
    first: (most) => [...waiting.values().take(most)],
    remove(outgoing) {
      if (waiting.get(outgoing.id) !== outgoing) return false;
      waiting.delete(outgoing.id);
      for (const name of outgoing.names) if (byName.get(name) === outgoing.id) byName.delete(name);
      return true;
    },
  };
}
