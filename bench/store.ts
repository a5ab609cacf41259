/**
 * What keeping a decision costs: time to remember, recall, read and fold one, bytes for each that is kept, and what a
 * router's learning holds as its log grows. With --json as JSON.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Evidence } from '../src/bandit/evidence.ts';
import { foldEntry } from '../src/bandit/fold.ts';
import { nothingLearned } from '../src/routing/learner.ts';
import { evidenceOf } from '../src/stores/decision-record.ts';
import { createMemoryStore } from '../src/stores/memory.ts';
import { type Kept, LOG_START, type StateStore } from '../src/stores/ports.ts';
import { finished } from './finished.ts';
import { router } from './samples.ts';

interface Figure {
  what: string;
  value: number;
  unit: 'µs' | 'bytes';
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Calls timed at once: one takes less than the clock can tell. */
const BATCH = 500;
const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const memoryNow = (): number => {
  // Twice, since buffers are given back after the objects that held them.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** Microseconds for each of so many calls at once. */
async function timeEach(calls: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) await call(i);
  return ((performance.now() - start) * 1_000) / calls;
}

/** Microseconds of processor time for each of so many calls, with what the collector's own threads took meanwhile. */
async function processorTimeOfEach(calls: number, call: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) await call();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}

/** Making the decisions is not timed, nor is what the collector does meanwhile on account of those that are kept. */
async function timeRemembering(store: StateStore, batches: number): Promise<number[]> {
  const times: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const given = Array.from({ length: BATCH }, () => finished());
    times.push(await timeEach(BATCH, (i) => store.remember(given[i] as Kept)));
  }
  return times;
}

async function measure(): Promise<Figure[]> {
  // Small, so that it does not matter when it goes: what it warms up is code.
  await timeRemembering(createMemoryStore({ now: Date.now, maxDecisions: 10, maxEntries: 10 }), 20);
  const store = createMemoryStore({ now: Date.now });
  const before = memoryNow();
  // As many as every bound keeps in any case.
  const kept = 10_000;
  await timeRemembering(store, kept / BATCH);
  const bytes = (memoryNow() - before) / kept;

  const remembering = await timeRemembering(store, 100);
  // Each at a stretch: in turns, the garbage of the one would be collected in the time of the other.
  const making = await processorTimeOfEach(60_000, async () => finished());
  const makingAndRemembering = await processorTimeOfEach(60_000, () => store.remember(finished()));

  const latest = Array.from({ length: BATCH }, () => finished());
  for (const one of latest) await store.remember(one);
  const recalling: number[] = [];
  const lookingUp: number[] = [];
  const reading: number[] = [];
  for (let batch = 0; batch < 40; batch++) {
    recalling.push(await timeEach(BATCH, (i) => store.recall(latest[i]!.decision.id)));
    lookingUp.push(await timeEach(BATCH, (i) => store.lookUp(['talk:unknown', latest[i]!.names[0] as string])));
    reading.push((await timeEach(1, () => store.readSince('auto', LOG_START, BATCH))) / BATCH);
  }
  return [
    { what: 'remembering a decision, median', value: middle(remembering), unit: 'µs' },
    { what: 'remembering a decision, mean', value: mean(remembering), unit: 'µs' },
    { what: 'what it adds, processor time with garbage', value: makingAndRemembering - making, unit: 'µs' },
    { what: 'recalling a decision, median', value: middle(recalling), unit: 'µs' },
    { what: 'looking a decision up, median', value: middle(lookingUp), unit: 'µs' },
    { what: 'reading a log entry, median', value: middle(reading), unit: 'µs' },
    { what: 'heap and buffers for each decision', value: bytes, unit: 'bytes' },
  ];
}

/** Twice as many entries as stay open to revisions, each seen once. */
function measureLearning(): Figure[] {
  const { fold } = nothingLearned(router([]));
  const before = memoryNow();
  const times: number[] = [];
  const figures: Figure[] = [];
  for (const count of [5_000, 10_000, 20_000]) {
    while (fold.entries < count) {
      const given = Array.from({ length: BATCH }, () => evidenceOf(finished().decision) as Evidence);
      const start = performance.now();
      for (const entry of given) foldEntry(fold, entry);
      times.push(((performance.now() - start) * 1_000) / BATCH);
    }
    const value = memoryNow() - before;
    figures.push({ what: `learning, after ${count.toLocaleString('en')} decisions`, value, unit: 'bytes' });
  }
  return [
    { what: 'folding a new entry, median', value: middle(times), unit: 'µs' },
    { what: 'folding a new entry, mean', value: mean(times), unit: 'µs' },
    ...figures,
  ];
}

// Learning last: it warms up nothing that the others are timed with.
const figures = [...(await measure()), ...measureLearning()];
if (process.argv.includes('--json')) console.log(JSON.stringify({ figures }));
else {
  for (const { what, value, unit } of figures) {
    console.log(`${what.padEnd(42)} ${value.toFixed(unit === 'µs' ? 2 : 0).padStart(8)} ${unit}`);
  }
}
