import { describe, expect, test } from 'vitest';
import type { Model, Router } from '../../src/config/resolve.ts';
import { encoder } from '../../src/context/encoder.ts';
import { createLearner, type Learner } from '../../src/routing/learner.ts';
import type { Runtime } from '../../src/routing/runtime.ts';
import { labelOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { StateStore } from '../../src/stores/ports.ts';
import { decision } from '../stores/state-store-suite.ts';
import { testRuntime } from './runtime.ts';

const model = (id: string): Model => ({ id, price: { input: 1, output: 1 }, was: [] as readonly string[] }) as Model;
const ARMS = [model('fake/small'), model('fake/large')];
const ROUTER = {
  name: 'auto',
  models: ARMS.map(({ id }) => id),
  policy: 'linear-thompson',
  halfLifeMs: null,
  signalsOff: new Set(),
} as unknown as Router;

function prepare(wrap: (store: StateStore) => StateStore = (store) => store, platform: Partial<Runtime> = {}) {
  const runtime = Object.assign(testRuntime(), platform);
  const state = createMemoryStore({ now: runtime.now });
  const learner = createLearner(ROUTER, ARMS, wrap(state), runtime);
  /** One answer of the small model that somebody gave this thumb. */
  const answered = async (quality: number): Promise<void> => {
    const one = decision({
      created: runtime.time,
      encoder: encoder.id,
      x: Array.from(encoder.encode({ messages: [], tools: undefined, response_format: undefined })),
      label: labelOf(quality),
    });
    await state.remember({ decision: one, names: [] });
  };
  const observations = () => learner.current().posterior.observations;
  return { runtime, state, learner, answered, observations };
}

describe('a learner', () => {
  test('learns what is new in the log once it is told, and says how far it has read', async () => {
    const { learner, runtime, answered, observations } = prepare();
    const before = learner.current();
    for (let i = 0; i < 5; i++) await answered(1);
    expect(learner.current()).toEqual(before);
    learner.grown();
    await runtime.settled();
    expect(observations()).toBeCloseTo(5, 6);
    expect(learner.current().cursor).not.toBe(before.cursor);
  });

  test('reads a log of many batches', async () => {
    const { learner, answered, observations } = prepare();
    for (let i = 0; i < 2_500; i++) await answered(i % 2);
    await learner.catchUp();
    expect(observations()).toBeCloseTo(2_500, 3);
  });

  describe('where a request pays for what it makes the processor do', () => {
    const PAYING = { stepsARequest: 16 };

    test('derives over several requests, from what it knew when it began', async () => {
      const { learner, runtime, answered, observations } = prepare(undefined, PAYING);
      expect(observations()).toBe(0);
      for (let i = 0; i < 100; i++) await answered(1);
      const seen: number[] = [];
      for (let request = 0; request < 6; request++) {
        learner.grown();
        await runtime.settled();
        await answered(1);
        seen.push(Math.round(observations()));
      }
      // More than 16 steps, and fewer than 32: one of the two arms was never asked.
      expect(seen.slice(0, 3)).toEqual([0, 100, 100]);
      await learner.catchUp();
      expect(observations()).toBeCloseTo(106, 6);
    });

    test('comes to the same beliefs as where nobody pays', async () => {
      const paying = prepare(undefined, PAYING);
      const { state, runtime, learner, answered } = paying;
      const other = createLearner(ROUTER, ARMS, state, testRuntime());
      for (let i = 0; i < 100; i++) await answered(i % 2);
      for (let request = 0; request < 6; request++) {
        learner.grown();
        await runtime.settled();
      }
      await other.catchUp();
      const summary = ({ posterior }: ReturnType<Learner['current']>) => ARMS.map(({ id }) => posterior.summary(id));
      expect(summary(learner.current())).toEqual(summary(other.current()));
      expect(learner.current().cursor).toBe(other.current().cursor);
    });

    test('reads a long log a batch a request, and all of it where somebody waits for that', async () => {
      let read = 0;
      const { learner, runtime, answered, observations } = prepare(
        (store) => ({
          ...store,
          async readSince(...asked) {
            const slice = await store.readSince(...asked);
            read += slice.entries.length;
            return slice;
          },
        }),
        PAYING,
      );
      for (let i = 0; i < 2_500; i++) await answered(1);
      learner.grown();
      await runtime.settled();
      expect(read).toBeLessThanOrEqual(500);
      await learner.catchUp();
      expect(observations()).toBeCloseTo(2_500, 3);
    });

    test('does not derive for each answer once it knows many', async () => {
      const { learner, runtime, answered, observations } = prepare(undefined, PAYING);
      for (let i = 0; i < 4_000; i++) await answered(1);
      await learner.catchUp();
      for (let i = 0; i < 39; i++) {
        await answered(1);
        learner.grown();
        await runtime.settled();
      }
      expect(observations()).toBeCloseTo(4_000, 3);
      for (let i = 0; i < 6; i++) {
        await answered(1);
        learner.grown();
        await runtime.settled();
      }
      expect(observations()).toBeGreaterThan(4_030);
    });
  });

  test('misses nothing that comes while it is reading', async () => {
    const { learner, runtime, answered, observations } = prepare();
    for (let i = 0; i < 50; i++) {
      await answered(1);
      learner.grown();
      if (i % 7 === 0) void learner.catchUp();
    }
    await runtime.settled();
    expect(observations()).toBeCloseTo(50, 6);
  });

  test('misses nothing that comes behind the last entry that another reader has read', async () => {
    // The log grows between the last read of `catchUp` and its end.
    let afterEmptyRead = async (): Promise<void> => {};
    const { learner, runtime, answered, observations } = prepare((store) => ({
      ...store,
      async readSince(...query) {
        const slice = await store.readSince(...query);
        if (slice.entries.length === 0) await afterEmptyRead();
        return slice;
      },
    }));
    await answered(1);
    afterEmptyRead = async () => {
      afterEmptyRead = async () => {};
      await answered(1);
      learner.grown();
    };
    await learner.catchUp();
    await runtime.settled();
    expect(observations()).toBeCloseTo(2, 6);
  });

  test('goes on after a store that failed', async () => {
    let fails = true;
    const { learner, runtime, answered, observations } = prepare((store) => ({
      ...store,
      async readSince(...query) {
        if (fails) throw new Error('no store');
        return store.readSince(...query);
      },
    }));
    await answered(1);
    learner.grown();
    await runtime.settled();
    const logged = { level: 'error', message: 'what was learned could not be brought up to date' };
    learner.grown();
    await runtime.settled();
    // Once for all of an outage.
    expect(runtime.logged).toEqual([logged]);
    await expect(learner.catchUp()).rejects.toThrow('no store');
    const failed = learner.catchUp();
    learner.grown();
    await expect(failed).rejects.toThrow('no store');
    fails = false;
    learner.grown();
    await runtime.settled();
    expect(observations()).toBeCloseTo(1, 6);
    fails = true;
    learner.grown();
    await runtime.settled();
    expect(runtime.logged).toEqual([logged, logged]);
  });

  test('begins anew where the answer that it waits for never comes, as when a request has taken it along, and counts all once', async () => {
    let isLost = true;
    let comeAfterAll: (() => void) | undefined;
    const { learner, runtime, answered, observations } = prepare((store) => ({
      ...store,
      async readSince(...query) {
        const slice = await store.readSince(...query);
        if (isLost) {
          await new Promise<void>((resolve) => {
            comeAfterAll = resolve;
          });
        }
        return slice;
      },
    }));
    let at = 0;
    runtime.clock = () => at;
    // What is lost would be waited for for ever.
    const lost: Promise<unknown>[] = [];
    const { defer } = runtime;
    runtime.defer = (work) => lost.push(work);
    await answered(1);
    learner.grown();
    await expect.poll(() => comeAfterAll).not.toBe(undefined);
    runtime.defer = defer;
    isLost = false;
    at += 9_000;
    learner.grown();
    await runtime.settled();
    expect(observations()).toBe(0);
    at += 2_000;
    learner.grown();
    await runtime.settled();
    expect(observations()).toBeCloseTo(1, 6);
    comeAfterAll?.();
    await Promise.all(lost);
    await learner.catchUp();
    expect(observations()).toBeCloseTo(1, 6);
  });
});
