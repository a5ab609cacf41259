import { describe, expect, test, vi } from 'vitest';
import { createDice } from '../../src/evaluate/dice.ts';
import { type ReplayRun, type ReplaySettings, replay } from '../../src/evaluate/replay.ts';
import { type Simulation, servedTruth, simulate } from '../../src/evaluate/simulator/simulate.ts';
import type { WorldName } from '../../src/evaluate/simulator/worlds.ts';

/** Whole runs of a learner take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const ROWS = 700;
const SETTINGS: ReplaySettings = {
  policy: 'linear-thompson',
  prefer: 'cost',
  explore: { floor: 0.02, warmup: 8 },
  halfLifeMs: 7 * 864e5,
  perDay: 500,
};

interface Ran {
  run: ReplayRun;
  simulation: Simulation;
  /** The least that was ever served beyond the promise, in expected quality. */
  least: number;
  /** Of what the baseline alone would have cost. */
  cost: number;
}

function ran(world: WorldName, seed: number, quality: number, given: Partial<ReplaySettings> = {}): Ran {
  const simulation = simulate({ seed, rows: ROWS, world });
  const { arms, baseline } = simulation.world;
  const base = arms.findIndex(({ id }) => id === baseline);
  const guarantee = { baseline, quality, confidence: 0.95 };
  const run = replay(simulation.rows, { ...SETTINGS, guarantee, ...given }, createDice(seed));
  const served = servedTruth(simulation, run);
  let surplus = 0;
  let least = 0;
  for (let row = 0; row < ROWS; row++) {
    surplus += served.quality[row]! - quality * simulation.truth.quality[base]![row]!;
    least = Math.min(least, surplus);
  }
  const costOf = (of: Float64Array): number => of.reduce((sum, usd) => sum + usd, 0);
  return { run, simulation, least, cost: costOf(served.costUsd) / costOf(simulation.truth.costUsd[base]!) };
}

describe('over simulated traffic a guarantee', () => {
  test.each([0.95, 0.99])('holds at %d from the first request on where the cheap arm does not keep it', (quality) => {
    const runs = [1, 2, 3].map((seed) => ran('cheap-at-90', seed, quality));
    expect(runs.filter(({ least }) => least < 0).length).toBeLessThanOrEqual(1);
    expect(Math.min(...runs.map(({ cost }) => cost))).toBeGreaterThan(0.6);
  });

  test('saves where the cheap arm keeps it', () => {
    const runs = [1, 2, 3].map((seed) => ran('cheap-qualifies', seed, 0.95));
    expect(Math.min(...runs.map(({ least }) => least))).toBeGreaterThanOrEqual(0);
    expect(runs.reduce((sum, { cost }) => sum + cost, 0) / runs.length).toBeLessThan(0.7);
  });

  test.each(['thompson', 'random', 'cheapest'] as const)('holds under the policy %s', (policy) => {
    const { least, run } = ran('cheap-at-90', 4, 0.95, { policy });
    expect(least).toBeGreaterThanOrEqual(0);
    expect(new Set(run.chosen).size).toBe(2);
  });

  test('with the policy fixed is its baseline', () => {
    const { run, simulation } = ran('cheap-at-90', 5, 0.95, { policy: 'fixed' });
    const { arms, baseline } = simulation.world;
    expect(new Set(run.chosen)).toEqual(new Set([arms.findIndex(({ id }) => id === baseline)]));
  });
});
