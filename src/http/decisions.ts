/** `GET /v1/decisions/{id}`: why a request went where it went, how that ended, and what was said of it. */
import { decisionTime } from '../routing/decision.ts';
import { explained } from '../routing/label.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type Caller, maySee } from './authenticate.ts';
import { ApiError } from './errors.ts';
import type { Gateway } from './gateway.ts';

/** Throws a 404 for an id that is unknown, or that belongs to another key. */
export async function getDecision(gateway: Gateway, caller: Caller, id: string): Promise<object> {
  const decision = decisionTime(id) === null ? null : await gateway.ledger.find(id);
  if (!decision || !maySee(caller, decision)) {
    throw new ApiError({
      status: 404,
      message: 'No decision is known by this id.',
      param: 'id',
      code: 'decision_not_found',
    });
  }
  const learner = gateway.learners.get(decision.router ?? '');
  if (learner) await gateway.freshen?.(learner);
  const calibration = learner?.calibration() ?? null;
  return decisionView(decision, explained(decision, calibration, gateway.runtime.now()));
}

function decisionView(decision: DecisionRecord, { signals, reward }: ReturnType<typeof explained>): object {
  const { outcome } = decision;
  return {
    object: 'decision',
    id: decision.id,
    router: decision.router,
    key: decision.key,
    created: Math.floor(decision.created / 1000),
    chosen: decision.chosen,
    model: decision.model,
    reason: decision.reason,
    propensity: decision.propensity,
    candidates: decision.candidates.map((candidate) => ({
      model: candidate.model,
      eligible: candidate.eligible,
      ruled_out: candidate.ruledOut,
      propensity: candidate.propensity,
      quality: candidate.quality,
      cost_usd: candidate.costUsd,
      first_byte_ms: candidate.firstByteMs,
      total_ms: candidate.totalMs,
      utility: candidate.utility,
    })),
    attempts: decision.attempts.map((attempt) => ({
      model: attempt.model,
      outcome: attempt.outcome,
      status: attempt.status,
      first_byte_ms: attempt.firstByteMs,
      total_ms: attempt.totalMs,
    })),
    outcome: outcome && {
      kind: outcome.kind,
      finish_reason: outcome.finishReason,
      prompt_tokens: outcome.promptTokens,
      completion_tokens: outcome.completionTokens,
      cached_tokens: outcome.cachedTokens,
      cost_usd: outcome.costUsd,
      estimated: outcome.estimated,
    },
    // Answers of the conversation before this one, and those to the same question among them.
    conversation: { turn: decision.turn, retry: decision.retry },
    signals: signals.map(({ rewardBefore, rewardAfter, ...signal }) => ({
      ...signal,
      at: Math.floor(signal.at / 1000),
      reward_before: rewardBefore,
      reward_after: rewardAfter,
    })),
    reward,
    // What reproduces the draw: the same features against what had been learned up to `cursor`, with this uniform.
    draw: { encoder: decision.encoder, x: decision.x, uniform: decision.uniform, cursor: decision.cursor },
  };
}
