import { beforeEach, describe, expect, test } from 'vitest';
import type { Model, Provider } from '../../src/config/resolve.ts';
import { createHealth, type Health } from '../../src/routing/health.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { StateStore } from '../../src/stores/ports.ts';
import type { Verdict } from '../../src/upstream/failures.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

const model = (name: string): Model => ({ id: `p/${name}`, provider: 'p' }) as Model;
const [small, large] = [model('small'), model('large')];
const providersWith = (...apiKeys: string[]): ReadonlyMap<string, Provider> =>
  new Map([['p', { name: 'p', apiKeys, passthrough: false } as unknown as Provider]]);

const FINE: Verdict = { kind: 'fine' };
const FAILED: Verdict = { kind: 'failed' };
const LIMITED = (waitMs: number | null): Verdict => ({ kind: 'rate_limited', waitMs });

let runtime: TestRuntime;
let state: StateStore;
let health: Health;

beforeEach(() => {
  runtime = testRuntime();
  // The middle of the jitter: rests are as long as they are said to be.
  runtime.random = () => 0.5;
  state = createMemoryStore({ now: () => runtime.time });
  health = createHealth(providersWith('key-1', 'key-2'), state, runtime);
});

const attempt = (arm: Model, verdict: Verdict, of = health): void => of.begin(arm, of.keyFor(arm))(verdict);
const fail = (arm: Model, times: number, of = health): void => {
  for (let i = 0; i < times; i++) attempt(arm, FAILED, of);
};

describe('an arm', () => {
  test('rests after three failures in a row, and no other arm with it', () => {
    fail(small, 2);
    expect(health.restOf(small)).toBeNull();
    fail(small, 1);
    expect(health.restOf(small)).toEqual({ reason: 'failing', until: runtime.time + 3_000 });
    expect(health.restOf(large)).toBeNull();
    expect(runtime.logged.map(({ level }) => level)).toEqual(['warn']);
  });

  test('does not rest where answers come in between', () => {
    for (let i = 0; i < 20; i++) attempt(small, i % 3 === 0 ? FAILED : FINE);
    expect(health.restOf(small)).toBeNull();
  });

  test('rests where more than half of its recent attempts fail, though none three times in a row', () => {
    for (let i = 0; i < 30; i++) attempt(small, i % 3 === 0 ? FINE : FAILED);
    expect(health.restOf(small)).not.toBeNull();
  });

  test('is probed by one request at a time when its rest is over, and is back with the first answer', () => {
    fail(small, 3);
    runtime.time += 3_001;
    expect(health.restOf(small)).toBeNull();
    const probe = health.begin(small, health.keyFor(small));
    expect(health.restOf(small)).not.toBeNull();
    probe(FINE);
    expect(health.restOf(small)).toBeNull();
    fail(small, 2);
    expect(health.restOf(small)).toBeNull();
  });

  test('rests twice as long after each probe that fails, up to a minute', () => {
    fail(small, 3);
    const rests: number[] = [];
    for (let i = 0; i < 8; i++) {
      const rest = health.restOf(small);
      rests.push((rest?.until ?? 0) - runtime.time);
      runtime.time = (rest?.until ?? 0) + 1;
      attempt(small, FAILED);
    }
    expect(rests.slice(0, 6)).toEqual([3_000, 6_000, 12_000, 24_000, 48_000, 60_000]);
    expect(rests.at(-1)).toBe(60_000);
  });

  test('is probed by one at a time, whatever else ends meanwhile', () => {
    const early = health.begin(small, health.keyFor(small));
    fail(small, 3);
    runtime.time += 3_001;
    health.begin(small, health.keyFor(small));
    early(FAILED);
    expect(health.restOf(small)).not.toBeNull();
  });

  test('whose probe never ends is probed again', () => {
    fail(small, 3);
    runtime.time += 3_001;
    health.begin(small, health.keyFor(small));
    expect(health.restOf(small)).not.toBeNull();
    runtime.time += 61_000;
    expect(health.restOf(small)).toBeNull();
  });

  test('is not rested by what says nothing of it', () => {
    for (let i = 0; i < 10; i++) attempt(small, { kind: 'nothing' });
    expect(health.of(small)).toEqual({ rest: null, reliability: null });
  });

  test('that is misconfigured rests at once, is told loudly, and is tried again after another config', () => {
    attempt(small, { kind: 'misconfigured', ofKey: false });
    expect(health.restOf(small)).toEqual({ reason: 'misconfigured', until: runtime.time + 30_000 });
    expect(runtime.logged.map(({ level }) => level)).toEqual(['error']);
    health.follow(providersWith('key-1'));
    expect(health.restOf(small)).toBeNull();
  });

  test('that fails still rests after another config', () => {
    fail(small, 3);
    health.follow(providersWith('key-1'));
    expect(health.restOf(small)).not.toBeNull();
  });

  test('tells the share of its recent attempts that were answered', () => {
    attempt(small, FINE);
    attempt(small, FINE);
    attempt(small, FINE);
    attempt(small, FAILED);
    expect(health.of(small).reliability).toBeCloseTo(0.75, 2);
  });

  test('rests not all the time at the same length, so that replicas do not probe at once', () => {
    const until = [0, 0.999].map((dice) => {
      runtime.random = () => dice;
      const other = createHealth(providersWith(), state, runtime);
      fail(small, 3, other);
      return (other.restOf(small)?.until ?? 0) - runtime.time;
    });
    expect(until[0]).toBeCloseTo(2_400, 0);
    expect(until[1]).toBeGreaterThan(3_590);
  });
});

describe('a provider’s keys', () => {
  test('rotate on 429: the next one serves, and the first is back when it may', () => {
    expect(health.keyFor(small)).toBe('key-1');
    attempt(small, LIMITED(5_000));
    expect(health.keyFor(small)).toBe('key-2');
    expect(health.restOf(small)).toBeNull();
    // A limit is one of a model: the other arm goes on with the same key.
    expect(health.keyFor(large)).toBe('key-1');
    attempt(small, LIMITED(60_000));
    expect(health.hasKeyFor(small)).toBe(false);
    expect(health.restOf(small)?.reason).toBe('rate_limited');
    // Nobody is free: the one that is free soonest.
    expect(health.keyFor(small)).toBe('key-1');
    runtime.time += 6_000;
    expect(health.restOf(small)).toBeNull();
    expect(health.keyFor(small)).toBe('key-1');
  });

  test('are never asked sooner than the upstream said, an hour at most', () => {
    attempt(small, LIMITED(10 * 3_600_000));
    attempt(small, LIMITED(10_000));
    const until = (health.restOf(small)?.until ?? 0) - runtime.time;
    expect(until).toBeGreaterThanOrEqual(10_000);
    expect(until).toBeLessThanOrEqual(11_000);
    runtime.time += 10_000 * 2;
    attempt(small, LIMITED(10 * 3_600_000));
    expect((health.restOf(small)?.until ?? 0) - runtime.time).toBeLessThanOrEqual(3_600_000 * 1.1);
  });

  test('that are refused rest where they call that arm: they may be good for another', () => {
    attempt(small, { kind: 'misconfigured', ofKey: true });
    expect(health.keyFor(small)).toBe('key-2');
    expect(health.keyFor(large)).toBe('key-1');
    attempt(large, FINE);
    attempt(small, { kind: 'misconfigured', ofKey: true });
    expect(health.restOf(small)?.reason).toBe('misconfigured');
    expect(health.restOf(large)).toBeNull();
  });

  test('stay at rest though answers come that were begun before', () => {
    const one = createHealth(providersWith('key-1'), state, runtime);
    const early = one.begin(small, 'key-1');
    const limited = [one.begin(small, 'key-1'), one.begin(small, 'key-1')];
    limited[0]?.(LIMITED(60_000));
    early(FINE);
    expect(one.restOf(small)?.until).toBeGreaterThanOrEqual(runtime.time + 60_000);
    // Of several waits at the same time the longest counts, and they are one rest.
    limited[1]?.(LIMITED(120_000));
    expect(one.restOf(small)?.until).toBeGreaterThanOrEqual(runtime.time + 120_000);
    runtime.time += 121_000;
    attempt(small, LIMITED(null), one);
    expect((one.restOf(small)?.until ?? 0) - runtime.time).toBe(2_000);
  });

  test('are named in no log', () => {
    attempt(small, { kind: 'misconfigured', ofKey: true });
    attempt(small, LIMITED(null));
    expect(JSON.stringify(runtime.logged)).not.toContain('key-1');
  });

  test('may be missing', () => {
    const open = createHealth(providersWith(), state, runtime);
    expect(open.keyFor(small)).toBeNull();
    attempt(small, LIMITED(1_000), open);
    expect(open.restOf(small)?.reason).toBe('rate_limited');
  });
});

describe('where all rest', () => {
  test('the one that is soonest back is the least bad, and who is misconfigured the worst', () => {
    const third = model('third');
    attempt(large, { kind: 'misconfigured', ofKey: false });
    fail(third, 3);
    runtime.time += 1_000;
    fail(small, 3);
    expect(health.leastBadFirst([large, small, third]).map(({ id }) => id)).toEqual(['p/third', 'p/small', 'p/large']);
  });
});

describe('replicas', () => {
  test('learn of each other’s rests and recoveries', async () => {
    const other = createHealth(providersWith('key-1', 'key-2'), state, runtime);
    fail(small, 3);
    await health.flush();
    await other.flush();
    expect(other.restOf(small)?.reason).toBe('failing');

    runtime.time += 10_000;
    attempt(small, FINE, other);
    await other.flush();
    await health.flush();
    expect(health.restOf(small)).toBeNull();
    fail(small, 2);
    expect(health.restOf(small)).toBeNull();
  });

  test('do not undo what another has learned later', async () => {
    const other = createHealth(providersWith('key-1', 'key-2'), state, runtime);
    fail(small, 3);
    await health.flush();
    runtime.time += 10;
    fail(small, 3, other);
    const rest = other.restOf(small);
    await other.flush();
    await health.flush();
    expect(health.restOf(small)).toEqual(rest);
  });

  test('go by their own where the store fails or hangs, and say so once', async () => {
    for (const putHealth of [() => Promise.reject(new Error('gone')), () => new Promise<void>(() => {})]) {
      const alone = createHealth(providersWith(), { ...state, putHealth }, runtime);
      fail(small, 3, alone);
      await alone.flush();
      expect(alone.restOf(small)).not.toBeNull();
      expect(runtime.logged.filter(({ level }) => level === 'error')).toHaveLength(1);
      runtime.logged.length = 0;
    }
  });
});
