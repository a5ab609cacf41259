/** Which headers cross the proxy, both ways: lists of what passes, never of what does not. */
import type { Provider } from '../config/resolve.ts';
import type { ResponseHeaders } from './port.ts';
import type { TraceHeaders } from './trace-context.ts';

/**
 * What a client may say to an upstream. Not `authorization` (it holds the caller's Conduit key), no cookie, no
 * hop-by-hop header (they could desync framing), nothing of `x-conduit-*`, and no `accept-encoding`: the observer reads
 * the bytes as they are.
 */
const REQUEST_HEADERS = [
  'accept',
  'openai-beta',
  'anthropic-beta',
  'http-referer',
  'x-title',
  'idempotency-key',
  'traceparent',
  'tracestate',
];

/** What an upstream may say to a client. Not `content-length` (usage may be taken out), no cookie, no `server`, and no
 * `x-ratelimit-*`: an upstream's limits are not those of this proxy. */
const RESPONSE_HEADERS = [
  'content-type',
  'cache-control',
  'x-request-id',
  'openai-processing-ms',
  'openai-version',
  'retry-after',
];

/**
 * `apiKey` is the provider's key to call with: one of ours, or the caller's own where the provider takes that. `trace` stands in the
 * place of what the client says of its trace; null where that passes as it is.
 */
export function upstreamHeaders(
  client: (name: string) => string | null | undefined,
  provider: Provider,
  apiKey: string | null,
  trace: TraceHeaders | null = null,
): Record<string, string> {
  const sent = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
  return withProvider({ ...sent, ...picked(REQUEST_HEADERS, said(client)) }, provider, apiKey, trace);
}

export const clientHeaders = (upstream: ResponseHeaders): Record<string, string> =>
  picked(RESPONSE_HEADERS, (name) => upstream[name]);

/** What else a client may say on a route that is passed through: what an API's versions, files and caches are told by. */
const RELAYED_REQUEST_HEADERS = [
  ...REQUEST_HEADERS,
  'content-type',
  'openai-organization',
  'openai-project',
  'anthropic-version',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
];

/** And what else an upstream may say there, where its bytes pass unchanged. */
const RELAYED_RESPONSE_HEADERS = [
  ...RESPONSE_HEADERS,
  'content-length',
  'content-encoding',
  'content-disposition',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
];

/** `body` holds what is known of the bytes that go up, such as their length. */
export function relayedRequestHeaders(
  client: (name: string) => string | null | undefined,
  provider: Provider,
  apiKey: string | null,
  body: Readonly<Record<string, string>>,
  trace: TraceHeaders | null = null,
): Record<string, string> {
  const sent = { ...picked(RELAYED_REQUEST_HEADERS, said(client)), ...body, 'accept-encoding': 'identity' };
  return withProvider(sent, provider, apiKey, trace);
}

export const relayedResponseHeaders = (upstream: ResponseHeaders): Record<string, string> =>
  picked(RELAYED_RESPONSE_HEADERS, (name) => upstream[name]);

/** A client's empty header says nothing, and some upstreams stumble over it. */
const said =
  (client: (name: string) => string | null | undefined) =>
  (name: string): string | undefined =>
    client(name) || undefined;

function picked(names: readonly string[], header: (name: string) => string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of names) {
    const value = header(name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** Adds what is the provider's own, which counts for more than the client's. */
function withProvider(
  headers: Record<string, string>,
  provider: Provider,
  apiKey: string | null,
  trace: TraceHeaders | null,
): Record<string, string> {
  if (trace) {
    headers.traceparent = trace.traceparent;
    // What belongs to another trace than this one goes no further.
    if (trace.tracestate === undefined) delete headers.tracestate;
  }
  if (apiKey !== null) headers.authorization = `Bearer ${apiKey}`;
  for (const [name, value] of Object.entries(provider.headers)) headers[name.toLowerCase()] = value;
  return headers;
}
