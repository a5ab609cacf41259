/** `conduit import`: takes exported decisions into the durable store. What is there already stays, unless it is older. */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Stores } from '../config/resolve.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { DurableStore } from '../stores/ports.ts';
import { CommandFailed } from './command-failed.ts';
import { decisionCount, decisionIn } from './decision-lines.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

const BATCH = 250;
/** Beside which the durable store keeps how far this has come; no router can have this name. */
const LOG = '(import)';
const STDIN = '-';

export async function importDecisions(file: string, options: DurableOptions): Promise<void> {
  await withDurable(options, async (durable, { stores }) => {
    const input = file === STDIN ? process.stdin : await readingOf(file);
    let imported = 0;
    let known = 0;
    let batch: DecisionRecord[] = [];
    const take = async (): Promise<void> => {
      const taken = batch;
      batch = [];
      const changed = taken.length === 0 ? 0 : await ingest(durable, taken);
      imported += changed;
      known += taken.length - changed;
    };
    try {
      try {
        for await (const decision of decisionsIn(input, file)) {
          batch.push(decision);
          if (batch.length === BATCH) await take();
        }
      } finally {
        // Those before a broken line too.
        await take();
      }
    } finally {
      process.stderr.write(`${decisionCount(imported)} imported, new or changed; ${known} there already\n`);
    }
    process.stderr.write(whatNext(stores));
  });
}

/** What they teach is folded into what is known where they are; those who serve have a fold of their own. */
function whatNext({ state, durable }: Stores): string {
  if (state !== 'memory') return 'run `conduit rebuild` so that what they teach gets into Redis\n';
  if (durable !== 'supabase') return '';
  return "they are in Supabase: run `conduit rebuild` so that this machine's folder takes over what they teach at the next start\n";
}

async function readingOf(file: string): Promise<Readable> {
  const failed = (error: unknown): never => {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailed(`${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`}`);
  };
  const handle = await open(file).catch(failed);
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new CommandFailed(`${file}: is a folder`);
  }
  return handle.createReadStream();
}

/** Rejects with `CommandFailed` at the first line that is none. */
async function* decisionsIn(input: Readable, file: string): AsyncGenerator<DecisionRecord> {
  let number = 0;
  // Errors of the stream end the loop too.
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    // Some editors write a mark in front of a file's first character.
    const text = number === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() === '') continue;
    const read = decisionIn(text);
    if (!read.ok) throw new CommandFailed(`${file}:${number}: ${read.problem}`);
    yield read.decision;
  }
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
