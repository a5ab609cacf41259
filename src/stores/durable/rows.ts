/** A decision as rows of the durable tables, which are the same in SQLite and in PostgreSQL, and back again. */
import type { Label } from '../../bandit/evidence.ts';
import type {
  DecidedAttempt,
  DecidedCandidate,
  DecidedOutcome,
  DecidedSignal,
  DecisionRecord,
} from '../decision-record.ts';

/** Times are milliseconds since 1970, and lists JSON: each database makes of both what it has for them. */
export interface DecisionRows {
  query: QueryRow;
  decision: DecisionRow;
  /** Null while nothing has come of it. */
  response: ResponseRow | null;
  feedback: FeedbackRow[];
  implicit_feedback: FeedbackRow[];
}

/** What was asked for, and what is known of the prompt. */
export interface QueryRow {
  decision_id: string;
  created_at: number;
  router: string | null;
  call: string;
  key: string | null;
  encoder: string;
  /** The features, each with four decimals at most. */
  x: readonly number[];
  prompt_tokens_estimate: number;
}

/** Which arm it went to, and why. */
export interface DecisionRow {
  decision_id: string;
  created_at: number;
  router: string | null;
  version: number;
  chosen: string;
  model: string;
  reason: string;
  propensity: number;
  uniform: number;
  cursor: string;
  candidates: CandidateList[];
  reward: number | null;
  label: LabelList;
  /** Null in the first version. */
  label_before: LabelList | null;
  turn: number;
  retry: number;
  prefix_tokens: number | null;
  worth_before: number | null;
  idempotency_keys: readonly string[];
}

/** What a decision teaches, without the names of its fields. */
export type LabelList = [quality: number | null, weight: number, shown: number, next: number, share: number];

/** A candidate without the names of its fields, which would take more than what they say. */
export type CandidateList = [
  model: string,
  propensity: number,
  quality: number,
  qualityLow: number,
  qualityHigh: number,
  costUsd: number,
  firstByteMs: number,
  totalMs: number,
  utility: number,
  ruledOut?: string,
];

/** How that ended. */
export interface ResponseRow {
  decision_id: string;
  created_at: number;
  outcome: string;
  finish_reason: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cached_tokens: number | null;
  cost_usd: number;
  estimated: boolean;
  completion_id: string | null;
  /** Of the last attempt. */
  first_byte_ms: number | null;
  total_ms: number | null;
  attempts: AttemptList[];
}

export type AttemptList = [
  model: string,
  outcome: string,
  status: number | null,
  firstByteMs: number | null,
  totalMs: number,
];

export interface FeedbackRow {
  decision_id: string;
  /** Among all that was said of the decision, from 0. */
  position: number;
  signal: string;
  value: number;
  weight: number;
  at: number;
  comment: string | null;
}

export function rowsOf(decision: DecisionRecord): DecisionRows {
  const { id: decision_id, created: created_at, router } = decision;
  const signals = decision.signals.map((signal, position) => ({ signal, position }));
  const said = (source: DecidedSignal['source']): FeedbackRow[] =>
    signals
      .filter(({ signal }) => signal.source === source)
      .map(({ signal: { signal, value, weight, at, comment = null }, position }) => ({
        decision_id,
        position,
        signal,
        value,
        weight,
        at,
        comment,
      }));
  return {
    query: {
      decision_id,
      created_at,
      router,
      call: decision.call,
      key: decision.key,
      encoder: decision.encoder,
      x: decision.x,
      prompt_tokens_estimate: decision.promptTokensEstimate,
    },
    decision: {
      decision_id,
      created_at,
      router,
      version: decision.version,
      chosen: decision.chosen,
      model: decision.model,
      reason: decision.reason,
      propensity: decision.propensity,
      uniform: decision.uniform,
      cursor: decision.cursor,
      candidates: decision.candidates.map(candidateList),
      reward: decision.reward,
      label: labelList(decision.label),
      label_before: decision.labelBefore && labelList(decision.labelBefore),
      turn: decision.turn,
      retry: decision.retry,
      prefix_tokens: decision.prefixTokens,
      worth_before: decision.worthBefore,
      idempotency_keys: decision.idempotencyKeys,
    },
    response: responseRow(decision),
    feedback: said('explicit'),
    implicit_feedback: said('implicit'),
  };
}

export function decisionOf(rows: DecisionRows): DecisionRecord {
  const { query, decision, response } = rows;
  const signals = [
    ...rows.feedback.map((row) => ({ row, source: 'explicit' as const })),
    ...rows.implicit_feedback.map((row) => ({ row, source: 'implicit' as const })),
  ].sort((one, other) => one.row.position - other.row.position);
  return {
    id: decision.decision_id,
    version: decision.version,
    router: decision.router,
    created: decision.created_at,
    call: query.call,
    key: query.key,
    chosen: decision.chosen,
    model: decision.model,
    reason: decision.reason as DecisionRecord['reason'],
    propensity: decision.propensity,
    candidates: decision.candidates.map(candidateOf),
    encoder: query.encoder,
    x: query.x,
    uniform: decision.uniform,
    cursor: decision.cursor,
    promptTokensEstimate: query.prompt_tokens_estimate,
    attempts: (response?.attempts ?? []).map(attemptOf),
    outcome: response && outcomeOf(response),
    signals: signals.map(({ row: { signal, value, weight, at, comment }, source }) => ({
      signal,
      source,
      value,
      weight,
      at,
      ...(comment !== null && { comment }),
    })),
    reward: decision.reward,
    label: labelIn(decision.label),
    labelBefore: decision.label_before && labelIn(decision.label_before),
    turn: decision.turn,
    retry: decision.retry,
    prefixTokens: decision.prefix_tokens,
    worthBefore: decision.worth_before,
    // Only ever asked for of a decision that is minutes old.
    sketch: null,
    completionId: response?.completion_id ?? null,
    idempotencyKeys: decision.idempotency_keys,
  };
}

export const labelList = ({ quality, weight, shown, next, share }: Label): LabelList => [
  quality,
  weight,
  shown,
  next,
  share,
];

export const labelIn = ([quality, weight, shown, next, share]: LabelList): Label => ({
  quality,
  weight,
  shown,
  next,
  share,
});

export function candidateList(candidate: DecidedCandidate): CandidateList {
  const { model, propensity, quality, costUsd, firstByteMs, totalMs, utility, ruledOut } = candidate;
  const list: CandidateList = [
    model,
    propensity,
    quality.mean,
    quality.low,
    quality.high,
    costUsd,
    firstByteMs,
    totalMs,
    utility,
  ];
  if (ruledOut !== null) list.push(ruledOut);
  return list;
}

export function candidateOf(list: CandidateList): DecidedCandidate {
  const [model, propensity, mean, low, high, costUsd, firstByteMs, totalMs, utility, ruledOut = null] = list;
  const quality = { mean, low, high };
  return { model, eligible: ruledOut === null, propensity, quality, costUsd, firstByteMs, totalMs, utility, ruledOut };
}

function responseRow({ id, created, outcome, attempts, completionId }: DecisionRecord): ResponseRow | null {
  if (!outcome) return null;
  const last = attempts.at(-1);
  return {
    decision_id: id,
    created_at: created,
    outcome: outcome.kind,
    finish_reason: outcome.finishReason,
    prompt_tokens: outcome.promptTokens,
    completion_tokens: outcome.completionTokens,
    cached_tokens: outcome.cachedTokens,
    cost_usd: outcome.costUsd,
    estimated: outcome.estimated,
    completion_id: completionId,
    first_byte_ms: last?.firstByteMs ?? null,
    total_ms: last?.totalMs ?? null,
    attempts: attempts.map(attemptList),
  };
}

export const attemptList = ({ model, outcome, status, firstByteMs, totalMs }: DecidedAttempt): AttemptList => [
  model,
  outcome,
  status,
  firstByteMs,
  totalMs,
];

export const attemptOf = ([model, outcome, status, firstByteMs, totalMs]: AttemptList): DecidedAttempt => ({
  model,
  outcome: outcome as DecidedAttempt['outcome'],
  status,
  firstByteMs,
  totalMs,
});

const outcomeOf = (row: ResponseRow): DecidedOutcome => ({
  kind: row.outcome as DecidedOutcome['kind'],
  finishReason: row.finish_reason,
  promptTokens: row.prompt_tokens,
  completionTokens: row.completion_tokens,
  cachedTokens: row.cached_tokens,
  costUsd: row.cost_usd,
  estimated: row.estimated,
});
