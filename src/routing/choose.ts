/** Chooses the arm for one request: eligible arms → a distribution → one draw → a decision that can be explained. */
import { type Candidate, type Draw, decide, rankRest } from '../bandit/decide.ts';
import { expectedCost, type Preference } from '../bandit/utility.ts';
import type { Model } from '../config/resolve.ts';
import { type ContextInput, encoder } from '../context/encoder.ts';
import type { DecidedCandidate, DecisionRecord, Reason } from '../stores/decision-record.ts';
import { newDecisionId } from './decision.ts';
import { type Restrictions, ruledOutBy } from './eligibility.ts';
import type { Learner } from './learner.ts';
import type { Needs } from './needs.ts';
import type { Runtime } from './runtime.ts';

export interface ChoiceRequest {
  input: ContextInput;
  needs: Needs;
  restrictions: Restrictions;
  prefer: Preference;
  /** The arm that this conversation stays with, if it is eligible. */
  stickTo: string | null;
  key: string | null;
}

export type Choice =
  | {
      kind: 'decided';
      decision: DecisionRecord /** The arms to try, the chosen one first. */;
      order: readonly string[];
    }
  | { kind: 'no_eligible_model'; ruledOut: readonly { model: string; why: string }[] };

export function choose(learner: Learner, request: ChoiceRequest, runtime: Runtime): Choice {
  const { arms, router } = learner;
  const { needs } = request;
  const { posterior, cursor } = learner.current();
  const x = encoder.encode(request.input);

  const ruledOut = new Map<string, string | null>();
  for (const arm of arms) {
    const expectedUsd = (): number => {
      const expected = posterior.predict(arm.id, x, needs.promptTokensEstimate);
      const outputTokens = Math.min(expected.outputTokens, needs.outputTokens ?? Number.POSITIVE_INFINITY);
      return expectedCost(arm.price, expected.promptTokens, outputTokens);
    };
    ruledOut.set(arm.id, ruledOutBy(arm, needs, request.restrictions, expectedUsd));
  }
  if (arms.every((arm) => ruledOut.get(arm.id) !== null)) {
    return {
      kind: 'no_eligible_model',
      ruledOut: arms.map((arm) => ({ model: arm.id, why: ruledOut.get(arm.id) as string })),
    };
  }

  const uniform = runtime.random();
  let draw: Draw = decide({
    policy: router.policy,
    posterior,
    arms: arms.map(({ id, price }) => ({
      id,
      price,
      eligible: ruledOut.get(id) === null,
      maxOutputTokens: needs.outputTokens ?? undefined,
    })),
    x,
    promptTokensEstimate: needs.promptTokensEstimate,
    rates: learner.rates(request.prefer),
    explore: router.explore,
    uniform,
  });
  let reason: Reason = draw.reason;
  if (request.stickTo !== null && ruledOut.get(request.stickTo) === null) {
    draw = certain(draw, request.stickTo);
    reason = 'sticky';
  }

  const created = runtime.now();
  const decision: DecisionRecord = {
    ...blankDecision(newDecisionId(created, runtime.randomHex), created, request.key, draw.chosen, reason),
    router: router.name,
    propensity: draw.propensity,
    candidates: draw.candidates.map(
      (candidate): DecidedCandidate => ({
        ...candidate,
        ruledOut: ruledOut.get(candidate.model) ?? null,
      }),
    ),
    encoder: encoder.id,
    x: Array.from(x),
    uniform,
    cursor,
    promptTokensEstimate: needs.promptTokensEstimate,
  };
  return { kind: 'decided', decision, order: [draw.chosen, ...rankRest(draw)].slice(0, 1 + router.fallbacks) };
}

/** The decision of a request that named its model itself. It teaches nothing, but it can be looked at and rated. */
export function pin(model: Model, key: string | null, needs: Needs, runtime: Runtime): DecisionRecord {
  const created = runtime.now();
  return {
    ...blankDecision(newDecisionId(created, runtime.randomHex), created, key, model.id, 'pinned'),
    promptTokensEstimate: needs.promptTokensEstimate,
  };
}

/** The draw as it is where nothing was left to chance. */
function certain(draw: Draw, chosen: string): Draw {
  const candidates = draw.candidates.map(
    (candidate): Candidate => ({
      ...candidate,
      propensity: candidate.model === chosen ? 1 : 0,
    }),
  );
  return { ...draw, chosen, propensity: 1, candidates };
}

function blankDecision(
  id: string,
  created: number,
  key: string | null,
  chosen: string,
  reason: Reason,
): DecisionRecord {
  return {
    id,
    version: 1,
    router: null,
    created,
    key,
    chosen,
    model: chosen,
    reason,
    propensity: 1,
    candidates: [],
    encoder: encoder.id,
    x: [],
    uniform: 0,
    cursor: '',
    promptTokensEstimate: 0,
    attempts: [],
    outcome: null,
    signals: [],
    reward: null,
    completionId: null,
    idempotencyKeys: [],
  };
}
