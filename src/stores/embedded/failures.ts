/** Why the folder of the embedded store cannot be used, as whoever starts a gateway is told it. */

/** What the thread that opens it finds: plain data, since classes do not survive the way between threads. */
export type OpenFailure =
  | { kind: 'in use'; pid: number | null }
  | { kind: 'unusable'; reason: FolderUnusable['reason']; detail: string };

/** Another process has it. */
export class FolderInUse extends Error {
  readonly folder: string;
  /** Which, if it is known. */
  readonly pid: number | null;

  constructor(folder: string, pid: number | null) {
    super(
      `${folder} is in use by ${pid === null ? 'another process' : `process ${pid}`}: give each gateway a folder of its own ` +
        '(`stores.folder`), or let one gateway have several workers (`server.workers`)',
    );
    this.folder = folder;
    this.pid = pid;
  }
}

const ADVICE = {
  damaged: 'its file is damaged: move the folder away to begin anew, or put a backup of it in its place',
  foreign: 'its file is not one of Conduit, or its beginning is damaged: choose another `stores.folder`',
  newer: 'it was written by a newer release of Conduit: use that release, or another `stores.folder`',
  older:
    "it was written by an older release of Conduit, and what only reads brings nothing up to date: start this release's gateway on it once",
  'not writable': 'it cannot be written to: look at its permissions, or choose another `stores.folder`',
  'not readable':
    'it cannot be read by this user: look at its permissions, and while no gateway runs the folder must be writable for SQLite',
  full: 'the disk is full',
};

export class FolderUnusable extends Error {
  readonly folder: string;
  readonly reason: keyof typeof ADVICE;

  constructor(folder: string, reason: keyof typeof ADVICE, detail: string) {
    super(`${folder} cannot be used, since ${ADVICE[reason]} (${detail})`);
    this.folder = folder;
    this.reason = reason;
  }
}

/** SQLite's own numbers for what goes wrong; the low byte of a longer one. */
const SQLITE_BUSY = 5;
const CODES: Readonly<Record<number, FolderUnusable['reason']>> = {
  8: 'not writable', // READONLY
  10: 'damaged', // IOERR
  11: 'damaged', // CORRUPT
  13: 'full', // FULL
  14: 'not writable', // CANTOPEN
  26: 'foreign', // NOTADB
};

/** SQLite's number; null where the error is not SQLite's. */
function sqliteCode(error: unknown): number | null {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : null;
  return typeof code === 'number' ? code & 0xff : null;
}

export const isBusy = (error: unknown): boolean => sqliteCode(error) === SQLITE_BUSY;

/** What an error of SQLite or of the file system means for the folder; null where it is a bug. */
export function reasonOf(error: unknown): FolderUnusable['reason'] | null {
  const code = sqliteCode(error);
  if (code !== null) return CODES[code] ?? null;
  const system = error instanceof Error && 'code' in error ? error.code : null;
  if (system === 'ENOSPC' || system === 'EDQUOT') return 'full';
  return typeof system === 'string' && /^E[A-Z]+$/.test(system) ? 'not writable' : null;
}
