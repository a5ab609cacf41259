/** The little that is asked of a database, so that SQLite in a file and SQLite in a Durable Object can both be it. */

/** A Durable Object gives bytes as an `ArrayBuffer`. */
export type SqlValue = string | number | null | Uint8Array | ArrayBuffer;
/** The values of its columns, in order: by name each row would be an object that is slow to make and slow to read. */
export type SqlRow = SqlValue[];

export interface Statement {
  /** Whether it changed anything. */
  run(...values: SqlValue[]): boolean;
  /** All of them at once: whoever may get many sets a limit. */
  rows(...values: SqlValue[]): SqlRow[];
}

export interface Sql {
  /** Runs any number of statements. */
  exec(script: string): void;
  /** Of one statement, which may be run any number of times. */
  prepare(text: string): Statement;
  /** All of it or, where it throws, nothing. */
  transaction<Result>(work: () => Result): Result;
}

/** The only column of the first row; null where there is none. */
export const onlyValue = (rows: SqlRow[]): SqlValue => rows[0]?.[0] ?? null;

export const bytesIn = (value: SqlValue | undefined): Uint8Array =>
  value instanceof ArrayBuffer ? new Uint8Array(value) : (value as Uint8Array);
