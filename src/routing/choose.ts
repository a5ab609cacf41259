/** Chooses the arm for one request: eligible arms → a distribution → one draw → a decision that can be explained. */
import { type Candidate, type Draw, decide, rankRest } from '../bandit/decide.ts';
import { expectedCost, type Preference } from '../bandit/utility.ts';
import type { Model } from '../config/resolve.ts';
import { type ContextInput, encoder } from '../context/encoder.ts';
import type { DecidedCandidate, DecisionRecord, Reason } from '../stores/decision-record.ts';
import { newDecisionId } from './decision.ts';
import type { Learner } from './learner.ts';
import type { Needs } from './needs.ts';
import type { Runtime } from './runtime.ts';
import { type ShortlistRequest, shortlist } from './shortlist.ts';

/** An answer of no particular length. */
const USUAL_OUTPUT_TOKENS = 300;

export interface ChoiceRequest extends Omit<ShortlistRequest, 'router' | 'arms' | 'expectedUsd'> {
  input: ContextInput;
  prefer: Preference;
  /** The arm that this conversation stays with, if it is eligible. */
  stickTo: string | null;
  key: string | null;
}

export type Choice =
  | {
      kind: 'decided';
      decision: DecisionRecord;
      /** The arms to try, the chosen one first; those that rest last. */
      order: readonly Model[];
      /** What the chosen arm is expected to cost. */
      expectedUsd: number;
    }
  | { kind: 'no_eligible_model'; ruledOut: ReadonlyMap<string, string> }
  | { kind: 'over_budget'; owner: 'key' | 'router' };

export function choose(learner: Learner, request: ChoiceRequest, runtime: Runtime): Choice {
  const { arms, router } = learner;
  const { needs } = request.shape;
  const { posterior, cursor } = learner.current();
  const x = encoder.encode(request.input);
  const expectedUsd = (arm: Model): number => {
    const expected = posterior.predict(arm.id, x, needs.promptTokensEstimate);
    const outputTokens = Math.min(expected.outputTokens, needs.outputTokens ?? Number.POSITIVE_INFINITY);
    return expectedCost(arm.price, expected.promptTokens, outputTokens);
  };
  const list = shortlist({ ...request, router, arms, expectedUsd });
  if (list.kind === 'none') return { kind: 'no_eligible_model', ruledOut: list.ruledOut };
  if (list.kind === 'over_budget') return list;
  const { eligible, ruledOut, resting } = list;

  const uniform = runtime.random();
  let draw: Draw = decide({
    policy: router.policy,
    posterior,
    arms: arms.map(({ id, price }) => ({
      id,
      price,
      eligible: !ruledOut.has(id),
      maxOutputTokens: needs.outputTokens ?? undefined,
    })),
    x,
    promptTokensEstimate: needs.promptTokensEstimate,
    rates: learner.rates(request.prefer),
    explore: router.explore,
    uniform,
  });
  let reason: Reason = draw.reason;
  if (list.onlyTheCheapest) reason = 'budget';
  else if (eligible.some((arm) => arm.id === request.stickTo)) {
    draw = certain(draw, request.stickTo as string);
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
  const ranked = [draw.chosen, ...rankRest(draw)].map((id) => eligible.find((arm) => arm.id === id) as Model);
  const chosen = decision.candidates.find((candidate) => candidate.model === draw.chosen) as DecidedCandidate;
  return { kind: 'decided', decision, order: [...ranked, ...resting], expectedUsd: chosen.costUsd };
}

/** USD that a request is expected to cost of which no posterior knows anything: its model was named. */
export function expectedPinnedUsd(model: Model, { promptTokensEstimate, outputTokens }: Needs): number {
  const usual = outputTokens === null ? USUAL_OUTPUT_TOKENS : Math.min(outputTokens, USUAL_OUTPUT_TOKENS);
  return expectedCost(model.price, promptTokensEstimate, usual);
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
    call: 'chat/completions',
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
