/** Decisions read out of their five tables. */
import type { Label } from '../../bandit/evidence.ts';
import { type DecidedSignal, type DecisionRecord, learnedFromRewards } from '../decision-record.ts';
import { type AttemptList, attemptOf, type CandidateList, candidateOf, labelIn } from '../durable/rows.ts';
import type { Kept } from '../ports.ts';
import type { Sql, SqlRow } from '../sql.ts';

export interface DecisionReader {
  recall(decisionId: string): DecisionRecord | null;
  /** Of one router, in the order of the log. */
  readBehind(router: string | null, seq: number, limit: number): Iterable<Placed>;
  /** Those with the latest ids before this one, the latest first, with their names. */
  readLatest(before: string, limit: number): Kept[];
}

export interface Placed {
  seq: number;
  firstSeq: number;
  pastLabels: string | null;
  decision: DecisionRecord;
}

/** Rows that are in memory at once. */
const PAGE = 100;

/** Behind the columns of the decision may come one more. */
const COLUMNS = `
  d.seq, d.first_seq, d.past_labels, d.signals, d.decision_id, d.version, d.router, d.created_at, q.call, q.key, d.chosen, d.model, d.reason,
  d.propensity, d.candidates, q.encoder, q.x, d.uniform, d.cursor, q.prompt_tokens_estimate, r.attempts, r.outcome,
  r.finish_reason, r.prompt_tokens, r.completion_tokens, r.cost_usd, r.estimated, d.reward, d.reward_before, d.label,
  d.label_before, d.turn, d.retry, d.prefix_tokens, d.worth_before, r.cached_tokens, r.completion_id, d.idempotency_keys`;
/** All of the response is null where there is none. */
const WHOLE = `
from routing_decisions d
join queries q on q.decision_id = d.decision_id
left join responses r on r.decision_id = d.decision_id`;

/** Node 22.19 does not know numbered parameters. */
const SIGNALS = `
select position, 'explicit', signal, value, weight, at, comment from feedback where decision_id = ?
union all
select position, 'implicit', signal, value, weight, at, comment from implicit_feedback where decision_id = ?
order by 1`;

export function createDecisionReader(sql: Sql): DecisionReader {
  const selectOne = sql.prepare(`select ${COLUMNS} ${WHOLE} where d.decision_id = ?`);
  const selectBehind = sql.prepare(
    `select ${COLUMNS} ${WHOLE} where d.router is ? and d.seq > ? order by d.seq limit ?`,
  );
  const selectLatest = sql.prepare(
    `select ${COLUMNS}, n.names ${WHOLE} left join decision_names n on n.decision_id = d.decision_id
    where d.decision_id < ? order by d.decision_id desc limit ?`,
  );
  const selectSignals = sql.prepare(SIGNALS);
  const signalsOf = (decisionId: string): DecidedSignal[] => selectSignals.rows(decisionId, decisionId).map(signalIn);

  const placedIn = (row: SqlRow): Placed => {
    const [seq, firstSeq, pastLabels, signals, id] = row as [number, number, string | null, number, string];
    return { seq, firstSeq, pastLabels, decision: decisionIn(row, signals > 0 ? signalsOf(id) : []) };
  };

  return {
    recall(decisionId) {
      const [row] = selectOne.rows(decisionId);
      return row ? placedIn(row).decision : null;
    },

    *readBehind(router, seq, limit) {
      let last = seq;
      for (let left = limit; left > 0; left -= PAGE) {
        const rows = selectBehind.rows(router, last, Math.min(left, PAGE));
        for (const row of rows) {
          const placed = placedIn(row);
          last = placed.seq;
          yield placed;
        }
        if (rows.length < PAGE) return;
      }
    },

    readLatest: (before, limit) =>
      selectLatest.rows(before, limit).map((row) => {
        const names = row.at(-1) as string | null;
        return { decision: placedIn(row).decision, names: names === null ? [] : JSON.parse(names) };
      }),
  };
}

function decisionIn(row: SqlRow, signals: DecidedSignal[]): DecisionRecord {
  // In the order of `COLUMNS`, which is the record's own.
  const [, , , , id, version, router, created, call, key, chosen, model, reason, ...more] = row;
  const [propensity, candidates, encoder, x, uniform, cursor, promptTokensEstimate, attempts, ...rest] = more;
  const [kind, finishReason, promptTokens, completionTokens, costUsd, estimated, ...last] = rest;
  const [reward, rewardBefore, label, labelBefore, turn, retry, ...latest] = last;
  const [prefixTokens, worthBefore, cachedTokens, completionId, idempotencyKeys] = latest;
  const outcome = {
    kind,
    finishReason,
    promptTokens,
    completionTokens,
    cachedTokens,
    costUsd,
    estimated: estimated === 1,
  };
  return {
    id,
    version,
    router,
    created,
    call,
    key,
    chosen,
    model,
    reason,
    propensity,
    candidates: listIn<CandidateList>(candidates).map(candidateOf),
    encoder,
    x: listIn(x),
    uniform,
    cursor,
    promptTokensEstimate,
    attempts: listIn<AttemptList>(attempts).map(attemptOf),
    outcome: kind === null ? null : outcome,
    signals,
    reward,
    // In a row from before there were labels all of these are null.
    ...(label === null
      ? learnedFromRewards(version as number, reward as number | null, rewardBefore as number | null)
      : { label: labelOfText(label), labelBefore: labelOfText(labelBefore), turn, retry, sketch: null }),
    prefixTokens,
    worthBefore,
    completionId,
    idempotencyKeys: listIn(idempotencyKeys),
  } as DecisionRecord;
}

const listIn = <Item>(text: SqlRow[number] | undefined): Item[] =>
  text === null || text === '[]' ? [] : JSON.parse(text as string);

const labelOfText = (text: SqlRow[number] | undefined): Label | null =>
  text === null ? null : labelIn(JSON.parse(text as string));

function signalIn([, source, signal, value, weight, at, comment]: SqlRow): DecidedSignal {
  return { signal, source, value, weight, at, ...(comment !== null && { comment }) } as DecidedSignal;
}
