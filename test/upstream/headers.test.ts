import * as fc from 'fast-check';
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

const SECRETS = [
  'authorization',
  'cookie',
  'x-api-key',
  'x-conduit-feedback',
  'x-conduit-decision',
  'x-conduit-session',
  'x-conduit-max-usd',
  'forwarded',
  'x-forwarded-for',
  'host',
  'connection',
  'transfer-encoding',
  'content-length',
  'expect',
  'accept-encoding',
];

describe('headers on their way up', () => {
  test('hold neither the caller’s key, nor a cookie, nor a header of Conduit’s own, whatever a client sends', () => {
    const name = fc.oneof(fc.constantFrom(...SECRETS, 'accept', 'openai-beta', 'http-referer'), fc.string());
    fc.assert(
      fc.property(fc.dictionary(name, fc.constant('from-the-client')), (client) => {
        const sent = upstreamHeaders(from(client), provider(), 'sk-provider-secret');
        for (const secret of SECRETS)
          if (secret !== 'accept-encoding' && secret !== 'authorization') expect(sent).not.toHaveProperty(secret);
        expect(sent.authorization).toBe('Bearer sk-provider-secret');
        expect(sent['accept-encoding']).toBe('identity');
        expect(sent['content-type']).toBe('application/json');
      }),
    );
  });

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
