/** A thread that plays one run after another, as they are asked for. */
import { parentPort } from 'node:worker_threads';
import type { ReplayRun } from '../evaluate/replay.ts';
import { type Replayed, runSeed } from '../evaluate/seeded-run.ts';
import type { Told } from './replay-threads.ts';

const port = parentPort!;
let known: Replayed | null = null;

port.on('message', ({ job, replayed }: Told) => {
  known = replayed ?? known;
  const run: ReplayRun = runSeed(known!, job);
  port.postMessage(run, [run.chosen.buffer, run.scores.buffer, run.costs.buffer] as ArrayBuffer[]);
});
