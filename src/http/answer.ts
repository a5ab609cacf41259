/** Answers a request that has been routed: tries its arms in turn, passes the answer on, and settles the decision. */
import type { Model, Provider } from '../config/resolve.ts';
import { nextArm } from '../routing/fallback.ts';
import type { Reservation } from '../routing/limits.ts';
import type { Lineage } from '../routing/lineage.ts';
import type { Shape } from '../routing/refusals.ts';
import { settled, spentOn, type TriedArm } from '../routing/settle.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type AttemptEnd, type RunningAttempt, startAttempt } from '../upstream/attempt.ts';
import { upstreamBody } from '../upstream/body.ts';
import {
  codeOf,
  finalFailure,
  heldAgainstArm,
  isOnAccountOfTheRequest,
  isRefusal,
  ownRefusal,
  secretsOf,
  type Verdict,
  verdictOf,
  withoutSecrets,
} from '../upstream/failures.ts';
import { clientHeaders, upstreamHeaders } from '../upstream/headers.ts';
import { completionName } from './completion-name.ts';
import type { Gateway } from './gateway.ts';
import { type Client, createReply } from './reply.ts';
import type { ChatRequest } from './wire.ts';

/** Everything that one request has become by the time it goes upstream. */
export interface Routed {
  request: ChatRequest;
  decision: DecisionRecord;
  /** The arms that may be asked, the chosen one first, and how many of them at most. */
  order: readonly Model[];
  mostArms: number;
  pinned: boolean;
  lineage: Lineage;
  shape: Shape;
  reservation: Reservation;
}

/** Tries the arms in turn until one answers, the request proves to be at fault, or the client has gone. */
export async function answer(gateway: Gateway, routed: Routed, client: Client, startedAt: number): Promise<void> {
  const { config, health, refusals, runtime } = gateway;
  const { request, decision, order, mostArms, pinned, lineage, shape, reservation } = routed;
  const { exchange } = client;
  const tried: TriedArm[] = [];
  let attempts = 0;
  let left = false;
  let running: RunningAttempt | undefined;
  const reply = createReply(client, runtime.clock, startedAt);
  exchange.onLeave(() => {
    left = true;
    running?.abandon();
  });

  const nameOfCompletion = (completionId: string): string => completionName(completionId, decision.key, runtime.digest);

  const ownHeaders = (model: Model): Record<string, string> =>
    reply.headers({
      decision: decision.id,
      model: model.id,
      reason: model.id === decision.chosen ? decision.reason : 'fallback',
      propensity: decision.propensity,
      attempts,
    });

  /** Passes on what the upstream answered, byte for byte but for a key of ours. */
  const passOn = (model: Model, end: AttemptEnd): void => {
    const body = end.body as Uint8Array;
    const bytes = end.outcome === 'completed' ? body : withoutSecrets(body, secretsOf(providerOf(model)));
    const headers = { 'content-type': 'application/json', ...clientHeaders(end.headers), ...ownHeaders(model) };
    reply.sendWhole(end.status as number, bytes, headers);
  };

  const tellFailure = (model: Model): void => {
    // Of an arm that was asked with several keys, the last word counts.
    const ends = [...new Map(tried.map((one) => [one.model, one.end])).values()];
    const { retryAfter, ...failure } = finalFailure(ends, runtime.now());
    const headers = { ...(retryAfter !== null && { 'retry-after': retryAfter }), ...ownHeaders(model) };
    reply.sendError(failure, headers, secretsOf(providerOf(model)));
  };

  const providerOf = (model: Model): Provider => config.providers.get(model.provider) as Provider;

  /** One attempt, and what it says of the arm. */
  const attempt = async (model: Model): Promise<{ end: AttemptEnd; verdict: Verdict; ownUsage: boolean }> => {
    attempts++;
    const provider = providerOf(model);
    const apiKey = provider.passthrough ? client.ownKey : health.keyFor(model);
    const { text, ownUsage } = upstreamBody(request.text, request.body, model, {
      pinned,
      streamUsage: provider.streamUsage && !refusals.refusesUsage(model.id),
    });
    const conclude = health.begin(model, apiKey);
    const sentAt = runtime.clock();
    running = startAttempt({
      send: gateway.send,
      request: {
        method: 'POST',
        url: `${provider.baseUrl}/chat/completions`,
        headers: upstreamHeaders(client.header, provider, apiKey),
        body: text,
        connectMs: model.timeouts.connectMs,
      },
      timeouts: model.timeouts,
      stream: request.stream,
      ownUsage,
      client: exchange,
      clean: (error) => withoutSecrets(error, secretsOf(provider)),
      clock: runtime.clock,
      begin: (status, headers, completionId) => {
        if (completionId !== null) gateway.ledger.nameOpen(decision.id, nameOfCompletion(completionId));
        reply.upstreamTook(runtime.clock() - sentAt);
        reply.begin(status, { ...clientHeaders(headers), ...ownHeaders(model) });
      },
    });
    const end = await running.ended;
    if (!end.begun) reply.upstreamTook(runtime.clock() - sentAt);
    const verdict = verdictOf(end, runtime.now());
    conclude(heldAgainstArm(verdict, provider));
    return { end, verdict, ownUsage };
  };

  const nextUntried = (): Model | null => nextArm(order, new Set(tried.map((one) => one.model)), mostArms, health);

  /** Whether the same arm is asked once more, since not the arm but how it was asked was at fault. */
  const askAgain = (model: Model, end: AttemptEnd, verdict: Verdict, ownUsage: boolean): boolean => {
    const provider = providerOf(model);
    const times = tried.filter((one) => one.model === model).length;
    if (verdict.kind === 'rate_limited' || (verdict.kind === 'misconfigured' && verdict.ofKey)) {
      return times < provider.apiKeys.length && health.hasKeyFor(model);
    }
    if (ownUsage && isRefusal(end) && new TextDecoder().decode(end.body as Uint8Array).includes('stream_options')) {
      refusals.rememberNoUsage(model.id);
      return true;
    }
    return false;
  };

  try {
    let model = nextUntried();
    while (model !== null && !left) {
      const { end, verdict, ownUsage } = await attempt(model);
      tried.push({ model, end });
      noteFailure(gateway, decision, model, end);
      if (end.begun || left) break;
      const passes =
        end.outcome === 'completed' ||
        isOnAccountOfTheRequest(end) ||
        // The caller's own key is the caller's business.
        (providerOf(model).passthrough && verdict.kind === 'misconfigured');
      const again = !passes && askAgain(model, end, verdict, ownUsage);
      const refusal = ownRefusal(end);
      // Who pins a model gets none of what its params would have mended.
      if (refusal && !again && !pinned) refusals.remember(model.id, refusal, shape);
      const next: Model | null = passes ? null : again ? model : nextUntried();
      if (next === null) {
        if (passes || isRefusal(end)) passOn(model, end);
        else tellFailure(model);
      }
      model = next;
    }
  } catch (error) {
    runtime.log.error({ err: error, decision: decision.id }, 'an answer failed inside Conduit');
    running?.abandon();
    reply.fail();
  } finally {
    gateway.ledger.settle(decision.id, (current) => {
      const done = settled(current, tried, request.stream);
      reservation.settle(spentOn(done, tried));
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
