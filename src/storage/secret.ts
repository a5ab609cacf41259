/** The secret that keys the hashes which are kept, where the config names none: made once, and kept in the folder. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stores } from '../config/resolve.ts';
import type { Log } from '../routing/runtime.ts';

const FILE = 'secret';

/** Where nothing outlives the process a secret of its own is enough. */
export function secretFor({ state, durable, folder }: Stores, log: Log): string {
  if (state === 'memory' && durable === 'none') return newSecret();
  try {
    return secretIn(folder);
  } catch (error) {
    log.error({ err: error, folder }, 'the secret cannot be kept: conversations are not known again after a restart');
    return newSecret();
  }
}

const newSecret = (): string => randomBytes(32).toString('hex');

function secretIn(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  try {
    // Of several processes that start at once one makes it.
    writeFileSync(path, newSecret(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const secret = readFileSync(path, 'utf8').trim();
  if (secret === '') throw new Error(`${path} is empty`);
  return secret;
}
