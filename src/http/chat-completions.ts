/** `POST /v1/chat/completions`: from a client's request to an answer that is passed on as it comes, and what it taught. */
import type { Context } from 'hono';
import type { Router } from '../config/resolve.ts';
import { choose, expectedPinnedUsd, pin } from '../routing/choose.ts';
import type { Asked } from '../routing/follow-ups.ts';
import type { Learner } from '../routing/learner.ts';
import type { Asker } from '../routing/lineage.ts';
import { type Needs, needsOf } from '../routing/needs.ts';
import type { Shape } from '../routing/refusals.ts';
import { warmPrefix } from '../routing/warm-prefix.ts';
import type { Found } from '../stores/ports.ts';
import { admit, keyUsdLeft, noEligible, overBudget, requireAsked, requireBudget, routerUsdLeft } from './admit.ts';
import { answer, type Routed } from './answer.ts';
import { type Caller, ownProviderKey } from './authenticate.ts';
import { type ApiError, bodyTooLarge } from './errors.ts';
import { findEarlier } from './find-earlier.ts';
import type { Gateway } from './gateway.ts';
import { takeFeedback } from './header-feedback.ts';
import { leftEarly } from './left-early.ts';
import { type RequestHeaders, readRequestHeaders } from './request-headers.ts';
import { resolveModel } from './resolve-model.ts';
import { type ChatRequest, readChatRequest } from './wire.ts';

export async function chatCompletions(context: Context, gateway: Gateway, caller: Caller): Promise<Response> {
  const { config, runtime } = gateway;
  const exchange = gateway.openExchange(context);
  const header = (name: string): string | undefined => exchange.header(name);
  const headers = readRequestHeaders(header);
  const limitHeaders = admit(caller, gateway.limits);
  const bytes = await exchange.readBody(config.server.maxBodyBytes);
  if (bytes === 'gone') return leftEarly(context, gateway, caller, 'chat/completions');
  if (bytes === 'too_large') throw bodyTooLarge(config.server.maxBodyBytes);
  // From here on: how long a client takes to send its body is not ours.
  const startedAt = runtime.clock();
  const request = readChatRequest(bytes);
  const routed = await route(gateway, request, headers, caller, isClientRetry(header));
  const client = { exchange, header, headers: limitHeaders, ownKey: ownProviderKey(header, caller) };
  runtime.defer(answer(gateway, routed, client, startedAt));
  return exchange.response;
}

/** Resolves the model, gives feedback that came along, and chooses. */
async function route(
  gateway: Gateway,
  request: ChatRequest,
  headers: RequestHeaders,
  caller: Caller,
  clientRetry: boolean,
): Promise<Routed> {
  const { config, followUps, learners, limits, health, refusals, runtime } = gateway;
  const target = resolveModel(request.model, config, caller);
  const input = { messages: request.messages, tools: request.tools, response_format: request.body.response_format };
  const shape: Shape = { body: request.body, needs: needsOf(request.body, input), caller: caller.name };
  const asked = followUps.trace(request.messages, askerOf(request, headers, caller), clientRetry, caller.routers);
  if (headers.feedback) runtime.defer(takeFeedback(gateway, headers, asked.lineage, caller));

  if (target.kind === 'model') {
    const { model } = target;
    const expectedUsd = expectedPinnedUsd(model, shape.needs);
    requireAsked(model, headers, expectedUsd);
    requireBudget(caller, expectedUsd, limits);
    const decision = pin(model, caller.name, shape.needs, runtime);
    const reservation = limits.reserve({ key: caller.name, router: null }, expectedUsd);
    // It is no router's, but it may say something of an answer that was.
    const standing = followUps.judge(asked, null, decision, learners);
    runtime.defer(standing);
    return {
      request,
      decision,
      order: [model],
      mostArms: 1,
      pinned: true,
      asked,
      standing,
      shape,
      reservation,
    };
  }
  const { router } = target;
  const learner = learners.get(router.name) as Learner;
  const fresh = gateway.freshen?.(learner);
  const found = await findEarlier(gateway, asked, router.name);
  if (fresh) await fresh;
  const refused = followUps.refusedArm(asked, found, router);
  const choice = choose(
    learner,
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
      spending: learner.pacer ? limits.spending(router.name) : null,
      stickTo: refused === null ? armToStayWith(router, asked, found) : null,
      warm: warmPrefix(found, asked.lineage, shape.needs.promptTokensEstimate, runtime.now()),
      inToolLoop: isInToolLoop(asked),
      refused,
      key: caller.name,
    },
    runtime,
  );
  if (choice.kind === 'no_eligible_model') throw noEligibleModel(choice.ruledOut, shape.needs);
  if (choice.kind === 'over_budget') throw overBudget(choice.owner, limits);
  const { decision, order } = choice;
  const reservation = limits.reserve({ key: caller.name, router: router.name }, choice.expectedUsd);
  const standing = followUps.judge(asked, found, decision, learners);
  runtime.defer(standing);
  return {
    request,
    decision,
    order,
    mostArms: 1 + router.fallbacks,
    pinned: false,
    asked,
    standing,
    shape,
    reservation,
  };
}

/** People are kept apart by key and, where it was sent, by session or by the names that OpenAI has for the end user. */
function askerOf({ body }: ChatRequest, { session }: RequestHeaders, caller: Caller): Asker {
  const person = body.safety_identifier ?? body.user;
  return { key: caller.name, session, person: typeof person === 'string' ? person : null };
}

/** The arm that gave the earlier answer of this conversation, where the router stays with it or a tool loop runs. */
function armToStayWith(router: Router, { messages, lineage }: Asked, found: Found | null): string | null {
  const inToolLoop = isInToolLoop({ messages });
  if (found === null || (router.sticky === 'none' && !inToolLoop)) return null;
  // Asked again while the first answer is on its way, or after it failed: any arm may answer, but for a step of an agent's.
  if (found.name === lineage.answered && !inToolLoop) return null;
  return found.decision.router === router.name ? found.decision.model : null;
}

const isInToolLoop = ({ messages }: Pick<Asked, 'messages'>): boolean => messages.at(-1)?.role === 'tool';

function noEligibleModel(ruledOut: ReadonlyMap<string, string>, needs: Needs): ApiError {
  const reasons = [...ruledOut].map(([model, why]) => `${model}: ${why}`).join('; ');
  return noEligible(
    `No model of this router can serve the request (about ${needs.promptTokensEstimate} prompt tokens). ${reasons}.`,
  );
}

/** What OpenAI's clients say of a request that they send once more by themselves. */
const isClientRetry = (header: (name: string) => string | undefined): boolean =>
  Number(header('x-stainless-retry-count') ?? 0) > 0;

function smallest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
