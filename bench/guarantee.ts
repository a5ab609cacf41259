/**
 * How often a guarantee is broken and what it costs, over seeded runs of simulated worlds and of a recording:
 * node bench/guarantee.ts [--runs 200] [--first SEED] [--rows 2000] [--confidence .95] [--only NAME] [RECORDING --baseline ID [--cheap ID]]
 *
 * --only: one of what is reported, by its name. With a recording it is that alone; with --cheap, once more with this arm's scores at .75 in the middle third.
 */
import { parseArgs } from 'node:util';
import { readRecorded } from '../src/cli/recorded-file.ts';
import { createDice, seedOf, shuffled } from '../src/evaluate/dice.ts';
import { type ReplayRow, type ReplaySettings, replay, rowsOf } from '../src/evaluate/replay.ts';
import type { Drift } from '../src/evaluate/simulator/drift.ts';
import { servedTruth, simulate } from '../src/evaluate/simulator/simulate.ts';
import { WORLDS, type WorldName } from '../src/evaluate/simulator/worlds.ts';
import { SETTINGS } from './learning/runs.ts';
import { positionOf, scoredAlike } from './learning/trials.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    rows: { type: 'string', default: '2000' },
    confidence: { type: 'string', default: '0.95' },
    only: { type: 'string' },
    prefer: { type: 'string', default: 'balanced' },
    baseline: { type: 'string' },
    cheap: { type: 'string' },
  },
});
const runs = Number(values.runs);
const first = Number(values.first);
const confidence = Number(values.confidence);
const prefer = values.prefer as ReplaySettings['prefer'];
const QUALITIES = [0.95, 0.99];

/** A run's requests, and what the baseline would have given: expected quality where it is known, else the recorded score. */
interface Trial {
  rows: readonly ReplayRow[];
  baseline: string;
  served(chosen: Int16Array): { quality: ArrayLike<number>; ofBaseline: ArrayLike<number> };
}

interface Judged {
  /** At some time less was served than was promised. */
  broken: boolean;
  /** By more than three standard errors of the difference: what chance may do to recorded scores is left out. */
  clearly: boolean;
  atTheEnd: boolean;
  quality: number;
  /** Of what the baseline alone would have cost. */
  cost: number;
}

function judge(trial: Trial, quality: number, seed: number): Judged {
  const { rows, baseline } = trial;
  const settings: ReplaySettings = {
    ...SETTINGS,
    prefer,
    guarantee: { baseline, quality, confidence },
  };
  const run = replay(rows, settings, createDice(seedOf(seed, DRAWS)));
  const { quality: served, ofBaseline } = trial.served(run.chosen);
  const sums = { surplus: 0, squares: 0, served: 0, baseline: 0, cost: 0, costOfBaseline: 0 };
  const judged = { broken: false, clearly: false };
  for (const [i, { arms, outcomes }] of rows.entries()) {
    const step = served[i]! - quality * ofBaseline[i]!;
    sums.surplus += step;
    sums.squares += step * step;
    sums.served += served[i]!;
    sums.baseline += ofBaseline[i]!;
    sums.cost += run.costs[i]!;
    sums.costOfBaseline += outcomes[arms.findIndex(({ id }) => id === baseline)]!.costUsd;
    if (sums.surplus < -ROUNDING) judged.broken = true;
    if (i >= LEAST_ROWS && sums.surplus < -3 * Math.sqrt(sums.squares)) judged.clearly = true;
  }
  return {
    ...judged,
    atTheEnd: sums.surplus < -ROUNDING,
    quality: sums.served / sums.baseline,
    cost: sums.cost / sums.costOfBaseline,
  };
}
const ROUNDING = 1e-9;
/** Of fewer no standard error is worth its name. */
const LEAST_ROWS = 10;
const DRAWS = 7;

function report(name: string, trialOf: (seed: number) => Trial): void {
  if (values.only !== undefined && values.only !== name) return;
  for (const quality of QUALITIES) {
    const all = Array.from({ length: runs }, (_, i) => judge(trialOf(first + i), quality, first + i));
    const count = (key: 'broken' | 'clearly' | 'atTheEnd'): string => `${all.filter((one) => one[key]).length}/${runs}`;
    const mean = (key: 'quality' | 'cost'): number => all.reduce((sum, one) => sum + one[key], 0) / runs;
    const least = Math.min(...all.map((one) => one.quality));
    process.stdout.write(
      `${name.padEnd(34)} ${quality}  broken ${count('broken')}, clearly ${count('clearly')}, at the end ${count('atTheEnd')};  ` +
        `quality ${mean('quality').toFixed(4)} of the baseline's, ${least.toFixed(4)} at least;  cost ${mean('cost').toFixed(3)}\n`,
    );
  }
}

function simulated(world: WorldName, drifts: readonly Drift[] = []): (seed: number) => Trial {
  return (seed) => {
    const simulation = simulate({ seed, rows: Number(values.rows), world, drifts });
    const { arms, baseline } = simulation.world;
    return {
      rows: simulation.rows,
      baseline,
      served: (chosen) => ({
        quality: servedTruth(simulation, { chosen }).quality,
        ofBaseline: simulation.truth.quality[arms.findIndex(({ id }) => id === baseline)]!,
      }),
    };
  };
}

function recordedTrial(all: readonly ReplayRow[], baseline: string, worsened: string | undefined) {
  const { arms } = all[0]!;
  const worse = worsened === undefined ? (row: ReplayRow): ReplayRow => row : scoredAlike(arms, worsened, 0.75);
  const position = positionOf(arms, baseline);
  return (seed: number): Trial => {
    const rows = shuffled(all, createDice(seed)).map((row, i, { length }) =>
      i >= length / 3 && i < (2 * length) / 3 ? worse(row) : row,
    );
    return {
      rows,
      baseline,
      served: (chosen) => ({
        quality: rows.map(({ outcomes }, i) => outcomes[chosen[i]!]!.score),
        ofBaseline: rows.map(({ outcomes }) => outcomes[position]!.score),
      }),
    };
  };
}

const [file] = positionals;
if (file === undefined) {
  const third = Number(values.rows) / 3;
  report('cheap-at-90', simulated('cheap-at-90'));
  report('cheap-qualifies', simulated('cheap-qualifies'));
  report('specialists', simulated('specialists'));
  const regression: Drift = {
    kind: 'regression',
    arm: WORLDS['three-prices'].arms[1]!.id,
    from: third,
    to: 2 * third,
    remains: 0.8,
  };
  report('three-prices', simulated('three-prices'));
  report('three-prices, a silent regression', simulated('three-prices', [regression]));
} else {
  if (values.baseline === undefined) throw new RangeError('--baseline: missing');
  const rows = rowsOf(await readRecorded(file));
  report('recorded', recordedTrial(rows, values.baseline, undefined));
  if (values.cheap !== undefined)
    report('recorded, a silent regression', recordedTrial(rows, values.baseline, values.cheap));
}
