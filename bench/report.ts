/**
 * Whether the report's intervals hold what they promise: logs of 2,000 decisions whose truth is known, and how often the 95%
 * intervals cover it. `node bench/report.ts [--runs 500] [--decisions 2000] [--log 1] [--json]`.
 */
import { parseArgs } from 'node:util';
import { createDice, seedOf } from '../src/evaluate/dice.ts';
import { reportOn } from '../src/evaluate/report.ts';
import type { World } from '../src/evaluate/simulator/surfaces.ts';
import { WORLDS } from '../src/evaluate/simulator/worlds.ts';
import { always, preferring, type Target } from '../src/evaluate/targets.ts';
import {
  type LogSettings,
  loggedRun,
  type Population,
  reportSettings,
  simulatedPopulation,
  truthsOf,
} from './report-log.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    decisions: { type: 'string', default: '2000' },
    log: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const PROMPTS = 300;
const SEED = 11;

/** What logged, and where. */
const LOGS: readonly { name: string; world: World; log: Omit<LogSettings, 'decisions'> }[] = [
  {
    name: 'three-prices, prefer: balanced, a quarter by lot',
    world: WORLDS['three-prices'],
    log: { policy: 'linear-thompson', prefer: 'balanced', explore: { floor: 0.02, warmup: 8 }, byLot: 0.25 },
  },
  {
    name: 'three-prices, policy: random, a third of the answers rated, long prompts and dear arms more often',
    world: WORLDS['three-prices'],
    log: {
      policy: 'random',
      prefer: 'balanced',
      explore: { floor: 0.02, warmup: 8 },
      byLot: 0,
      rated: ({ x }, arm) => Math.min(0.9, Math.max(0.1, 0.33 + 0.15 * x[1]! + 0.05 * arm)),
    },
  },
  {
    name: 'three-prices, prefer: quality, nothing by lot',
    world: WORLDS['three-prices'],
    log: { policy: 'linear-thompson', prefer: 'quality', explore: { floor: 0.02, warmup: 8 }, byLot: 0 },
  },
];

interface Row {
  log: string;
  target: string;
  runs: number;
  /** The part of the runs in which the effective size was at least 100. */
  told: number;
  /** Of those. */
  covered: { doublyRobust: number; snips: number };
  halfWidth: { doublyRobust: number; snips: number };
  bias: number;
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function judged(name: string, population: Population, log: Omit<LogSettings, 'decisions'>): Promise<Row[]> {
  const targets: Target[] = [always(population.baseline), preferring('cost'), preferring('quality')];
  const settings = reportSettings(population, targets);
  const all = targets.map(() => ({
    told: 0,
    dr: 0,
    snips: 0,
    drHalf: [] as number[],
    snipsHalf: [] as number[],
    error: 0,
  }));
  for (let run = 0; run < runs; run++) {
    const random = createDice(seedOf(SEED, run));
    const decisions = loggedRun(population, { ...log, decisions: Number(values.decisions) }, random);
    const report = await reportOn(decisions, settings, async () => {});
    const truths = await truthsOf(targets, report, decisions, population, settings);
    for (const [t, target] of report.targets.entries()) {
      if (!target.estimates) continue;
      const truth = truths[t]!;
      const { doublyRobust, snips } = target.estimates.quality;
      const sum = all[t]!;
      sum.told++;
      sum.error += doublyRobust.mean - truth;
      if (doublyRobust.low <= truth && truth <= doublyRobust.high) sum.dr++;
      if (snips.low <= truth && truth <= snips.high) sum.snips++;
      sum.drHalf.push((doublyRobust.high - doublyRobust.low) / 2);
      sum.snipsHalf.push((snips.high - snips.low) / 2);
    }
  }
  return targets.map((target, t) => {
    const { told, dr, snips, drHalf, snipsHalf, error } = all[t]!;
    return {
      log: name,
      target: t === 0 ? 'baseline' : target.name,
      runs,
      told: told / runs,
      covered: { doublyRobust: dr / told, snips: snips / told },
      halfWidth: { doublyRobust: median(drHalf), snips: median(snipsHalf) },
      bias: error / told,
    };
  });
}

const rows: Row[] = [];
for (const { name, world, log } of values.log ? LOGS.slice(Number(values.log) - 1, Number(values.log)) : LOGS) {
  if (!values.json) process.stdout.write(`\n${name}\n`);
  for (const row of await judged(name, simulatedPopulation(world, PROMPTS, SEED), log)) {
    rows.push(row);
    if (values.json) continue;
    const percent = (part: number): string => `${(100 * part).toFixed(1)}%`.padStart(6);
    process.stdout.write(
      `  ${row.target.padEnd(16)} could tell in ${percent(row.told)} · covered ${percent(row.covered.doublyRobust)} ` +
        `(SNIPS ${percent(row.covered.snips)}) · half-width ${row.halfWidth.doublyRobust.toFixed(4)} ` +
        `(${row.halfWidth.snips.toFixed(4)}) · bias ${row.bias.toFixed(4)}\n`,
    );
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
