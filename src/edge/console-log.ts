/** The log of a Worker: a line of JSON each, which the platform keeps for a while. */
import type { ConduitConfig } from '../config/resolve.ts';
import type { Log } from '../routing/runtime.ts';

type Level = ConduitConfig['log']['level'];

const RANKS: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** What is as grave as this, or graver. `least` is asked with the first line: most objects never write one. */
export function createConsoleLog(least: () => Level): Log {
  let rank: number | undefined;
  const line = (level: Exclude<Level, 'silent'>) => (fields: object, message: string) => {
    rank ??= RANKS[least()];
    if (RANKS[level] >= rank) console.log(JSON.stringify({ level, message, ...withMessage(fields) }));
  };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** JSON says nothing of an error. */
const withMessage = (fields: object): object =>
  'err' in fields && fields.err instanceof Error ? { ...fields, err: fields.err.message } : fields;
