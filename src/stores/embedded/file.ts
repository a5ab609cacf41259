/** The folder of the embedded store: its database, and a lock that lasts as long as the process. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { WrongSchema } from '../migrations.ts';
import type { Sql, SqlRow, SqlValue, Statement } from '../sql.ts';
import { isBusy, type OpenFailure, reasonOf } from './failures.ts';

export interface OpenFile {
  sql: Sql;
  /** Gives pages that a good deal of the file no longer needs back to the file system, some at a time. */
  shrink(): void;
  close(): void;
}

export class OpenFailed extends Error {
  readonly failure: OpenFailure;

  constructor(failure: OpenFailure) {
    super(failure.kind);
    this.failure = failure;
  }
}

const DATABASE = 'conduit.sqlite';
/** Pages that are given back at once. */
const SHRUNK_AT_ONCE = 250;

/**
 * With NORMAL each transaction is in the file's journal when it ends, and the journal on the disk when it is folded into the
 * file: what dies with the process alone loses nothing, a power failure the last seconds. Pages hold about six decisions each,
 * and what a batch touches is held until it ends, whatever `cache_size` (in kB, where negative) says. Freed pages are used
 * again before the file grows.
 */
const SETTINGS = `
pragma page_size = 8192;
pragma auto_vacuum = incremental;
pragma journal_mode = wal;
pragma synchronous = normal;
pragma wal_autocheckpoint = 500;
pragma journal_size_limit = 8388608;
pragma cache_size = -2000;
pragma cache_spill = off;
pragma temp_store = memory;
`;

/** Throws `OpenFailed`. The schema is whoever's who calls. */
export function openFile(folder: string, pid: number): OpenFile {
  const pidFile = join(folder, 'pid');
  let lock: DatabaseSync | undefined;
  let database: DatabaseSync | undefined;
  const close = (): void => {
    database?.close();
    // Before the lock goes: it may be another's right after.
    if (lock) rmSync(pidFile, { force: true });
    lock?.close();
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const held = takeLock(folder, pidFile);
    lock = held;
    writeFileSync(pidFile, `${pid}\n`, { mode: 0o600 });
    const file = openPrivately(join(folder, DATABASE));
    database = file;
    file.exec(SETTINGS);
    const pages = (which: 'freelist_count' | 'page_count'): number =>
      Number(file.prepare(`pragma ${which}`).get()?.[which]);
    return {
      sql: sqlOf(file),
      shrink() {
        if (pages('freelist_count') > pages('page_count') / 4)
          file.exec(`pragma incremental_vacuum(${SHRUNK_AT_ONCE})`);
      },
      close,
    };
  } catch (error) {
    close();
    throw error instanceof OpenFailed ? error : new OpenFailed(failureOf(error));
  }
}

/** What a reader waits for a gateway that is just being started, which has the database to itself for a moment. */
const READER_WAITS_MS = 5_000;

/**
 * The database alone, beside whoever has the folder: a reader takes no lock that a writer would wait for, and SQLite refuses
 * whatever would change something. Null where there is no database yet. Throws what SQLite throws.
 */
export function openToRead(folder: string): { sql: Sql; close(): void } | null {
  const path = join(folder, DATABASE);
  if (!statSync(path, { throwIfNoEntry: false })) return null;
  const file = new DatabaseSync(path, { readOnly: true, timeout: READER_WAITS_MS });
  return { sql: sqlOf(file), close: () => file.close() };
}

/** Rethrows what is a bug. */
export function failureOf(error: unknown): OpenFailure {
  const reason = error instanceof WrongSchema ? error.reason : reasonOf(error);
  if (reason === null) throw error;
  return { kind: 'unusable', reason, detail: (error as Error).message };
}

/**
 * The lock is SQLite's on a file of its own, which is never written to: the operating system lets go of it however the process
 * ends, and the database stays open to whoever wants to read in it.
 */
function takeLock(folder: string, pidFile: string): DatabaseSync {
  const lock = openPrivately(join(folder, 'lock'));
  try {
    lock.exec('begin exclusive');
    return lock;
  } catch (error) {
    lock.close();
    throw isBusy(error) ? new OpenFailed({ kind: 'in use', pid: pidIn(pidFile) }) : error;
  }
}

function pidIn(pidFile: string): number | null {
  try {
    return Number(readFileSync(pidFile, 'utf8')) || null;
  } catch {
    return null;
  }
}

/**
 * SQLite gives its journal the database's own mode. A file that is there is not opened but by SQLite: closing it would end every
 * lock that this process has on it.
 */
function openPrivately(path: string): DatabaseSync {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return new DatabaseSync(path, { timeout: 0 });
}

function sqlOf(database: DatabaseSync): Sql {
  const begin = database.prepare('begin immediate');
  const commit = database.prepare('commit');
  const rollback = database.prepare('rollback');
  return {
    exec: (script) => database.exec(script),
    prepare: (text) => statementOf(database.prepare(text)),
    transaction(work) {
      begin.run();
      try {
        const result = work();
        commit.run();
        return result;
      } catch (error) {
        // SQLite itself has ended it where, say, the disk is full.
        if (database.isTransaction) rollback.run();
        throw error;
      }
    },
  };
}

function statementOf(statement: StatementSync): Statement {
  statement.setReturnArrays(true);
  // Typed by hand: not all releases of the types know of arrays.
  return {
    run: (...values) => statement.run(...(values as Exclude<SqlValue, ArrayBuffer>[])).changes !== 0,
    rows: (...values) => statement.all(...(values as Exclude<SqlValue, ArrayBuffer>[])) as unknown as SqlRow[],
  };
}
