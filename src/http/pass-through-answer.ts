/** Sends a request that is passed through, with one key of the provider after the other, and settles its decision. */
import type { Model, Provider } from '../config/resolve.ts';
import type { Reservation } from '../routing/limits.ts';
import type { AskedUpstream } from '../routing/observer.ts';
import { settled, type TriedArm } from '../routing/settle.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import {
  codeOf,
  finalFailure,
  heldAgainstArm,
  secretsOf,
  type Verdict,
  verdictOf,
  withoutSecrets,
} from '../upstream/failures.ts';
import { relayedRequestHeaders, relayedResponseHeaders } from '../upstream/headers.ts';
import { UNSEEN } from '../upstream/observe.ts';
import type { AttemptEnd } from '../upstream/outcome.ts';
import { type RelayTimeouts, type RunningRelay, startRelay } from '../upstream/relay.ts';
import { traceHeaders, traceOf } from '../upstream/trace-context.ts';
import { completionName } from './completion-name.ts';
import type { Gateway } from './gateway.ts';
import { keptAlive } from './keep-alive.ts';
import type { PassedBody } from './pass-through-body.ts';
import type { PassedPath } from './pass-through-path.ts';
import type { PassedTarget } from './pass-through-target.ts';
import { type Client, Reply } from './reply.ts';

/** Everything that a request which is passed through has become by the time it goes upstream. */
export interface Passed extends PassedTarget {
  method: string;
  path: PassedPath;
  body: PassedBody;
  decision: DecisionRecord;
  /** Whether the decision can be found and rated. */
  isKept: boolean;
  reservation: Reservation;
}

/** Sends the request, and answers the client once and for all. Never rejects. */
export async function relayRequest(gateway: Gateway, passed: Passed, given: Client, startedAt: number): Promise<void> {
  const { config, health, runtime } = gateway;
  const { provider, model, decision, body, path } = passed;
  const { keepAliveMs } = config.server;
  const { clock } = runtime;
  const exchange =
    keepAliveMs === null ? given.exchange : keptAlive(given.exchange, { everyMs: keepAliveMs, clock, early: null });
  const client = { ...given, exchange };
  // A stand-in's name is the client's to choose: what is learned of the provider's keys is kept under one.
  const arm: Model = passed.isConfigured ? model : { ...model, id: `${provider.name}/*` };
  const tried: TriedArm[] = [];
  const told: AskedUpstream[] = [];
  const trace = traceOf(client.header, gateway.tracing);
  let attempts = 0;
  let left = false;
  let running: RunningRelay | undefined;
  const reply = new Reply(client, runtime.clock, startedAt);
  exchange.onLeave(() => {
    left = true;
    running?.abandon();
  });

  const withOwn = (headers: Record<string, string>): Readonly<Record<string, string>> =>
    reply.withOwn(headers, {
      decision: passed.isKept ? decision.id : null,
      model: model.id,
      reason: decision.reason,
      propensity: decision.propensity,
      attempts,
    });

  /** What the client is told where nothing of an answer has gone to it yet. */
  const tell = (end: AttemptEnd): void => {
    if (end.status !== null && end.body !== null && passes(end.status, provider)) {
      const clean = withoutSecrets(end.body, secretsOf(provider));
      reply.sendWhole(end.status, clean, withOwn(relayedResponseHeaders(end.headers)));
    } else if (isRedirect(end.status)) {
      const message = `The upstream answered with a redirect (${end.status}), which is not followed: check the provider's base_url.`;
      reply.sendError({ status: 502, message, code: 'upstream_redirect' }, withOwn({}), secretsOf(provider));
    } else {
      const { retryAfter, ...failure } = finalFailure([end], runtime.now());
      const wait: Record<string, string> = retryAfter === null ? {} : { 'retry-after': retryAfter };
      reply.sendError(failure, withOwn(wait), secretsOf(provider));
    }
  };

  const attempt = async (apiKey: string | null): Promise<AttemptEnd> => {
    attempts++;
    const { body: bytes, headers } = body.toUpstream(passed.upstreamName);
    const conclude = health.begin(arm, apiKey);
    const sentAt = runtime.clock();
    running = startRelay({
      send: gateway.send,
      request: {
        method: passed.method,
        url: `${provider.baseUrl}/${path.route}${path.query}`,
        headers: relayedRequestHeaders(
          client.header,
          provider,
          apiKey,
          headers,
          traceHeaders(trace, runtime.randomHex),
        ),
        body: bytes,
        connectMs: model.timeouts.connectMs,
      },
      timeouts: timeoutsOf(passed),
      client: exchange,
      clean: (error) => withoutSecrets(error, secretsOf(provider)),
      clock: runtime.clock,
      begin: (status, received) => {
        reply.upstreamTook(runtime.clock() - sentAt);
        reply.begin(status, withOwn(relayedResponseHeaders(received)));
      },
    });
    const end = await running.ended;
    if (!end.begun) reply.upstreamTook(runtime.clock() - sentAt);
    conclude(verdictHere(end, passed, runtime.now()));
    const { outcome, status, firstByteMs, totalMs } = end;
    told.push({ model: arm.id, provider: provider.name, outcome, status, sentAt, firstByteMs, totalMs });
    return end;
  };

  gateway.observer.began('passed');
  try {
    const keys = keysOf(passed, client.ownKey, health.keyFor(arm));
    for (const [index, key] of keys.entries()) {
      if (left) break;
      const end = await attempt(key);
      tried.push({ model, end: billable(end, passed) });
      noteFailure(gateway, passed, end);
      if (end.begun || left) break;
      const isOfTheKey = end.status === 401 || end.status === 429;
      if (isOfTheKey && body.repeatable && index + 1 < keys.length) continue;
      tell(end);
      break;
    }
  } catch (error) {
    runtime.log.error({ err: error, decision: decision.id }, 'an answer failed inside Conduit');
    running?.abandon();
    reply.fail();
  } finally {
    body.release();
    const ended = settle(gateway, passed, tried);
    gateway.observer.settled({
      kind: 'passed',
      decision: ended,
      isKept: passed.isKept,
      model: arm.id,
      answeringModel: tried.at(-1)?.end.observed?.model ?? null,
      attempts: told,
      usd: ended.outcome?.costUsd ?? 0,
      answered: reply.answered(),
      startedAt,
      totalMs: runtime.clock() - startedAt,
      trace,
    });
  }
}

/** Ends the decision, where it is kept, and takes what the answer cost. */
function settle({ ledger, runtime }: Gateway, passed: Passed, tried: readonly TriedArm[]): DecisionRecord {
  let ended = passed.decision;
  const finish = (current: DecisionRecord): { decision: DecisionRecord; names: readonly string[] } => {
    const decision = settled(current, tried, true);
    passed.reservation.settle(decision.outcome?.costUsd ?? 0);
    ended = decision;
    const { completionId } = decision;
    const names = completionId === null ? [] : [completionName(completionId, decision.key, runtime.digest)];
    return { decision, names };
  };
  if (passed.isKept) ledger.settle(passed.decision.id, finish);
  else finish(passed.decision);
  return ended;
}

/** The provider's keys in the order to try them in: the one that does well first. */
function keysOf({ provider }: Passed, ownKey: string | null, best: string | null): readonly (string | null)[] {
  if (provider.passthrough) return [ownKey];
  return [best, ...provider.apiKeys.filter((key) => key !== best)];
}

const isRedirect = (status: number | null): boolean => status !== null && status >= 300 && status < 400;

/** Whether an upstream's error is the client's to see. What it says of our own key is not. */
function passes(status: number, provider: Provider): boolean {
  if (isRedirect(status)) return false;
  return (status !== 401 && status !== 403) || provider.passthrough;
}

/** A whole answer's first byte is its last, so for such the limit counts where the user has set it. */
function timeoutsOf({ model, body }: Passed): RelayTimeouts {
  const { firstByteMs, firstByteForWholeAnswers, idleMs, totalMs } = model.timeouts;
  return {
    firstByteMs: body.stream || firstByteForWholeAnswers ? firstByteMs : null,
    idleMs,
    totalMs: Number.isFinite(totalMs) ? totalMs : null,
  };
}

/** What a relay says of how its model does at completions: that a route refuses it, or is not there, says nothing. */
function verdictHere(end: AttemptEnd, { provider, isConfigured }: Passed, now: number): Verdict {
  const verdict = verdictOf(end, now);
  if (!isConfigured && verdict.kind === 'failed') return { kind: 'nothing' };
  const ofRoute = (verdict.kind === 'misconfigured' && !verdict.ofKey) || end.status === 405 || end.status === 501;
  return ofRoute || isRedirect(end.status) ? { kind: 'nothing' } : heldAgainstArm(verdict, provider);
}

/** An answer that told no usage is charged by the length of its prompt, where its model has a price. */
function billable(end: AttemptEnd, { isConfigured }: Passed): AttemptEnd {
  return isConfigured && end.begun && end.observed === null ? { ...end, observed: UNSEEN } : end;
}

/** As of a completion: what an upstream says is not logged, its status and code are. */
function noteFailure({ runtime }: Gateway, { decision, path, model }: Passed, end: AttemptEnd): void {
  const { outcome, status } = end;
  if (outcome === 'completed' || outcome === 'client_abort') return;
  const fields = { decision: decision.id, call: path.call, model: model.id, outcome, status, code: codeOf(end.body) };
  const isOfTheRequest = status !== null && status >= 400 && status < 500 && status !== 401 && status !== 403;
  if (isOfTheRequest) runtime.log.debug(fields, 'an upstream refused a request');
  else runtime.log.warn({ ...fields, ...(status === null && { said: end.message }) }, 'an attempt failed');
}
