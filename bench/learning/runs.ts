/** Plays the runs that a table is made of, all with one set of settings. */
import { availableParallelism } from 'node:os';
import { type PlannedJob, playRuns } from '../../src/cli/replay-threads.ts';
import { EXPLORE } from '../../src/config/schema.ts';
import type { ReplayRun, ReplaySettings } from '../../src/evaluate/replay.ts';
import type { Replayed } from '../../src/evaluate/seeded-run.ts';

/** A router's defaults, and quality alone: what was recorded is a score. Where money matters, a ceiling says how much. */
export const SETTINGS: ReplaySettings = {
  policy: 'linear-thompson',
  prefer: 'quality',
  explore: EXPLORE,
  halfLifeMs: 7 * 864e5,
  perDay: 500,
};

/** What a run has otherwise than `SETTINGS`. */
export type Variant = Partial<ReplaySettings>;

/** By variant, and then by seed, from 1 on. `trialOf` gives what a seed's run goes over, for all variants the same. */
export async function playAll(
  what: string,
  trialOf: (seed: number) => Replayed,
  variants: readonly Variant[],
  seeds: number,
): Promise<ReplayRun[][]> {
  const jobs: PlannedJob[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const replayed = trialOf(seed);
    for (const variant of variants) jobs.push({ replayed, seed, settings: { ...SETTINGS, ...variant } });
  }
  const started = performance.now();
  const onRun = (done: number): void => {
    const seconds = Math.round((performance.now() - started) / 1000);
    const isLast = done === jobs.length;
    if (process.stderr.isTTY || isLast)
      process.stderr.write(
        `${process.stderr.isTTY ? '\r\u001b[2K' : ''}${what}: ${done} of ${jobs.length} runs, ${seconds} s${isLast ? '\n' : ''}`,
      );
  };
  const runs = await playRuns(jobs, { threads: availableParallelism(), onRun });
  return variants.map((_, v) => runs.filter((_, i) => i % variants.length === v));
}
