/** The simulated traffic: the same for a seed, true to its own truth, and a place where context pays. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createDice, seedOf } from '../../src/evaluate/dice.ts';
import { type ReplayRow, replay } from '../../src/evaluate/replay.ts';
import type { Drift } from '../../src/evaluate/simulator/drift.ts';
import { KIND_NAMES, LANGUAGE_NAMES } from '../../src/evaluate/simulator/kinds.ts';
import { throwScore } from '../../src/evaluate/simulator/outcomes.ts';
import { type Simulation, servedTruth, simulate } from '../../src/evaluate/simulator/simulate.ts';
import { manyArms, WORLD_NAMES, WORLDS } from '../../src/evaluate/simulator/worlds.ts';

/** Whole runs of a learner take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;

/** How many deviations of their mean the differences lie from 0. */
function deviationsFromZero(differences: number[]): number {
  const middle = mean(differences);
  const variance = differences.reduce((sum, d) => sum + (d - middle) ** 2, 0) / (differences.length - 1);
  return middle / Math.sqrt(variance / differences.length);
}

const position = ({ world }: Simulation, id: string): number => world.arms.findIndex((arm) => arm.id === id);

describe('simulated traffic', () => {
  test('is the same, to the byte, for the same seed, and another for another seed', () => {
    const text = (seed: number) => JSON.stringify(simulate({ seed, rows: 200, world: 'specialists' }));
    expect(text(5)).toBe(text(5));
    expect(text(5)).not.toBe(text(6));
  });

  test('begins alike however many rows follow', () => {
    const short = simulate({ seed: 2, rows: 50, world: 'three-prices' });
    const long = simulate({ seed: 2, rows: 150, world: 'three-prices' });
    expect(long.rows.slice(0, 50)).toEqual(short.rows);
    expect(long.recorded.prompts.slice(0, 50)).toEqual(short.recorded.prompts);
  });

  test('holds no two prompts alike, and every kind in every language', () => {
    const { recorded, natures } = simulate({ seed: 1, rows: 5000, world: 'cheap-at-90' });
    expect(new Set(recorded.prompts.map(({ input }) => JSON.stringify(input.messages))).size).toBe(5000);
    const combinations = new Set(natures.map(({ kind, language }) => `${kind} ${language}`));
    expect(combinations.size).toBe(KIND_NAMES.length * LANGUAGE_NAMES.length);
  });

  test('has tools, system messages, earlier turns and JSON answers, and leaves no blank unfilled', () => {
    const { recorded } = simulate({ seed: 1, rows: 2000, world: 'cheap-at-90' });
    const inputs = recorded.prompts.map(({ input }) => input);
    const roles = inputs.map(({ messages }) => (messages as { role: string }[]).map(({ role }) => role).join(' '));
    expect(inputs.some(({ tools }) => tools)).toBe(true);
    expect(inputs.some(({ response_format }) => response_format)).toBe(true);
    expect(roles).toEqual(expect.arrayContaining(['user', 'system user', 'user assistant user']));
    expect(JSON.stringify(inputs)).not.toMatch(
      /\{(pieces|ask|name|person|item|nn|d|sentence|topic|adjective|fn|noun)\}/i,
    );
  });
});

describe('the truth', () => {
  test.each(WORLD_NAMES)('is what the outcomes of %s average', (world) => {
    const { recorded, truth } = simulate({ seed: 7, rows: 2000, world });
    for (const k of recorded.models.keys()) {
      const of = recorded.prompts.map(({ outcomes }) => outcomes[k]!);
      expect(Math.abs(deviationsFromZero(of.map(({ score }, i) => score - truth.quality[k]![i]!)))).toBeLessThan(4);
      expect(
        Math.abs(deviationsFromZero(of.map(({ costUsd }, i) => costUsd / truth.costUsd[k]![i]! - 1))),
      ).toBeLessThan(5);
    }
  });

  test('is, over the usual traffic, the quality that a world gives each of its arms', () => {
    for (const world of WORLD_NAMES) {
      const { truth } = simulate({ seed: 3, rows: 1500, world });
      for (const [k, { quality }] of WORLDS[world].arms.entries()) {
        expect(Math.abs(deviationsFromZero(Array.from(truth.quality[k]!, (q) => q - quality)))).toBeLessThan(4);
      }
    }
  });

  test('puts the cheap arm of cheap-at-90 at .90 of the baseline, for a hundredth of its cost', () => {
    const simulation = simulate({ seed: 11, rows: 6000, world: 'cheap-at-90' });
    const { quality, costUsd } = simulation.truth;
    const [small, large] = [position(simulation, 'sim/small'), position(simulation, simulation.world.baseline)];
    expect(Math.abs(mean(quality[small]!) / mean(quality[large]!) - 0.9)).toBeLessThan(0.005);
    expect(mean(costUsd[small]!)).toBeLessThan(mean(costUsd[large]!) / 100);
  });

  test('says nothing by kind or by what shows of the difficulty where there is no context', () => {
    const { natures, truth } = simulate({ seed: 4, rows: 3000, world: 'no-context' });
    const seen = new Map(natures.map(({ hidden }, i) => [hidden, truth.quality[0]![i]!]));
    const inOrder = [...seen].sort(([a], [b]) => a - b).map(([, quality]) => quality);
    expect(inOrder).toEqual([...inOrder].sort((a, b) => b - a));
  });

  test('holds for each shape of score', () => {
    const random = createDice(seedOf(9));
    for (const shape of ['binary', 'fractional', 'judge'] as const) {
      for (const quality of [0.03, 0.4, 0.97]) {
        const scores = Array.from({ length: 20_000 }, () => throwScore(shape, quality, random));
        expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
        expect(Math.abs(mean(scores) - quality)).toBeLessThan(4 * Math.sqrt((quality * (1 - quality)) / 20_000));
      }
    }
  });

  test('has answers whose lengths have heavy tails, shortest for one-word tasks', () => {
    const { recorded, natures } = simulate({ seed: 8, rows: 4000, world: 'three-prices' });
    const lengths = recorded.prompts.map(({ outcomes }) => outcomes[2]!.completionTokens).sort((a, b) => a - b);
    expect(mean(lengths)).toBeGreaterThan(1.5 * lengths[2000]!);
    const of = (kind: string) =>
      mean(
        recorded.prompts
          .filter((_, i) => natures[i]!.kind === kind)
          .map(({ outcomes }) => outcomes[0]!.completionTokens),
      );
    expect(of('classification')).toBeLessThan(of('creative') / 20);
  });
});

describe('drift', () => {
  const calm = simulate({ seed: 6, rows: 300, world: 'three-prices' });
  const drifting = (...drifts: Drift[]) => simulate({ seed: 6, rows: 300, world: 'three-prices', drifts });
  const [small, medium, large] = [0, 1, 2];

  test('lowers an arm in its rows, and leaves all else as it was', () => {
    const { truth, rows, recorded } = drifting({
      kind: 'regression',
      arm: 'sim/medium',
      from: 100,
      to: 200,
      remains: 0.6,
    });
    for (let row = 0; row < 300; row++) {
      const remains = row >= 100 && row < 200 ? 0.6 : 1;
      expect(truth.quality[medium]![row]).toBeCloseTo(calm.truth.quality[medium]![row]! * remains, 12);
    }
    expect(truth.quality[large]).toEqual(calm.truth.quality[large]);
    expect(rows.slice(200)).toEqual(calm.rows.slice(200));
    const scored = (from: number, to: number) =>
      mean(recorded.prompts.slice(from, to).map(({ outcomes }) => outcomes[medium]!.score));
    expect(scored(100, 200)).toBeLessThan(scored(0, 100) - 0.25);
  });

  test('changes what an arm asks for, and so what it costs, never what it is worth', () => {
    const { truth, rows } = drifting({ kind: 'price', arm: 'sim/large', from: 100, to: 200, times: 0.01 });
    expect(rows[99]!.arms[large]!.price.output).toBe(15);
    expect(rows[100]!.arms[large]!.price.output).toBeCloseTo(0.15, 12);
    expect(rows[200]!.arms[large]!.price.output).toBe(15);
    expect(truth.costUsd[large]![150]).toBeCloseTo(calm.truth.costUsd[large]![150]! / 100, 12);
    expect(rows[150]!.outcomes[large]!.costUsd).toBeCloseTo(calm.rows[150]!.outcomes[large]!.costUsd / 100, 12);
    expect(truth.quality).toEqual(calm.truth.quality);
  });

  test('brings an arm and takes one away', () => {
    const { rows } = drifting(
      { kind: 'arrival', arm: 'sim/medium', from: 100 },
      { kind: 'removal', arm: 'sim/small', from: 200 },
    );
    const ids = (row: number) => rows[row]!.arms.map(({ id }) => id);
    expect(ids(99)).toEqual(['sim/small', 'sim/large']);
    expect(ids(100)).toEqual(['sim/small', 'sim/medium', 'sim/large']);
    expect(ids(200)).toEqual(['sim/medium', 'sim/large']);
    expect(rows[99]!.outcomes).toEqual([calm.rows[99]!.outcomes[small], calm.rows[99]!.outcomes[large]]);
  });

  test('shifts the mix of the traffic', () => {
    const others = Object.fromEntries(KIND_NAMES.map((kind) => [kind, 0]));
    const { natures } = drifting({ kind: 'mix', from: 100, to: 200, mix: { ...others, sql: 1 } });
    expect(natures.slice(100, 200).every(({ kind }) => kind === 'sql')).toBe(true);
    expect(natures.slice(200)).toEqual(calm.natures.slice(200));
  });

  test('is refused for an arm that is not known, and where no arm would be left', () => {
    const gone = (arm: string): Drift => ({ kind: 'removal', arm, from: 9 });
    expect(() => drifting(gone('sim/small'), gone('sim/medium'), gone('sim/large'))).toThrow(
      'no arm is there at row 9',
    );
    expect(() => drifting({ kind: 'removal', arm: 'sim/none', from: 1 })).toThrow('the world has no arm sim/none');
  });
});

describe('a policy', () => {
  const settings = { prefer: 'quality', explore: { floor: 0.02, warmup: 8 }, halfLifeMs: null, perDay: 500 } as const;

  test('that knows the prompt beats one that does not, and both beat chance, among specialists', {
    timeout: 120_000,
  }, () => {
    // One run's luck is worth three points.
    const simulations = [1, 2, 3].map((seed) => simulate({ seed, rows: 900, world: 'specialists' }));
    const late = 600;
    const [contextual, blind] = (['linear-thompson', 'thompson'] as const).map((policy) =>
      mean(
        simulations.map((simulation) => {
          const run = replay(simulation.rows, { ...settings, policy }, createDice(1));
          return mean(servedTruth(simulation, run).quality.slice(late));
        }),
      ),
    );
    const chance = mean(simulations.flatMap(({ truth }) => truth.quality.map((quality) => mean(quality.slice(late)))));
    expect(contextual).toBeGreaterThan(blind! + 0.02);
    expect(blind).toBeGreaterThan(chance + 0.01);
  });

  test('runs on while arms come and go', () => {
    const simulation = simulate({
      seed: 3,
      rows: 300,
      world: 'three-prices',
      drifts: [
        { kind: 'arrival', arm: 'sim/medium', from: 100 },
        { kind: 'removal', arm: 'sim/large', from: 200 },
      ],
    });
    const run = replay(simulation.rows, { ...settings, policy: 'linear-thompson' }, createDice(1));
    const { quality, costUsd } = servedTruth(simulation, run);
    const chosen = (row: number) => (simulation.rows[row] as ReplayRow).arms[run.chosen[row]!]!.id;
    for (const row of [50, 150, 250]) {
      const k = position(simulation, chosen(row));
      expect(quality[row]).toBe(simulation.truth.quality[k]![row]);
      expect(costUsd[row]).toBe(simulation.truth.costUsd[k]![row]);
    }
    expect(Array.from({ length: 100 }, (_, i) => chosen(200 + i))).not.toContain('sim/large');
  });
});

describe('the program that writes a recording', () => {
  const written = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../bench/simulate.ts'), ...args], { encoding: 'utf8' });

  test('writes one line a prompt, the first with the prices, and every model in each', () => {
    const { stdout, status } = written('cheap-at-90', '--rows', '20', '--seed', '4');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { recorded } = simulate({ seed: 4, rows: 20, world: 'cheap-at-90' });
    expect(status).toBe(0);
    expect(lines).toHaveLength(20);
    expect(lines[0].prices).toEqual(Object.fromEntries(recorded.models.map(({ id, price }) => [id, price])));
    for (const [i, { id, input, outcomes }] of recorded.prompts.entries()) {
      expect(lines[i]).toMatchObject({ id, ...input });
      for (const [k, { score, promptTokens, completionTokens, costUsd, latencySeconds }] of outcomes.entries()) {
        expect(lines[i].outcomes[recorded.models[k]!.id]).toEqual({
          score,
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          cost_usd: costUsd,
          latency_s: latencySeconds,
        });
      }
    }
  });

  test('says which worlds there are when it is asked for another', () => {
    const { stderr, status } = written('cheapest');
    expect(status).toBe(1);
    for (const name of WORLD_NAMES) expect(stderr).toContain(name);
  });
});

describe('many arms', () => {
  test('are as many as asked for, from two to a hundred, the baseline being the best', () => {
    for (const count of [2, 20, 100]) {
      const { arms, baseline } = manyArms(count);
      expect(new Set(arms.map(({ id }) => id)).size).toBe(count);
      const best = Math.max(...arms.map(({ quality }) => quality));
      expect(arms.find(({ id }) => id === baseline)!.quality).toBe(best);
    }
    expect(simulate({ seed: 1, rows: 5, world: manyArms(100) }).rows[0]!.outcomes).toHaveLength(100);
    expect(() => manyArms(101)).toThrow(RangeError);
  });
});
