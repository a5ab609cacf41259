import { beforeEach, describe, expect, test } from 'vitest';
import { createCounters } from '../../src/routing/counters.ts';
import { createLimits, type Limits } from '../../src/routing/limits.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { type StateStore, UncertainWrite } from '../../src/stores/ports.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let runtime: TestRuntime;
let state: StateStore;
let limits: Limits;

beforeEach(() => {
  runtime = testRuntime();
  runtime.time = Math.floor(runtime.time / DAY) * DAY;
  state = createMemoryStore({ now: () => runtime.time });
  limits = createLimits(createCounters(state, runtime), runtime);
});

const count = (times: number, perMinute = 10): number => {
  let allowed = 0;
  for (let i = 0; i < times; i++) if (limits.countRequest('web', perMinute).waitMs === 0) allowed++;
  return allowed;
};

describe('requests a minute', () => {
  test('are allowed up to the limit, and told how many are left', () => {
    expect(limits.countRequest('web', 10)).toMatchObject({ limit: 10, remaining: 9, waitMs: 0 });
    expect(count(20)).toBe(9);
    expect(limits.countRequest('web', 10)).toMatchObject({ remaining: 0 });
    expect(limits.countRequest('ops', 10).waitMs).toBe(0);
  });

  test('slide: a full minute frees no whole minute at its end', () => {
    count(10);
    runtime.time += MINUTE;
    expect(count(20)).toBe(0);
    runtime.time += MINUTE / 2;
    expect(count(20)).toBe(5);
    runtime.time += 2 * MINUTE;
    expect(count(20)).toBe(10);
  });

  test('are known to a replica that a key comes to for the first time, those of its last minute too', async () => {
    count(10);
    await limits.flush();
    runtime.time += MINUTE;
    const other = createLimits(createCounters(state, runtime), runtime);
    other.countRequest('web', 10);
    await other.flush();
    expect(other.countRequest('web', 10).waitMs).toBeGreaterThan(0);
  });

  test.each([0, 0.3, 0.9])(
    'are allowed again after the wait that was told, and no sooner (at %s of the minute)',
    (at) => {
      runtime.time += at * MINUTE;
      count(25);
      const { waitMs } = limits.countRequest('web', 10);
      expect(waitMs).toBeGreaterThan(0);
      runtime.time += waitMs - 50;
      expect(limits.countRequest('web', 10).waitMs).toBeGreaterThan(0);
      runtime.time += 100;
      expect(limits.countRequest('web', 10).waitMs).toBe(0);
    },
  );
});

describe('money', () => {
  const owner = { kind: 'key', name: 'web' } as const;

  test('that is set aside counts as spent until what it cost takes its place', () => {
    const first = limits.reserve({ key: 'web', router: 'auto' }, 2);
    limits.reserve({ key: 'web', router: null }, 3);
    expect(limits.spentToday(owner)).toBeCloseTo(5);
    expect(limits.spentToday({ kind: 'router', name: 'auto' })).toBeCloseTo(2);
    first.settle(0.5);
    first.settle(100);
    expect(limits.spentToday(owner)).toBeCloseTo(3.5);
    expect(limits.spentToday({ kind: 'router', name: 'auto' })).toBeCloseTo(0.5);
  });

  test('is counted by UTC day, and what ends tomorrow belongs to the day it began', () => {
    runtime.time += DAY - 1_000;
    expect(limits.untilTomorrow()).toBe(1_000);
    const late = limits.reserve({ key: 'web', router: null }, 2);
    runtime.time += 2_000;
    expect(limits.spentToday(owner)).toBe(0);
    late.settle(1);
    expect(limits.spentToday(owner)).toBe(0);
  });

  test('that is settled when its day is long over still reaches the store', async () => {
    const told: number[] = [];
    const add: StateStore['add'] = (name, amount, ttlMs) => {
      told.push(amount);
      return state.add(name, amount, ttlMs);
    };
    const alone = createLimits(createCounters({ ...state, add }, runtime), runtime);
    const late = alone.reserve({ key: 'web', router: null }, 2);
    await alone.flush();
    runtime.time += 3 * DAY;
    await alone.flush();
    late.settle(1.5);
    await alone.flush();
    expect(told).toEqual([2, -0.5]);
  });

  test('and requests are shared by replicas, once each', async () => {
    const other = createLimits(createCounters(state, runtime), runtime);
    limits.reserve({ key: 'web', router: null }, 2).settle(1.5);
    other.reserve({ key: 'web', router: null }, 4);
    count(3);
    await limits.flush();
    await other.flush();
    // Whoever asks hears what was known a second ago at most: what is asked for is read in the next turn.
    for (const one of [limits, other]) {
      one.spentToday(owner);
      one.countRequest('web', 10);
      await one.flush();
    }
    expect(other.countRequest('web', 10).remaining).toBe(4);
    limits.spentToday(owner);
    await limits.flush();
    expect(limits.spentToday(owner)).toBeCloseTo(5.5);
    expect(other.spentToday(owner)).toBeCloseTo(5.5);
  });

  test('that the store could not take is kept, and told once when it is back', async () => {
    let broken = true;
    const counters = createCounters(
      { ...state, add: (...given) => (broken ? Promise.reject(new Error('gone')) : state.add(...given)) },
      runtime,
    );
    const alone = createLimits(counters, runtime);
    alone.reserve({ key: 'web', router: null }, 2);
    await alone.flush();
    expect(alone.spentToday(owner)).toBe(2);
    alone.reserve({ key: 'web', router: null }, 1);
    broken = false;
    await alone.flush();
    await alone.flush();
    expect(alone.spentToday(owner)).toBe(3);
    await limits.flush();
    limits.spentToday(owner);
    await limits.flush();
    expect(limits.spentToday(owner)).toBe(3);
    expect(runtime.logged.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('of which nobody knows whether the store took it is not told twice', async () => {
    let late = true;
    const add: StateStore['add'] = async (...given) => {
      const value = await state.add(...given);
      if (late) throw new UncertainWrite('late');
      return value;
    };
    const alone = createLimits(createCounters({ ...state, add }, runtime), runtime);
    alone.reserve({ key: 'web', router: null }, 2);
    await alone.flush();
    expect(alone.spentToday(owner)).toBe(2);
    late = false;
    await alone.flush();
    expect(alone.spentToday(owner)).toBe(2);
  });

  test('is counted on where an answer never comes, as when a request has taken it along', async () => {
    let at = 0;
    runtime.clock = () => at;
    let isLost = true;
    const add: StateStore['add'] = async (...given) => {
      const value = await state.add(...given);
      return isLost ? await new Promise<number>(() => {}) : value;
    };
    const alone = createLimits(createCounters({ ...state, add }, runtime), runtime);
    const { defer } = runtime;
    runtime.defer = () => {};
    at += 1_000;
    alone.reserve({ key: 'web', router: null }, 2);
    runtime.defer = defer;
    isLost = false;
    at += 40_000;
    alone.reserve({ key: 'web', router: null }, 1);
    await runtime.settled();
    expect(alone.spentToday(owner)).toBe(3);
    await limits.flush();
    limits.spentToday(owner);
    await limits.flush();
    expect(limits.spentToday(owner)).toBe(3);
  });
});
