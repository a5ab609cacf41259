/** Plays runs on several threads. What comes of a run depends on its seed alone, not on who played it or when. */
import { Worker } from 'node:worker_threads';
import type { ReplayRun } from '../evaluate/replay.ts';
import { type Job, type Replayed, runSeed } from '../evaluate/seeded-run.ts';

/** Compiled as this file is, or not. */
const THREAD = new URL(`./replay-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);

/** Below this many requests in all, a thread would take longer to start than to do its part. */
const WORTH_A_THREAD = 2000;

/** A run, and the rows that it goes over: many runs may have them in common. */
export interface PlannedJob extends Job {
  replayed: Replayed;
}

/** What a thread is told: rows are left out where they are those of the run before, since copying them takes long. */
export interface Told {
  job: Job;
  replayed: Replayed | null;
}

/**
 * In the order of the jobs. `onRun` hears how many runs are done. Rejects where a thread fails, and at once with the signal's
 * reason where that is aborted.
 */
export async function playRuns(
  jobs: readonly PlannedJob[],
  { threads, onRun, signal }: { threads: number; onRun: (done: number) => void; signal?: AbortSignal },
): Promise<ReplayRun[]> {
  const useful = Math.min(threads, jobs.length);
  const requests = jobs.reduce((sum, { replayed }) => sum + replayed.rows.length, 0);
  if (requests < WORTH_A_THREAD) {
    return jobs.map((job, i) => {
      const run = runSeed(job.replayed, job);
      onRun(i + 1);
      return run;
    });
  }
  const runs = new Array<ReplayRun>(jobs.length);
  let next = 0;
  let done = 0;
  const workers = Array.from({ length: useful }, startThread);
  const takeJobs = async (worker: Worker): Promise<void> => {
    let known: Replayed | null = null;
    while (next < jobs.length) {
      const i = next++;
      const { replayed, settings, seed } = jobs[i]!;
      runs[i] = await played(worker, { job: { settings, seed }, replayed: replayed === known ? null : replayed });
      known = replayed;
      onRun(++done);
    }
  };
  try {
    await Promise.race([Promise.all(workers.map(takeJobs)), ...(signal ? [aborted(signal)] : [])]);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return runs;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

function startThread(): Worker {
  // Nothing of the environment is needed there.
  return new Worker(THREAD, { env: {}, name: 'replay' });
}

function played(worker: Worker, told: Told): Promise<ReplayRun> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (run: ReplayRun) => {
      worker.off('error', reject);
      resolve(run);
    });
    worker.postMessage(told);
  });
}
