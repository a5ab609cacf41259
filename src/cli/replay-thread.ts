/** A thread of `conduit replay`: plays one run after another, as they are asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ReplayRun } from '../evaluate/replay.ts';
import { type Job, type Replayed, runSeed } from '../evaluate/seeded-run.ts';

const port = parentPort!;
const replayed = workerData as Replayed;

port.on('message', (job: Job) => {
  const run: ReplayRun = runSeed(replayed, job);
  port.postMessage(run, [run.chosen.buffer, run.scores.buffer, run.costs.buffer] as ArrayBuffer[]);
});
