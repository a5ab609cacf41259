/** The secret that keys the hashes which are kept, where the config names none: made once, and kept in the folder. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
    const { message } = error as Error;
    log.error(
      { problem: message, folder },
      'the secret cannot be kept: conversations are not known again after a restart',
    );
    return newSecret();
  }
}

const newSecret = (): string => randomBytes(32).toString('hex');

function secretIn(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  return keptAt(path) ?? keep(path);
}

/** Null where there is none; an empty file is what a full disk has left of one. */
function keptAt(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** It is there whole or not at all. Of several processes that start at once all take the one that is there in the end. */
function keep(path: string): string {
  const written = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(written, newSecret(), { flag: 'wx', mode: 0o600, flush: true });
    putInPlace(written, path);
  } finally {
    rmSync(written, { force: true });
  }
  const secret = keptAt(path);
  if (secret === null) throw new Error(`${path} is empty`);
  return secret;
}

function putInPlace(written: string, path: string): void {
  if (keptAt(path) === null) rmSync(path, { force: true });
  try {
    linkSync(written, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    // There are file systems without links. Of two processes that start at once there the latter's is kept.
    renameSync(written, path);
  }
}
