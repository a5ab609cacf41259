/** The little that is asked of a database, so that SQLite in a file and SQLite in a Durable Object can both be it. */

/** A Durable Object gives bytes as an `ArrayBuffer`. */
export type SqlValue = string | number | null | Uint8Array | ArrayBuffer;
export type SqlRow = Record<string, SqlValue>;

export interface Statement {
  run(...values: SqlValue[]): void;
  /** Row by row: other statements may run in between. */
  rows(...values: SqlValue[]): Iterable<SqlRow>;
}

export interface Sql {
  /** Runs any number of statements. */
  exec(script: string): void;
  /** Of one statement, which may be run any number of times. */
  prepare(text: string): Statement;
  /** All of it or, where it throws, nothing. */
  transaction<Result>(work: () => Result): Result;
}

/** The first row; null where there is none. */
export function firstOf(rows: Iterable<SqlRow>): SqlRow | null {
  for (const row of rows) return row;
  return null;
}

export const bytesIn = (value: SqlValue | undefined): Uint8Array =>
  value instanceof ArrayBuffer ? new Uint8Array(value) : (value as Uint8Array);
