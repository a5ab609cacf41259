/** One log with its decisions and the snapshots of its fold, as tables: what a Durable Object keeps of a router. */
import { firstIdAt } from '../decision-record.ts';
import { migrate } from '../migrations.ts';
import { type Gap, LOG_START, type Snapshot } from '../ports.ts';
import { bytesIn, onlyValue, type Sql } from '../sql.ts';
import type { FoundBytes, PackedDecision, PackedKept, PackedSlice } from './verbs.ts';

/** The verbs of the log's object, without waiting. */
export interface LogTables {
  /** False, and nothing is kept, where it is there already. */
  remember(kept: PackedKept): boolean;
  revise(decision: PackedDecision): 'written' | 'changed';
  /** Keeps one that is not there, and appends nothing; of one that is there the names that nobody has. */
  revive(kept: PackedKept): void;
  recall(decisionId: string): Uint8Array | null;
  lookUp(names: readonly string[]): FoundBytes | null;
  readSince(cursor: string, limit: number): PackedSlice;
  readKept(cursor: string, limit: number): PackedSlice;
  readSnapshots(): Snapshot[];
  putSnapshot(snapshot: Snapshot): boolean;
  dropSnapshots(): void;
  /** Begins a log of another name with what this one has, and with this snapshot as the only one. */
  restart(snapshot: Snapshot): void;
  /** Where the log ends now. */
  end(): string;
  /** Of no other object. */
  readonly feed: string;
  /** Tells that everything up to this cursor is kept elsewhere, too. */
  putDrained(cursor: string): void;
  /**
   * Forgets those made before this time, the oldest first; gives how many. `undrained`: also those that are nowhere else; else it
   * ends with the first of them.
   */
  forget(before: number, limit: number, undrained: boolean): number;
  /** Whether something was forgotten that came to be here. */
  hasForgotten(): boolean;
  /** The id of the oldest decision; null where there is none. */
  oldest(): string | null;
  fact<Name extends keyof Facts>(name: Name): Facts[Name] | null;
  putFact<Name extends keyof Facts>(name: Name, value: Facts[Name]): void;
}

/** What the object was told or has done, and goes by when nobody asks. Times are milliseconds since 1970. */
export interface Facts {
  /** The log's. */
  name: string;
  retention_ms: number;
  half_life_ms: number;
  /** Whether a durable store is to have what is in the log. */
  is_drained: 0 | 1;
  /** The place up to which it has it. */
  drained: number;
  /** Whether it failed when it was last given something. */
  sink_fails: 0 | 1;
  /** When it was asked what it knows of the router, and when it has told. */
  recovery_tried_at: number;
  recovered_at: number;
  /** Decisions that it has and its latest snapshot has not. */
  unsnapped: number;
  snap_tried_at: number;
  snapped_at: number;
  sink_forgot_at: number;
}

/**
 * Every version of a decision has a row in the log, until the decision is forgotten: so the log can be folded anew from its
 * start at any time. `before` is the place of the version before; places below 1 are those of decisions that were taken back.
 * A remembered decision is two rows and one for each of its names: rows are what a write costs.
 */
const TABLES = `
create table facts (name text primary key, value) without rowid;
insert into facts values ('epoch', lower(hex(randomblob(6)))), ('forgotten', 0);

create table log (place integer primary key, before integer, decision blob not null, evidence blob);

create table decisions (id text primary key, version integer not null, place integer not null, names text not null) without rowid;

create table names (name text primary key, id text not null) without rowid;

create table snapshots (place integer, part integer, bytes blob not null, primary key (place, part));
`;
/** Where several logs of a name are kept together, this is whose it is: it stays when the log begins anew. */
const FEED = `insert into facts values ('feed', lower(hex(randomblob(8))));`;
const STEPS: readonly string[] = [TABLES, FEED];

/** A value, and a row, may have two million bytes there. */
const PART_BYTES = 1_000_000;

type PlaceRow = [version: number, place: number, names: string];

/** Creates what is missing. Throws `WrongSchema` where it is not this release's to use. */
export function openLogTables(sql: Sql): LogTables {
  migrate(sql, STEPS);
  const selectFact = sql.prepare('select value from facts where name = ?');
  const putFact = sql.prepare('insert or replace into facts values (?, ?)');
  const append = sql.prepare('insert into log values (?, ?, ?, ?)');
  const insertDecision = sql.prepare('insert into decisions values (?, ?, ?, ?)');
  const selectPlace = sql.prepare('select version, place, names from decisions where id = ?');
  const updateDecision = sql.prepare('update decisions set version = ?, place = ? where id = ?');
  const updateNames = sql.prepare('update decisions set names = ? where id = ?');
  const putName = sql.prepare('insert or replace into names values (?, ?)');
  const insertName = sql.prepare('insert into names values (?, ?) on conflict (name) do nothing');
  const selectDecision = sql.prepare(
    'select l.decision from decisions d join log l on l.place = d.place where d.id = ?',
  );
  const selectNamed = sql.prepare(
    `select l.decision from names n join decisions d on d.id = n.id join log l on l.place = d.place where n.name = ?`,
  );
  const selectEvidence = sql.prepare('select place, evidence from log where place > ? order by place limit ?');
  const selectKept = sql.prepare('select place, decision from log where place > ? order by place limit ?');
  const selectSnapshots = sql.prepare(
    'select place, bytes from snapshots where place in (select distinct place from snapshots order by place desc limit 2) order by place desc, part',
  );
  const selectLatest = sql.prepare('select max(place) from snapshots');
  const insertPart = sql.prepare('insert into snapshots values (?, ?, ?)');
  const removeSnapshot = sql.prepare('delete from snapshots where place = ?');
  const removeOldSnapshots = sql.prepare(
    'delete from snapshots where place not in (select distinct place from snapshots order by place desc limit 2)',
  );
  const removeSnapshots = sql.prepare('delete from snapshots');
  const selectBefore = sql.prepare('select id, place, names from decisions where id < ? order by id limit ?');
  const selectOldest = sql.prepare('select min(id) from decisions');
  const selectVersionBefore = sql.prepare('select before from log where place = ?');
  const removeEntry = sql.prepare('delete from log where place = ?');
  const removeDecision = sql.prepare('delete from decisions where id = ?');
  const removeName = sql.prepare('delete from names where name = ? and id = ?');

  let epoch = onlyValue(selectFact.rows('epoch')) as string;
  /** Behind the last place of all that was forgotten, nothing is missing. */
  let forgotten = Number(onlyValue(selectFact.rows('forgotten')));
  const [first, last] = sql.prepare('select min(place), max(place) from log').rows()[0] as [
    number | null,
    number | null,
  ];
  let lastPlace = Math.max(last ?? 0, forgotten, Number(onlyValue(selectLatest.rows())));
  /** Of decisions that were taken back. */
  let lowestPlace = Math.min(first ?? 1, 1);

  const cursorAt = (place: number): string => `${epoch}-${place}`;
  /** Null where the cursor is of another log, or of one that went further than this one. */
  const placeIn = (cursor: string): number | null => {
    if (cursor === LOG_START) return 0;
    if (!cursor.startsWith(`${epoch}-`)) return null;
    const place = Number(cursor.slice(epoch.length + 1));
    return place <= lastPlace ? place : null;
  };
  const placed = (id: string): PlaceRow | null => (selectPlace.rows(id)[0] as PlaceRow | undefined) ?? null;

  const gapAt = (place: number | null): Gap | null => {
    if (place === null) return 'other';
    return place < forgotten ? 'trimmed' : null;
  };
  const sliceOf = (
    cursor: string,
    entries: Uint8Array[],
    place: number | null,
    to: number | undefined,
  ): PackedSlice => ({
    entries,
    cursor: to === undefined && place !== null ? cursor : cursorAt(to ?? 0),
    gap: gapAt(place),
    isEnd: to === undefined || to >= lastPlace,
  });

  const replaceSnapshot = (place: number, bytes: Uint8Array): void => {
    removeSnapshot.run(place);
    for (let part = 0, at = 0; at === 0 || at < bytes.length; part++, at += PART_BYTES) {
      insertPart.run(place, part, bytes.slice(at, at + PART_BYTES));
    }
  };

  /** All versions of a decision, and what finds it. Gives the last place. */
  const forgetOne = (id: string, place: number, names: string): void => {
    for (const name of JSON.parse(names)) removeName.run(name, id);
    for (let at: number | null = place; at !== null; ) {
      const before = onlyValue(selectVersionBefore.rows(at)) as number | null;
      removeEntry.run(at);
      at = before;
    }
    removeDecision.run(id);
  };

  return {
    remember({ id, version, names, decision, evidence }) {
      return sql.transaction(() => {
        if (placed(id)) return false;
        append.run(lastPlace + 1, null, decision, evidence);
        insertDecision.run(id, version, lastPlace + 1, JSON.stringify(names));
        for (const name of names) putName.run(name, id);
        lastPlace++;
        return true;
      });
    },

    revise({ id, version, decision, evidence }) {
      return sql.transaction(() => {
        const there = placed(id);
        if (there?.[0] !== version - 1) return 'changed';
        append.run(lastPlace + 1, there[1], decision, evidence);
        updateDecision.run(version, lastPlace + 1, id);
        lastPlace++;
        return 'written';
      });
    },

    revive({ id, version, names, decision }) {
      sql.transaction(() => {
        const there = placed(id);
        const all = new Set<string>([...(there ? JSON.parse(there[2]) : []), ...names]);
        if (there) updateNames.run(JSON.stringify([...all]), id);
        else {
          append.run(lowestPlace - 1, null, decision, null);
          insertDecision.run(id, version, lowestPlace - 1, JSON.stringify([...all]));
          lowestPlace--;
        }
        for (const name of names) insertName.run(name, id);
      });
    },

    recall(decisionId) {
      const [row] = selectDecision.rows(decisionId);
      return row ? bytesIn(row[0]) : null;
    },

    lookUp(names) {
      for (const name of names) {
        const [row] = selectNamed.rows(name);
        if (row) return { name, decision: bytesIn(row[0]) };
      }
      return null;
    },

    readSince(cursor, limit) {
      const place = placeIn(cursor);
      const rows = selectEvidence.rows(place ?? 0, limit);
      const entries = rows.filter(([, evidence]) => evidence !== null).map(([, evidence]) => bytesIn(evidence));
      return sliceOf(cursor, entries, place, rows.at(-1)?.[0] as number | undefined);
    },

    readKept(cursor, limit) {
      const place = placeIn(cursor);
      const rows = selectKept.rows(place ?? 0, limit);
      const kept = rows.map(([, decision]) => bytesIn(decision));
      return sliceOf(cursor, kept, place, rows.at(-1)?.[0] as number | undefined);
    },

    readSnapshots() {
      const parts = new Map<number, Uint8Array[]>();
      for (const [place, bytes] of selectSnapshots.rows() as [number, Uint8Array | ArrayBuffer][]) {
        parts.set(place, [...(parts.get(place) ?? []), bytesIn(bytes)]);
      }
      return [...parts].map(([place, all]) => ({ cursor: cursorAt(place), bytes: joined(all) }));
    },

    putSnapshot({ cursor, bytes }) {
      return sql.transaction(() => {
        const place = placeIn(cursor);
        const latest = onlyValue(selectLatest.rows()) as number | null;
        if (place === null || (latest !== null && latest > place)) return false;
        replaceSnapshot(place, bytes);
        removeOldSnapshots.run();
        return true;
      });
    },

    dropSnapshots: () => void removeSnapshots.run(),

    restart({ cursor, bytes }) {
      sql.transaction(() => {
        const place = placeIn(cursor) ?? 0;
        const next = onlyValue(sql.prepare('select lower(hex(randomblob(6)))').rows()) as string;
        putFact.run('epoch', next);
        removeSnapshots.run();
        replaceSnapshot(place, bytes);
        epoch = next;
      });
    },

    end: () => cursorAt(lastPlace),
    feed: onlyValue(selectFact.rows('feed')) as string,

    putDrained(cursor) {
      const place = placeIn(cursor);
      if (place !== null) putFact.run('drained', place);
    },

    hasForgotten: () => forgotten > 0,

    forget(before, limit, undrained) {
      return sql.transaction(() => {
        const all = selectBefore.rows(firstIdAt(before), limit) as [string, number, string][];
        const drained = undrained ? Number.POSITIVE_INFINITY : Number(onlyValue(selectFact.rows('drained')));
        const held = all.findIndex(([, place]) => place > drained);
        const rows = held < 0 ? all : all.slice(0, held);
        for (const row of rows) forgetOne(...row);
        const furthest = rows.reduce((most, [, place]) => Math.max(most, place), forgotten);
        if (furthest !== forgotten) putFact.run('forgotten', furthest);
        forgotten = furthest;
        return rows.length;
      });
    },

    oldest: () => onlyValue(selectOldest.rows()) as string | null,

    fact: <Name extends keyof Facts>(name: Name) => onlyValue(selectFact.rows(name)) as Facts[Name] | null,
    putFact: (name, value) => void putFact.run(name, value),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
