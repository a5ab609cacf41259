/** What a policy's runs come to. */
import { mean } from './references.ts';
import type { ReplayRun } from './replay.ts';

export interface Summary {
  seeds: number;
  /** The mean score of a request, in [0, 1]: over the rows, and then over the seeds. */
  reward: number;
  /** The standard error of that, by how the seeds differ; null for a single one. */
  rewardError: number | null;
  /** Of a run: by how much its scores fall short of the best model's for each prompt, summed over the rows. */
  regret: number;
  /** USD a request. */
  costUsd: number;
  /** As `reward`, of the last third of the rows alone: how good it has become. */
  lastThirdReward: number;
  /** By the position of the model: which part of the requests it got. */
  shares: number[];
}

/** `oracle`: the mean score of the best model for each prompt. */
export function summarise(runs: readonly ReplayRun[], models: number, oracle: number): Summary {
  const rewards = runs.map(({ scores }) => mean(scores));
  const reward = mean(rewards);
  const rows = runs[0]!.scores.length;
  const counts = new Array<number>(models).fill(0);
  for (const { chosen } of runs) for (const k of chosen) counts[k]!++;
  return {
    seeds: runs.length,
    reward,
    rewardError: runs.length > 1 ? deviation(rewards) / Math.sqrt(runs.length) : null,
    regret: (oracle - reward) * rows,
    costUsd: mean(runs.map(({ costs }) => mean(costs))),
    lastThirdReward: mean(runs.map(({ scores }) => mean(scores.subarray(Math.floor((2 * rows) / 3))))),
    shares: counts.map((count) => count / (rows * runs.length)),
  };
}

/** Of a sample, hence n − 1. */
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
