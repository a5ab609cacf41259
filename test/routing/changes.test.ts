/** A change that one process notices is every process's, once, and outlives them all. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { emptyFold } from '../../src/bandit/fold.ts';
import type { Model, Router } from '../../src/config/resolve.ts';
import { encoder } from '../../src/context/encoder.ts';
import { createArchive } from '../../src/routing/archive.ts';
import { createLearner, type Learner, nothingLearned } from '../../src/routing/learner.ts';
import { rebuildFold, recoverFold } from '../../src/routing/recovery.ts';
import { type DecisionRecord, labelOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { type HotStore, LOG_START, type StateStore, StoreUnavailable } from '../../src/stores/ports.ts';
import { expectAlike } from '../bandit/alike.ts';
import { seeded } from '../bandit/evidence.ts';
import { decision } from '../stores/state-store-suite.ts';
import { embeddedStore } from '../support/embedded-store.ts';
import { NO_REDIS, startRedisServer } from '../support/redis-server.ts';
import { connected, open } from '../support/redis-store.ts';
import { testRuntime } from './runtime.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const START = 1_764_000_000_000;
const model = (id: string): Model => ({ id, price: { input: 1, output: 1 }, was: [] as readonly string[] }) as Model;
const ARMS = [model('fake/small'), model('fake/large')];
const ROUTER = {
  name: 'auto',
  models: ARMS.map(({ id }) => id),
  policy: 'linear-thompson',
  halfLifeMs: 200 * HOUR,
  signalsOff: new Set(),
} as unknown as Router;
const X = encoder.encode({ messages: [], tools: undefined, response_format: undefined });
const [SMALL, LARGE] = ['fake/small', 'fake/large'] as const;

/** Answers that somebody rated, a minute apart. */
function rated(arm: string, count: number, quality: number, from: number, random: () => number): DecisionRecord[] {
  return Array.from({ length: count }, (_, i) =>
    decision({
      created: from + i * MINUTE,
      chosen: arm,
      model: arm,
      encoder: encoder.id,
      x: X,
      attempts: [{ model: arm, outcome: 'completed', status: 200, firstByteMs: null, totalMs: 1_000 }],
      label: labelOf(random() < quality ? 1 : 0),
    }),
  );
}

const random = seeded(4);
const GOOD = [...rated(SMALL, 200, 0.85, START, random), ...rated(LARGE, 100, 0.7, START, random)];
const WORSE = rated(SMALL, 100, 0.25, START + 5 * HOUR, random);

const keep = async (state: StateStore, decisions: readonly DecisionRecord[]): Promise<void> => {
  for (const one of decisions) await state.remember({ decision: one, names: [] });
};
const learnerOf = (state: StateStore, runtime = testRuntime()): Learner => createLearner(ROUTER, ARMS, state, runtime);
const believed = (learner: Learner, arm: string) => learner.current().posterior.summary(arm);
/** The entries of the log that tell of a change. */
const toldIn = async (state: StateStore) =>
  (await state.readSince('auto', LOG_START, 100_000)).entries.filter(({ worthBefore }) => worthBefore !== null);

const memory = async (): Promise<HotStore> => createMemoryStore({ now: Date.now });
async function redis(): Promise<HotStore> {
  const server = await startRedisServer();
  onTestFinished(() => server.close());
  const { store } = open(server.url);
  onTestFinished(() => store.close());
  await connected(store, server);
  return store;
}

describe.each<[string, () => Promise<HotStore>, boolean]>([
  ['a memory', memory, true],
  ['Redis', redis, NO_REDIS === null],
])('of processes that share %s', (_, create, isThere) => {
  test.skipIf(!isThere)(
    'one tells the log, and all of them believe the same, whenever they begin',
    async () => {
      const state = await create();
      const runtime = testRuntime();
      const learners = [learnerOf(state, runtime), learnerOf(state, runtime), learnerOf(state, runtime)];
      await keep(state, GOOD);
      for (const learner of learners) await learner.catchUp();
      expect(believed(learners[0] as Learner, SMALL).changedAt).toBe(null);
      expect(await toldIn(state)).toEqual([]);

      await keep(state, WORSE);
      await Promise.all(learners.map((learner) => learner.catchUp()));
      const [told, ...more] = await toldIn(state);
      expect(more).toEqual([]);
      expect(told).toMatchObject({ arm: SMALL, revision: 2 });
      // Within some answers of where it was: the last of the good ones were given up to three hours and twenty minutes in.
      expect(told?.at).toBeGreaterThan(START + 185 * MINUTE);
      expect(told?.at).toBeLessThan(START + 5 * HOUR + 15 * MINUTE);
      const messages = runtime.logged.map(({ level, message }) => `${level}: ${message}`);
      expect(messages).toEqual(['info: a model has changed: what it was counts for little']);

      const late = learnerOf(state);
      const quality = [];
      for (const learner of [...learners, late]) {
        await learner.catchUp();
        const { posterior } = learner.current();
        expect(posterior.changes).toEqual([]);
        expect(posterior.summary(SMALL).changedAt).toBe(told?.at);
        expect(posterior.summary(LARGE).changedAt).toBe(null);
        quality.push(posterior.summary(SMALL).quality.mean);
      }
      expect(quality[0]).toBeLessThan(0.45);
      for (const one of quality) expect(Math.abs(one - (quality[0] as number))).toBeLessThan(1e-9);
      // Nor does it come up again.
      await keep(state, rated(SMALL, 60, 0.25, START + 7 * HOUR, random));
      for (const learner of learners) await learner.catchUp();
      expect(await toldIn(state)).toHaveLength(1);
    },
    30_000,
  );
});

describe('a learner', () => {
  test('that cannot write goes by what it notices all the same, says so once, and tells it once it can', async () => {
    const state = await memory();
    const runtime = testRuntime();
    let broken = true;
    const learner = createLearner(
      ROUTER,
      ARMS,
      {
        ...state,
        add: async (...given) => {
          if (broken) throw new StoreUnavailable('out of order');
          return await state.add(...given);
        },
      },
      runtime,
    );
    await keep(state, [...GOOD, ...WORSE]);
    await learner.catchUp();
    await learner.catchUp();
    expect(believed(learner, SMALL).quality.mean).toBeLessThan(0.45);
    expect(believed(learner, SMALL).changedAt).not.toBe(null);
    expect(runtime.logged.map(({ level }) => level)).toEqual(['warn']);
    expect(await toldIn(state)).toEqual([]);
    broken = false;
    await learner.catchUp();
    expect(await toldIn(state)).toHaveLength(1);
  });

  test('loses neither the change nor a thumb that is given to the same decision meanwhile', async () => {
    const state = await memory();
    let given = false;
    const learner = createLearner(
      ROUTER,
      ARMS,
      {
        ...state,
        async revise(changed) {
          if (!given) {
            given = true;
            const present = (await state.recall(changed.id)) as DecisionRecord;
            const thumb = { ...present, version: present.version + 1, reward: 0.5, label: labelOf(0.5) };
            await state.revise({ ...thumb, labelBefore: present.label });
          }
          return await state.revise(changed);
        },
      },
      testRuntime(),
    );
    await keep(state, [...GOOD, ...WORSE]);
    await learner.catchUp();
    const [told] = await toldIn(state);
    expect(told).toMatchObject({ revision: 3, quality: 0.5 });
    expect(await state.recall(told?.decisionId as string)).toMatchObject({ version: 3, reward: 0.5 });
  });

  test('leaves a change alone of which nobody has the decision any more', async () => {
    const state = await memory();
    const learner = createLearner(ROUTER, ARMS, { ...state, recall: async () => null }, testRuntime());
    await keep(state, [...GOOD, ...WORSE]);
    await learner.catchUp();
    expect(believed(learner, SMALL).quality.mean).toBeLessThan(0.45);
  });
});

describe('what is kept', () => {
  /** A durable store that has a change, whose first decision was rated once more at the end of all. */
  async function kept() {
    const state = await memory();
    const sink = await embeddedStore();
    const runtime = testRuntime();
    const routers = new Map([['auto', ROUTER]]);
    const archive = createArchive({ source: state, sink, routers, retentionMs: 30 * 24 * HOUR, runtime });
    onTestFinished(() => archive.close());
    archive.begin();
    const learner = learnerOf(state, runtime);
    await keep(state, [...GOOD, ...WORSE]);
    await archive.flush();
    await learner.catchUp();
    await archive.flush();
    await keep(state, rated(LARGE, 80, 0.7, START + 7 * HOUR, random));
    const [told] = await toldIn(state);
    const first = (await state.recall(told?.decisionId as string)) as DecisionRecord;
    const label = labelOf(0.25);
    await state.revise({ ...first, version: first.version + 1, reward: 0.25, label, labelBefore: first.label });
    await learner.catchUp();
    await archive.flush();
    return { learner, sink, archive, first };
  }

  test('teaches a start, and who folds all anew in another order, the same', async () => {
    const { learner, sink, archive, first } = await kept();
    expect((await sink.recall(first.id))?.worthBefore).toBe(first.worthBefore);
    const { mean } = believed(learner, SMALL).quality;
    const { fold } = await archive.learned(ROUTER);
    const { fold: rebuilt } = await rebuildFold(sink, 'auto', () => nothingLearned(ROUTER).fold);
    expect(rebuilt.changesLate).toBe(0);
    expectAlike(rebuilt, fold);
    await archive.close();
    const { fold: recovered } = await recoverFold(sink, 'auto', () => nothingLearned(ROUTER).fold);
    expectAlike(recovered, fold);
    const started = createLearner(ROUTER, ARMS, await memory(), testRuntime(), {
      fold: recovered,
      cursor: LOG_START,
      halfLifeMs: ROUTER.halfLifeMs,
    });
    expect(Math.abs(believed(started, SMALL).quality.mean - mean)).toBeLessThan(1e-9);
    expect(believed(started, SMALL).changedAt).toBe(first.created);
  });

  test('does so too where next to nothing is open by the time that the change is read', async () => {
    const { sink, archive } = await kept();
    const { fold } = await archive.learned(ROUTER);
    const narrow = () => emptyFold({ ...nothingLearned(ROUTER).fold.settings, maxOpen: 20 });
    const { fold: rebuilt } = await rebuildFold(sink, 'auto', narrow);
    expect(rebuilt.changesLate).toBe(0);
    expectAlike(rebuilt, fold);
    await sink.snapshots.drop('auto');
    const { fold: recovered, behind } = await recoverFold(sink, 'auto', narrow);
    expect(recovered.changesLate).toBe(0);
    expectAlike(recovered, fold);
    expect(behind).toBe(fold.entries);
  });
});
