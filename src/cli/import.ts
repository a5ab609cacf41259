/** `conduit import`: takes exported decisions into the durable store. What is there already stays, unless it is older. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Stores } from '../config/resolve.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { DurableStore } from '../stores/ports.ts';
import { CommandFailed } from './command-failed.ts';
import { decisionIn } from './decision-lines.ts';
import { damaged, isGzip } from './recorded-file.ts';
import { counted, thousands } from './terminal/counted.ts';
import { withProgress } from './terminal/progress.ts';
import { printResult } from './terminal/result.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

const BATCH = 250;
/** Beside which the durable store keeps how far this has come; no router can have this name. */
const LOG = '(import)';
const STDIN = '-';

const LONG = {
  doing: 'importing',
  noun: 'decision',
  interrupted: 'what was imported stays; run it again for the rest',
};

export interface ImportOptions extends DurableOptions {
  json?: boolean;
}

interface Imported {
  /** New, or later than what was there. */
  imported: number;
  /** There already. */
  known: number;
}

export async function importDecisions(file: string, { json = false, ...options }: ImportOptions): Promise<void> {
  await withDurable(options, async (durable, { stores }) => {
    const reading = file === STDIN ? { input: process.stdin, shareRead: () => undefined } : await readingOf(file);
    const so: Imported = { imported: 0, known: 0 };
    try {
      await importFrom(reading, file, durable, so);
    } catch (error) {
      // Those before a broken line stay.
      process.stderr.write(`${summaryOf(so)}\n`);
      throw error;
    }
    const next = whatNext(stores);
    await printResult({ json }, { document: { file, ...so, next }, text: () => [summaryOf(so)] });
    if (next !== null && !json) process.stderr.write(`${next}\n`);
  });
}

const summaryOf = ({ imported, known }: Imported): string =>
  `${counted(imported, 'decision')} imported, new or changed; ${thousands(known)} there already`;

/** Counts in `so`, whose counts are right where it rejects, too. */
async function importFrom(reading: Reading, file: string, durable: DurableStore, so: Imported): Promise<void> {
  const take = async (batch: DecisionRecord[]): Promise<void> => {
    const changed = batch.length === 0 ? 0 : await ingest(durable, batch);
    so.imported += changed;
    so.known += batch.length - changed;
  };
  await withProgress(LONG, async ({ at, signal }) => {
    let batch: DecisionRecord[] = [];
    try {
      for await (const decision of decisionsIn(reading.input, file, signal)) {
        batch.push(decision);
        if (batch.length < BATCH) continue;
        const taken = batch;
        batch = [];
        await take(taken);
        at(so.imported + so.known, reading.shareRead());
      }
      signal.throwIfAborted();
    } finally {
      await take(batch);
    }
  });
}

/** What they teach is folded into what is known where they are; those who serve have a fold of their own. */
function whatNext({ state, durable }: Stores): string | null {
  if (state !== 'memory') return 'run `conduit rebuild` so that what they teach gets into Redis';
  if (durable !== 'supabase') return null;
  return "they are in Supabase: run `conduit rebuild` so that this machine's folder takes over what they teach at the next start";
}

interface Reading {
  input: Readable;
  /** How much of it has been read, in [0, 1]; undefined where nobody knows how much there is. */
  shareRead: () => number | undefined;
}

async function readingOf(file: string): Promise<Reading> {
  const failed = (error: unknown): never => {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailed(`${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`}`);
  };
  const handle = await open(file).catch(failed);
  const { size, isDirectory } = await handle
    .stat()
    .then((stat) => ({ size: stat.size, isDirectory: stat.isDirectory() }));
  if (isDirectory) {
    await handle.close();
    throw new CommandFailed(`${file}: is a folder`);
  }
  const input = handle.createReadStream();
  // A pipe has no size.
  return { input, shareRead: () => (size > 0 ? input.bytesRead / size : undefined) };
}

/** Rejects with `CommandFailed` at the first line that is none. Ends where the signal says so, even while it waits for a line. */
async function* decisionsIn(input: Readable, file: string, signal: AbortSignal): AsyncGenerator<DecisionRecord> {
  let number = 0;
  const plain = await plainOf(input, signal);
  if (plain === null) return;
  try {
    // Errors of the stream end the loop too.
    for await (const line of createInterface({ input: plain, crlfDelay: Number.POSITIVE_INFINITY, signal })) {
      number++;
      // Some editors write a mark in front of a file's first character.
      const text = number === 1 ? line.replace(/^\uFEFF/, '') : line;
      if (text.trim() === '') continue;
      const read = decisionIn(text);
      if (!read.ok) throw new CommandFailed(`${file}:${number}: ${read.problem}`);
      yield read.decision;
    }
  } catch (error) {
    throw plain !== input && !(error instanceof CommandFailed) && !signal.aborted
      ? damaged(file, error as Error)
      : error;
  }
}

/** What was compressed by gzip as it was before, anything else as it is; null where there is nothing, or nobody waits for it any more. */
async function plainOf(input: Readable, signal: AbortSignal): Promise<Readable | null> {
  // Comes at the end of what is empty, too.
  await once(input, 'readable', { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  const first: Buffer | null = input.read();
  if (first === null) {
    input.destroy();
    return null;
  }
  input.unshift(first);
  if (!isGzip(first)) return input;
  const gunzip = createGunzip();
  input.on('error', (error) => gunzip.destroy(error));
  return input.pipe(gunzip);
}

/** Gives how many of them were not there as they are here, or later. */
async function ingest(durable: DurableStore, decisions: readonly DecisionRecord[]): Promise<number> {
  const kept = decisions.map((decision) => ({ decision, names: [] }));
  for (let after = await durable.cursorOf(LOG); ; ) {
    const ingested = await durable.ingest({ log: LOG, after, cursor: String(Number(after ?? 0) + 1), kept });
    if (ingested.outcome === 'ingested') return ingested.counted.filter((counted) => counted !== 'all').length;
    // Another import runs at the same time.
    after = ingested.cursor;
  }
}
