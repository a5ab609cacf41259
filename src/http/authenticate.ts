/** Who is calling: the key behind a request, compared in constant time with the hashes that are configured. */
import { matchesGlob } from '../config/glob.ts';
import type { Key } from '../config/resolve.ts';
import { ApiError } from './errors.ts';

/** The caller: everybody while there are no keys, and then with every right. */
export interface Caller {
  name: string | null;
  admin: boolean;
  routers: readonly string[] | null;
  models: readonly string[] | null;
  /** Globs of what stands behind `/v1/`; null for all. */
  routes: readonly string[] | null;
  requestsPerMinute: number | null;
  usdPerDay: number | null;
}

const ANYONE: Caller = {
  name: null,
  admin: true,
  routers: null,
  models: null,
  routes: null,
  requestsPerMinute: null,
  usdPerDay: null,
};

/** As many headers are known by heart as there are keys, but no odd spelling: a header may be filled up with spaces. */
const LONGEST_KNOWN = 512;

/** Gives a check that throws a 401 for a missing or wrong key. */
export function createAuthenticator(
  keys: readonly Key[],
  sha256Hex: (text: string) => string,
): (authorization: string | undefined) => Caller {
  if (keys.length === 0) return () => ANYONE;
  /** Right ones alone, so that nobody's guesses fill it: a hash costs as much as all else that is asked of a request here. */
  const known = new Map<string, Caller>();
  return (authorization = '') => {
    const before = known.get(authorization);
    if (before) return before;
    const caller = findKey(authorization, keys, sha256Hex);
    if (known.size < keys.length && authorization.length <= LONGEST_KNOWN) known.set(authorization, caller);
    return caller;
  };
}

function findKey(authorization: string, keys: readonly Key[], sha256Hex: (text: string) => string): Caller {
  const given = bearerOf(authorization);
  if (!given) {
    throw new ApiError({
      status: 401,
      message: "You didn't provide an API key. Send it in the header Authorization: Bearer YOUR_KEY.",
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
  return keyBehind(given, keys, sha256Hex);
}

/** Throws a 401 where this is none of the keys. */
export function keyBehind(given: string, keys: readonly Key[], sha256Hex: (text: string) => string): Key {
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

/** Throws a 403 for a route behind `/v1/` that the caller's key does not allow. */
export function requireRoute(caller: Caller, route: string): void {
  if (caller.routes === null || caller.routes.some((allowed) => coversRoute(allowed, route))) return;
  throw new ApiError({
    status: 403,
    message: `This key does not allow the route '${route}'. Allowed: ${caller.routes.join(', ')}.`,
    code: 'route_not_allowed',
  });
}

/**
 * Throws a 403 for what `chat/completions` does not cover: completions that a provider keeps are its whole account's, so
 * that listing, reading and deleting them must be allowed by name.
 */
export function requireStoredCompletions(caller: Caller): void {
  if (caller.routes === null || caller.routes.some((allowed) => matchesGlob(allowed, 'chat/completions/any'))) return;
  throw new ApiError({
    status: 403,
    message: "This key does not allow stored completions: they need 'chat/completions/*' among its routes.",
    code: 'route_not_allowed',
  });
}

/** A route covers what lies below it too: `files` covers `files/abc/content`. */
const coversRoute = (allowed: string, route: string): boolean =>
  matchesGlob(allowed, route) || matchesGlob(`${allowed}/*`, route);

/**
 * The caller's own key for the provider, for providers that take it: in `authorization` while that holds no Conduit key,
 * else in `x-api-key`.
 */
export function ownProviderKey(header: (name: string) => string | undefined, caller: Caller): string | null {
  const given = caller.name === null ? bearerOf(header('authorization')) : header('x-api-key')?.trim();
  return given || null;
}

const bearerOf = (authorization = ''): string | undefined => /^Bearer\s+(.+)$/i.exec(authorization)?.[1]?.trim();

/** Throws a 403 for a caller that may not see what has been learned. */
export function requireAdmin(caller: Caller): void {
  if (!caller.admin)
    throw new ApiError({ status: 403, message: 'This needs a key with admin: true.', code: 'admin_required' });
}

/** In a time that tells nothing of where they differ. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
  return difference === 0;
}
