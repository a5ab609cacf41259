/** Who is signed in: a token in a cookie that names an admin key, ends by itself, and ends with that key. */
import type { Key } from '../config/resolve.ts';
import { sameText } from '../http/authenticate.ts';

export interface Session {
  key: Key;
  /** Milliseconds since 1970. */
  until: number;
}

export const SESSION_MS = 12 * 60 * 60 * 1000;
/** What the clocks of two replicas may differ by: one may be asked with what another, whose clock is ahead, has just signed. */
export const SKEW_MS = 5 * 60 * 1000;

/**
 * The token holds the key's name and when it ends, with a keyed hash over both and over the hash of the key: so a key that was taken
 * out of the config, or was given another value, signs nobody in any more.
 */
export function sessionToken({ key, until }: Session, digest: (text: string) => string): string {
  return `${until.toString(36)}.${nameOf(key)}.${digest(signed(key, until))}`;
}

/** Null where the token is none of ours, has ended, or its key is no admin's here any more. */
export function sessionOf(
  token: string | undefined,
  keys: readonly Key[],
  digest: (text: string) => string,
  now: number,
): Session | null {
  const [ends, name, mac, ...rest] = (token ?? '').split('.');
  if (!ends || !name || !mac || rest.length > 0) return null;
  const until = Number.parseInt(ends, 36);
  const key = keys.find((one) => nameOf(one) === name);
  if (!key?.admin || !(until > now) || until > now + SESSION_MS + SKEW_MS || ends !== until.toString(36)) return null;
  return sameText(mac, digest(signed(key, until))) ? { key, until } : null;
}

/** As it may stand in a cookie, and without a dot. */
const nameOf = ({ name }: Key): string => encodeURIComponent(name).replaceAll('.', '%2E');

const signed = ({ name, sha256 }: Key, until: number): string => JSON.stringify(['dashboard', name, sha256, until]);
