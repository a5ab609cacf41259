/** `conduit import`: takes exported decisions into the durable store. What is there already stays, unless it is older. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { DurableStore } from '../stores/ports.ts';
import { decisionIn } from './decision-lines.ts';
import { CommandFailed, type DurableOptions, withDurable } from './with-durable.ts';

const BATCH = 250;
/** Beside which the durable store keeps how far this has come; no router can have this name. */
const LOG = '(import)';

export async function importDecisions(file: string, options: DurableOptions): Promise<void> {
  await withDurable(options, async (durable, { stores }) => {
    const input = file === '-' ? process.stdin : createReadStream(file);
    let imported = 0;
    let line = 0;
    let batch: DecisionRecord[] = [];
    const take = async (): Promise<void> => {
      await ingest(durable, batch);
      imported += batch.length;
      batch = [];
    };
    try {
      // Errors of the stream end the loop too.
      for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        line++;
        if (text.trim() === '') continue;
        const read = decisionIn(text);
        if (!read.ok) throw new CommandFailed(`${file}:${line}: ${read.problem}`);
        batch.push(read.decision);
        if (batch.length === BATCH) await take();
      }
    } finally {
      await take();
      process.stderr.write(`${imported} decisions imported\n`);
    }
    if (stores.state !== 'memory')
      process.stderr.write('run `conduit rebuild` so that what they teach gets into Redis\n');
  });
}

async function ingest(durable: DurableStore, decisions: readonly DecisionRecord[]): Promise<void> {
  const kept = decisions.map((decision) => ({ decision, names: [] }));
  for (let after = await durable.cursorOf(LOG); ; ) {
    const ingested = await durable.ingest({ log: LOG, after, cursor: String(Number(after ?? 0) + 1), kept });
    if (ingested.outcome === 'ingested') return;
    // Another import runs at the same time.
    after = ingested.cursor;
  }
}
