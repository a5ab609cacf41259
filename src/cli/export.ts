/** `conduit export`: every decision of the durable store, one JSON object a line. */
import { open } from 'node:fs/promises';
import { type DurableStore, LOG_START } from '../stores/ports.ts';
import { CommandFailed } from './command-failed.ts';
import { decisionCount, lineOf } from './decision-lines.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

const BATCH = 500;
const STDOUT = '-';

interface Output {
  /** Rejects with `CommandFailed`. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function exportDecisions(file = STDOUT, options: DurableOptions): Promise<void> {
  await withDurable(options, async (durable) => {
    const output = file === STDOUT ? toStdout : await toFile(file);
    let exported = 0;
    try {
      for await (const { lines, decisions } of linesIn(durable)) {
        await output.write(lines);
        exported += decisions;
      }
    } finally {
      await output.close();
    }
    process.stderr.write(`${decisionCount(exported)} exported\n`);
  });
}

async function* linesIn(durable: DurableStore): AsyncGenerator<{ lines: string; decisions: number }> {
  for (const log of await durable.logs()) {
    let cursor = LOG_START;
    for (;;) {
      const slice = await durable.readKept(log, cursor, BATCH);
      if (slice.cursor === cursor) break;
      cursor = slice.cursor;
      yield { lines: slice.kept.map(({ decision }) => lineOf(decision)).join(''), decisions: slice.kept.length };
    }
  }
}

/** A folder, a full disk, or a reader that has gone, as `head` does. */
const cannotBeWritten = (name: string, error: unknown): CommandFailed =>
  new CommandFailed(`${name} cannot be written (${(error as NodeJS.ErrnoException).code})`);

async function toFile(path: string): Promise<Output> {
  const failed = (error: unknown): never => {
    throw cannotBeWritten(path, error);
  };
  const handle = await open(path, 'w', 0o600).catch(failed);
  return {
    write: (text) => handle.writeFile(text).catch(failed),
    close: () => handle.close().catch(failed),
  };
}

const toStdout: Output = {
  write: (text) =>
    new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(cannotBeWritten('stdout', error));
      // Else it would end the process, too.
      process.stdout.once('error', failed);
      process.stdout.write(text, (error) => {
        if (error) return failed(error);
        process.stdout.off('error', failed);
        resolve();
      });
    }),
  async close() {},
};
