/** Which of a router's arms may answer a request, and what rules out the others. */
import { matchesGlob } from '../config/glob.ts';
import type { Model } from '../config/resolve.ts';
import type { Needs } from './needs.ts';

export interface Restrictions {
  /** Globs of the caller's key; null for no restriction. */
  keyModels: readonly string[] | null;
  /** Globs or ids of the header `x-conduit-models`; null where it was not sent. */
  headerModels: readonly string[] | null;
  /** USD that the request may be expected to cost at most; null for no limit. */
  maxUsd: number | null;
}

/** Our token count is rough: only a prompt that is too long even if a fifth was counted too much rules a model out. */
const ESTIMATE_SLACK = 0.8;

/** Why this model cannot serve the request, in words; null where it can. */
export function ruledOutBy(model: Model, needs: Needs, restrictions: Restrictions, expectedUsd: number): string | null {
  return restrictedBy(model, restrictions, () => expectedUsd) ?? lackedBy(model, needs);
}

/** Which restriction keeps this model from a request, in words; null where none does. */
export function restrictedBy(
  model: Model,
  { keyModels, headerModels, maxUsd }: Restrictions,
  expectedUsd: () => number,
): string | null {
  if (keyModels && !keyModels.some((glob) => matchesGlob(glob, model.id))) return 'the key does not allow this model';
  if (headerModels && !headerModels.some((glob) => matchesGlob(glob, model.id))) return 'not in x-conduit-models';
  if (maxUsd !== null) {
    const expected = expectedUsd();
    if (expected > maxUsd) return `expected to cost $${expected.toPrecision(3)}, more than $${maxUsd}`;
  }
  return null;
}

/** What the request needs and this model does not have, in words; null where it has all. */
function lackedBy(model: Model, needs: Needs): string | null {
  for (const capability of needs.capabilities) {
    if (!model.supports.has(capability)) return `does not support ${capability}`;
  }
  for (const field of needs.fields) if (model.params.drop.includes(field)) return `does not support ${field}`;
  if (model.maxOutput !== null && needs.outputTokens !== null && needs.outputTokens > model.maxOutput) {
    return `gives at most ${model.maxOutput} output tokens`;
  }
  if (model.context !== null) {
    const least = needs.promptTokensEstimate * ESTIMATE_SLACK + (needs.outputTokens ?? 0);
    if (least > model.context) return `its context of ${model.context} tokens is too short`;
  }
  return null;
}
