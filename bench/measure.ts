/** What a piece of work takes: the time of each run, and the memory that it allocates. */

export interface Measured {
  what: string;
  /** Microseconds. */
  median: number;
  p95: number;
  runs: number;
  /** Allocated by one run, on the heap and in buffers beside it; null where that was not measured. */
  bytes: number | null;
}

/** Times many runs after a warm-up. */
export function timed(what: string, runs: number, run: (i: number) => unknown): Measured {
  for (let i = 0; i < Math.max(20, runs / 4); i++) run(i);
  const times = Float64Array.from({ length: runs }, (_, i) => {
    const start = performance.now();
    run(i);
    return (performance.now() - start) * 1000;
  }).sort();
  const median = times[Math.floor(runs / 2)] as number;
  const p95 = times[Math.floor(runs * 0.95)] as number;
  return { what, median, p95, runs, bytes: null };
}

/** The same, and what a run allocates; what allocates much is to be run once at a time. */
export function measured(what: string, runs: number, run: (i: number) => unknown, batch = 10): Measured {
  const timing = timed(what, runs, run);
  const bytes = Math.max(0, grownBy(run, batch) - grownBy(() => {}, batch)) / batch;
  return { ...timing, bytes };
}

const BATCHES = 61;

/** What so many runs add to the memory in use: the median over batches so small that the collector runs within few. */
function grownBy(run: (i: number) => unknown, batch: number): number {
  const growths: number[] = [];
  for (let k = 0; k < BATCHES; k++) {
    const before = bytesInUse();
    for (let i = 0; i < batch; i++) run(k * batch + i);
    growths.push(bytesInUse() - before);
  }
  return growths.sort((a, b) => a - b)[BATCHES >> 1] as number;
}

function bytesInUse(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
