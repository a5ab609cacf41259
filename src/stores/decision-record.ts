/**
 * A decision as it is kept: what was known, what was drawn, how it went, what people said. Plain data, ready for JSON. And
 * the evidence in it.
 */
import type { Candidate } from '../bandit/decide.ts';
import type { Evidence, Label } from '../bandit/evidence.ts';
import type { OutcomeKind } from '../upstream/outcome.ts';

export const REASONS = [
  'explore',
  'exploit',
  'warmup',
  'only-eligible',
  'sticky',
  'budget',
  'guarantee',
  'pinned',
  'fallback',
] as const;
export type Reason = (typeof REASONS)[number];

export interface DecidedCandidate extends Candidate {
  /** Why this arm could not be drawn; null where it could. */
  ruledOut: string | null;
}

export interface DecidedAttempt {
  model: string;
  outcome: OutcomeKind;
  status: number | null;
  firstByteMs: number | null;
  totalMs: number;
}

export interface DecidedOutcome {
  kind: OutcomeKind;
  finishReason: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Of the prompt's, those that the provider had in its cache; null where it told nothing. */
  cachedTokens: number | null;
  costUsd: number;
  /** Whether tokens and cost are our estimate, since the provider told none. */
  estimated: boolean;
}

/** Whether a request counts where what requests cost is averaged: those that failed and cost nothing would be none. */
export const wasServed = ({ kind, costUsd }: DecidedOutcome): boolean => kind === 'completed' || costUsd > 0;

export interface DecidedSignal {
  signal: string;
  source: 'explicit' | 'implicit';
  /** In [0, 1]. */
  value: number;
  weight: number;
  /** Milliseconds since 1970. */
  at: number;
  comment?: string;
}

export interface DecisionRecord {
  id: string;
  /** Counts the changes of this record since it was first kept, from 1. It is its evidence's revision too. */
  version: number;
  /** Null for a request that pinned its model. */
  router: string | null;
  /** Milliseconds since 1970. */
  created: number;
  /** What was asked for: the route behind `/v1/`, without what it names. */
  call: string;
  /** The name of the key that asked; null while there are no keys. */
  key: string | null;
  /** The arm drawn. */
  chosen: string;
  /** The arm that answered, or was tried last. */
  model: string;
  reason: Reason;
  propensity: number;
  candidates: readonly DecidedCandidate[];
  /** What reproduces the draw: the features, the one uniform, and how far the log had been folded. */
  encoder: string;
  x: readonly number[];
  uniform: number;
  cursor: string;
  promptTokensEstimate: number;
  attempts: readonly DecidedAttempt[];
  outcome: DecidedOutcome | null;
  signals: readonly DecidedSignal[];
  /** The quality that the signals amounted to when the last of them came, in [0, 1]; null until there is evidence. */
  reward: number | null;
  /** What the signals teach. */
  label: Label;
  /** What `label` was in the version before; null in the first. */
  labelBefore: Label | null;
  /** Answers of this conversation that came before, those to the same question included, as far as they were recognised. */
  turn: number;
  /** Answers to the same question that came before: it was asked again, or reworded. */
  retry: number;
  /** What tells whether another question is nearly the same; null where nobody will ask, as in a durable store. */
  sketch: string | null;
  /**
   * Tokens that the provider of the arm that answered might have in its cache: those up to the answer that the arm gave in the
   * same conversation a few minutes before. Null where there was none.
   */
  prefixTokens: number | null;
  /**
   * Where the arm was found to have changed with this decision: how often what it had shown before counts from then on, in
   * (0, 1); null where nothing is known of a change.
   */
  worthBefore: number | null;
  /** The answer's own id, as the client saw it. */
  completionId: string | null;
  /** Keys of feedback requests that have been carried out. */
  idempotencyKeys: readonly string[];
}

/** Ids begin with their time, in milliseconds since 1970: what those of this time and of later ones are not less than. */
export const firstIdAt = (time: number): string => `dec_${Math.max(0, Math.ceil(time)).toString(16).padStart(12, '0')}`;

/** What a reward teaches by itself; nothing where there is none. */
export const labelOf = (reward: number | null): Label => ({
  quality: reward,
  weight: reward === null ? 0 : 1,
  shown: 0,
  next: 0,
  share: 0,
});

/** What a decision lacks that was kept before changes of arms were, and what providers had in their caches. */
export const BEFORE_CHANGES = { prefixTokens: null, worthBefore: null } as const;

/** What a decision lacks that was kept before there were labels, when rewards were all that was known of it. */
export const learnedFromRewards = (
  version: number,
  reward: number | null,
  rewardBefore: number | null,
): Pick<DecisionRecord, 'label' | 'labelBefore' | 'turn' | 'retry' | 'sketch'> => ({
  label: labelOf(reward),
  labelBefore: version > 1 ? labelOf(rewardBefore) : null,
  turn: 0,
  retry: 0,
  sketch: null,
});

/** Significant digits that are kept of what was predicted of an arm: whoever wants to know why it was drawn needs no more. */
const DIGITS = 5;
/** Exact as doubles, so that what comes out is the nearest double of its decimal. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => 10 ** power);

/** A share with four places, as which it is kept in two bytes. */
export const roundedShare = (value: number): number => Math.round(value * 1e4) / 1e4;

/** The number with five significant digits, as which it is kept in three bytes. */
export function rounded(value: number): number {
  const places = DIGITS - 1 - Math.floor(Math.log10(Math.abs(value)));
  const power = POWERS_OF_TEN[Math.abs(places)];
  if (power === undefined) return value;
  return places >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}

/**
 * The whole current evidence of a decision; null where it teaches nothing. A failed attempt is no evidence of quality,
 * and an answer that was cut off tells neither its length nor its time.
 */
export function evidenceOf(decision: DecisionRecord): Evidence | null {
  const { router, outcome, version } = decision;
  const attempt = decision.attempts.at(-1);
  if (router === null || !outcome || !attempt || outcome.completionTokens === null) return null;
  const whole = outcome.kind === 'completed';
  return {
    decisionId: decision.id,
    revision: version,
    at: decision.created,
    router,
    arm: decision.model,
    encoder: decision.encoder,
    x: decision.x,
    ...decision.label,
    earlier: version > 1 ? decision.labelBefore : null,
    promptTokensEstimate: decision.promptTokensEstimate,
    promptTokens: outcome.estimated ? null : outcome.promptTokens,
    completionTokens: whole ? outcome.completionTokens : null,
    costUsd: outcome.costUsd,
    firstByteMs: attempt.firstByteMs,
    totalMs: whole ? attempt.totalMs : null,
    cachedShare: cachedShareOf(decision, outcome),
    worthBefore: decision.worthBefore,
  };
}

function cachedShareOf({ prefixTokens }: DecisionRecord, { cachedTokens }: DecidedOutcome): number | null {
  return prefixTokens === null || cachedTokens === null || !(prefixTokens > 0)
    ? null
    : Math.min(1, cachedTokens / prefixTokens);
}
