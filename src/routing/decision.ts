/** A decision's id, which tells its own time, and how long it takes feedback. */

/** How long a decision takes feedback. */
export const FEEDBACK_WINDOW_MS = 24 * 60 * 60 * 1000;

const PREFIX = 'dec_';

/** An id that tells its own time, so that a late feedback can be told from a wrong id: 48 bits of time, 80 random. */
export function newDecisionId(now: number, randomHex: (bytes: number) => string): string {
  return PREFIX + Math.floor(now).toString(16).padStart(12, '0') + randomHex(10);
}

/** Milliseconds since 1970 at which an id was made; null where it is no id of ours. */
export function decisionTime(id: string): number | null {
  return /^dec_[0-9a-f]{32}$/.test(id) ? Number.parseInt(id.slice(PREFIX.length, PREFIX.length + 12), 16) : null;
}
