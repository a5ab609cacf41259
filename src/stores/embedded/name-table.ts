/** The names of the latest decisions, as far as a memory that begins anew takes decisions back. */
import { onlyValue, type Sql } from '../sql.ts';

export interface NameTable {
  /** Where a decision has names already they stay: a change gives it no others. */
  give(decisionId: string, names: readonly string[]): void;
  /** Drops those of all but the latest decisions, now and then, so that they never pile up. */
  dropOld(): void;
}

/** A hot set is ten thousand decisions. */
const LATEST = 15_000;
/** So many are given before any are dropped: together, they cost next to nothing. */
const DROP_AFTER = 5_000;

export function createNameTable(sql: Sql): NameTable {
  const insert = sql.prepare('insert into decision_names values (?, ?) on conflict (decision_id) do nothing');
  const selectOldest = sql.prepare(
    `select decision_id from decision_names order by decision_id desc limit 1 offset ${LATEST - 1}`,
  );
  const remove = sql.prepare('delete from decision_names where decision_id < ?');
  let given = 0;

  return {
    give(decisionId, names) {
      if (names.length === 0) return;
      insert.run(decisionId, JSON.stringify(names));
      given++;
    },
    dropOld() {
      if (given < DROP_AFTER) return;
      given = 0;
      const oldest = onlyValue(selectOldest.rows());
      if (oldest !== null) remove.run(oldest);
    },
  };
}
