/** Lets a caller in as far as its key's limits allow, and says in OpenAI's headers what is left of them. */
import type { Model, Router } from '../config/resolve.ts';
import { restrictedBy } from '../routing/eligibility.ts';
import type { Limits, Rate } from '../routing/limits.ts';
import type { Caller } from './authenticate.ts';
import { ApiError, badRequest } from './errors.ts';
import type { RequestHeaders } from './request-headers.ts';

/** Counts the request; gives the headers that tell the caller what is left. Throws a 429 where its minute is full. */
export function admit(caller: Caller, limits: Limits): Record<string, string> {
  if (caller.name === null || caller.requestsPerMinute === null) return {};
  const rate = limits.countRequest(caller.name, caller.requestsPerMinute);
  const headers = rateHeaders(rate);
  if (rate.waitMs === 0) return headers;
  throw new ApiError({
    status: 429,
    message: `Rate limit reached for this key: ${rate.limit} requests per minute. Try again in ${duration(rate.waitMs)}.`,
    code: 'rate_limit_exceeded',
    headers: { ...headers, 'retry-after': seconds(rate.waitMs) },
  });
}

/** USD that the caller's key may still spend today; null for no limit. */
export function keyUsdLeft(caller: Caller, limits: Limits): number | null {
  if (caller.name === null || caller.usdPerDay === null) return null;
  return caller.usdPerDay - limits.spentToday({ kind: 'key', name: caller.name });
}

/** USD that the router may still spend today; null for no limit. */
export function routerUsdLeft(router: Router, limits: Limits): number | null {
  return router.usdPerDay === null ? null : router.usdPerDay - limits.spentToday({ kind: 'router', name: router.name });
}

/** The 429 for a day whose money is gone. */
export function overBudget(owner: 'key' | 'router', limits: Limits): ApiError {
  return new ApiError({
    status: 429,
    message: `What this ${owner} may spend today (UTC) does not suffice for this request.`,
    code: 'budget_exceeded',
    headers: { 'retry-after': seconds(limits.untilTomorrow()) },
  });
}

/** Throws the 429 for a request whose expected cost the key's money for today does not cover. */
export function requireBudget(caller: Caller, expectedUsd: number, limits: Limits): void {
  const left = keyUsdLeft(caller, limits);
  if (left !== null && expectedUsd > Math.max(0, left)) throw overBudget('key', limits);
}

/** Throws a 400 where the request's own headers rule out the model that it pins. */
export function requireAsked(model: Model, { models, maxUsd }: RequestHeaders, expectedUsd: number): void {
  const restrictions = { keyModels: null, headerModels: models, maxUsd };
  const why = restrictedBy(model, restrictions, () => expectedUsd);
  if (why !== null) throw noEligible(`${model.id}: ${why}.`);
}

/** The 400 for a request that no model may serve. */
export const noEligible = (message: string): ApiError => badRequest(message, 'model', 'no_eligible_model');

function rateHeaders({ limit, remaining, resetMs }: Rate): Record<string, string> {
  return {
    'x-ratelimit-limit-requests': String(limit),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': duration(resetMs),
  };
}

const seconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)));

/** As OpenAI writes it: `120ms`, `6s`, `1m30s`. */
function duration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const whole = Math.ceil(ms / 1_000);
  const minutes = Math.floor(whole / 60);
  return minutes === 0 ? `${whole}s` : `${minutes}m${whole % 60}s`;
}
