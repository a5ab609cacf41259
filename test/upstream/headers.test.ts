import { describe, expect, test } from 'vitest';
import type { Provider } from '../../src/config/resolve.ts';
import { clientHeaders, upstreamHeaders } from '../../src/upstream/headers.ts';

const provider = (more: Partial<Provider> = {}): Provider => ({
  name: 'fake',
  baseUrl: 'http://127.0.0.1',
  apiKeys: ['sk-provider-secret'],
  passthrough: false,
  headers: {},
  streamUsage: true,
  ...more,
});

const from =
  (headers: Record<string, string>) =>
  (name: string): string | undefined =>
    Object.hasOwn(headers, name) ? headers[name] : undefined;

describe('headers on their way up', () => {
  test('pass on what providers know', () => {
    expect(
      upstreamHeaders(from({ 'openai-beta': 'x=1', 'http-referer': 'https://app.example' }), provider(), null),
    ).toMatchObject({
      'openai-beta': 'x=1',
      'http-referer': 'https://app.example',
    });
  });

  test('hold no key where the provider has none', () => {
    expect(
      upstreamHeaders(from({ authorization: 'Bearer conduit-key' }), provider({ apiKeys: [] }), null),
    ).not.toHaveProperty('authorization');
  });

  test('hold the provider’s own headers, which count for more than the client’s', () => {
    const sent = upstreamHeaders(
      from({ 'openai-beta': 'client' }),
      provider({ headers: { 'X-Team': 'a', 'OpenAI-Beta': 'ours' } }),
      null,
    );
    expect(sent).toMatchObject({ 'x-team': 'a', 'openai-beta': 'ours' });
    expect(Object.keys(sent).every((name) => name === name.toLowerCase())).toBe(true);
  });
});

describe('headers on their way down', () => {
  test('are those on the list alone: no key, no cookie, no length that may be wrong', () => {
    const upstream = {
      'content-type': 'text/event-stream',
      'x-request-id': 'req_1',
      'retry-after': '3',
      'content-length': '5',
      'content-encoding': 'gzip',
      'set-cookie': 'a=b',
      authorization: 'Bearer sk-provider-secret',
      server: 'nginx',
      connection: 'close',
      'x-conduit-decision': 'forged',
      'openai-organization': 'org-ours',
    };
    expect(clientHeaders(upstream)).toEqual({
      'content-type': 'text/event-stream',
      'x-request-id': 'req_1',
      'retry-after': '3',
    });
  });
});
