/** Who is calling: the key behind a request, compared in constant time with the hashes that are configured. */
import type { Key } from '../config/resolve.ts';
import { ApiError } from './errors.ts';

/** The caller: everybody while there are no keys, and then with every right. */
export interface Caller {
  name: string | null;
  admin: boolean;
  routers: readonly string[] | null;
  models: readonly string[] | null;
}

const ANYONE: Caller = { name: null, admin: true, routers: null, models: null };

/** Throws a 401 for a missing or wrong key. */
export function authenticate(
  authorization: string | undefined,
  keys: readonly Key[],
  sha256Hex: (text: string) => string,
): Caller {
  if (keys.length === 0) return ANYONE;
  const given = /^Bearer\s+(.+)$/i.exec(authorization ?? '')?.[1]?.trim();
  if (!given) {
    throw new ApiError({
      status: 401,
      message: "You didn't provide an API key. Send it in the header Authorization: Bearer YOUR_KEY.",
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
  const hash = sha256Hex(given);
  // Every key is compared whole, so that the time tells nothing of which one came near.
  const found = keys.filter((key) => sameText(key.sha256, hash))[0];
  if (!found) {
    throw new ApiError({ status: 401, message: 'Incorrect API key provided.', code: 'invalid_api_key' });
  }
  return found;
}

/** Whether a decision is the caller's own, or the caller may see everybody's. */
export const maySee = (caller: Caller, decision: { key: string | null }): boolean =>
  caller.admin || decision.key === caller.name;

/** Throws a 403 for a caller that may not see what has been learned. */
export function requireAdmin(caller: Caller): void {
  if (!caller.admin)
    throw new ApiError({ status: 403, message: 'This needs a key with admin: true.', code: 'admin_required' });
}

function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
  return difference === 0;
}
