/** `POST /v1/chat/completions`: from a client's request to an answer that is passed on as it comes, and what it taught. */
import type { Context } from 'hono';
import type { Model, Provider, Router } from '../config/resolve.ts';
import { choose, pin } from '../routing/choose.ts';
import type { DecisionRecord } from '../routing/decision.ts';
import type { Learner } from '../routing/learner.ts';
import { type Lineage, traceLineage } from '../routing/lineage.ts';
import { type Needs, needsOf } from '../routing/needs.ts';
import { settled, type TriedArm } from '../routing/settle.ts';
import { type AttemptEnd, type RunningAttempt, startAttempt } from '../upstream/attempt.ts';
import { upstreamBody } from '../upstream/body.ts';
import { finalFailure, isOnAccountOfTheRequest, isRefusal } from '../upstream/failures.ts';
import { clientHeaders, upstreamHeaders } from '../upstream/headers.ts';
import { authenticate, type Caller } from './authenticate.ts';
import { ApiError, type ApiErrorFields, errorBody, internalError } from './errors.ts';
import type { ClientExchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { encodeHeaderText } from './header-text.ts';
import { type RequestHeaders, readRequestHeaders } from './request-headers.ts';
import { resolveModel } from './resolve-model.ts';
import { type ChatRequest, readChatRequest } from './wire.ts';

/** A look-up in shared state may take this long before a request goes on without it. */
const LOOK_UP_MS = 10;

/** Everything that one request has become by the time it goes upstream. */
interface Routed {
  request: ChatRequest;
  decision: DecisionRecord;
  order: readonly Model[];
  pinned: boolean;
  lineage: Lineage;
}

export async function chatCompletions(context: Context, gateway: Gateway): Promise<Response> {
  const { config, runtime } = gateway;
  const startedAt = runtime.clock();
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

/** Tries the arms in turn until one answers, the request proves to be at fault, or the client has gone. */
async function answer(
  gateway: Gateway,
  routed: Routed,
  exchange: ClientExchange,
  header: (name: string) => string | undefined,
  startedAt: number,
): Promise<void> {
  const { config, runtime } = gateway;
  const { request, decision, order, pinned, lineage } = routed;
  const tried: TriedArm[] = [];
  let left = false;
  let running: RunningAttempt | undefined;
  let upstreamMs = 0;
  let begun = false;
  exchange.onLeave(() => {
    left = true;
    running?.abandon();
  });

  const ownHeaders = (model: Model): Record<string, string> => ({
    'x-conduit-decision': decision.id,
    'x-conduit-model': encodeHeaderText(model.id),
    'x-conduit-reason': tried.length > 0 ? 'fallback' : decision.reason,
    'x-conduit-propensity': String(decision.propensity),
    'x-conduit-attempts': String(tried.length + 1),
    'x-conduit-overhead-ms': Math.max(0, runtime.clock() - startedAt - upstreamMs).toFixed(3),
  });

  const sendWhole = (status: number, body: string | Uint8Array, headers: Record<string, string>): void => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    exchange.begin(status, { 'content-type': 'application/json', ...headers, 'content-length': String(bytes.length) });
    begun = true;
    exchange.write(bytes);
    exchange.end();
  };

  try {
    for (const model of order) {
      if (left) break;
      const provider = config.providers.get(model.provider) as Provider;
      const { text, ownUsage } = upstreamBody(request.text, request.body, model, {
        pinned,
        streamUsage: provider.streamUsage,
      });
      const sentAt = runtime.clock();
      running = startAttempt({
        send: gateway.send,
        request: {
          url: `${provider.baseUrl}/chat/completions`,
          headers: upstreamHeaders(header, provider),
          body: text,
          connectMs: model.timeouts.connectMs,
        },
        timeouts: model.timeouts,
        stream: request.stream,
        ownUsage,
        client: exchange,
        clock: runtime.clock,
        begin: (status, headers) => {
          upstreamMs += runtime.clock() - sentAt;
          exchange.begin(status, { ...clientHeaders(headers), ...ownHeaders(model) });
          begun = true;
        },
      });
      const end = await running.ended;
      if (!end.begun) upstreamMs += runtime.clock() - sentAt;
      const isLast = tried.length + 1 === order.length;
      if (!end.begun && end.outcome === 'completed') {
        sendWhole(end.status as number, end.body as Uint8Array, {
          ...clientHeaders(end.headers),
          ...ownHeaders(model),
        });
      } else if (!left && (isOnAccountOfTheRequest(end) || (isLast && isRefusal(end)))) {
        sendWhole(end.status as number, end.body as Uint8Array, {
          ...clientHeaders(end.headers),
          ...ownHeaders(model),
        });
      } else if (!end.begun && isLast && !left) {
        const failure = finalFailure([...tried.map((attempt) => attempt.end), end]);
        const fields: ApiErrorFields = { status: failure.status, message: failure.message, code: failure.code };
        const retryAfter: Record<string, string> =
          failure.retryAfter === null ? {} : { 'retry-after': failure.retryAfter };
        sendWhole(failure.status, errorBody(fields), { ...retryAfter, ...ownHeaders(model) });
      }
      tried.push({ model, end });
      noteFailure(gateway, decision, model, end);
      if (end.begun || end.outcome === 'completed' || end.outcome === 'client_abort' || isOnAccountOfTheRequest(end))
        break;
    }
  } catch (error) {
    runtime.log.error({ err: error, decision: decision.id }, 'an answer failed inside Conduit');
    running?.abandon();
    if (!begun) sendWhole(500, errorBody(internalError), {});
    else exchange.end();
  } finally {
    gateway.ledger.settle(decision.id, (current) => {
      const done = settled(current, tried, request.stream);
      return { decision: done, names: namesOf(done, lineage, tried, runtime.digest) };
    });
    runtime.log.debug(
      {
        decision: decision.id,
        model: tried.at(-1)?.model.id,
        outcome: tried.at(-1)?.end.outcome,
        attempts: tried.length,
      },
      'completion',
    );
  }
}

/** Under which names a later request, or feedback, finds this decision again. */
function namesOf(
  decision: DecisionRecord,
  lineage: Lineage,
  tried: readonly TriedArm[],
  digest: (text: string) => string,
): readonly string[] {
  const names = lineage.session === null ? [] : [lineage.session];
  const observed = tried.at(-1)?.end.observed;
  if (decision.completionId !== null) names.push(completionName(decision.completionId, decision.key, digest));
  if (observed) names.push(lineage.answered, lineage.withAnswer(observed.message));
  return names;
}

/** A completion's id, kept apart by key: another key's answers are not found. */
export const completionName = (completionId: string, key: string | null, digest: (text: string) => string): string =>
  `completion:${digest(`completion\n${key ?? ''}\n${completionId}`)}`;

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
  if (lineage.earlier.length === 0 || (router.sticky === 'none' && !inToolLoop)) return null;
  const earlier = await within(LOOK_UP_MS, gateway.ledger.findByName(lineage.earlier));
  return earlier?.router === router.name ? earlier.model : null;
}

/** Feedback in a header never fails or delays the completion that it came with; what is wrong with it is logged. */
async function takeFeedback(
  gateway: Gateway,
  headers: RequestHeaders,
  lineage: Lineage,
  caller: Caller,
): Promise<void> {
  const { ledger, runtime } = gateway;
  try {
    const names = [...(lineage.session === null ? [] : [lineage.session]), lineage.answered, ...lineage.earlier];
    const found = headers.decision === null ? await ledger.findByName(names) : await ledger.find(headers.decision);
    const visible = found && (caller.admin || found.key === caller.name) ? found : null;
    const result = visible
      ? await ledger.giveFeedback(visible.id, headers.feedback as NonNullable<typeof headers.feedback>)
      : null;
    if (!result || !('decision' in result)) {
      runtime.log.warn(
        { decision: headers.decision, status: result?.status ?? 'not_found' },
        'feedback in a header was about no decision known here',
      );
    }
  } catch (error) {
    runtime.log.error({ err: error }, 'feedback in a header could not be kept');
  }
}

function noteFailure({ runtime }: Gateway, decision: DecisionRecord, model: Model, end: AttemptEnd): void {
  if (end.outcome === 'completed' || end.outcome === 'client_abort') return;
  const { outcome, status } = end;
  // What an upstream says of a key may hold part of it.
  const said = status === 401 || status === 403 ? undefined : end.message;
  runtime.log.warn({ decision: decision.id, model: model.id, outcome, status, said }, 'an attempt failed');
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
