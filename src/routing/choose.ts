/** Chooses the arm for one request: eligible arms → a distribution → one draw → a decision that can be explained. */
import type { Contender } from '../bandit/contender.ts';
import { type WarmPrefix, weighArms } from '../bandit/contenders.ts';
import { type Candidate, type Draw, drawOne, rankRest } from '../bandit/decide.ts';
import { NO_LABEL } from '../bandit/evidence.ts';
import { holdBack } from '../bandit/guarantee.ts';
import { keepWithin, withMoneyPrice } from '../bandit/pacing.ts';
import { POLICIES } from '../bandit/policies/index.ts';
import { expectedCost, type Preference } from '../bandit/utility.ts';
import type { Model, Router } from '../config/resolve.ts';
import { type ContextInput, encoder } from '../context/encoder.ts';
import type { DecisionRecord, Reason } from '../stores/decision-record.ts';
import { newDecisionId } from './decision.ts';
import type { Learner } from './learner.ts';
import type { RouterSpending } from './limits.ts';
import type { Needs } from './needs.ts';
import type { Pacing } from './pacing.ts';
import type { Runtime } from './runtime.ts';
import { type ShortlistRequest, shortlist } from './shortlist.ts';

/** An answer of no particular length. */
const USUAL_OUTPUT_TOKENS = 300;

export interface ChoiceRequest extends ShortlistRequest {
  input: ContextInput;
  prefer: Preference;
  /** What the router's requests have cost; null where it has no budget. */
  spending: RouterSpending | null;
  /** The arm that this conversation stays with, if it is eligible. */
  stickTo: string | null;
  /** The arm whose provider may have the beginning of the prompt in its cache. */
  warm: WarmPrefix | null;
  /** Whether it stays with that arm whatever a guarantee or a pace says: a tool loop has only one author. */
  inToolLoop: boolean;
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
  const { arms, router, owed, earlyPulls } = learner;
  const created = runtime.now();
  const { needs } = request.shape;
  const { posterior, cursor } = learner.current();
  const { policy, explore, guarantee } = router;
  const { promptTokensEstimate } = needs;
  const x = encoder.encode(request.input);
  const pacing = request.spending && learner.pacer ? learner.pacer.now(request.spending, runtime.clock()) : null;
  const rates = learner.rates(request.prefer);
  const contenders = weighArms({
    policy,
    posterior,
    arms,
    baseline: guarantee?.baseline,
    x,
    promptTokensEstimate,
    maxOutputTokens: needs.outputTokens,
    warm: request.warm,
    rates: pacing && pacing.qualityPerUsd > 0 ? withMoneyPrice(rates, pacing.qualityPerUsd) : rates,
    onTheirWay: (arm) => earlyPulls.of(arm, created),
    explore,
  });
  const candidateAt = (position: number): Candidate => (contenders[position] as Contender).candidate;
  const list = shortlist(learner, request, (position) => candidateAt(position).costUsd);
  if (list.kind === 'none') return { kind: 'no_eligible_model', ruledOut: list.ruledOut };
  if (list.kind === 'over_budget') return list;
  for (let k = 0; k < arms.length; k++) {
    const candidate = candidateAt(k);
    candidate.ruledOut = list.ruledOut[k] as string | null;
    candidate.eligible = candidate.ruledOut === null;
  }

  const { surplus } = posterior;
  const heldBack =
    guarantee && surplus && owed
      ? holdBack(contenders, guarantee, surplus, x, owed.sum(created), request.inToolLoop ? request.stickTo : null)
      : NOBODY;
  const tooDear = pacing && !list.onlyTheCheapest ? keepPaces(contenders, pacing, request, router) : NOBODY;

  const uniform = Math.floor(runtime.random() * 2 ** 32) / 2 ** 32;
  const draw = drawOne(contenders, { policy, explore, uniform });
  let reason: Reason = draw.reason;
  if (list.onlyTheCheapest) reason = 'budget';
  else if (request.stickTo !== null && isEligible(draw, request.stickTo)) {
    makeCertain(draw, request.stickTo);
    reason = 'sticky';
  } else if (reason === 'only-eligible') {
    // Whoever came last left one alone.
    if (tooDear.length > 0) reason = 'budget';
    else if (heldBack.length > 0) reason = 'guarantee';
  }

  const id = newDecisionId(created, runtime.randomHex);
  const decision = blankDecision(id, created, request.key, draw.chosen, reason);
  decision.router = router.name;
  decision.propensity = draw.propensity;
  decision.candidates = draw.candidates;
  decision.x = x;
  decision.uniform = uniform;
  decision.cursor = cursor;
  decision.promptTokensEstimate = promptTokensEstimate;
  if (request.warm?.arm === draw.chosen) decision.prefixTokens = request.warm.tokens;

  if (reason === 'warmup') earlyPulls.drawn(id, draw.chosen, created);
  if (surplus && owed) owed.owe(id, surplus.risk(draw.chosen, x), created);

  const position = arms.findIndex((arm) => arm.id === draw.chosen);
  const order = [arms[position] as Model];
  for (const other of rankRest(draw)) order.push(arms.find((arm) => arm.id === other) as Model);
  for (const { model } of heldBack) order.push(arms.find((arm) => arm.id === model) as Model);
  // An answer that has to be made up for later is better than none.
  for (const { model } of tooDear) order.push(arms.find((arm) => arm.id === model) as Model);
  for (const arm of list.lastResorts) order.push(arm);
  return { kind: 'decided', decision, order, expectedUsd: candidateAt(position).costUsd };
}

const NOBODY: readonly Candidate[] = [];

/**
 * Rules out the arms that a budget has no room for; gives those that were, the cheapest first. A conversation stays with its
 * arm until what was spent too much has to be made up for.
 */
function keepPaces(
  contenders: readonly Contender[],
  { paces }: Pacing,
  { stickTo, inToolLoop }: Pick<ChoiceRequest, 'stickTo' | 'inToolLoop'>,
  { policy, explore }: Pick<Router, 'policy' | 'explore'>,
): readonly Candidate[] {
  const early = POLICIES[policy].explores ? explore.warmup : 0;
  const tooDear: Candidate[] = [];
  for (const pace of paces)
    tooDear.push(...keepWithin(contenders, pace, early, inToolLoop || pace.balanceUsd >= 0 ? stickTo : null));
  return tooDear.sort((one, other) => one.costUsd - other.costUsd);
}

/** USD that a request is expected to cost of which no posterior knows anything: its model was named. */
export function expectedPinnedUsd(model: Model, { promptTokensEstimate, outputTokens }: Needs): number {
  const usual = outputTokens === null ? USUAL_OUTPUT_TOKENS : Math.min(outputTokens, USUAL_OUTPUT_TOKENS);
  return expectedCost(model.price, promptTokensEstimate, usual);
}

/** The decision of a request that named its model itself. It teaches nothing, but it can be looked at and rated. */
export function pin(model: Model, key: string | null, needs: Needs, runtime: Runtime): DecisionRecord {
  const created = runtime.now();
  const decision = blankDecision(newDecisionId(created, runtime.randomHex), created, key, model.id, 'pinned');
  decision.promptTokensEstimate = needs.promptTokensEstimate;
  return decision;
}

const isEligible = ({ candidates }: Draw, model: string): boolean =>
  candidates.some((candidate) => candidate.eligible && candidate.model === model);

/** Makes of a draw one in which nothing was left to chance. */
function makeCertain(draw: Draw, chosen: string): void {
  draw.chosen = chosen;
  draw.propensity = 1;
  for (const candidate of draw.candidates) candidate.propensity = candidate.model === chosen ? 1 : 0;
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
    label: NO_LABEL,
    labelBefore: null,
    turn: 0,
    retry: 0,
    prefixTokens: null,
    worthBefore: null,
    sketch: null,
    completionId: null,
    idempotencyKeys: [],
  };
}
