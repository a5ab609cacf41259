/** What a request waits for to know its conversation, and how that is counted. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findEarlier } from '../../src/http/find-earlier.ts';
import type { Asked } from '../../src/routing/follow-ups.ts';
import { createLookUps, hitRate } from '../../src/routing/look-ups.ts';
import type { Found } from '../../src/stores/ports.ts';

const FOUND = { name: 'a name' } as Found;
const ASKED = {} as Asked;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function prepare(here: Found | null, looking: (() => Promise<Found | null>) | null, deadlineMs = 40) {
  const lookUps = createLookUps();
  const parts = {
    lookUps,
    followUps: { findHere: () => here, find: () => looking?.() ?? null },
    runtime: { lookUp: { deadlineMs, ownAnswers: 10 } },
  } as unknown as Parameters<typeof findEarlier>[0];
  return { counts: () => lookUps.of('auto'), find: () => findEarlier(parts, ASKED, 'auto') };
}

const in_ = <Value>(ms: number, value: Value) => new Promise<Value>((resolve) => setTimeout(() => resolve(value), ms));

test('what this process answered itself is asked of nobody', async () => {
  const asked = vi.fn();
  const { find, counts } = prepare(FOUND, asked);
  expect(await find()).toBe(FOUND);
  expect(asked).not.toHaveBeenCalled();
  expect(counts()).toEqual({ cached: 1, found: 0, unknown: 0, late: 0, failed: 0 });
});

test('a first message is no look-up', async () => {
  const { find, counts } = prepare(null, null);
  expect(await find()).toBe(null);
  expect(hitRate(counts())).toBe(null);
});

test.each([
  ['found', 39, FOUND],
  ['unknown', 39, null],
  ['late', 41, FOUND],
] as const)('what the store has after its time or before counts as %s', async (end, afterMs, value) => {
  const { find, counts } = prepare(null, () => in_(afterMs, value));
  const finding = find();
  await vi.advanceTimersByTimeAsync(40);
  expect(await finding).toBe(end === 'found' ? FOUND : null);
  await vi.advanceTimersByTimeAsync(10);
  expect(counts()).toMatchObject({ [end]: 1 });
  expect(hitRate(counts())).toBe(end === 'found' ? 1 : 0);
});

test('a store that fails keeps nobody from being answered', async () => {
  const { find, counts } = prepare(null, () => Promise.reject(new Error('down')));
  expect(await find()).toBe(null);
  expect(counts()).toMatchObject({ failed: 1 });
});
