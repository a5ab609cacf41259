/**
 * What it takes to keep decisions in the embedded durable store: time of the gateway's own thread and of the database's, bytes
 * on the disk, memory. Of `dist/` with --compiled, as a published package runs; with --json as JSON; as many decisions as
 * --decisions says.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Ingested, type Kept, LOG_START } from '../src/stores/ports.ts';
import { finished, idAt, threeNames } from './finished.ts';

interface Figure {
  what: string;
  value: number;
  unit: string;
}

const { values: options } = parseArgs({
  options: {
    compiled: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    decisions: { type: 'string', default: '100000' },
  },
});
const DECISIONS = Number(options.decisions);
const BATCH = 250;
/** Ten decisions a second. */
const BETWEEN_MS = 100;
let time = 1_900_000_000_000;

/** The same for another one: making all of each anew would keep the collector's threads busy meanwhile. */
function another({ decision }: Kept): Kept {
  time += BETWEEN_MS;
  const created = time;
  return { decision: { ...decision, id: idAt(created), created }, names: threeNames() };
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const microseconds = ({ user, system }: NodeJS.CpuUsage): number => user + system;
const everyThread = (): number => microseconds(process.cpuUsage());
/** Some kernels bring a thread's own time up to date only when that of all is asked for. */
function thisThread(): number {
  everyThread();
  return microseconds(process.threadCpuUsage());
}
const megabytes = (): number => process.memoryUsage.rss() / 2 ** 20;

async function measure(folder: string): Promise<Figure[]> {
  const module = options.compiled ? '../dist/stores/embedded.js' : '../src/stores/embedded.ts';
  const { openEmbeddedStore } = (await import(module)) as typeof import('../src/stores/embedded.ts');
  // Made beforehand: making them must not count.
  const some = Array.from({ length: 20 }, () => Array.from({ length: BATCH }, () => finished()));
  const batch = (number: number): Kept[] => (some[number % some.length] as Kept[]).map(another);
  // Also once for nothing, so that what this takes of the heap is there before.
  for (let number = 0; number < DECISIONS / BATCH; number++) batch(number);
  const alone = megabytes();
  const store = await openEmbeddedStore({ folder });
  await store.cursorOf('auto');
  const opened = megabytes();

  let cursor: string | null = null;
  const ingest = async (kept: readonly Kept[]): Promise<Ingested> => {
    const next = String(Number(cursor ?? 0) + kept.length);
    const ingested = await store.ingest({ log: 'auto', after: cursor, cursor: next, kept });
    cursor = next;
    return ingested;
  };
  const main: number[] = [];
  const took: number[] = [];
  let waited = 0;
  const [allBefore, ownBefore] = [everyThread(), thisThread()];
  for (let done = 0; done < DECISIONS; done += BATCH) {
    const kept = batch(done / BATCH);
    const [before, mainBefore] = [performance.now(), thisThread()];
    await ingest(kept);
    main.push((thisThread() - mainBefore) / BATCH);
    took.push(performance.now() - before);
    waited += performance.now() - before;
  }
  /** Of every thread but this one, which also makes the decisions. */
  const others = everyThread() - allBefore - (thisThread() - ownBefore);
  const kept = megabytes();
  const last = Array.from({ length: 200 }, () => another(finished()));
  await ingest(last);

  const recalling: number[] = [];
  for (const { decision } of last) {
    const before = performance.now();
    await store.recall(decision.id);
    recalling.push((performance.now() - before) * 1_000);
  }
  const [readingBefore, allReadingBefore] = [thisThread(), everyThread()];
  const before = performance.now();
  let read = 0;
  for (let at = LOG_START; read < Math.min(DECISIONS, 50_000); ) {
    const slice = await store.readKept('auto', at, BATCH);
    at = slice.cursor;
    read += slice.kept.length;
  }
  const reading = ((performance.now() - before) * 1_000) / read;
  const readingMain = (thisThread() - readingBefore) / read;
  const readingAll = (everyThread() - allReadingBefore) / read;
  await store.close();
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    { what: `ingested in batches of ${BATCH}, one after the other`, value: DECISIONS / (waited / 1_000), unit: '/s' },
    { what: 'a batch, median', value: middle(took), unit: 'ms' },
    { what: 'a batch, the slowest', value: Math.max(...took), unit: 'ms' },
    { what: 'gateway’s thread, a decision, mean', value: mean(main), unit: 'µs' },
    { what: 'gateway’s thread, a decision, median', value: middle(main), unit: 'µs' },
    { what: 'every thread, a decision, mean', value: mean(main) + others / DECISIONS, unit: 'µs' },
    { what: 'recalling a decision, median', value: middle(recalling), unit: 'µs' },
    { what: 'reading a decision of the log', value: reading, unit: 'µs' },
    { what: '… of every thread', value: readingAll, unit: 'µs' },
    { what: '… of the gateway’s thread', value: readingMain, unit: 'µs' },
    { what: 'on the disk, a decision with three names', value: bytes / (DECISIONS + last.length), unit: 'bytes' },
    { what: 'memory that opening adds', value: opened - alone, unit: 'MB' },
    { what: `… and keeping ${DECISIONS} decisions`, value: kept - opened, unit: 'MB' },
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'conduit-bench-'));
try {
  const figures = await measure(folder);
  if (options.json) console.log(JSON.stringify({ figures }));
  else {
    for (const { what, value, unit } of figures) {
      console.log(
        `${what.padEnd(56)} ${value.toFixed(unit === 'bytes' || unit === '/s' ? 0 : 2).padStart(10)} ${unit}`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
