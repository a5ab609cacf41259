/** What answers have cost on each day: a budget is asked for at a start, and a day may have a million of them. */
import type { DecisionRecord } from '../decision-record.ts';
import type { Sql } from './sql.ts';

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

/** What a router's answers to a key have cost. */
export interface Spent {
  router: string | null;
  key: string | null;
  usd: number;
}

const DAY_MS = 86_400_000;
const dayOf = (time: number): number => Math.floor(time / DAY_MS);

export function createCostTable(sql: Sql): CostTable {
  const add = sql.prepare(
    'insert into costs_by_day values (?, ?, ?, ?) on conflict (day, router, key) do update set usd = usd + excluded.usd',
  );
  const select = sql.prepare('select router, key, sum(usd) from costs_by_day where day >= ? group by router, key');
  const counted = new Map<string, [day: number, router: string, key: string, usd: number]>();
  return {
    count({ created, router, key, outcome }) {
      if (!outcome || !(outcome.costUsd > 0)) return;
      const row: [number, string, string, number] = [dayOf(created), textOf(router), textOf(key), outcome.costUsd];
      const name = row.slice(0, 3).join('\n');
      const known = counted.get(name);
      if (known) known[3] += row[3];
      else counted.set(name, row);
    },
    write() {
      for (const row of counted.values()) add.run(...row);
      counted.clear();
    },
    forget: () => counted.clear(),
    since: (time) =>
      select
        .rows(dayOf(time))
        .map(([router, key, usd]) => ({ router: nameOf(router), key: nameOf(key), usd: usd as number })),
  };
}

/** A primary key holds no null, and no router and no key has an empty name. */
const textOf = (name: string | null): string => name ?? '';
const nameOf = (text: unknown): string | null => (text === '' ? null : (text as string));
