import { describe, expect, test } from 'vitest';
import { foldToBytes } from '../../src/bandit/fold-bytes.ts';
import type { Model, Router } from '../../src/config/resolve.ts';
import { encoder } from '../../src/context/encoder.ts';
import { createLearner, type Learner, learnOn, nothingLearned } from '../../src/routing/learner.ts';
import type { Runtime } from '../../src/routing/runtime.ts';
import { labelOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { SharedState, StateStore } from '../../src/stores/ports.ts';
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

    test('goes by what is said of answers that it knows, though no further one comes', async () => {
      const { state, learner, runtime } = prepare(undefined, PAYING);
      const x = Array.from(encoder.encode({ messages: [], tools: undefined, response_format: undefined }));
      const one = decision({ created: runtime.time, encoder: encoder.id, x });
      await state.remember({ decision: one, names: [] });
      await learner.catchUp();
      const label = labelOf(1);
      expect(await state.revise({ ...one, version: 2, label, labelBefore: one.label })).toBe('written');
      for (let request = 0; request < 3; request++) {
        learner.grown();
        await runtime.settled();
      }
      expect(learner.current().posterior.labels).toBe(1);
    });

    describe('and others have most of the requests', () => {
      /** Of how many answers nothing is believed yet, after each of so many requests between which others give `many`. */
      const lagging = async (many: number, requests: number, wrap?: (store: StateStore) => StateStore) => {
        const { learner, runtime, answered, observations } = prepare(wrap, PAYING);
        let at = 0;
        runtime.clock = () => at;
        let given = 0;
        const lags: number[] = [];
        for (let request = 0; request < requests; request++) {
          for (let i = 0; i < many; i++, given++) await answered(1);
          at += 5_000;
          learner.grown();
          await runtime.settled();
          lags.push(given - observations());
        }
        return lags;
      };

      test('reads as much as a request may rather than derive anew all the time, and does not fall behind', async () => {
        const lags = await lagging(200, 150);
        expect(Math.max(...lags)).toBeLessThan(200 * 20);
      });

      test('takes over what was made of the log where it could never read all of it', async () => {
        const elsewhere = nothingLearned(ROUTER);
        const lags = await lagging(600, 60, (store) => ({
          ...store,
          shared: {
            snapshots: {
              async read() {
                await learnOn(elsewhere, 'auto', { readSince: store.readSince, shared: null }, testRuntime().log);
                return [{ cursor: elsewhere.cursor, bytes: foldToBytes(elsewhere.fold) }];
              },
            },
            leavesSnapshots: true,
          } as unknown as SharedState,
        }));
        expect(Math.max(...lags)).toBeLessThan(600 * 20);
      });
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

  test('begins anew though somebody asks every second in vain, as a page that is looked at does', async () => {
    let isLost = true;
    const { learner, runtime, answered, observations } = prepare((store) => ({
      ...store,
      readSince: (...query) => (isLost ? new Promise(() => {}) : store.readSince(...query)),
    }));
    let at = 0;
    runtime.clock = () => at;
    await answered(1);
    void learner.catchUp();
    // Until it reads.
    for (let i = 0; i < 10; i++) await undefined;
    isLost = false;
    for (; at < 9_000; at += 1_000) void learner.catchUp();
    at = 11_000;
    await learner.catchUp();
    expect(observations()).toBeCloseTo(1, 6);
  });
});
