/** A policy over recorded outcomes: what it may know, and what comes of it. */
import { describe, expect, test, vi } from 'vitest';
import type { ReplaySettings } from '../../src/evaluate/replay.ts';
import { type Replayed, runSeed } from '../../src/evaluate/seeded-run.ts';
import { summarise } from '../../src/evaluate/summary.ts';
import { twoKinds } from './recorded.ts';
import { rowsFrom } from './rows.ts';

/** Whole runs of a learner take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const settings: ReplaySettings = {
  policy: 'linear-thompson',
  prefer: 'quality',
  explore: { floor: 0.02, warmup: 8 },
  halfLifeMs: 7 * 864e5,
  perDay: 500,
};
const rows = rowsFrom(twoKinds(240));
const inOrder: Replayed = { rows, warmUp: [], inOrder: true };

describe('a run', () => {
  test('is the same whenever it has the same seed, and another with another', () => {
    const replayed = { ...inOrder, inOrder: false };
    expect(runSeed(replayed, { settings, seed: 1 })).toEqual(runSeed(replayed, { settings, seed: 1 }));
    expect(runSeed(replayed, { settings, seed: 1 })).not.toEqual(runSeed(replayed, { settings, seed: 2 }));
  });

  test('never knows what the models that it did not choose would have made of a prompt', () => {
    const run = runSeed(inOrder, { settings, seed: 3 });
    const otherwise = rows.map((row, i) => ({
      ...row,
      outcomes: row.outcomes.map((one, k) =>
        k === run.chosen[i] ? one : { ...one, score: 1 - one.score, costUsd: 7 },
      ),
    }));
    expect(runSeed({ ...inOrder, rows: otherwise }, { settings, seed: 3 })).toEqual(run);
  });

  test('goes by every score where it is shown them all', () => {
    const shown = { ...settings, seesAll: true };
    const run = runSeed(inOrder, { settings: shown, seed: 3 });
    const worse = rows.map((row, i) => ({
      ...row,
      outcomes: row.outcomes.map((one, k) => (k === run.chosen[i] ? one : { ...one, score: 0 })),
    }));
    expect(runSeed({ ...inOrder, rows: worse }, { settings: shown, seed: 3 }).chosen).not.toEqual(run.chosen);
    expect(run.scores.slice(120).reduce((sum, score) => sum + score) / 120).toBeGreaterThan(0.9);
  });

  test('learns which prompts each model is good at', () => {
    const { scores } = runSeed(inOrder, { settings, seed: 1 });
    expect(scores.slice(160).reduce((sum, score) => sum + score) / 80).toBeGreaterThan(0.9);
  });

  test('begins with what a warm-up has taught it', () => {
    const cold = runSeed(inOrder, { settings, seed: 1 });
    const warm = runSeed({ ...inOrder, warmUp: rows }, { settings, seed: 1 });
    const early = (scores: Float64Array): number => scores.slice(0, 40).reduce((sum, score) => sum + score) / 40;
    expect(early(warm.scores)).toBeGreaterThan(early(cold.scores));
    expect(early(warm.scores)).toBeGreaterThan(0.9);
  });
});

describe('a summary', () => {
  test('says what the runs come to', () => {
    const run = (scores: number[], chosen: number[]) => ({
      scores: Float64Array.from(scores),
      costs: Float64Array.from(chosen, (k) => k + 1),
      chosen: Int16Array.from(chosen),
    });
    const runs = [run([0, 0.5, 1], [0, 0, 1]), run([0.5, 1, 1], [1, 1, 1])];
    expect(summarise(runs, 2, 0.9)).toEqual({
      seeds: 2,
      reward: expect.closeTo(2 / 3, 12),
      // Half the difference of two.
      rewardError: expect.closeTo(1 / 6, 12),
      regret: expect.closeTo(3 * 0.9 - 2, 12),
      costUsd: expect.closeTo(5 / 3, 12),
      lastThirdReward: 1,
      shares: [expect.closeTo(1 / 3, 12), expect.closeTo(2 / 3, 12)],
    });
  });

  test('has no standard error of a single run', () => {
    const run = runSeed(inOrder, { settings: { ...settings, policy: 'fixed' }, seed: 1 });
    expect(summarise([run], 2, 0.95)).toMatchObject({
      rewardError: null,
      shares: [1, 0],
      reward: expect.closeTo(0.45, 12),
    });
  });
});
