/** Every other `/v1/*` route: passed through to the provider that its model or a header names, and accounted for. */
import type { Context } from 'hono';
import type { Model } from '../config/resolve.ts';
import { expectedPinnedUsd, pin } from '../routing/choose.ts';
import { traceLineage } from '../routing/lineage.ts';
import type { Needs } from '../routing/needs.ts';
import { admit, keyUsdLeft, overBudget, requireAsked, requireBudget } from './admit.ts';
import { type Caller, ownProviderKey, requireRoute, requireStoredCompletions } from './authenticate.ts';
import { ApiError, badRequest } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { takeFeedback } from './header-feedback.ts';
import { leftEarly } from './left-early.ts';
import { type Passed, relayRequest } from './pass-through-answer.ts';
import { type PassedBody, readPassedBody } from './pass-through-body.ts';
import { type PassedPath, readPath } from './pass-through-path.ts';
import { type PassedTarget, resolveTarget } from './pass-through-target.ts';
import { type RequestHeaders, readRequestHeaders } from './request-headers.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** What looks and deletes is not kept: whoever polls a batch would push out the decisions that teach. */
const UNKEPT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE']);

/** Routes that are Conduit's: what they do not answer, nobody does. */
const OWN_ROUTES = new Set(['models', 'feedback', 'decisions', 'routers']);

export async function passThrough(context: Context, gateway: Gateway, caller: Caller): Promise<Response> {
  const { config, runtime } = gateway;
  const header = (name: string): string | undefined => context.req.header(name);
  const { method } = context.req;
  const exchange = gateway.openExchange(context);
  const path = readPath(exchange.target);
  if (!METHODS.has(method) || OWN_ROUTES.has(path.route.split('/')[0] as string)) throw noSuchRoute(method, path);
  requireRoute(caller, path.route);
  if (/^chat\/completions(\/|$)/.test(path.route)) requireStoredCompletions(caller);
  refuseWebSocket(header('upgrade'));
  const headers = readRequestHeaders(header);
  const limitHeaders = admit(caller, gateway.limits);
  const isLimited = caller.models !== null || caller.usdPerDay !== null;
  const body = await readPassedBody(exchange, method, header, config.server.maxBodyBytes, isLimited);
  if (body === 'gone') return leftEarly(context, gateway, caller, path.call);
  // From here on: how long a client takes to send its body is not ours.
  const startedAt = runtime.clock();
  let passed: Passed;
  try {
    const target = resolveTarget(body.model, header('x-conduit-provider'), config, caller);
    const accounted = account(gateway, target, method, path, body, headers, caller);
    passed = { ...target, method, path, body, isKept: !UNKEPT_METHODS.has(method), ...accounted };
  } catch (error) {
    body.release();
    throw error;
  }
  takeWithFeedback(gateway, headers, caller);
  if (passed.isKept) gateway.ledger.open(passed.decision);
  const client = { exchange, header, headers: limitHeaders, ownKey: ownProviderKey(header, caller) };
  runtime.defer(relayRequest(gateway, passed, client, startedAt));
  return exchange.response;
}

/** The decision that says where the request goes, and the money set aside for it. Throws where there is too little. */
function account(
  { limits, runtime }: Gateway,
  { model, isConfigured }: PassedTarget,
  method: string,
  path: PassedPath,
  body: PassedBody,
  headers: RequestHeaders,
  caller: Caller,
): Pick<Passed, 'decision' | 'reservation'> {
  const needs = roughNeeds(body, model);
  const expectedUsd = isConfigured ? expectedPinnedUsd(model, needs) : 0;
  if (body.model !== null) requireAsked(model, headers, expectedUsd);
  requireBudget(caller, expectedUsd, limits);
  // What has no price here still costs something there: only looking and deleting go on when a key's money is gone.
  const left = keyUsdLeft(caller, limits);
  if (left !== null && left <= 0 && !UNKEPT_METHODS.has(method)) throw overBudget('key', limits);
  return {
    decision: { ...pin(model, caller.name, needs, runtime), call: path.call },
    reservation: limits.reserve({ key: caller.name, router: null }, expectedUsd),
  };
}

/** What a prompt of unknown shape comes to: an image in it is long and costs less than as many words. */
const CHARACTERS_PER_TOKEN = 4;
const MOST_TOKENS = 32_768;

function roughNeeds({ characters }: PassedBody, { context }: Model): Needs {
  const tokens = Math.ceil(characters / CHARACTERS_PER_TOKEN);
  return {
    capabilities: [],
    fields: [],
    promptTokensEstimate: Math.min(tokens, context ?? MOST_TOKENS),
    outputTokens: null,
  };
}

/** Feedback that came along goes to the decision or the session that it names: there are no messages to find one by. */
function takeWithFeedback(gateway: Gateway, headers: RequestHeaders, caller: Caller): void {
  if (!headers.feedback) return;
  const asker = { key: caller.name, session: headers.session, person: null };
  const lineage = traceLineage([], asker, gateway.runtime.digest);
  gateway.runtime.defer(takeFeedback(gateway, headers, lineage, caller));
}

function refuseWebSocket(upgrade: string | undefined): void {
  if (!upgrade || !/\bwebsocket\b/i.test(upgrade)) return;
  throw badRequest('Websockets are not passed through.', null, 'websockets_not_supported');
}

const noSuchRoute = (method: string, { route }: PassedPath): ApiError =>
  new ApiError({ status: 404, message: `There is no ${method} /v1/${route} here.`, code: 'not_found' });
