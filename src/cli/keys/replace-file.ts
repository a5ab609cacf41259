/** Puts a text in the place of another in a file that others read and change meanwhile. */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandFailed } from '../command-failed.ts';

/**
 * In one step, with the mode and the owner that it had; a link to it stays a link. Who has the new file beside it is the only one
 * who may, so that of two who change it at once none undoes what the other did.
 * Throws `CommandFailed` where somebody else has changed it or is about to, and as the file system does.
 */
export function replaceFile(named: string, before: string, after: string): void {
  const path = realpathSync(named);
  const { mode, uid, gid } = statSync(path);
  const beside = join(dirname(path), `.${basename(path)}.new`);
  const handle = openBeside(beside, named);
  try {
    try {
      writeFileSync(handle, after);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    const made = statSync(beside);
    if (made.uid !== uid || made.gid !== gid) chownSync(beside, uid, gid);
    chmodSync(beside, mode & 0o7777);
    if (readFileSync(path, 'utf8') !== before) throw changedMeanwhile(named);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function openBeside(beside: string, named: string): number {
  try {
    return openSync(beside, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new CommandFailed(
      `${named} is being changed by somebody else: run this again, or remove ${beside} if nobody is`,
    );
  }
}

const changedMeanwhile = (named: string): CommandFailed =>
  new CommandFailed(`${named} has been changed by somebody else in the meantime: run this again`);
