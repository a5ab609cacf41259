/** Replicas that fold one log, leave snapshots, crash and start again in any order all come to believe the same. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Label } from '../../src/bandit/evidence.ts';
import { foldEntry } from '../../src/bandit/fold.ts';
import { foldToBytes } from '../../src/bandit/fold-bytes.ts';
import { derivePosterior } from '../../src/bandit/posterior.ts';
import type { Router } from '../../src/config/resolve.ts';
import { encoder } from '../../src/context/encoder.ts';
import { type Learned, learnOn, nothingLearned } from '../../src/routing/learner.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { type DecisionRecord, evidenceOf, labelOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { SharedState, Snapshot, StateStore } from '../../src/stores/ports.ts';
import { anyLabel } from '../bandit/evidence.ts';
import { decision } from '../stores/state-store-suite.ts';
import { testRuntime } from './runtime.ts';

const ROUTER = { name: 'auto', models: ['a', 'b'], halfLifeMs: 3_600_000 } as unknown as Router;
const ARMS = ['a', 'b'].map((id) => ({ id, was: [] }));
const HOUR = 3_600_000;
const START = 1_764_000_000_000;

/** A store that replicas share, in this process: its log keeps the latest entries only. */
function sharedStore(maxEntries: number): StateStore {
  const store = createMemoryStore({ now: () => START, epoch: 'shared', maxEntries, maxDecisions: 1_000 });
  let kept: Snapshot[] = [];
  const placeOf = ({ cursor }: Snapshot): number => Number(cursor.split('-')[1] ?? 0);
  const shared: SharedState = {
    leavesSnapshots: false,
    snapshots: {
      read: async () => [...kept],
      async put(_router, snapshot) {
        if (kept[0] && placeOf(kept[0]) > placeOf(snapshot)) return false;
        kept = [snapshot, ...kept.filter((one) => one.cursor !== snapshot.cursor)].slice(0, 2);
        return true;
      },
      async drop() {
        kept = [];
      },
    },
    lease: async () => true,
    secret: async (proposed) => proposed,
    async drained() {},
    async restart() {},
  };
  return { ...store, shared };
}

type Step =
  | { kind: 'answer'; arm: 'a' | 'b'; agoMs: number; feature: number }
  | { kind: 'judge'; which: number; label: Label }
  | { kind: 'fold' | 'snapshot' | 'crash'; replica: number }
  | { kind: 'poison' };

const replica = fc.integer({ min: 0, max: 2 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      arm: fc.constantFrom('a' as const, 'b' as const),
      agoMs: fc.integer({ min: 0, max: 3 * HOUR }),
      feature: fc.integer({ min: -9_000, max: 9_000 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('judge' as const),
      which: fc.nat(1_000),
      label: fc.oneof(fc.constantFrom(0, 0.25, 1).map(labelOf), anyLabel),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fold' as const), replica }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('poison' as const) }) },
);

test('any interleaving of answers, verdicts, folds, snapshots, crashes and replicas agrees with folding once in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 120 }), async (steps) => {
      // Its log is longer than what comes between two looks of all: what was trimmed unread is in no snapshot either.
      const store = sharedStore(1_000);
      const { log } = testRuntime();
      const made: DecisionRecord[] = [];
      const replicas: Learned[] = Array.from({ length: 3 }, () => nothingLearned(ROUTER));
      const learn = (i: number): Promise<number> => learnOn(replicas[i] as Learned, 'auto', store, log);
      for (const step of steps) {
        switch (step.kind) {
          case 'answer': {
            const x: number[] = Array.from({ length: encoder.dimensions }, (_, i) => (i === 0 ? 1 : 0));
            x[1] = step.feature / 1e4;
            const one = decision({
              created: START - step.agoMs,
              chosen: step.arm,
              model: step.arm,
              encoder: encoder.id,
              x,
            });
            made.push(one);
            await store.remember({ decision: one, names: [] });
            break;
          }
          case 'judge': {
            const at = step.which % Math.max(1, made.length);
            const before = made[at];
            if (!before) break;
            const after = {
              ...before,
              version: before.version + 1,
              label: step.label,
              labelBefore: before.label,
            };
            made[at] = after;
            expect(await store.revise(after)).toBe('written');
            break;
          }
          case 'fold':
            await learn(step.replica);
            break;
          case 'snapshot': {
            await learn(step.replica);
            const { fold, cursor } = replicas[step.replica] as Learned;
            await store.shared?.snapshots.put('auto', { cursor, bytes: foldToBytes(fold) });
            break;
          }
          case 'crash':
            replicas[step.replica] = nothingLearned(ROUTER);
            break;
          case 'poison': {
            const [latest] = (await store.shared?.snapshots.read('auto')) ?? [];
            if (latest) latest.bytes[latest.bytes.length - 9] = 255 - (latest.bytes[latest.bytes.length - 9] as number);
            break;
          }
        }
      }
      for (let i = 0; i < replicas.length; i++) await learn(i);
      const once = nothingLearned(ROUTER).fold;
      for (const one of made) {
        const entry = evidenceOf(one);
        if (entry) foldEntry(once, { ...entry, revision: 1, earlier: null });
      }
      const expected = derivePosterior(once, ARMS, calibrate);
      for (const { fold } of replicas) {
        expect([fold.entries, fold.labels]).toEqual([once.entries, once.labels]);
        const posterior = derivePosterior(fold, ARMS, calibrate);
        for (const { id } of ARMS) {
          const [got, wanted] = [posterior.summary(id), expected.summary(id)];
          expect(got.pulls).toBe(wanted.pulls);
          for (const what of ['mean', 'low', 'high'] as const) {
            expect(Math.abs(got.quality[what] - wanted.quality[what])).toBeLessThan(1e-9);
          }
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('two replicas at one snapshot and one cursor hold the same bytes', async () => {
  const store = sharedStore(1_000);
  const { log } = testRuntime();
  const answer = () => store.remember({ decision: decision({ encoder: encoder.id, x: [1] }), names: [] });
  const one = nothingLearned(ROUTER);
  for (let i = 0; i < 20; i++) await answer();
  await learnOn(one, 'auto', store, log);
  await store.shared?.snapshots.put('auto', { cursor: one.cursor, bytes: foldToBytes(one.fold) });
  const other = nothingLearned(ROUTER);
  for (let i = 0; i < 20; i++) await answer();
  await learnOn(other, 'auto', store, log);
  await learnOn(one, 'auto', store, log);
  expect(other.cursor).toBe(one.cursor);
  expect(foldToBytes(other.fold)).toEqual(foldToBytes(one.fold));
});
