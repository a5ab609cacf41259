/** The store's own logs, as whoever writes in the database and whoever only reads in it see them. */
import { type Gap, LOG_START, PINNED_LOG, type ReadKept } from '../ports.ts';
import { onlyValue, type Sql } from '../sql.ts';
import { createDecisionReader, type DecisionReader } from './decision-reader.ts';
import { labelUpTo } from './past-labels.ts';

export interface LogReader extends DecisionReader {
  logs(): string[];
  /** Gives the decisions one by one, so that however many are asked for, one is in memory. */
  readKept(
    log: string,
    cursor: string,
    limit: number,
    origin: string,
    take: (kept: ReadKept) => void,
  ): { cursor: string; gap: Gap | null };
  cursorAt(seq: number): string;
  /** Null where the cursor is of another log, or of a later time than this database knows of. */
  seqOf(cursor: string): number | null;
  /** The cursor behind all that there is of a log. */
  endOf(log: string): string;
}

/** `id`: the database's own. `lastSeq`: the last place that may have been given away. */
export function createLogReader(sql: Sql, id: string, lastSeq: () => number): LogReader {
  const decisions = createDecisionReader(sql);
  const selectLast = sql.prepare('select max(seq) from routing_decisions where router is ?');
  const selectRouters = sql.prepare('select distinct router from routing_decisions order by router');
  const cursorAt = (seq: number): string => `${id}-${seq}`;
  const seqOf = (cursor: string): number | null => {
    if (cursor === LOG_START) return 0;
    if (!cursor.startsWith(`${id}-`)) return null;
    const seq = Number(cursor.slice(id.length + 1));
    return seq <= lastSeq() ? seq : null;
  };
  return {
    ...decisions,
    cursorAt,
    seqOf,

    endOf(log) {
      const seq = onlyValue(selectLast.rows(routerOf(log))) as number | null;
      return seq === null ? LOG_START : cursorAt(seq);
    },

    logs: () => selectRouters.rows().map(([router]) => (router as string | null) ?? PINNED_LOG),

    readKept(log, cursor, limit, origin, take) {
      const from = seqOf(cursor);
      let last = from ?? 0;
      const began = seqOf(origin) ?? 0;
      for (const { seq, firstSeq, pastLabels, decision } of decisions.readBehind(routerOf(log), last, limit)) {
        const counted = firstSeq > began ? 'nothing' : { label: labelUpTo(pastLabels, began) };
        take({ decision, names: [], counted });
        last = seq;
      }
      return { cursor: last === from ? cursor : cursorAt(last), gap: from === null ? 'other' : null };
    },
  };
}

const routerOf = (log: string): string | null => (log === PINNED_LOG ? null : log);
