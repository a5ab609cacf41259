/**
 * The spans of a request that has ended: its own, and one for each attempt, in the words of OpenTelemetry's conventions for HTTP
 * and for generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/). Never a prompt, an answer or a key.
 */
import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { vendorOf } from '../config/presets.ts';
import type { Provider } from '../config/resolve.ts';
import type { AskedUpstream, OwnAnswer, Settled } from '../routing/observer.ts';

export interface SpanTerms {
  resource: Resource;
  /** By their names, as the config of now has them. */
  providers: () => ReadonlyMap<string, Provider>;
  /** What the steady clock must be added to for milliseconds since 1970. */
  origin: () => number;
}

/** As OpenTelemetry's API numbers them; its package is not needed for that. */
const SERVER = 1;
const CLIENT = 2;
const UNSET = 0;
const ERROR = 2;
const SAMPLED = 1;

/** Characters of what an upstream calls its model. */
const LONGEST_NAME = 128;

const SCOPE = { name: 'conduit-gateway' };

/** Names of providers in the conventions, where they are others than here. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  xai: 'x_ai',
};

/** None of a request that is not traced. */
export function spansOf(request: Settled, { resource, providers, origin }: SpanTerms): ReadableSpan[] {
  const { trace, decision, attempts, answered, startedAt, totalMs, kind } = request;
  // Others may not take an attribute of any length.
  const answeringModel = request.answeringModel?.slice(0, LONGEST_NAME);
  if (!trace?.spans) return [];
  const spanOf = spansIn(trace.traceId, resource, origin());
  const operation = operationOf(decision.call);
  const outcome = decision.outcome?.kind ?? 'client_abort';
  const own = spanOf(
    {
      name: `POST /v1/${decision.call}`,
      kind: SERVER,
      // A client that leaves has done nothing wrong, nor has Conduit.
      status: { code: outcome === 'completed' || outcome === 'client_abort' ? UNSET : ERROR },
      attributes: present({
        'http.request.method': kind === 'passed' ? undefined : 'POST',
        'http.route': `/v1/${decision.call}`,
        'http.response.status_code': answered.status,
        'error.type': outcome === 'completed' ? undefined : outcome,
        'gen_ai.operation.name': operation,
        // What the client knows: a router, where one chose.
        'gen_ai.request.model': decision.router ?? decision.chosen,
        'gen_ai.response.model': answeringModel,
        ...usageOf(request),
        'conduit.model': attempts.length > 0 ? request.model : undefined,
        'conduit.decision.id': request.isKept ? decision.id : undefined,
        'conduit.router': decision.router,
        'conduit.reason': decision.reason,
        'conduit.propensity': decision.propensity,
        'conduit.outcome': outcome,
        'conduit.attempts': attempts.length,
        'conduit.cost_usd': request.usd,
        'conduit.overhead_seconds': seconds(answered.overheadMs),
      }),
    },
    trace.spans.request,
    clientOf(trace),
    startedAt,
    totalMs,
  );
  if (kind === 'passed') Object.assign(own, { name: `/v1/${decision.call}` });
  const parent = own.spanContext();
  const spans = attempts.map((attempt, at) => {
    const upstream = attempt.model.slice(attempt.model.indexOf('/') + 1);
    const isLast = at === attempts.length - 1;
    return spanOf(
      {
        name: `${operation} ${upstream}`,
        kind: CLIENT,
        status: { code: attempt.outcome === 'completed' || attempt.outcome === 'client_abort' ? UNSET : ERROR },
        attributes: present({
          ...serverOf(attempt, providers()),
          'gen_ai.operation.name': operation,
          'gen_ai.request.model': upstream,
          'gen_ai.response.model': isLast ? answeringModel : undefined,
          'conduit.model': attempt.model,
          'gen_ai.request.stream': kind === 'passed' ? undefined : kind === 'stream',
          'gen_ai.response.time_to_first_chunk': kind === 'stream' ? seconds(attempt.firstByteMs) : undefined,
          'http.response.status_code': attempt.status,
          'error.type': attempt.outcome === 'completed' ? undefined : attempt.outcome,
          'conduit.decision.id': request.isKept ? decision.id : undefined,
          ...(isLast ? usageOf(request) : {}),
          'gen_ai.response.id': isLast ? decision.completionId : undefined,
          'gen_ai.response.finish_reasons':
            isLast && decision.outcome?.finishReason ? [decision.outcome.finishReason] : undefined,
        }),
      },
      trace.spans?.attempts[at] as string,
      parent,
      attempt.sentAt,
      attempt.totalMs,
    );
  });
  return [own, ...spans];
}

/** Of a request that Conduit refused or could not answer; null where it is not traced. */
export function refusalSpanOf(request: OwnAnswer, { resource, origin }: SpanTerms): ReadableSpan | null {
  const { traced, method, route, status, code } = request;
  if (!traced?.trace.spans) return null;
  const { trace, startedAt, totalMs } = traced;
  return spansIn(trace.traceId, resource, origin())(
    {
      name: `${method} /v1/${route}`,
      kind: SERVER,
      // What a client does wrong is no error of the server's: so the conventions for HTTP.
      status: { code: status >= 500 ? ERROR : UNSET },
      attributes: present({
        'http.request.method': method,
        'http.route': `/v1/${route}`,
        'http.response.status_code': status,
        'error.type': code,
      }),
    },
    traced.trace.spans.request,
    clientOf(trace),
    startedAt,
    totalMs,
  );
}

/** Makes the spans of one trace; `zero`: what the steady clock must be added to. */
const spansIn =
  (traceId: string, resource: Resource, zero: number) =>
  (
    span: Pick<ReadableSpan, 'name' | 'kind' | 'attributes' | 'status'>,
    spanId: string,
    parent: SpanContext | undefined,
    fromMs: number,
    tookMs: number,
  ): ReadableSpan => ({
    ...span,
    spanContext: () => ({ traceId, spanId, traceFlags: SAMPLED }),
    ...(parent && { parentSpanContext: parent }),
    startTime: hrTime(zero + fromMs),
    endTime: hrTime(zero + fromMs + tookMs),
    duration: hrTime(tookMs),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  });

/** The client's span; undefined where it told of none. */
const clientOf = ({ traceId, parent }: NonNullable<Settled['trace']>): SpanContext | undefined =>
  parent ? { traceId, spanId: parent.spanId, traceFlags: SAMPLED, isRemote: true } : undefined;

/** The conventions' name of what is asked for; the route where they have none. */
function operationOf(call: string): string {
  if (call === 'chat/completions' || call === 'responses' || call === 'messages') return 'chat';
  if (call === 'completions') return 'text_completion';
  return call;
}

const usageOf = ({ decision: { outcome } }: Settled): Record<string, number | null | undefined> => ({
  'gen_ai.usage.input_tokens': outcome?.promptTokens,
  'gen_ai.usage.output_tokens': outcome?.completionTokens,
  'gen_ai.usage.cache_read.input_tokens': outcome?.cachedTokens,
});

function serverOf({ provider }: AskedUpstream, providers: ReadonlyMap<string, Provider>): Record<string, unknown> {
  const baseUrl = providers.get(provider)?.baseUrl;
  // A config that was followed meanwhile may have it no more.
  if (baseUrl === undefined) return { 'gen_ai.provider.name': provider };
  const { hostname, port, protocol } = new URL(baseUrl);
  const vendor = vendorOf(provider, baseUrl) ?? provider;
  return {
    'gen_ai.provider.name': PROVIDER_NAMES[vendor] ?? vendor,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}

/** Without what is not known. */
function present(attributes: Record<string, unknown>): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null),
  ) as Attributes;
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

/** Whole seconds, and the rest in nanoseconds. */
function hrTime(ms: number): HrTime {
  const whole = Math.floor(ms / 1000);
  return [whole, Math.round((ms - whole * 1000) * 1e6)];
}
