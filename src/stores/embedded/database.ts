/** What the durable store does, as transactions on any SQLite. */
import { migrate } from '../migrations.ts';
import type { Batch, Counted, Ingested, Kept, Snapshot } from '../ports.ts';
import { bytesIn, onlyValue, type Sql } from '../sql.ts';
import { createCostTable, type Spent } from './cost-table.ts';
import { createDecisionTables } from './decision-tables.ts';
import { createLogReader, type LogReader } from './log-reader.ts';
import { createNameTable } from './name-table.ts';
import { STEPS } from './schema.ts';

/** The verbs of `DurableStore`, without waiting. */
export interface Database extends Pick<LogReader, 'recall' | 'readKept' | 'logs'> {
  /** Of its own: tells it from every other database. */
  id: string;
  cursorOf(log: string, feed?: string): string | null;
  ingest(batch: Omit<Batch, 'kept'> & { kept: Iterable<Kept> }): Ingested;
  /** The latest decisions of all logs before that of this id, the latest first, with their names. */
  readLatest(limit: number, before: string | null): Kept[];
  readSnapshots(router: string): Snapshot[];
  putSnapshot(router: string, snapshot: Snapshot): boolean;
  dropSnapshots(router: string): void;
  forget(before: number): number;
  spentSince(time: number): Spent[];
}

/** Decisions that are forgotten at once, so that nobody waits for long meanwhile. */
const FORGOTTEN_AT_ONCE = 1_000;
/**
 * Places that are left out in the log whenever the database is opened. After a power failure its last seconds may be gone
 * while somebody still has a cursor into them: what comes then must not lie before that cursor.
 */
const LEFT_OUT = 1_000_000;

/** Comes behind every id. */
const BEYOND_ALL = '~';

/** Creates what is missing. Throws `WrongSchema` where it is not this release's to use. */
export function openDatabase(sql: Sql): Database {
  migrate(sql, STEPS);
  const updateSeq = sql.prepare('update store_identity set seq = ?');
  const selectCursor = sql.prepare('select cursor from log_cursors where log = ?');
  const putCursor = sql.prepare('insert or replace into log_cursors values (?, ?)');
  const selectSnapshots = sql.prepare('select seq, bytes from model_states where router = ? order by seq desc limit 2');
  const selectLatest = sql.prepare('select max(seq) from model_states where router = ?');
  const putState = sql.prepare('insert or replace into model_states (router, seq, bytes) values (?, ?, ?)');
  const removeStates = sql.prepare(
    'delete from model_states where router = ? and seq not in (select seq from model_states where router = ? order by seq desc limit 2)',
  );
  const dropStates = sql.prepare('delete from model_states where router = ?');
  const decisions = createDecisionTables(sql);
  const names = createNameTable(sql);
  const costs = createCostTable(sql);

  const [id, seqBefore] = sql.prepare('select id, seq from store_identity').rows()[0] as [string, number];
  /** The last place of the log. It is written down where no decision that is kept tells it: nobody else writes here. */
  let lastSeq = Math.max(seqBefore, decisions.maxSeq()) + LEFT_OUT;
  updateSeq.run(lastSeq);

  const reader = createLogReader(sql, id, () => lastSeq);
  const { cursorAt, seqOf, endOf } = reader;
  const cursorOf = (log: string, feed = ''): string | null => onlyValue(selectCursor.rows(feed + log)) as string | null;

  return {
    id,
    cursorOf,

    ingest({ log, feed = '', after, cursor, kept }) {
      let seq = lastSeq;
      // Of a batch that failed.
      costs.forget();
      const ingested = sql.transaction((): Ingested => {
        const current = cursorOf(log, feed);
        if (current !== after) return { outcome: 'moved', cursor: current };
        const before = endOf(log);
        const counted: (Counted | 'all')[] = [];
        for (const { decision, names: given } of kept) {
          const there = decisions.put(decision, seq + 1);
          counted.push(there);
          if (there === 'all') continue;
          seq++;
          names.give(decision.id, given);
          if (there === 'nothing') costs.count(decision);
        }
        costs.write();
        names.dropOld();
        putCursor.run(feed + log, cursor);
        return { outcome: 'ingested', before, at: endOf(log), counted };
      });
      lastSeq = seq;
      return ingested;
    },

    recall: reader.recall,

    readLatest: (limit, before) => reader.readLatest(before ?? BEYOND_ALL, limit),

    readKept: reader.readKept,

    readSnapshots(router) {
      return selectSnapshots
        .rows(router)
        .map(([seq, bytes]) => ({ cursor: cursorAt(seq as number), bytes: bytesIn(bytes) }));
    },

    putSnapshot(router, { cursor, bytes }) {
      return sql.transaction(() => {
        const seq = seqOf(cursor);
        const latest = onlyValue(selectLatest.rows(router)) as number | null;
        if (seq === null || (latest !== null && latest > seq)) return false;
        putState.run(router, seq, bytes);
        removeStates.run(router, router);
        return true;
      });
    },

    dropSnapshots: (router) => void dropStates.run(router),

    logs: reader.logs,

    forget(before) {
      return sql.transaction(() => {
        updateSeq.run(lastSeq);
        return decisions.forget(before, FORGOTTEN_AT_ONCE);
      });
    },

    spentSince: costs.since,
  };
}
