/** What requests have cost on each day: a budget is asked for at a start, and a day may have a million of them. */
import { type DecisionRecord, wasServed } from '../decision-record.ts';
import type { Sql } from '../sql.ts';

export interface CostTable {
  /** Of a decision that is new. */
  count(decision: DecisionRecord): void;
  /** Writes what was counted since. */
  write(): void;
  /** Writes nothing of it. */
  forget(): void;
  /** Of the UTC day that this time is in, and of later ones. */
  since(time: number): Spent[];
}

/** What a router's requests to a key have cost on a day. */
export interface Spent {
  /** Counted from 1970, in UTC. */
  day: number;
  router: string | null;
  key: string | null;
  usd: number;
  requests: number;
  /** The parts of the day, in [0, 1), that were gone when they came, summed. */
  arrivals: number;
}

const DAY_MS = 86_400_000;
const dayOf = (time: number): number => Math.floor(time / DAY_MS);

type Row = [day: number, router: string, key: string, usd: number, requests: number, arrivals: number];

export function createCostTable(sql: Sql): CostTable {
  const add = sql.prepare(
    `insert into costs_by_day (day, router, key, usd, requests, arrivals) values (?, ?, ?, ?, ?, ?)
     on conflict (day, router, key) do update set usd = usd + excluded.usd, requests = requests + excluded.requests,
       arrivals = arrivals + excluded.arrivals`,
  );
  const select = sql.prepare(
    'select day, router, key, usd, requests, arrivals from costs_by_day where day >= ? order by day, router, key',
  );
  const counted = new Map<string, Row>();
  return {
    count({ created, router, key, outcome }) {
      if (!outcome || !wasServed(outcome)) return;
      const whose: [number, string, string] = [dayOf(created), textOf(router), textOf(key)];
      const name = whose.join('\n');
      const row: Row = counted.get(name) ?? [...whose, 0, 0, 0];
      counted.set(name, row);
      row[3] += outcome.costUsd;
      row[4] += 1;
      row[5] += (created % DAY_MS) / DAY_MS;
    },
    write() {
      for (const row of counted.values()) add.run(...row);
      counted.clear();
    },
    forget: () => counted.clear(),
    since: (time) =>
      select.rows(dayOf(time)).map(([day, router, key, usd, requests, arrivals]) => ({
        day: Number(day),
        router: nameOf(router),
        key: nameOf(key),
        usd: usd as number,
        requests: Number(requests),
        arrivals: arrivals as number,
      })),
  };
}

/** A primary key holds no null, and no router and no key has an empty name. */
const textOf = (name: string | null): string => name ?? '';
const nameOf = (text: unknown): string | null => (text === '' ? null : (text as string));
