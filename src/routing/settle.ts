/** Ends a decision: what its attempts came to, and what it cost. */
import type { ModelPrice } from '../config/price.ts';
import type { Model } from '../config/resolve.ts';
import {
  type DecidedCandidate,
  type DecidedOutcome,
  type DecisionRecord,
  rounded,
  roundedShare,
} from '../stores/decision-record.ts';
import type { AttemptEnd } from '../upstream/outcome.ts';
import { costOf, type Usage } from '../upstream/usage.ts';

export interface TriedArm {
  model: Model;
  end: AttemptEnd;
}

/** A character of an answer in tokens: what providers' tokenisers come to on ordinary text. */
const TOKENS_PER_CHARACTER = 0.25;

export function settled(decision: DecisionRecord, tried: readonly TriedArm[], streamed: boolean): DecisionRecord {
  const last = tried.at(-1);
  if (!last) return decision;
  const { end, model } = last;
  return {
    ...decision,
    model: model.id,
    candidates: decision.candidates.map(roundedCandidate),
    reason: model.id !== decision.chosen && answered(end) ? 'fallback' : decision.reason,
    attempts: tried.map(({ model: arm, end: attempt }) => ({
      model: arm.id,
      outcome: attempt.outcome,
      status: attempt.status,
      // A whole answer's first byte is its last: it says nothing about how soon a stream begins.
      firstByteMs: streamed && attempt.firstByteMs !== null ? rounded(attempt.firstByteMs) : null,
      totalMs: rounded(attempt.totalMs),
    })),
    outcome: outcomeOf(decision, end, model),
    // Of the arm that was drawn.
    prefixTokens: model.id === decision.chosen ? decision.prefixTokens : null,
    completionId: end.observed?.completionId ?? null,
  };
}

/** What was drawn by stays as it is, what it was made of need not. */
const roundedCandidate = ({ model, eligible, propensity, quality, ruledOut, ...predicted }: DecidedCandidate) => ({
  model,
  eligible,
  propensity,
  quality: { mean: roundedShare(quality.mean), low: roundedShare(quality.low), high: roundedShare(quality.high) },
  costUsd: rounded(predicted.costUsd),
  firstByteMs: rounded(predicted.firstByteMs),
  totalMs: rounded(predicted.totalMs),
  utility: rounded(predicted.utility),
  ruledOut,
});

/** Whether an answer, or part of one, reached the client: only then has the arm shown anything. */
const answered = (end: AttemptEnd): boolean => end.observed !== null && (end.begun || end.outcome === 'completed');

function outcomeOf(decision: DecisionRecord, end: AttemptEnd, model: Model): DecidedOutcome {
  const { observed } = end;
  const told = observed?.usage ?? null;
  const usage: Usage | null =
    told ?? (observed && answered(end) ? estimatedUsage(decision.promptTokensEstimate, observed.characters) : null);
  if (usage === null && mayBeBilled(end)) {
    // What it wrote is unknown, but a provider bills the prompt that it was working on.
    const promptTokens = decision.promptTokensEstimate;
    const costUsd = costOf(estimatedUsage(promptTokens, 0), model.price);
    return {
      kind: end.outcome,
      finishReason: null,
      promptTokens,
      completionTokens: null,
      cachedTokens: null,
      costUsd,
      estimated: true,
    };
  }
  return {
    kind: end.outcome,
    finishReason: observed?.finishReason ?? null,
    promptTokens: usage?.promptTokens ?? null,
    completionTokens: usage?.completionTokens ?? null,
    cachedTokens: told?.cachedTokens ?? null,
    costUsd: usage ? costOf(usage, model.price) : 0,
    estimated: told === null && usage !== null,
  };
}

/** USD for the whole request: the answer's, and what the attempts before it may be billed. */
export function spentOn(decision: DecisionRecord, tried: readonly TriedArm[]): number {
  const before = billedBefore(decision, (id) => tried.find(({ model }) => model.id === id)?.model.price);
  return before.reduce((sum, { usd }) => sum + usd, decision.outcome?.costUsd ?? 0);
}

/** USD by which the attempts before the last may be billed: for the prompt alone, since no answer of theirs had begun. */
export function billedBefore(
  { attempts, promptTokensEstimate }: Pick<DecisionRecord, 'attempts' | 'promptTokensEstimate'>,
  priceOf: (model: string) => ModelPrice | undefined,
): { model: string; usd: number }[] {
  if (attempts.length < 2) return [];
  return attempts.slice(0, -1).flatMap((attempt) => {
    const price = mayBeBilled(attempt) ? priceOf(attempt.model) : undefined;
    return price ? [{ model: attempt.model, usd: costOf(estimatedUsage(promptTokensEstimate, 0), price) }] : [];
  });
}

/** Whether the upstream had the request and was cut off by us or by the client, so that no usage could come. */
const mayBeBilled = ({ outcome, status }: Pick<AttemptEnd, 'outcome' | 'status'>): boolean =>
  outcome === 'client_abort' || (outcome === 'timeout' && status !== null);

function estimatedUsage(promptTokens: number, characters: number): Usage {
  return {
    promptTokens,
    completionTokens: Math.ceil(characters * TOKENS_PER_CHARACTER),
    cachedTokens: null,
    cacheWriteTokens: 0,
  };
}
