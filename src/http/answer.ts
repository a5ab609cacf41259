/** Answers a request that has been routed: tries its arms in turn, passes the answer on, and settles the decision. */
import type { Model, Provider } from '../config/resolve.ts';
import type { Lineage } from '../routing/lineage.ts';
import { settled, type TriedArm } from '../routing/settle.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type AttemptEnd, type RunningAttempt, startAttempt } from '../upstream/attempt.ts';
import { upstreamBody } from '../upstream/body.ts';
import { codeOf, finalFailure, isOnAccountOfTheRequest, isRefusal, withoutSecrets } from '../upstream/failures.ts';
import { clientHeaders, upstreamHeaders } from '../upstream/headers.ts';
import { completionName } from './completion-name.ts';
import { errorBody, internalError } from './errors.ts';
import type { ClientExchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { encodeHeaderText } from './header-text.ts';
import type { ChatRequest } from './wire.ts';

/** Everything that one request has become by the time it goes upstream. */
export interface Routed {
  request: ChatRequest;
  decision: DecisionRecord;
  order: readonly Model[];
  pinned: boolean;
  lineage: Lineage;
}

/** Tries the arms in turn until one answers, the request proves to be at fault, or the client has gone. */
export async function answer(
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

  const nameOfCompletion = (completionId: string): string => completionName(completionId, decision.key, runtime.digest);

  const ownHeaders = (model: Model): Record<string, string> => ({
    'x-conduit-decision': decision.id,
    'x-conduit-model': encodeHeaderText(model.id),
    'x-conduit-reason': tried.length > 0 ? 'fallback' : decision.reason,
    'x-conduit-propensity': String(decision.propensity),
    'x-conduit-attempts': String(tried.length + 1),
    'x-conduit-overhead-ms': Math.max(0, runtime.clock() - startedAt - upstreamMs).toFixed(3),
  });

  const sendWhole = (status: number, body: string | Uint8Array, headers: Record<string, string>): void => {
    const bytes = typeof body === 'string' ? encoded(body) : body;
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
          method: 'POST',
          url: `${provider.baseUrl}/chat/completions`,
          headers: upstreamHeaders(header, provider, provider.apiKeys[0] ?? null),
          body: text,
          connectMs: model.timeouts.connectMs,
        },
        timeouts: model.timeouts,
        stream: request.stream,
        ownUsage,
        client: exchange,
        clock: runtime.clock,
        begin: (status, headers, completionId) => {
          if (completionId !== null) gateway.ledger.nameOpen(decision.id, nameOfCompletion(completionId));
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
        sendWhole(end.status as number, withoutSecrets(end.body as Uint8Array, provider.apiKeys), {
          ...clientHeaders(end.headers),
          ...ownHeaders(model),
        });
      } else if (!end.begun && isLast && !left) {
        const failure = finalFailure([...tried.map((attempt) => attempt.end), end]);
        const body = errorBody({ status: failure.status, message: failure.message, code: failure.code });
        const retryAfter: Record<string, string> =
          failure.retryAfter === null ? {} : { 'retry-after': failure.retryAfter };
        sendWhole(failure.status, withoutSecrets(encoded(body), provider.apiKeys), {
          ...retryAfter,
          ...ownHeaders(model),
        });
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
      return { decision: done, names: namesOf(done, lineage, tried, nameOfCompletion) };
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
  nameOfCompletion: (completionId: string) => string,
): readonly string[] {
  const names: string[] = [];
  const observed = tried.at(-1)?.end.observed;
  if (decision.completionId !== null) names.push(nameOfCompletion(decision.completionId));
  // A request that nothing answered is no part of the conversation: its latest answer is still the one before.
  if (observed) {
    names.push(lineage.answered, lineage.withAnswer(observed.message));
    if (lineage.session !== null) names.push(lineage.session);
  }
  return names;
}

/** What an upstream says may hold the prompt or part of a key: only what we say ourselves is logged, and its code. */
function noteFailure({ runtime }: Gateway, decision: DecisionRecord, model: Model, end: AttemptEnd): void {
  if (end.outcome === 'completed' || end.outcome === 'client_abort') return;
  const { outcome, status } = end;
  const fields = { decision: decision.id, model: model.id, outcome, status, code: codeOf(end.body) };
  if (isOnAccountOfTheRequest(end)) runtime.log.debug(fields, 'an upstream refused a request');
  else runtime.log.warn({ ...fields, ...(status === null && { said: end.message }) }, 'an attempt failed');
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
