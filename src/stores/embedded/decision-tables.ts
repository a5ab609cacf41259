/** Decisions in their five tables: put there, read out of them, taken away. */
import { type DecisionRecord, firstIdAt, labelOf } from '../decision-record.ts';
import { attemptList, candidateList, labelIn, labelList } from '../durable/rows.ts';
import type { Counted } from '../ports.ts';
import { onlyValue, type Sql, type Statement } from '../sql.ts';
import { withPastLabel } from './past-labels.ts';

export interface DecisionTables {
  /** Gives what there was of it; `all`, and nothing is changed, where this version or a later one is there. */
  put(decision: DecisionRecord, seq: number): Counted | 'all';
  /** The last place of all. */
  maxSeq(): number;
  /** Forgets those made before this time, the oldest first; gives how many. */
  forget(before: number, limit: number): number;
}

type PlaceRow = [
  version: number,
  firstSeq: number,
  signals: number,
  seq: number,
  reward: number | null,
  label: string | null,
  pastLabels: string | null,
];

/** All that have rows of a decision. */
const TABLES = [
  'queries',
  'responses',
  'feedback',
  'implicit_feedback',
  'decision_names',
  'routing_decisions',
] as const;

const QUERY = ['created_at', 'router', 'call', 'key', 'encoder', 'x', 'prompt_tokens_estimate'];
const RESPONSE = [
  'created_at',
  'outcome',
  'finish_reason',
  'prompt_tokens',
  'completion_tokens',
  'cost_usd',
  'estimated',
  'completion_id',
  'first_byte_ms',
  'total_ms',
  'attempts',
  'cached_tokens',
];

export function createDecisionTables(sql: Sql): DecisionTables {
  const valuesInto = (table: string, count: number): string =>
    `insert into ${table} values (${Array(count).fill('?').join(', ')})`;
  const insertDecision = sql.prepare(`${valuesInto('routing_decisions', 24)} on conflict (decision_id) do nothing`);
  /** Into a row that is there already, which is not written where it would stay the same. */
  const putInto = (table: string, columns: readonly string[]): Statement => {
    const given = columns.map((column) => `excluded.${column}`);
    return sql.prepare(
      `${valuesInto(table, 1 + columns.length)} on conflict (decision_id) do update
      set (${columns}) = (${given}) where (${columns}) is not (${given})`,
    );
  };
  const putQuery = putInto('queries', QUERY);
  const putResponse = putInto('responses', RESPONSE);
  const insertFeedback = sql.prepare(valuesInto('feedback', 7));
  const insertImplicit = sql.prepare(valuesInto('implicit_feedback', 7));
  const removalOf = (table: string): Statement => sql.prepare(`delete from ${table} where decision_id = ?`);
  const removeDecision = removalOf('routing_decisions');
  const removeResponse = removalOf('responses');
  const removeFeedback = [removalOf('feedback'), removalOf('implicit_feedback')];
  const removeUpTo = TABLES.map((table) => sql.prepare(`delete from ${table} where decision_id <= ?`));
  const selectPlace = sql.prepare(
    'select version, first_seq, signals, seq, reward, label, past_labels from routing_decisions where decision_id = ?',
  );
  const selectMax = sql.prepare('select max(seq) from routing_decisions');
  const selectBefore = sql.prepare(
    'select count(*), max(decision_id) from (select decision_id from routing_decisions where decision_id < ? order by decision_id limit ?)',
  );

  const insert = (decision: DecisionRecord, seq: number, firstSeq: number, pastLabels: string | null): boolean =>
    insertDecision.run(
      seq,
      decision.id,
      decision.created,
      decision.router,
      decision.version,
      decision.chosen,
      decision.model,
      decision.reason,
      decision.propensity,
      decision.uniform,
      decision.cursor,
      decision.reward,
      null,
      listText(decision.candidates.map(candidateList)),
      listText(decision.idempotencyKeys),
      firstSeq,
      decision.signals.length,
      pastLabels,
      JSON.stringify(labelList(decision.label)),
      decision.labelBefore && JSON.stringify(labelList(decision.labelBefore)),
      decision.turn,
      decision.retry,
      decision.prefixTokens,
      decision.worthBefore,
    );

  return {
    put(decision, seq) {
      const { id, created, outcome, attempts, signals } = decision;
      let counted: Counted = 'nothing';
      if (!insert(decision, seq, seq, null)) {
        const [version, firstSeq, said, place, reward, label, past] = selectPlace.rows(id)[0] as PlaceRow;
        if (version >= decision.version) return 'all';
        counted = { label: label === null ? labelOf(reward) : labelIn(JSON.parse(label)) };
        removeDecision.run(id);
        insert(decision, seq, firstSeq, withPastLabel(past, place, label, reward));
        if (!outcome) removeResponse.run(id);
        if (said > 0) for (const removal of removeFeedback) removal.run(id);
      }
      putQuery.run(
        id,
        created,
        decision.router,
        decision.call,
        decision.key,
        decision.encoder,
        featuresText(decision.x),
        decision.promptTokensEstimate,
      );
      if (outcome) {
        const last = attempts.at(-1);
        putResponse.run(
          id,
          created,
          outcome.kind,
          outcome.finishReason,
          outcome.promptTokens,
          outcome.completionTokens,
          outcome.costUsd,
          outcome.estimated ? 1 : 0,
          decision.completionId,
          last?.firstByteMs ?? null,
          last?.totalMs ?? null,
          listText(attempts.map(attemptList)),
          outcome.cachedTokens,
        );
      }
      for (const [position, { source, signal, value, weight, at, comment = null }] of signals.entries()) {
        const into = source === 'explicit' ? insertFeedback : insertImplicit;
        into.run(id, position, signal, value, weight, at, comment);
      }
      return counted;
    },

    maxSeq: () => Number(onlyValue(selectMax.rows())),

    forget(before, limit) {
      const [count, last] = selectBefore.rows(firstIdAt(before), limit)[0] as [number, string | null];
      if (last !== null) for (const removal of removeUpTo) removal.run(last);
      return count;
    },
  };
}

const listText = (list: readonly unknown[]): string => (list.length === 0 ? '[]' : JSON.stringify(list));

/** JSON has a −0, but `JSON.stringify` writes none. */
function featuresText(values: readonly number[]): string {
  for (const value of values) {
    if (value === 0 && 1 / value < 0) {
      return `[${values.map((each) => (Object.is(each, -0) ? '-0' : JSON.stringify(each))).join()}]`;
    }
  }
  return JSON.stringify(values);
}
