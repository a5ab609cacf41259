/** A decision's id, which tells its own time, and how long it takes feedback. */
import { OPEN } from '../bandit/fold.ts';

/** How long a decision takes feedback. */
export const FEEDBACK_WINDOW_MS = OPEN.windowMs;
/** For how long a hot store keeps a decision: feedback that was given in time may still be on its way. */
export const KEEP_MS = FEEDBACK_WINDOW_MS + 60 * 60 * 1000;

const PREFIX = 'dec_';

/** An id that tells its own time, so that a late feedback can be told from a wrong id: 48 bits of time, 80 random. */
export function newDecisionId(now: number, randomHex: (bytes: number) => string): string {
  const high = Math.floor(now / 2 ** 24);
  return PREFIX + sixDigits(high) + sixDigits(Math.floor(now) - high * 2 ** 24) + randomHex(10);
}

const sixDigits = (value: number): string =>
  (HEX[value >>> 16] as string) + (HEX[(value >>> 8) & 255] as string) + (HEX[value & 255] as string);

/** Each byte's two digits: writing a number of more than 31 bits out in hex takes the engine far longer. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Milliseconds since 1970 at which an id was made; null where it is no id of ours. */
export function decisionTime(id: string): number | null {
  return /^dec_[0-9a-f]{32}$/.test(id) ? Number.parseInt(id.slice(PREFIX.length, PREFIX.length + 12), 16) : null;
}
