/** Which decisions of a log can be judged anew: the first of each conversation, where chance had a say. And how they went. */
import type { Evidence, Label } from '../bandit/evidence.ts';
import { type DecisionRecord, evidenceOf } from '../stores/decision-record.ts';

/** Why a decision is left out. */
export const EXCLUSIONS = [
  'later_turn',
  'pinned',
  'deterministic',
  'refused',
  'unanswered',
  'other_encoder',
  'other_arms',
] as const;
export type Exclusion = (typeof EXCLUSIONS)[number];

/** A decision that counts, with no more of it than is needed. */
export interface LoggedDecision {
  id: string;
  version: number;
  /** Milliseconds since 1970. */
  at: number;
  x: readonly number[];
  promptTokensEstimate: number;
  /** Those that could be drawn, with the exact probabilities of the draw. */
  eligible: readonly { model: string; propensity: number }[];
  chosen: string;
  label: Label;
  /** Whether the chosen arm failed: another answered in its place, or nobody. */
  failed: boolean;
  costUsd: number;
  /** Of all attempts; null where the answer was cut off. */
  seconds: number | null;
  /** What a router learns from it; null where that is nothing. */
  evidence: Evidence | null;
}

/** Reasons with which nothing was left to chance. */
const RULES: ReadonlySet<string> = new Set(['budget', 'guarantee', 'only-eligible']);

export function loggedOf(
  decision: DecisionRecord,
  encoder: { id: string; dimensions: number },
): LoggedDecision | Exclusion {
  const { reason, outcome, attempts, chosen, model, label } = decision;
  if (reason === 'pinned' || decision.router === null) return 'pinned';
  if (reason === 'sticky' || decision.turn > 0 || decision.retry > 0) return 'later_turn';
  const eligible = decision.candidates
    .filter((candidate) => candidate.eligible)
    .map((candidate) => ({ model: candidate.model, propensity: candidate.propensity }));
  const propensity = eligible.find((candidate) => candidate.model === chosen)?.propensity ?? 0;
  // Of a fallback nobody knows whether a rule had chosen the arm that failed.
  const ruled =
    RULES.has(reason) || eligible.length < 2 || !(propensity > 0) || (reason === 'fallback' && propensity === 1);
  if (ruled) return 'deterministic';
  const last = attempts.at(-1);
  if (!outcome || !last) return 'unanswered';
  if (isRefusal(last.outcome, last.status)) return 'refused';
  if (decision.encoder !== encoder.id || decision.x.length !== encoder.dimensions) return 'other_encoder';
  const evidence = evidenceOf(decision);
  const broken = outcome.kind !== 'completed' && outcome.kind !== 'client_abort';
  return {
    id: decision.id,
    version: decision.version,
    at: decision.created,
    x: decision.x,
    promptTokensEstimate: decision.promptTokensEstimate,
    eligible,
    chosen,
    label,
    failed: model !== chosen || (broken && label.quality === null),
    costUsd: outcome.costUsd,
    seconds: outcome.kind === 'client_abort' ? null : attempts.reduce((sum, { totalMs }) => sum + totalMs, 0) / 1000,
    // To a fold that knows nothing of it yet each is new, however often it was revised.
    evidence: evidence && { ...evidence, revision: 1, earlier: null },
  };
}

/** An upstream's 4xx on account of the request itself, which any arm would have given. */
const isRefusal = (outcome: string, status: number | null): boolean =>
  outcome === 'upstream_error' && status !== null && status >= 400 && status < 500 && !ARMS_OWN.has(status);
/** Of the key, of the time it took, and of limits. */
const ARMS_OWN: ReadonlySet<number> = new Set([401, 402, 403, 404, 408, 429]);
