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
  /** Behind all others; one that was written again stays where it is. `isNew`: it was appended just now, and not found there. */
  add(sent: Sent, isNew: boolean): void;
  drop(id: string): void;
  find(id: string): Sent | null;
  /** The one that was appended last, as far as is known. */
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
    add(sent, isNew) {
      const { id, log, late } = sent.outgoing;
      const before = kept.get(id);
      const wasNewest = before !== undefined && before === newest;
      // A revision may come from who does not know its names.
      const names = sent.outgoing.names.length > 0 ? sent.outgoing.names : (before?.outgoing.names ?? []);
      const added = { ...sent, outgoing: { ...sent.outgoing, names } };
      if (before && late) kept.set(id, added);
      else {
        remove(id);
        kept.set(id, added);
        count(log, 1);
      }
      // What was found there may be far from the end of its log.
      if (isNew || wasNewest || (newest && isLater(added, newest))) newest = added;
      if (kept.size > most) remove(kept.keys().next().value as string);
    },
    drop: remove,
    find: (id) => kept.get(id) ?? null,
    newest() {
      if (!newest) for (const sent of kept.values()) if (!newest || isLater(sent, newest)) newest = sent;
      return newest;
    },
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

/** Of two of another epoch each, the one that is looked at later. */
const isLater = (one: Sent, other: Sent): boolean => one.epoch !== other.epoch || isBehind(one.place, other.place);

/** Places as "MS-SEQ". */
function isBehind(place: string, other: string): boolean {
  const [ms = 0, seq = 0] = place.split('-').map(Number);
  const [otherMs = 0, otherSeq = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
}
