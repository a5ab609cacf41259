/** `POST /v1/chat/completions`: from a client's request to an answer that is passed on as it comes, and what it taught. */
import type { Context } from 'hono';
import type { Model, Router } from '../config/resolve.ts';
import { choose, pin } from '../routing/choose.ts';
import type { Learner } from '../routing/learner.ts';
import { type Lineage, traceLineage } from '../routing/lineage.ts';
import { type Needs, needsOf } from '../routing/needs.ts';
import { answer, type Routed } from './answer.ts';
import { authenticate, type Caller } from './authenticate.ts';
import { ApiError } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { takeFeedback } from './header-feedback.ts';
import { type RequestHeaders, readRequestHeaders } from './request-headers.ts';
import { resolveModel } from './resolve-model.ts';
import { type ChatRequest, readChatRequest } from './wire.ts';

/** A look-up in shared state may take this long before a request goes on without it. */
const LOOK_UP_MS = 10;

export async function chatCompletions(context: Context, gateway: Gateway): Promise<Response> {
  const { config, runtime } = gateway;
  const header = (name: string): string | undefined => context.req.header(name);
  const caller = authenticate(header('authorization'), config.keys, runtime.sha256Hex);
  const headers = readRequestHeaders(header);
  const exchange = gateway.openExchange(context);
  const bytes = await exchange.readBody(config.server.maxBodyBytes);
  if (bytes === 'gone') return new Response(null, { status: 400 });
  if (bytes === 'too_large') {
    throw new ApiError({
      status: 413,
      message: `The body is larger than ${config.server.maxBodyBytes} bytes.`,
      code: 'request_too_large',
      headers: { connection: 'close' },
    });
  }
  // From here on: how long a client takes to send its body is not ours.
  const startedAt = runtime.clock();
  const request = readChatRequest(bytes);
  const routed = await route(gateway, request, headers, caller);
  gateway.ledger.open(routed.decision);
  runtime.defer(answer(gateway, routed, exchange, header, startedAt));
  return exchange.response;
}

/** Resolves the model, gives feedback that came along, and chooses. */
async function route(gateway: Gateway, request: ChatRequest, headers: RequestHeaders, caller: Caller): Promise<Routed> {
  const { config, learners, runtime } = gateway;
  const target = resolveModel(request.model, config, caller);
  const input = { messages: request.messages, tools: request.tools, response_format: request.body.response_format };
  const needs = needsOf(request.body, input);
  const lineage = traceLineage(request.messages, scopeOf(request, headers, caller), headers.session, runtime.digest);
  if (headers.feedback) runtime.defer(takeFeedback(gateway, headers, lineage, caller));

  if (target.kind === 'model') {
    const decision = pin(target.model, caller.name, needs, runtime);
    return { request, decision, order: [target.model], pinned: true, lineage };
  }
  const learner = learners.get(target.router.name) as Learner;
  const choice = choose(
    learner,
    {
      input,
      needs,
      restrictions: {
        keyModels: caller.models,
        headerModels: headers.models,
        maxUsd: smallest(headers.maxUsd, target.router.maxUsdPerRequest),
      },
      prefer: headers.prefer ?? target.router.prefer,
      stickTo: await armToStayWith(gateway, target.router, request, lineage),
      key: caller.name,
    },
    runtime,
  );
  if (choice.kind === 'no_eligible_model') throw noEligibleModel(choice.ruledOut, needs);
  const order = choice.order.map((id) => config.models.get(id) as Model);
  return { request, decision: choice.decision, order, pinned: false, lineage };
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

function noEligibleModel(ruledOut: readonly { model: string; why: string }[], needs: Needs): ApiError {
  const reasons = ruledOut.map(({ model, why }) => `${model}: ${why}`).join('; ');
  return new ApiError({
    status: 400,
    message: `No model of this router can serve the request (about ${needs.promptTokensEstimate} prompt tokens). ${reasons}.`,
    param: 'model',
    code: 'no_eligible_model',
  });
}

function smallest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

/** The promise's value, or null when it takes longer than this. */
async function within<T>(ms: number, promise: Promise<T | null>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
