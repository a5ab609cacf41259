/** `conduit export`: every decision of the durable store, one JSON object a line. */
import { open } from 'node:fs/promises';
import { type DurableReader, LOG_START } from '../stores/ports.ts';
import { CommandFailed } from './command-failed.ts';
import { lineOf } from './decision-lines.ts';
import { counted } from './terminal/counted.ts';
import { withProgress } from './terminal/progress.ts';
import { printResult, writeToStdout } from './terminal/result.ts';
import { type DurableOptions, withDurableReader } from './with-durable.ts';

const BATCH = 500;
const STDOUT = '-';

export interface ExportOptions extends DurableOptions {
  json?: boolean;
}

interface Output {
  /** Rejects with `CommandFailed`. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function exportDecisions(file = STDOUT, { json = false, ...options }: ExportOptions): Promise<void> {
  await withDurableReader(options, async (durable) => {
    if (json && file === STDOUT)
      throw new CommandFailed(
        '--json: what goes to stdout is JSON lines already (allowed: with a file, to tell of it)',
      );
    const exported = await exportTo(file, durable);
    const summary = `${counted(exported, 'decision')} exported`;
    if (file === STDOUT) process.stderr.write(`${summary}\n`);
    else await printResult({ json }, { document: { file, decisions: exported }, text: () => [summary] });
  });
}

/** Gives how many there were. */
async function exportTo(file: string, durable: DurableReader): Promise<number> {
  const output = file === STDOUT ? STDOUT_OUTPUT : await toFile(file);
  const long = {
    doing: 'exporting',
    noun: 'decision',
    interrupted: `${file === STDOUT ? 'what was printed' : file} is not all there is; run it again`,
  };
  // On a terminal the decisions themselves show how far it is.
  const shown = file === STDOUT && process.stdout.isTTY ? 'nowhere' : process.stderr;
  try {
    return await withProgress(
      long,
      async ({ at }) => {
        let exported = 0;
        for await (const { lines, decisions } of linesIn(durable)) {
          await output.write(lines);
          exported += decisions;
          at(exported);
        }
        return exported;
      },
      shown,
    );
  } finally {
    await output.close();
  }
}

async function* linesIn(durable: DurableReader): AsyncGenerator<{ lines: string; decisions: number }> {
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

async function toFile(path: string): Promise<Output> {
  // A folder, or a full disk.
  const failed = (error: NodeJS.ErrnoException): never => {
    throw new CommandFailed(`${path} cannot be written (${error.code})`);
  };
  const handle = await open(path, 'w', 0o600).catch(failed);
  return {
    write: (text) => handle.writeFile(text).catch(failed),
    close: () => handle.close().catch(failed),
  };
}

const STDOUT_OUTPUT: Output = { write: writeToStdout, async close() {} };
