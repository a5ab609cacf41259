/**
 * Decisions on disk that wait for a store that is away: who killed the process that had them has not lost them. Each process has
 * a file of its own; those of processes that are gone are taken over by whoever finds them.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** A decision as it is kept in the store, the latest version. */
export interface Spooled {
  id: string;
  version: number;
  log: string;
  texts: Buffer;
  bytes: Buffer;
  names: readonly string[];
}

export interface Spool {
  /** Resolves once it is on disk, in the place of what was there of this decision. Rejects where it cannot be. */
  put(spooled: Spooled): Promise<void>;
  /** What is in the store need not be on disk. */
  remove(id: string): void;
  /** Resolves once everything that was put until now is on disk, or is known not to be. */
  flushed(): Promise<void>;
  /**
   * Takes over what processes have left that are gone, oldest first, some at a time and no more than there is room for. A file
   * that is damaged is put aside; one that cannot be read now is read later. Rejects in the end where there was such a one,
   * once for each.
   */
  adopt(room: () => number, take: (spooled: Spooled[]) => void): Promise<void>;
  /** Lets go of the file, for whoever comes next; gives how many decisions are in it. */
  close(): Promise<number>;
}

export interface SpoolOptions {
  /** Files are in `spool` in it, for this user alone. It need not be there. */
  folder: string;
}

/** Changes in one transaction, and of one turn of the event loop: less than a millisecond of it. */
const BATCH = 100;
/** Pages in the log beside the file before they are copied into it: more would take that turn longer. */
const CHECKPOINT_PAGES = 64;
/** How often a file is made anew where somebody took it for one that was left. */
const MOST_TRIES = 5;
const SUFFIX = '.waiting';
const DAMAGED = '.damaged';
/** What SQLite keeps beside a file. */
const BESIDE = ['-wal', '-shm'];

/**
 * WAL, so that a kill in the middle of a write leaves what was written before; without waiting for the disk, since it is
 * processes that end, and the machine seldom. The lock is the owner's mark: it goes with the process, whatever the process
 * is called where and in which container it was.
 */
const PRAGMAS = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
`;
const TABLE = `
  CREATE TABLE IF NOT EXISTS waiting (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    log TEXT NOT NULL,
    texts BLOB NOT NULL,
    bytes BLOB NOT NULL,
    names TEXT NOT NULL,
    place INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS in_order ON waiting (place);
`;
/** A later version keeps its place. */
const PUT = `
  INSERT INTO waiting (id, version, log, texts, bytes, names, place)
  VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM waiting))
  ON CONFLICT (id) DO UPDATE SET version = excluded.version, texts = excluded.texts, bytes = excluded.bytes
  WHERE excluded.version >= version
`;

interface Row {
  id: string;
  version: number;
  log: string;
  texts: Uint8Array;
  bytes: Uint8Array;
  names: string;
}

type Change =
  | { kind: 'flushed'; resolve: () => void }
  | { kind: 'put'; spooled: Spooled; resolve: () => void; reject: (error: Error) => void }
  | { kind: 'remove'; id: string };

interface File {
  path: string;
  database: DatabaseSync;
  put: StatementSync;
  remove: StatementSync;
}

export function openSpool({ folder: parent }: SpoolOptions): Spool {
  const folder = join(parent, 'spool');
  let own: File | null = null;
  const changes: Change[] = [];
  let flushing = false;
  /** Paths of files that could not be read. */
  const told = new Set<string>();

  const ownFile = (): File => {
    own ??= newFile(folder);
    return own;
  };

  const flushSoon = (): void => {
    if (flushing) return;
    flushing = true;
    setImmediate(() => {
      flushing = false;
      flush(changes.splice(0, BATCH));
      if (changes.length > 0) flushSoon();
    });
  };

  const flush = (batch: readonly Change[]): void => {
    try {
      // There is no file until there is something to write.
      if (own || batch.some(({ kind }) => kind === 'put')) carryOut(ownFile(), batch);
      for (const one of batch) if (one.kind === 'put') one.resolve();
    } catch (error) {
      for (const one of batch) if (one.kind === 'put') one.reject(error as Error);
    }
    for (const one of batch) if (one.kind === 'flushed') one.resolve();
  };

  const change = (one: Change): void => {
    changes.push(one);
    flushSoon();
  };

  const takeOver = async (path: string, ...[room, take]: Parameters<Spool['adopt']>): Promise<void> => {
    const left = reading(path, () => openFile(path));
    if (!left) return;
    try {
      for (;;) {
        const some = reading(path, () => firstOf(left, Math.min(BATCH, room())));
        if (some.length === 0) break;
        // First here, then no more there: whoever is killed in between leaves it twice, and it counts once.
        carryOut(ownFile(), some.map(putting));
        const removing = some.map(({ id }): Change => ({ kind: 'remove', id }));
        reading(path, () => carryOut(left, removing));
        take(some);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      closeFile(left);
    }
  };

  return {
    put: (spooled) => new Promise((resolve, reject) => change({ kind: 'put', spooled, resolve, reject })),
    remove: (id) => change({ kind: 'remove', id }),
    flushed: () => new Promise((resolve) => change({ kind: 'flushed', resolve })),

    async adopt(room, take) {
      let trouble: Error | null = null;
      for (const path of filesIn(folder)) {
        if (path === own?.path) continue;
        try {
          await takeOver(path, room, take);
          told.delete(path);
        } catch (error) {
          if (!(error instanceof Unreadable)) throw error;
          if (!told.has(path)) trouble = error;
          if (error.isDamaged) putAside(path);
          else told.add(path);
        }
      }
      if (trouble) throw trouble;
    },

    async close() {
      while (changes.length > 0) flush(changes.splice(0, BATCH));
      const left = own ? closeFile(own) : 0;
      own = null;
      return left;
    },
  };
}

const putting = (spooled: Spooled): Change => ({ kind: 'put', spooled, resolve() {}, reject() {} });

/** All of them or none. */
function carryOut({ database, put, remove }: File, changes: readonly Change[]): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const change of changes) {
      if (change.kind === 'remove') remove.run(change.id);
      else if (change.kind === 'put') {
        const { id, version, log, texts, bytes, names } = change.spooled;
        put.run(id, version, log, texts, bytes, names.join(' '));
      }
    }
    database.exec('COMMIT');
  } catch (error) {
    // A full disk has ended it already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function firstOf({ database }: File, most: number): Spooled[] {
  const rows = database
    .prepare('SELECT id, version, log, texts, bytes, names FROM waiting ORDER BY place LIMIT ?')
    .all(most) as unknown as Row[];
  return rows.map(({ texts, bytes, names, ...row }) => ({
    ...row,
    texts: Buffer.from(texts),
    bytes: Buffer.from(bytes),
    names: names === '' ? [] : names.split(' '),
  }));
}

function newFile(folder: string): File {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let tries = 1; ; tries++) {
    const path = join(folder, randomBytes(8).toString('hex') + SUFFIX);
    // For this user alone: SQLite gives what it makes beside it the same mode.
    closeSync(openSync(path, 'wx', 0o600));
    const file = openFile(path);
    // Before it was locked another process may have taken it for one that was left, and removed it.
    if (file && statSync(path, { throwIfNoEntry: false })) return file;
    file?.database.close();
    if (tries === MOST_TRIES) throw new Error(`no file of its own can be had in ${folder}`);
  }
}

/** What was left in a file cannot be had, now or ever. */
class Unreadable extends Error {
  readonly isDamaged: boolean;

  constructor(path: string, error: Error) {
    const code = codeOf(error);
    const isDamaged = code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
    const fate = isDamaged ? 'are damaged and put aside' : 'cannot be read now';
    super(`decisions that wait in ${path} ${fate}: ${error.message}`);
    this.isDamaged = isDamaged;
  }
}

function reading<Read>(path: string, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    throw new Unreadable(path, error as Error);
  }
}

/** With what is beside it, so that whoever mends it has all of it. */
function putAside(path: string): void {
  for (const beside of ['', ...BESIDE]) {
    try {
      renameSync(path + beside, path + DAMAGED + beside);
    } catch {
      // It has none.
    }
  }
}

/** Null where another process has it. */
function openFile(path: string): File | null {
  const database = new DatabaseSync(path);
  try {
    database.exec(PRAGMAS);
    database.exec(`BEGIN EXCLUSIVE; ${TABLE} COMMIT;`);
    return {
      path,
      database,
      put: database.prepare(PUT),
      remove: database.prepare('DELETE FROM waiting WHERE id = ?'),
    };
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/** Removes it where nothing is in it; gives how many decisions are. */
function closeFile({ path, database }: File): number {
  let left = 1;
  try {
    left = (database.prepare('SELECT count(*) AS count FROM waiting').get() as { count: number }).count;
    if (left === 0) rmSync(path, { force: true });
  } catch {
    // Whoever finds it next sees what is left.
  }
  try {
    database.close();
    if (left === 0) for (const beside of BESIDE) rmSync(path + beside, { force: true });
  } catch {
    // As above.
  }
  return left;
}

const filesIn = (folder: string): string[] => {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
    return names.map((name) => join(folder, name));
  } catch {
    // Not there yet.
    return [];
  }
};

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) % 256;
const isBusy = (error: unknown): boolean => codeOf(error) === SQLITE_BUSY;
