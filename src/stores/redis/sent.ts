/**
 * What this process has written, until a snapshot that another one stands behind covers it: Redis may come back without the
 * last of it, or without any of it, and then it is written again.
 */
import type { Outgoing } from './outbox.ts';

/** Where a decision's latest version of ours is. */
export interface Sent {
  outgoing: Outgoing;
  epoch: string;
  /** In its log: "MS-SEQ". */
  place: string;
}

export interface SentLog {
  size(): number;
  /** Behind all others. */
  add(sent: Sent): void;
  find(id: string): Sent | null;
  newest(): Sent | null;
  /** Oldest first; of each name only the last that had it among them. */
  all(): Sent[];
  logs(): string[];
  /** Forgets what is in this log up to and with this place. */
  forget(log: string, epoch: string, upTo: string): void;
}

export function createSentLog(most: number): SentLog {
  const kept = new Map<string, Sent>();
  /** Decisions in each log, so that it need not be looked through whether there are any. */
  const counts = new Map<string, number>();
  let newest: Sent | null = null;

  const count = (log: string, by: number): void => {
    const now = (counts.get(log) ?? 0) + by;
    if (now > 0) counts.set(log, now);
    else counts.delete(log);
  };
  const remove = (id: string): void => {
    const sent = kept.get(id);
    if (!sent) return;
    kept.delete(id);
    count(sent.outgoing.log, -1);
    if (sent === newest) newest = null;
  };

  return {
    size: () => kept.size,
    add(sent) {
      const { id, log } = sent.outgoing;
      const before = kept.get(id);
      remove(id);
      // A revision may come from who does not know its names.
      const names = sent.outgoing.names.length > 0 ? sent.outgoing.names : (before?.outgoing.names ?? []);
      newest = { ...sent, outgoing: { ...sent.outgoing, names } };
      kept.set(id, newest);
      count(log, 1);
      if (kept.size > most) remove(kept.keys().next().value as string);
    },
    find: (id) => kept.get(id) ?? null,
    newest: () => (newest ??= [...kept.values()].at(-1) ?? null),
    all() {
      const taken = new Set<string>();
      const all = [...kept.values()].reverse().map(({ outgoing, ...where }) => {
        const names = outgoing.names.filter((name) => !taken.has(name));
        for (const name of names) taken.add(name);
        return { ...where, outgoing: { ...outgoing, names } };
      });
      return all.reverse();
    },
    logs: () => [...counts.keys()],
    forget(log, epoch, upTo) {
      for (const [id, sent] of kept) {
        const isCovered = sent.outgoing.log === log && sent.epoch === epoch && !isBehind(sent.place, upTo);
        if (isCovered) remove(id);
      }
    },
  };
}

/** Places as "MS-SEQ". */
function isBehind(place: string, other: string): boolean {
  const [ms = 0, seq = 0] = place.split('-').map(Number);
  const [otherMs = 0, otherSeq = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
}
