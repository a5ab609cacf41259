/** Answers a request that has been routed: tries its arms in turn, passes the answer on, and settles the decision. */
import type { Model, Provider } from '../config/resolve.ts';
import { nextArm } from '../routing/fallback.ts';
import { type Asked, FIRST, type Standing } from '../routing/follow-ups.ts';
import type { Reservation } from '../routing/limits.ts';
import type { AskedUpstream } from '../routing/observer.ts';
import type { Shape } from '../routing/refusals.ts';
import { isFirst } from '../routing/rewordings.ts';
import { withSigns } from '../routing/seen.ts';
import { settled, spentOn, type TriedArm } from '../routing/settle.ts';
import { type DecisionRecord, wasServed } from '../stores/decision-record.ts';
import { type RunningAttempt, startAttempt } from '../upstream/attempt.ts';
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
import type { AttemptEnd } from '../upstream/outcome.ts';
import type { ResponseHeaders } from '../upstream/port.ts';
import { type RequestTrace, traceHeaders, traceOf } from '../upstream/trace-context.ts';
import { within } from '../within.ts';
import { completionName } from './completion-name.ts';
import type { AnswerSink } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { keptAlive } from './keep-alive.ts';
import { type Client, Reply } from './reply.ts';
import type { ChatRequest } from './wire.ts';

/** Everything that one request has become by the time it goes upstream. */
export interface Routed {
  request: ChatRequest;
  decision: DecisionRecord;
  /** The arms that may be asked, the chosen one first, and how many of them at most. */
  order: readonly Model[];
  mostArms: number;
  pinned: boolean;
  asked: Asked;
  /** Where it stands in its conversation; resolves soon, and never rejects. */
  standing: Promise<Standing>;
  shape: Shape;
  reservation: Reservation;
}

/** Tries the arms in turn until one answers, the request proves to be at fault, or the client has gone. Never rejects. */
export function answer(gateway: Gateway, routed: Routed, client: Client, startedAt: number): Promise<void> {
  const answering = new Answering(gateway, routed, client, startedAt);
  const { decision, asked } = routed;
  gateway.ledger.open(decision, { name: asked.lineage.answered, isWhole: () => answering.isWhole() });
  return answering.run();
}

/** One attempt that has ended, and what it says of the arm. */
interface Tried extends TriedArm {
  provider: Provider;
  verdict: Verdict;
  ownUsage: boolean;
  /** On the steady clock. */
  sentAt: number;
}

class Answering {
  readonly #gateway: Gateway;
  readonly #routed: Routed;
  readonly #client: Client;
  readonly #reply: Reply;
  readonly #startedAt: number;
  readonly #trace: RequestTrace | null;
  readonly #tried: Tried[] = [];
  #attempts = 0;
  #left = false;
  #running: RunningAttempt | null = null;
  /** The arm that was asked last, or will be first, and when. */
  #asked: { model: Model; sentAt: number };

  constructor(gateway: Gateway, routed: Routed, client: Client, startedAt: number) {
    this.#gateway = gateway;
    this.#routed = routed;
    this.#startedAt = startedAt;
    this.#trace = traceOf(client.header, gateway.tracing);
    this.#asked = { model: routed.order[0] as Model, sentAt: startedAt };
    const { keepAliveMs } = gateway.config.server;
    this.#client =
      keepAliveMs !== null && routed.request.stream
        ? { ...client, exchange: this.#withComments(client.exchange, keepAliveMs) }
        : client;
    this.#reply = new Reply(this.#client, gateway.runtime.clock, startedAt);
  }

  /** Whether the client has all of the answer. */
  isWhole(): boolean {
    return this.#running?.isWhole() ?? false;
  }

  async run(): Promise<void> {
    const { decision, request } = this.#routed;
    this.#gateway.observer.began(request.stream ? 'stream' : 'whole');
    this.#client.exchange.onLeave(() => {
      this.#left = true;
      this.#running?.abandon();
    });
    try {
      let model = this.#nextArm();
      while (model !== null && !this.#left) {
        const last = await this.#attempt(model);
        this.#tried.push(last);
        if (last.end.outcome !== 'completed') noteFailure(this.#gateway, decision, model, last.end);
        if (last.end.begun || this.#left) break;
        model = this.#goOnAfter(last);
      }
    } catch (error) {
      this.#gateway.runtime.log.error({ err: error, decision: decision.id }, 'an answer failed inside Conduit');
      this.#running?.abandon();
      this.#reply.fail();
    }
    await this.#settle();
  }

  /** A stream's answer begins before an upstream has said anything where that takes long: other arms can still take over. */
  #withComments(exchange: AnswerSink, everyMs: number): AnswerSink {
    const { clock } = this.#gateway.runtime;
    const early = (): Readonly<Record<string, string>> => {
      const { model, sentAt } = this.#asked;
      this.#reply.upstreamTook(clock() - sentAt);
      return this.#withOwn({}, model);
    };
    return keptAlive(exchange, { everyMs, clock, early });
  }

  #nextArm(): Model | null {
    const { order, mostArms } = this.#routed;
    const tried = new Set(this.#tried.map((one) => one.model));
    return nextArm(order, tried, mostArms, this.#gateway.health);
  }

  async #attempt(model: Model): Promise<Tried> {
    this.#attempts++;
    const { config, health, refusals, runtime, send } = this.#gateway;
    const { request, pinned } = this.#routed;
    const provider = config.providers.get(model.provider) as Provider;
    const apiKey = provider.passthrough ? this.#client.ownKey : health.keyFor(model);
    const { text, ownUsage } = upstreamBody(request.text, request.body, model, {
      pinned,
      streamUsage: provider.streamUsage && !refusals.refusesUsage(model.id),
    });
    const conclude = health.begin(model, apiKey);
    const sentAt = runtime.clock();
    this.#asked = { model, sentAt };
    this.#running = startAttempt({
      send,
      request: {
        method: 'POST',
        url: `${provider.baseUrl}/chat/completions`,
        headers: upstreamHeaders(this.#client.header, provider, apiKey, traceHeaders(this.#trace, runtime.randomHex)),
        body: text,
        connectMs: model.timeouts.connectMs,
      },
      timeouts: model.timeouts,
      stream: request.stream,
      ownUsage,
      client: this.#client.exchange,
      clean: (error) => withoutSecrets(error, secretsOf(provider)),
      clock: runtime.clock,
      begin: (status, headers, completionId) => this.#begin(model, sentAt, status, headers, completionId),
    });
    const end = await this.#running.ended;
    if (!end.begun) this.#reply.upstreamTook(runtime.clock() - sentAt);
    const verdict = verdictOf(end, runtime.now());
    conclude(heldAgainstArm(verdict, provider));
    return { model, provider, end, verdict, ownUsage, sentAt };
  }

  /** A stream has begun: from here on no other arm can take over. */
  #begin(model: Model, sentAt: number, status: number, headers: ResponseHeaders, completionId: string | null): void {
    const { ledger, runtime } = this.#gateway;
    const { decision } = this.#routed;
    if (completionId !== null) ledger.nameOpen(decision.id, completionName(completionId, decision.key, runtime.digest));
    this.#reply.upstreamTook(runtime.clock() - sentAt);
    this.#reply.begin(status, this.#withOwn(clientHeaders(headers), model));
  }

  /** Answers the client where nobody else shall be asked; else gives who is asked next. */
  #goOnAfter(last: Tried): Model | null {
    const { model, provider, end, verdict } = last;
    if (end.outcome === 'completed') {
      this.#passOn(model, end, end.body as Uint8Array);
      return null;
    }
    const { refusals } = this.#gateway;
    // The caller's own key is the caller's business.
    const isCallers = provider.passthrough && verdict.kind === 'misconfigured';
    const passes = isCallers || isOnAccountOfTheRequest(end);
    const again = !passes && this.#mayAskAgain(last);
    const refusal = ownRefusal(end);
    // Who pins a model gets none of what its params would have mended.
    if (refusal && !again && !this.#routed.pinned) refusals.remember(model.id, refusal, this.#routed.shape);
    if (again) return model;
    const next = passes ? null : this.#nextArm();
    if (next === null) {
      const secrets = secretsOf(provider);
      if (passes || isRefusal(end)) this.#passOn(model, end, withoutSecrets(end.body as Uint8Array, secrets));
      else this.#tellFailure(model, secrets);
    }
    return next;
  }

  /** Whether the same arm is asked once more, since not the arm but how it was asked was at fault. */
  #mayAskAgain({ model, provider, end, verdict, ownUsage }: Tried): boolean {
    const { health, refusals } = this.#gateway;
    if (verdict.kind === 'rate_limited' || (verdict.kind === 'misconfigured' && verdict.ofKey)) {
      const times = this.#tried.filter((one) => one.model === model).length;
      return times < provider.apiKeys.length && health.hasKeyFor(model);
    }
    if (ownUsage && isRefusal(end) && new TextDecoder().decode(end.body as Uint8Array).includes('stream_options')) {
      refusals.rememberNoUsage(model.id);
      return true;
    }
    return false;
  }

  /** Passes on what the upstream answered, with its own status. */
  #passOn(model: Model, end: AttemptEnd, body: Uint8Array): void {
    const headers = clientHeaders(end.headers);
    headers['content-type'] ??= 'application/json';
    this.#reply.sendWhole(end.status as number, body, this.#withOwn(headers, model));
  }

  #tellFailure(model: Model, secrets: readonly string[]): void {
    // Of an arm that was asked with several keys, the last word counts.
    const ends = [...new Map(this.#tried.map((one) => [one.model, one.end])).values()];
    const { retryAfter, ...failure } = finalFailure(ends, this.#gateway.runtime.now());
    const headers: Record<string, string> = retryAfter === null ? {} : { 'retry-after': retryAfter };
    this.#reply.sendError(failure, this.#withOwn(headers, model), secrets);
  }

  #withOwn(headers: Record<string, string>, model: Model): Readonly<Record<string, string>> {
    const { id, chosen, reason, propensity } = this.#routed.decision;
    return this.#reply.withOwn(headers, {
      decision: id,
      model: model.id,
      reason: model.id === chosen ? reason : 'fallback',
      propensity,
      attempts: this.#attempts,
    });
  }

  /** Counts the money at once, since others wait for it; all else comes behind what the client gets. */
  async #settle(): Promise<void> {
    const { ledger, followUps, observer, runtime } = this.#gateway;
    const { decision, request, asked, reservation } = this.#routed;
    const tried = this.#tried;
    const ended = settled(decision, tried, request.stream);
    ledger.end(decision.id, tried.at(-1)?.end.outcome ?? 'client_abort');
    const endedAt = runtime.clock();
    const spent = spentOn(ended, tried);
    reservation.settle(spent, spent > 0 || (ended.outcome !== null && wasServed(ended.outcome)));
    await this.#client.exchange.sent();
    const standing = (await within(STANDING_MS, this.#routed.standing)) ?? FIRST;
    let kept = ended;
    ledger.settle(decision.id, (current) => {
      // Feedback may have come while the answer was on its way.
      const done = current === decision ? ended : settled(current, tried, request.stream);
      const seen = this.#withSigns(done, standing);
      if (seen.label.share > 0) followUps.answered(asked, seen);
      kept = seen;
      for (const signal of newSigns(current, seen)) observer.saw(seen.router, signal);
      return { decision: seen, names: this.#namesOf(seen) };
    });
    observer.settled({
      kind: request.stream ? 'stream' : 'whole',
      decision: kept,
      isKept: true,
      model: kept.model,
      answeringModel: tried.at(-1)?.end.observed?.model ?? null,
      attempts: tried.map((one) => this.#told(one)),
      usd: spent,
      answered: this.#reply.answered(),
      startedAt: this.#startedAt,
      totalMs: endedAt - this.#startedAt,
      trace: this.#trace,
    });
  }

  #told({ model, end, sentAt }: Tried): AskedUpstream {
    const { outcome, status, totalMs } = end;
    const firstByteMs = this.#routed.request.stream ? end.firstByteMs : null;
    return { model: model.id, provider: model.provider, outcome, status, sentAt, firstByteMs, totalMs };
  }

  /** With what is to be seen of the answer itself. */
  #withSigns(decision: DecisionRecord, standing: Standing): DecisionRecord {
    const { learners, runtime } = this.#gateway;
    const { asked, shape } = this.#routed;
    const learner = learners.get(decision.router ?? '');
    const end = this.#tried.at(-1)?.end;
    if (!learner || !end?.observed) return decision;
    // It is of use to whoever finds the decision by what stood before its question.
    const sketch = isFoundBefore(asked, standing) ? (asked.question()?.sketch ?? null) : null;
    return withSigns(decision, {
      end,
      sketch,
      observed: end.observed,
      body: shape.body,
      standing,
      learner,
      now: runtime.now(),
    });
  }

  /** Under which names a later request, or feedback, finds this decision again. */
  #namesOf({ completionId, key, turn, retry }: DecisionRecord): readonly string[] {
    const { lineage } = this.#routed.asked;
    const names: string[] = [];
    if (completionId !== null) names.push(completionName(completionId, key, this.#gateway.runtime.digest));
    // A request that nothing answered is no part of the conversation: its latest answer is still the one before.
    const observed = this.#tried.at(-1)?.end.observed;
    if (observed) {
      names.push(lineage.answered, ...lineage.withAnswer(observed.message));
      // Whoever asks again after an agent's steps has refused what they came to.
      if (lineage.opening) names.push(lineage.opening.answered);
      if (lineage.before !== null && isFoundBefore(this.#routed.asked, { turn, retry })) names.push(lineage.before);
      if (lineage.session !== null) names.push(lineage.session);
    }
    return names;
  }
}

/** What is seen of an answer once it has ended; what was said or followed meanwhile has been told of. */
const newSigns = (before: DecisionRecord, { signals }: DecisionRecord): string[] =>
  signals
    .filter(({ source, signal }) => source === 'implicit' && !before.signals.some((one) => one.signal === signal))
    .map(({ signal }) => signal);

/** With nobody named, the latest first question of all is hardly ever the same person's. */
const isFoundBefore = ({ lineage }: Asked, standing: Pick<Standing, 'turn' | 'retry'>): boolean =>
  lineage.named || !isFirst(standing);

/** How long keeping a decision waits for what is known of the conversation that it is part of. */
const STANDING_MS = 1_000;

/** What an upstream says may hold the prompt or part of a key: only what we say ourselves is logged, and its code. */
function noteFailure({ runtime }: Gateway, decision: DecisionRecord, model: Model, end: AttemptEnd): void {
  if (end.outcome === 'completed' || end.outcome === 'client_abort') return;
  const { outcome, status } = end;
  const fields = { decision: decision.id, model: model.id, outcome, status, code: codeOf(end.body) };
  if (isOnAccountOfTheRequest(end)) runtime.log.debug(fields, 'an upstream refused a request');
  else runtime.log.warn({ ...fields, ...(status === null && { said: end.message }) }, 'an attempt failed');
}
