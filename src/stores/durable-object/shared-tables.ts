/** Counters, who rests, leases and the secret, as tables: what all isolates share whatever the router. */
import { migrate } from '../migrations.ts';
import type { Addition, SharedHealth } from '../ports.ts';
import { onlyValue, type Sql } from '../sql.ts';

/** The verbs of the shared object, without waiting. Times are milliseconds since 1970. */
export interface SharedTables {
  add(counter: string, amount: number, ttlMs: number, now: number): number;
  addAll(additions: readonly Addition[], now: number): number[];
  putHealth(name: string, health: SharedHealth, ttlMs: number, now: number): void;
  readHealth(now: number): Map<string, SharedHealth>;
  lease(name: string, holder: string, ttlMs: number, now: number): boolean;
  secret(proposed: string): string;
}

/** `until` is when a row's time is over. */
const TABLES = `
create table counters (name text primary key, value real not null, until integer not null) without rowid;

create table health (
  name text primary key,
  known_at integer not null,
  rests_until integer not null,
  reason text not null,
  strikes integer not null,
  until integer not null
) without rowid;

create table leases (name text primary key, holder text not null, until integer not null) without rowid;
`;
const SECRET = 'create table secrets (id integer primary key check (id = 1), secret text not null)';
const STEPS: readonly string[] = [TABLES, SECRET];

/** Counters that are made before those whose time is over are looked for: limits make one a minute for each key. */
const SWEPT_AFTER = 500;

type HealthRow = [name: string, at: number, until: number, reason: SharedHealth['reason'], strikes: number];

/** Creates what is missing. Throws `WrongSchema` where it is not this release's to use. */
export function openSharedTables(sql: Sql): SharedTables {
  migrate(sql, STEPS);
  const addTo = sql.prepare('update counters set value = value + ?1 where name = ?2 and until > ?3 returning value');
  const putCounter = sql.prepare('insert or replace into counters values (?, ?, ?)');
  const removeCounters = sql.prepare('delete from counters where until <= ?');
  const putHealth = sql.prepare(
    `insert into health values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (name) do update set known_at = ?2, rests_until = ?3,
    reason = ?4, strikes = ?5, until = ?6 where until <= ?7 or known_at < ?2`,
  );
  const removeHealth = sql.prepare('delete from health where until <= ?');
  const selectHealth = sql.prepare('select name, known_at, rests_until, reason, strikes from health');
  const takeLease = sql.prepare(
    `insert into leases values (?1, ?2, ?3) on conflict (name) do update set holder = ?2, until = ?3
    where holder = ?2 or until <= ?4 returning 1`,
  );
  const keepSecret = sql.prepare('insert or ignore into secrets values (1, ?)');
  const selectSecret = sql.prepare('select secret from secrets');
  /** An object that has slept may have many. */
  let made = SWEPT_AFTER;

  const add: SharedTables['add'] = (counter, amount, ttlMs, now) => {
    const value = onlyValue(addTo.rows(amount, counter, now)) as number | null;
    if (value !== null) return value;
    putCounter.run(counter, amount, now + ttlMs);
    if (++made > SWEPT_AFTER) {
      removeCounters.run(now);
      made = 0;
    }
    return amount;
  };

  return {
    add,
    addAll: (additions, now) =>
      sql.transaction(() => additions.map(({ counter, amount, ttlMs }) => add(counter, amount, ttlMs, now))),

    putHealth(name, { at, until, reason, strikes }, ttlMs, now) {
      putHealth.run(name, at, until, reason, strikes, now + ttlMs, now);
    },

    readHealth(now) {
      removeHealth.run(now);
      const rows = selectHealth.rows() as HealthRow[];
      return new Map(rows.map(([name, at, until, reason, strikes]) => [name, { at, until, reason, strikes }]));
    },

    lease: (name, holder, ttlMs, now) => takeLease.rows(name, holder, now + ttlMs, now).length > 0,

    secret(proposed) {
      keepSecret.run(proposed);
      return onlyValue(selectSecret.rows()) as string;
    },
  };
}
