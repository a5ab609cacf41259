/**
 * How well a router learns, beside what could be had and what others have published:
 * node bench/learning.ts [FOLDER] [--seeds 20] [--rows budgets,drift,tasks,encoder,ablations] [--write]
 *
 * FOLDER holds recorded outcomes (docs/benchmarks.md says which); without one it is the project's own simulator. --write puts the
 * tables into that page, all of them.
 */
import { parseArgs } from 'node:util';
import { CommandFailed } from '../src/cli/command-failed.ts';
import { recordedSuite } from './learning/recorded.ts';
import { simulatedSuite } from './learning/simulated.ts';
import type { Table } from './learning/tables.ts';
import { writeBetweenMarks } from './page.ts';

const USAGE = 'node bench/learning.ts [FOLDER] [--seeds N] [--rows NAME,…] [--write]';

function refused(why: string): never {
  process.stderr.write(`${why}\n${USAGE}\n`);
  process.exit(1);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seeds: { type: 'string', default: '20' },
        rows: { type: 'string' },
        write: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refused((error as Error).message);
  }
}

const { positionals, values } = readArguments();
if (positionals.length > 1) refused(`one folder at most, not ${positionals.join(' ')}`);
const seeds = Number(values.seeds);
if (!(Number.isInteger(seeds) && seeds >= 1)) refused(`--seeds: ${values.seeds} (allowed: whole numbers from 1)`);
const [folder] = positionals;
const suite = folder === undefined ? simulatedSuite() : recordedSuite(folder);
const names = values.rows === undefined ? Object.keys(suite) : values.rows.split(',');
const unknown = names.find((name) => !Object.hasOwn(suite, name));
if (unknown !== undefined) refused(`--rows: no ${unknown} (allowed: ${Object.keys(suite).join(', ')})`);
// A page with some of the tables would say nothing of the others.
if (values.write && values.rows !== undefined) refused('--write: goes with all rows, not with --rows');

const tables: Table[] = [];
try {
  for (const name of names) {
    for (const table of await suite[name]!(seeds)) {
      tables.push(table);
      process.stdout.write(`\n${textOf(table)}\n`);
    }
  }
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  refused(error.message);
}
const short = tables.flatMap((table) => table.short);
if (short.length > 0)
  process.stderr.write(`short of what was aimed at:\n${short.map((line) => `  ${line}\n`).join('')}`);

if (values.write) {
  const command = `node bench/learning.ts${folder === undefined ? '' : ' FOLDER'} --seeds ${seeds}`;
  const head = `\`${command}\`, Node ${process.versions.node}.`;
  writeBetweenMarks(
    new URL('../docs/benchmarks.md', import.meta.url),
    folder === undefined ? 'learning-simulated' : 'learning',
    [head, ...tables.map(textOf)].join('\n\n'),
  );
}

function textOf({ title, text }: Table): string {
  return `**${title}**\n\n${text}`;
}
