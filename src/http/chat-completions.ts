/** `POST /v1/chat/completions`: from a client's request to an answer that is passed on as it comes, and what it taught. */
import type { Context } from 'hono';
import type { Router } from '../config/resolve.ts';
import { choose, expectedPinnedUsd, pin } from '../routing/choose.ts';
import type { Learner } from '../routing/learner.ts';
import { type Lineage, traceLineage } from '../routing/lineage.ts';
import { type Needs, needsOf } from '../routing/needs.ts';
import type { Shape } from '../routing/refusals.ts';
import { admit, keyUsdLeft, noEligible, overBudget, requireAsked, requireBudget, routerUsdLeft } from './admit.ts';
import { answer, type Routed } from './answer.ts';
import { type Caller, ownProviderKey } from './authenticate.ts';
import { type ApiError, bodyTooLarge } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { takeFeedback } from './header-feedback.ts';
import { type RequestHeaders, readRequestHeaders } from './request-headers.ts';
import { resolveModel } from './resolve-model.ts';
import { type ChatRequest, readChatRequest } from './wire.ts';
import { within } from './within.ts';

/** A look-up in shared state may take this long before a request goes on without it. */
const LOOK_UP_MS = 10;

export async function chatCompletions(context: Context, gateway: Gateway, caller: Caller): Promise<Response> {
  const { config, runtime } = gateway;
  const exchange = gateway.openExchange(context);
  const header = (name: string): string | undefined => exchange.header(name);
  const headers = readRequestHeaders(header);
  const limitHeaders = admit(caller, gateway.limits);
  const bytes = await exchange.readBody(config.server.maxBodyBytes);
  if (bytes === 'gone') return new Response(null, { status: 400 });
  if (bytes === 'too_large') throw bodyTooLarge(config.server.maxBodyBytes);
  // From here on: how long a client takes to send its body is not ours.
  const startedAt = runtime.clock();
  const request = readChatRequest(bytes);
  const routed = await route(gateway, request, headers, caller);
  gateway.ledger.open(routed.decision);
  const client = { exchange, header, headers: limitHeaders, ownKey: ownProviderKey(header, caller) };
  runtime.defer(answer(gateway, routed, client, startedAt));
  return exchange.response;
}

/** Resolves the model, gives feedback that came along, and chooses. */
async function route(gateway: Gateway, request: ChatRequest, headers: RequestHeaders, caller: Caller): Promise<Routed> {
  const { config, learners, limits, health, refusals, runtime } = gateway;
  const target = resolveModel(request.model, config, caller);
  const input = { messages: request.messages, tools: request.tools, response_format: request.body.response_format };
  const shape: Shape = { body: request.body, needs: needsOf(request.body, input), caller: caller.name };
  const lineage = traceLineage(request.messages, scopeOf(request, headers, caller), headers.session, runtime.digest);
  if (headers.feedback) runtime.defer(takeFeedback(gateway, headers, lineage, caller));

  if (target.kind === 'model') {
    const { model } = target;
    const expectedUsd = expectedPinnedUsd(model, shape.needs);
    requireAsked(model, headers, expectedUsd);
    requireBudget(caller, expectedUsd, limits);
    const decision = pin(model, caller.name, shape.needs, runtime);
    const reservation = limits.reserve({ key: caller.name, router: null }, expectedUsd);
    return { request, decision, order: [model], mostArms: 1, pinned: true, lineage, shape, reservation };
  }
  const { router } = target;
  const stickTo = await armToStayWith(gateway, router, request, lineage);
  const choice = choose(
    learners.get(router.name) as Learner,
    {
      input,
      shape,
      restrictions: {
        keyModels: caller.models,
        headerModels: headers.models,
        maxUsd: smallest(headers.maxUsd, router.maxUsdPerRequest),
      },
      keyUsdLeft: keyUsdLeft(caller, limits),
      routerUsdLeft: routerUsdLeft(router, limits),
      health,
      refusals,
      prefer: headers.prefer ?? router.prefer,
      stickTo,
      key: caller.name,
    },
    runtime,
  );
  if (choice.kind === 'no_eligible_model') throw noEligibleModel(choice.ruledOut, shape.needs);
  if (choice.kind === 'over_budget') throw overBudget(choice.owner, limits);
  const { decision, order } = choice;
  const reservation = limits.reserve({ key: caller.name, router: router.name }, choice.expectedUsd);
  return { request, decision, order, mostArms: 1 + router.fallbacks, pinned: false, lineage, shape, reservation };
}

/** People are kept apart by key and, where it was sent, by session or by the names that OpenAI has for the end user. */
function scopeOf({ body }: ChatRequest, headers: RequestHeaders, caller: Caller): string {
  const person = headers.session ?? body.safety_identifier ?? body.user;
  return JSON.stringify([caller.name, typeof person === 'string' ? person : null]);
}

/** The arm that gave the earlier answer of this conversation, where the router stays with it or a tool loop runs. */
async function armToStayWith(
  gateway: Gateway,
  router: Router,
  request: ChatRequest,
  lineage: Lineage,
): Promise<string | null> {
  const inToolLoop = request.messages.at(-1)?.role === 'tool';
  if (router.sticky === 'none' && !inToolLoop) return null;
  const names = lineage.session === null ? lineage.earlier : [...lineage.earlier, lineage.session];
  if (names.length === 0) return null;
  const { ledger } = gateway;
  const earlier = await within(LOOK_UP_MS, ledger.findByName(names));
  // A named session may ask the very same again: that is no going on, and another arm may do better.
  const repeated = lineage.session !== null && (await within(LOOK_UP_MS, ledger.findByName([lineage.answered])));
  if (repeated) return null;
  return earlier?.router === router.name ? earlier.model : null;
}

function noEligibleModel(ruledOut: ReadonlyMap<string, string>, needs: Needs): ApiError {
  const reasons = [...ruledOut].map(([model, why]) => `${model}: ${why}`).join('; ');
  return noEligible(
    `No model of this router can serve the request (about ${needs.promptTokensEstimate} prompt tokens). ${reasons}.`,
  );
}

function smallest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
