/** `conduit replay`: runs policies over recorded outcomes, and says how they did beside what could have been had. */
import { accessSync, constants, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { EXPLORE } from '../config/schema.ts';
import { drawCurves } from '../evaluate/curve-drawing.ts';
import { fullInformation } from '../evaluate/full-information.ts';
import { learningCurve } from '../evaluate/learning-curve.ts';
import type { Recorded } from '../evaluate/recorded.ts';
import {
  bestFixed,
  bestMixture,
  cheapestFixed,
  fixedReferences,
  oracleReference,
  type Reference,
  randomReference,
} from '../evaluate/references.ts';
import { type ReplayRow, type ReplayRun, rowsOf } from '../evaluate/replay.ts';
import { summarise } from '../evaluate/summary.ts';
import { CommandFailed, orSayWhy } from './command-failed.ts';
import { readRecorded } from './recorded-file.ts';
import { type ReplayOptions, readOptions, type WrittenOptions } from './replay-options.ts';
import { type References, type Replayed, tablesOf } from './replay-tables.ts';
import { playRuns } from './replay-threads.ts';
import { withProgress } from './terminal/progress.ts';
import { printResult } from './terminal/result.ts';

/** Sets the exit code, and says in one line what is wrong, where something is. */
export async function replayFile(file: string, written: WrittenOptions): Promise<void> {
  await orSayWhy(async () => {
    const options = readOptions(written);
    if (options.svg !== null) mustBeWritable(options.svg);
    const recorded = await readRecorded(file);
    const warmUp = options.warmUp === null ? null : await warmUpFor(recorded, options.warmUp);
    const { replayed, runs } = await replayRecorded(file, recorded, warmUp, options);
    await printResult(options, { document: jsonOf(replayed), text: (screen) => tablesOf(replayed, screen) });
    if (options.svg !== null) write(options.svg, drawing(replayed, runs));
  });
}

async function replayRecorded(
  file: string,
  recorded: Recorded,
  warmUp: Recorded | null,
  options: ReplayOptions,
): Promise<{ replayed: Replayed; runs: ReplayRun[][] }> {
  const { policies, seeds, prefer, halfLifeMs, perDay, usdPerRequest, inOrder } = options;
  if (
    prefer === 'speed' &&
    !recorded.prompts.some(({ outcomes }) => outcomes.some((one) => one.latencySeconds !== null))
  )
    throw new CommandFailed(
      `--prefer: speed, but ${file} records no latency_s (allowed: quality, balanced, cost, or USD for a point)`,
    );
  const rows = rowsOf(recorded);
  const models = recorded.models.map(({ id }) => id);
  const references = referencesOf(rows, usdPerRequest);
  const known = warmUp === null ? [] : rowsOf(warmUp);
  const replayed = { rows, warmUp: known, inOrder };
  const jobs = policies.flatMap((policy) =>
    Array.from({ length: seeds }, (_, i) => ({
      replayed,
      seed: i + 1,
      settings: { policy, prefer, explore: EXPLORE, halfLifeMs, perDay, usdPerRequest },
    })),
  );
  const long = {
    doing: 'replaying',
    noun: 'run',
    total: jobs.length,
    interrupted: 'a replay tells nothing before all of its runs are done',
  };
  const played = await withProgress(long, ({ at, signal }) =>
    playRuns(jobs, { threads: availableParallelism(), onRun: at, signal }),
  );
  const runs = policies.map((_, p) => played.slice(p * seeds, (p + 1) * seeds));
  const summaries = policies.map((policy, p) => ({
    policy,
    summary: summarise(runs[p]!, models.length, references.oracle.reward),
  }));
  return { replayed: { file, rows: rows.length, models, references, ceilingUsd: usdPerRequest, summaries }, runs };
}

function referencesOf(rows: readonly ReplayRow[], ceilingUsd: number | null): References {
  const fixed = fixedReferences(rows);
  return {
    random: randomReference(fixed),
    bestFixed: bestFixed(fixed),
    cheapest: cheapestFixed(fixed),
    fullInformation: fullInformation(rows),
    oracle: oracleReference(rows),
    ...(ceilingUsd !== null && { bestMixture: bestMixture(fixed, ceilingUsd) }),
  };
}

async function warmUpFor(recorded: Recorded, file: string): Promise<Recorded> {
  const warmUp = onlyModelsOf(recorded, await readRecorded(file));
  if (warmUp.models.length > 0) return warmUp;
  const models = recorded.models.map(({ id }) => id).join(', ');
  throw new CommandFailed(`--warm-up: ${file} has none of the models to choose from (${models})`);
}

/** What is known of models that are not to be chosen from teaches nothing. */
function onlyModelsOf({ models }: Recorded, { models: warmModels, prompts }: Recorded): Recorded {
  const places = models.flatMap(({ id }) => {
    const place = warmModels.findIndex((model) => model.id === id);
    return place < 0 ? [] : [place];
  });
  return {
    models: places.map((place) => warmModels[place]!),
    prompts: prompts.map((prompt) => ({ ...prompt, outcomes: places.map((place) => prompt.outcomes[place]!) })),
  };
}

/** Without the digits that adding up thousands of numbers has left behind: else what equals the oracle might look better. */
const plain = (value: number): number => Number(value.toPrecision(12));

const jsonReference = ({ reward, costUsd }: Reference) => ({ reward: plain(reward), cost_usd: plain(costUsd) });

function jsonOf({ file, rows, models, references, summaries }: Replayed) {
  const { random, bestFixed, cheapest, fullInformation, oracle, bestMixture } = references;
  return {
    file,
    rows,
    references: {
      random: jsonReference(random),
      best_fixed: jsonReference(bestFixed),
      cheapest: jsonReference(cheapest),
      full_information: jsonReference(fullInformation),
      oracle: jsonReference(oracle),
      ...(bestMixture !== undefined && { best_mixture: bestMixture && jsonReference(bestMixture) }),
    },
    runs: summaries.map(({ policy, summary }) => ({
      policy,
      seeds: summary.seeds,
      reward: plain(summary.reward),
      reward_se: summary.rewardError === null ? null : plain(summary.rewardError),
      regret: plain(summary.regret),
      cost_usd: plain(summary.costUsd),
      last_third_reward: plain(summary.lastThirdReward),
      shares: Object.fromEntries(models.map((model, k) => [model, summary.shares[k]!])),
    })),
  };
}

function drawing({ file, summaries, references }: Replayed, runs: readonly ReplayRun[][]): string {
  const { random, bestFixed, bestMixture, fullInformation, oracle } = references;
  const seeds = runs[0]!.length;
  return drawCurves({
    title: `${file.slice(file.lastIndexOf('/') + 1)}: mean score of the requests, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`,
    curves: summaries.map(({ policy }, p) => ({ name: policy, points: learningCurve(runs[p]!) })),
    references: [
      { name: 'random', reward: random.reward },
      { name: 'best fixed', reward: bestFixed.reward },
      ...(bestMixture ? [{ name: 'best mixture', reward: bestMixture.reward }] : []),
      { name: 'full information', reward: fullInformation.reward },
      { name: 'oracle', reward: oracle.reward },
    ],
  });
}

/** Said before the runs, which may take minutes. */
function mustBeWritable(path: string): void {
  try {
    accessSync(dirname(resolve(path)), constants.W_OK);
  } catch (error) {
    throw new CommandFailed(`--svg: ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailed(`--svg: ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
