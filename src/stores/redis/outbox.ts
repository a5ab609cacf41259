/** What Redis could not be told yet, in the order in which it is to be told. Bounded, and found again meanwhile. */

/** A decision on its way to Redis, in the shape in which it is kept there. */
export interface Outgoing {
  id: string;
  version: number;
  decision: Buffer;
  /** The hashes of its names. */
  names: readonly string[];
  evidence: { router: string; bytes: Buffer } | null;
  /** Whether Redis may have it already. */
  tried: boolean;
}

export interface Outbox {
  size(): number;
  /** Throws where there is no room for it. */
  add(outgoing: Outgoing): void;
  find(id: string): Outgoing | null;
  /** The last that was given this name. */
  findByName(name: string): Outgoing | null;
  /** The next of them to be told, at most so many; they stay until they are removed. */
  first(most: number): Outgoing[];
  remove(outgoing: Outgoing): void;
}

export function createOutbox(mostDecisions: number): Outbox {
  const waiting = new Map<string, Outgoing>();
  const byName = new Map<string, string>();
  return {
    size: () => waiting.size,
    add(outgoing) {
      if (waiting.size >= mostDecisions) throw new Error('too many decisions wait for Redis');
      waiting.set(outgoing.id, outgoing);
      for (const name of outgoing.names) byName.set(name, outgoing.id);
    },
    find: (id) => waiting.get(id) ?? null,
    findByName: (name) => waiting.get(byName.get(name) ?? '') ?? null,
    first: (most) => [...waiting.values().take(most)],
    remove(outgoing) {
      waiting.delete(outgoing.id);
      for (const name of outgoing.names) if (byName.get(name) === outgoing.id) byName.delete(name);
    },
  };
}
