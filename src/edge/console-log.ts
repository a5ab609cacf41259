/** The log of a Worker: a line of JSON each, which the platform keeps for a while. */
import type { Log } from '../routing/runtime.ts';

const line = (level: string) => (fields: object, message: string) =>
  console.log(JSON.stringify({ level, message, ...withMessage(fields) }));

/** JSON says nothing of an error. */
const withMessage = (fields: object): object =>
  'err' in fields && fields.err instanceof Error ? { ...fields, err: fields.err.message } : fields;

export const consoleLog: Log = { debug: () => {}, info: line('info'), warn: line('warn'), error: line('error') };
