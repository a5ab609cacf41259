/** What `npm start` runs, so that what is measured is what a user gets. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packageJson = new URL('../package.json', import.meta.url);
const { scripts } = JSON.parse(readFileSync(packageJson, 'utf8')) as { scripts: { start: string } };

/** `exec env NAME=VALUE … node ARGUMENTS …`. */
const [before = '', after = ''] = scripts.start.split(/ node (.*)/);

export const START_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  before
    .split(' ')
    .filter((word) => word.includes('='))
    .map((word) => word.split('=')),
);

/** The arguments of `node`: its own flags, the command line's file, and `serve`. */
export const START_ARGUMENTS: readonly string[] = after
  .split(' ')
  .map((word) => (/\.[jt]s$/.test(word) ? fileURLToPath(new URL(word, packageJson)) : word));
