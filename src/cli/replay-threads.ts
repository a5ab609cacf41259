/** Plays runs on several threads. What comes of a run depends on its seed alone, not on who played it or when. */
import { Worker } from 'node:worker_threads';
import type { ReplayRun } from '../evaluate/replay.ts';
import { type Job, type Replayed, runSeed } from '../evaluate/seeded-run.ts';

/** Compiled as this file is, or not. */
const THREAD = new URL(`./replay-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);

/** Below this many requests in all, a thread would take longer to start than to do its part. */
const WORTH_A_THREAD = 2000;

/** In the order of the jobs. `onRun` hears how many runs are done. Rejects where a thread fails. */
export async function playRuns(
  replayed: Replayed,
  jobs: readonly Job[],
  { threads, onRun }: { threads: number; onRun: (done: number) => void },
): Promise<ReplayRun[]> {
  const useful = Math.min(threads, jobs.length);
  if (useful < 2 || jobs.length * replayed.rows.length < WORTH_A_THREAD) {
    return jobs.map((job, i) => {
      const run = runSeed(replayed, job);
      onRun(i + 1);
      return run;
    });
  }
  const runs = new Array<ReplayRun>(jobs.length);
  let next = 0;
  let done = 0;
  const workers = Array.from({ length: useful }, () => startThread(replayed));
  const takeJobs = async (worker: Worker): Promise<void> => {
    while (next < jobs.length) {
      const i = next++;
      runs[i] = await played(worker, jobs[i]!);
      onRun(++done);
    }
  };
  try {
    await Promise.all(workers.map(takeJobs));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return runs;
}

function startThread(replayed: Replayed): Worker {
  // Nothing of the environment is needed there.
  return new Worker(THREAD, { workerData: replayed, env: {}, name: 'replay' });
}

function played(worker: Worker, job: Job): Promise<ReplayRun> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (run: ReplayRun) => {
      worker.off('error', reject);
      resolve(run);
    });
    worker.postMessage(job);
  });
}
