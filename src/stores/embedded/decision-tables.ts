/** Decisions in their five tables: put there, read out of them, taken away. */
import type { DecisionRecord } from '../decision-record.ts';
import { type DecisionRows, decisionOf, type FeedbackRow, rowsOf } from '../durable/rows.ts';
import { firstOf, type Sql, type SqlRow, type SqlValue, type Statement } from './sql.ts';

export interface DecisionTables {
  /** Null where the decision is not known. `firstSeq`: its place in the log when it was new. */
  placeOf(decisionId: string): { version: number; firstSeq: number } | null;
  /** Where none of this id is. */
  insert(decision: DecisionRecord, seq: number, firstSeq: number): void;
  remove(decisionId: string): void;
  recall(decisionId: string): DecisionRecord | null;
  /** Of one router, in the order of the log. */
  readBehind(router: string | null, seq: number, limit: number): Iterable<Placed>;
  /** Of one router's decisions; null where there are none. */
  lastSeq(router: string | null): number | null;
  routers(): (string | null)[];
  /** USD that decisions from this time on have cost. */
  spentSince(time: number): Spent[];
  madeBefore(time: number, limit: number): string[];
}

/** What a router's answers to a key have cost. */
export interface Spent {
  router: string | null;
  key: string | null;
  usd: number;
}

export interface Placed {
  seq: number;
  firstSeq: number;
  decision: DecisionRecord;
}

const TABLES = ['queries', 'routing_decisions', 'responses', 'feedback', 'implicit_feedback'] as const;

/** `created_at` and `router` stand in the decision too; the response's `decision_id` is null where there is none. */
const WHOLE = `
select
  d.seq, d.first_seq, d.decision_id, d.created_at, d.router, d.version, d.chosen, d.model, d.reason, d.propensity, d.uniform, d.cursor,
  d.candidates, d.reward, d.reward_before, d.idempotency_keys,
  q.call, q.key, q.encoder, q.x, q.prompt_tokens_estimate,
  r.decision_id as response_of, r.outcome, r.finish_reason, r.prompt_tokens, r.completion_tokens, r.cost_usd, r.estimated,
  r.completion_id, r.first_byte_ms, r.total_ms, r.attempts
from routing_decisions d
join queries q on q.decision_id = d.decision_id
left join responses r on r.decision_id = d.decision_id
`;

const SPENT = `
select q.router, q.key, sum(r.cost_usd) as usd
from routing_decisions d
join queries q on q.decision_id = d.decision_id
join responses r on r.decision_id = d.decision_id
where d.created_at >= ?
group by q.router, q.key
`;

export function createDecisionTables(sql: Sql): DecisionTables {
  const insertInto = (table: (typeof TABLES)[number], values: number): Statement =>
    sql.prepare(`insert or replace into ${table} values (${Array(values).fill('?').join(', ')})`);
  const insertQuery = insertInto('queries', 8);
  const insertDecision = insertInto('routing_decisions', 16);
  const insertResponse = insertInto('responses', 12);
  const insertFeedback = insertInto('feedback', 7);
  const insertImplicit = insertInto('implicit_feedback', 7);
  const removals = TABLES.map((table) => sql.prepare(`delete from ${table} where decision_id = ?`));
  const selectPlace = sql.prepare('select version, first_seq from routing_decisions where decision_id = ?');
  const selectLast = sql.prepare('select max(seq) as seq from routing_decisions where router is ?');
  const selectRouters = sql.prepare('select distinct router from routing_decisions order by router');
  const selectSpent = sql.prepare(SPENT);
  const selectOne = sql.prepare(`${WHOLE} where d.decision_id = ?`);
  const selectBehind = sql.prepare(`${WHOLE} where d.router is ? and d.seq > ? order by d.seq limit ?`);
  const selectFeedback = sql.prepare('select * from feedback where decision_id = ?');
  const selectImplicit = sql.prepare('select * from implicit_feedback where decision_id = ?');
  const selectOldest = sql.prepare(
    'select decision_id from routing_decisions where created_at < ? order by created_at limit ?',
  );

  const whole = (row: SqlRow): DecisionRecord => {
    const id = row.decision_id as string;
    return decisionOf(rowsIn(row, [...selectFeedback.rows(id)], [...selectImplicit.rows(id)]));
  };

  return {
    placeOf(decisionId) {
      const row = firstOf(selectPlace.rows(decisionId));
      return row && { version: row.version as number, firstSeq: row.first_seq as number };
    },

    insert(decision, seq, firstSeq) {
      const { query: q, decision: d, response: r, feedback, implicit_feedback } = rowsOf(decision);
      const id = decision.id;
      insertQuery.run(id, q.created_at, q.router, q.call, q.key, q.encoder, listText(q.x), q.prompt_tokens_estimate);
      insertDecision.run(
        seq,
        id,
        d.created_at,
        d.router,
        d.version,
        d.chosen,
        d.model,
        d.reason,
        d.propensity,
        d.uniform,
        d.cursor,
        JSON.stringify(d.candidates),
        d.reward,
        d.reward_before,
        JSON.stringify(d.idempotency_keys),
        firstSeq,
      );
      if (r) {
        insertResponse.run(
          id,
          r.created_at,
          r.outcome,
          r.finish_reason,
          r.prompt_tokens,
          r.completion_tokens,
          r.cost_usd,
          r.estimated ? 1 : 0,
          r.completion_id,
          r.first_byte_ms,
          r.total_ms,
          JSON.stringify(r.attempts),
        );
      }
      for (const row of feedback) insertFeedback.run(...feedbackValues(row));
      for (const row of implicit_feedback) insertImplicit.run(...feedbackValues(row));
    },

    remove(decisionId) {
      for (const removal of removals) removal.run(decisionId);
    },

    recall(decisionId) {
      const row = firstOf(selectOne.rows(decisionId));
      return row && whole(row);
    },

    *readBehind(router, seq, limit) {
      for (const row of selectBehind.rows(router, seq, limit)) {
        yield { seq: row.seq as number, firstSeq: row.first_seq as number, decision: whole(row) };
      }
    },

    lastSeq(router) {
      return (firstOf(selectLast.rows(router))?.seq ?? null) as number | null;
    },

    routers() {
      return Array.from(selectRouters.rows(), (row) => row.router as string | null);
    },

    spentSince(time) {
      return [...selectSpent.rows(time)] as unknown as Spent[];
    },

    madeBefore(time, limit) {
      return Array.from(selectOldest.rows(time, limit), (row) => row.decision_id as string);
    },
  };
}

const feedbackValues = (row: FeedbackRow): SqlValue[] => [
  row.decision_id,
  row.position,
  row.signal,
  row.value,
  row.weight,
  row.at,
  row.comment,
];

/** JSON has a −0, but `JSON.stringify` writes none. */
const listText = (values: readonly number[]): string =>
  values.some((value) => Object.is(value, -0))
    ? `[${values.map((value) => (Object.is(value, -0) ? '-0' : JSON.stringify(value))).join()}]`
    : JSON.stringify(values);

/** The columns are named as the fields are, so that only lists and truth values have to be made into what they were. */
function rowsIn(row: SqlRow, feedback: SqlRow[], implicit: SqlRow[]): DecisionRows {
  const list = (name: string): unknown => JSON.parse(row[name] as string);
  const response = row.response_of !== null && { ...row, estimated: row.estimated === 1, attempts: list('attempts') };
  return {
    query: { ...row, x: list('x') },
    decision: { ...row, candidates: list('candidates'), idempotency_keys: list('idempotency_keys') },
    response: response || null,
    feedback,
    implicit_feedback: implicit,
  } as unknown as DecisionRows;
}
