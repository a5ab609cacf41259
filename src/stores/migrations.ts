/** Brings databases to the schema of this release. */
import { onlyValue, type Sql } from './sql.ts';

const WORDS = {
  foreign: 'it is a database of something else',
  newer: 'it was written by a newer release of Conduit',
  older: 'it was written by an older release of Conduit',
};

/**
 * Why a database cannot be used. `foreign`: it is somebody else's. `newer`: a later release has written it. `older`: an earlier
 * one has, and whoever only reads cannot bring it up to date.
 */
export class WrongSchema extends Error {
  readonly reason: keyof typeof WORDS;

  constructor(reason: keyof typeof WORDS) {
    super(WORDS[reason]);
    this.reason = reason;
  }
}

/**
 * Brings a database, which may be empty, to the schema that these steps make, each of them at once or not at all. Steps are only
 * ever appended. Throws `WrongSchema`.
 */
export function migrate(sql: Sql, steps: readonly string[]): void {
  if (!hasVersion(sql)) {
    if (hasOtherTables(sql)) throw new WrongSchema('foreign');
    sql.exec('create table schema_version (version integer not null)');
  }
  const version = versionOf(sql);
  if (version > steps.length) throw new WrongSchema('newer');
  for (let step = version; step < steps.length; step++) {
    sql.transaction(() => {
      sql.exec(steps[step] as string);
      sql.prepare('insert into schema_version values (?)').run(step + 1);
    });
  }
}

/**
 * Whether the database has got the schema that these steps make: not where nothing has been made in it yet, as while a gateway is
 * just starting for the first time. Changes nothing. Throws `WrongSchema` where it has got another one.
 */
export function hasSchema(sql: Sql, steps: readonly string[]): boolean {
  if (!hasVersion(sql)) {
    if (hasOtherTables(sql)) throw new WrongSchema('foreign');
    return false;
  }
  const version = versionOf(sql);
  if (version !== 0 && version !== steps.length) throw new WrongSchema(version > steps.length ? 'newer' : 'older');
  return version !== 0;
}

const hasVersion = (sql: Sql): boolean =>
  onlyValue(sql.prepare("select 1 from sqlite_master where type = 'table' and name = 'schema_version'").rows()) !==
  null;

function hasOtherTables(sql: Sql): boolean {
  // SQLite's own, and those that a Durable Object's platform has there, begin like this.
  const other =
    "select 1 from sqlite_master where type = 'table' and name not like 'sqlite%' and substr(name, 1, 1) <> '_'";
  return onlyValue(sql.prepare(other).rows()) !== null;
}

/** There is no row while no step has been done. */
const versionOf = (sql: Sql): number =>
  Number(onlyValue(sql.prepare('select max(version) from schema_version').rows()));
