/** Writes a config that a command has made. */
import { closeSync, fchmodSync, openSync, writeFileSync } from 'node:fs';
import { CommandFailed } from './command-failed.ts';

export interface NewFile {
  /** Whether a file that is there may be overwritten. */
  force: boolean;
  /** The mode that it gets, also where it was there; left out: what the process gives new files, or the one that it had. */
  mode?: number;
}

/** Throws `CommandFailed`. */
export function writeNewFile(path: string, text: string, { force, mode }: NewFile): void {
  try {
    // Without --force nothing that came to be in the meantime is overwritten either.
    const file = openSync(path, force ? 'w' : 'wx', mode);
    try {
      if (mode !== undefined) fchmodSync(file, mode);
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new CommandFailed(`${path} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
