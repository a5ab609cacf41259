/** Brings databases to the schema of this release. */
import { onlyValue, type Sql } from './sql.ts';

/** Why a database cannot be used. `foreign`: it is somebody else's. `newer`: a later release has written it. */
export class WrongSchema extends Error {
  readonly reason: 'foreign' | 'newer';

  constructor(reason: 'foreign' | 'newer') {
    super(reason === 'newer' ? 'it was written by a newer release of Conduit' : 'it is a database of something else');
    this.reason = reason;
  }
}

/**
 * Brings a database, which may be empty, to the schema that these steps make, each of them at once or not at all. Steps are only
 * ever appended. Throws `WrongSchema`.
 */
export function migrate(sql: Sql, steps: readonly string[]): void {
  const isThere = (name: string): boolean =>
    onlyValue(sql.prepare("select 1 from sqlite_master where type = 'table' and name = ?").rows(name)) !== null;
  if (!isThere('schema_version')) {
    // SQLite's own, and those that a Durable Object's platform has there, begin like this.
    const other =
      "select 1 from sqlite_master where type = 'table' and name not like 'sqlite%' and substr(name, 1, 1) <> '_'";
    if (onlyValue(sql.prepare(other).rows()) !== null) throw new WrongSchema('foreign');
    sql.exec('create table schema_version (version integer not null)');
  }
  // Without a row while no step has been done.
  const version = Number(onlyValue(sql.prepare('select max(version) from schema_version').rows()));
  if (version > steps.length) throw new WrongSchema('newer');
  for (let step = version; step < steps.length; step++) {
    sql.transaction(() => {
      sql.exec(steps[step] as string);
      sql.prepare('insert into schema_version values (?)').run(step + 1);
    });
  }
}
