/** The names under which decisions are found again, for as long as anybody comes back to them. */
import type { DecisionRecord } from '../decision-record.ts';
import { firstOf, type Sql } from './sql.ts';

export interface NameTable {
  /** `move`: also those that another decision has. */
  give(names: readonly string[], decision: DecisionRecord, move: boolean): void;
  find(name: string): string | null;
  /** Drops names of decisions made before this time, so many at most. */
  drop(before: number, limit: number): void;
  /** Drops twice as many of those that are too old as were given since, so that they never pile up. */
  dropOld(): void;
}

/** As long as feedback on a decision is taken, and an hour for clocks that differ. */
const KEPT_MS = 25 * 3_600_000;

export function createNameTable(sql: Sql): NameTable {
  const put = sql.prepare('insert or replace into decision_names values (?, ?, ?)');
  const add = sql.prepare('insert or ignore into decision_names values (?, ?, ?)');
  const select = sql.prepare('select decision_id from decision_names where name = ?');
  const remove = sql.prepare(
    'delete from decision_names where name in (select name from decision_names where created_at < ? order by created_at limit ?)',
  );
  let given = 0;
  let newest = 0;

  const drop = (before: number, limit: number): void => {
    remove.run(before, limit);
  };

  return {
    give(names, { id, created }, move) {
      for (const name of names) (move ? put : add).run(name, id, created);
      given += names.length;
      newest = Math.max(newest, created);
    },
    find(name) {
      return (firstOf(select.rows(name))?.decision_id ?? null) as string | null;
    },
    drop,
    dropOld() {
      if (given > 0) drop(newest - KEPT_MS, 2 * given);
      given = 0;
    },
  };
}
