/** Which headers cross the proxy, both ways: lists of what passes, never of what does not. */
import type { Provider } from '../config/resolve.ts';
import type { ResponseHeaders } from './port.ts';

/**
 * What a client may say to an upstream. Not `authorization` (it holds the caller's Conduit key), no cookie, no
 * hop-by-hop header (they could desync framing), nothing of `x-conduit-*`, and no `accept-encoding`: the observer reads
 * the bytes as they are.
 */
const REQUEST_HEADERS = ['accept', 'openai-beta', 'anthropic-beta', 'http-referer', 'x-title', 'idempotency-key'];

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

/** `apiKey` is the provider's key to call with: one of ours, or the caller's own where the provider takes that. */
export function upstreamHeaders(
  client: (name: string) => string | null | undefined,
  provider: Provider,
  apiKey: string | null,
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
  for (const name of REQUEST_HEADERS) {
    const value = client(name);
    if (value) headers[name] = value;
  }
  if (apiKey !== null) headers.authorization = `Bearer ${apiKey}`;
  for (const [name, value] of Object.entries(provider.headers)) headers[name.toLowerCase()] = value;
  return headers;
}

export function clientHeaders(upstream: ResponseHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of RESPONSE_HEADERS) {
    const value = upstream[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
