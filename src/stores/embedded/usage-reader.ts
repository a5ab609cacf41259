/** What was used by calls, added up in the database: a month may have a million of them. */
import type { Usage } from '../ports.ts';
import { onlyValue, type Sql, type SqlRow } from '../sql.ts';

/** Calls that are added up in one transaction, which takes some 40 ms of a processor. */
const CALLS_AT_ONCE = 10_000;

/** Comes behind every id. */
const BEYOND_ALL = '~';

/** Ids begin with their time, so that parts of them are parts of time. */
const SELECT = `
select created_at / 86400000, key, model, count(*), total(prompt_tokens), total(completion_tokens), total(cached_tokens),
  total(cost_usd), total(estimated), min(created_at), max(created_at)
from usage_by_key where decision_id >= ? and decision_id < ?
group by 1, 2, 3 order by 1, 2, 3`;

/** Of the first calls with this id or a later one, and the id to go on from; null at the end. */
export function createUsageReader(sql: Sql): (from: string) => { parts: Usage[]; next: string | null } {
  const selectNext = sql.prepare(
    'select decision_id from routing_decisions where decision_id >= ? order by decision_id limit 1 offset ?',
  );
  const select = sql.prepare(SELECT);
  return (from) => {
    const next = onlyValue(selectNext.rows(from, CALLS_AT_ONCE)) as string | null;
    return { parts: select.rows(from, next ?? BEYOND_ALL).map(usageIn), next };
  };
}

function usageIn(row: SqlRow): Usage {
  const [day, key, model, calls, promptTokens, completionTokens, cachedTokens, costUsd, estimated, first, last] =
    row as [number, string | null, string | null, ...number[]];
  return {
    day,
    key,
    model,
    calls,
    promptTokens,
    completionTokens,
    cachedTokens,
    costUsd,
    estimated,
    first,
    last,
  } as Usage;
}
