import { expect, test } from 'vitest';
import type { Key } from '../../src/config/resolve.ts';
import { createDigest } from '../../src/crypto.ts';
import { SESSION_MS, SKEW_MS, sessionOf, sessionToken } from '../../src/dashboard/session.ts';

const NOW = 1_764_000_000_000;
const digest = createDigest('secret');
const key = (name: string, more: Partial<Key> = {}): Key => ({
  name,
  sha256: 'ab'.repeat(32),
  routers: null,
  models: null,
  routes: [],
  requestsPerMinute: null,
  usdPerDay: null,
  admin: true,
  ...more,
});
const until = NOW + SESSION_MS;

test('a session is its key’s until it ends, whatever the key is called', () => {
  for (const name of ['ops', 'a.b', 'o p/s;=é', '%2E']) {
    const keys = [key('other'), key(name)];
    const token = sessionToken({ key: keys[1]!, until }, digest);
    expect(sessionOf(token, keys, digest, NOW)).toEqual({ key: keys[1], until });
    expect(sessionOf(token, keys, digest, until - 1)?.key.name).toBe(name);
    expect(sessionOf(token, keys, digest, until)).toBe(null);
  }
});

test('a session is nobody’s once its key has another value or no rights, or where another server signed it', () => {
  const token = sessionToken({ key: key('ops'), until }, digest);
  expect(sessionOf(token, [key('ops', { sha256: 'cd'.repeat(32) })], digest, NOW)).toBe(null);
  expect(sessionOf(token, [key('ops', { admin: false })], digest, NOW)).toBe(null);
  expect(sessionOf(token, [key('web')], digest, NOW)).toBe(null);
  expect(sessionOf(token, [key('ops')], createDigest('another secret'), NOW)).toBe(null);
});

test('a session is good at once where another replica is asked whose clock is behind', () => {
  const token = sessionToken({ key: key('ops'), until }, digest);
  expect(sessionOf(token, [key('ops')], digest, NOW - 2_000)?.key.name).toBe('ops');
});

test('a session lasts no longer than sessions do, though it were signed', () => {
  const far = sessionToken({ key: key('ops'), until: until + SKEW_MS + 1 }, digest);
  expect(sessionOf(far, [key('ops')], digest, NOW)).toBe(null);
  for (const token of [undefined, '', '.', '..', 'x.ops.y', `${until.toString(36)}.ops.`, 'NaN.ops.x'])
    expect(sessionOf(token, [key('ops')], digest, NOW)).toBe(null);
});
