import { describe, expect, test } from 'vitest';
import {
  finalFailure,
  isOnAccountOfTheRequest,
  isRefusal,
  ownRefusal,
  verdictOf,
} from '../../src/upstream/failures.ts';
import type { AttemptEnd } from '../../src/upstream/outcome.ts';
import { bytesOf } from '../support/cuts.ts';

/** On a whole second, as an HTTP date is. */
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const failed = (more: Partial<AttemptEnd> = {}): AttemptEnd => ({
  outcome: 'upstream_error',
  status: null,
  headers: {},
  firstByteMs: null,
  totalMs: 1,
  message: 'it failed',
  observed: null,
  begun: false,
  body: null,
  ...more,
});
const answered = (status: number, code: string | null = null, headers = {}): AttemptEnd =>
  failed({ status, headers, message: `said ${status}`, body: bytesOf(JSON.stringify({ error: { code } })) });

describe('a failed attempt', () => {
  test('is the request’s fault where the provider says so with a 4xx', () => {
    for (const status of [400, 413, 415, 422]) expect(isOnAccountOfTheRequest(answered(status, 'bad'))).toBe(true);
  });

  test('is the provider’s fault where the status speaks of keys, rates, missing models or the server', () => {
    for (const status of [401, 402, 403, 404, 408, 409, 429, 500, 502, 503, 529]) {
      expect(isRefusal(answered(status))).toBe(false);
      expect(isOnAccountOfTheRequest(answered(status))).toBe(false);
    }
    expect(isRefusal(answered(400, 'model_not_found'))).toBe(false);
    expect(isRefusal(failed({ outcome: 'timeout' }))).toBe(false);
    expect(isRefusal(failed({ status: 200 }))).toBe(false);
  });

  test('goes to the next arm where this one alone cannot serve the request', () => {
    for (const code of ['unsupported_parameter', 'unsupported_value', 'context_length_exceeded', 'unknown_parameter']) {
      expect(isOnAccountOfTheRequest(answered(400, code))).toBe(false);
      expect(isRefusal(answered(400, code))).toBe(true);
    }
  });

  test('may have a body that is no JSON, or JSON of another shape', () => {
    for (const body of ['', '<html>', 'null', '5', '{"error":"text"}', '{"error":null}', '[]']) {
      expect(isOnAccountOfTheRequest(failed({ status: 400, body: bytesOf(body) }))).toBe(true);
    }
  });
});

describe('what a client is told when nobody answered', () => {
  test('is 429 with the smallest retry-after where every arm said so', () => {
    const failure = finalFailure(
      [answered(429, null, { 'retry-after': '20' }), answered(429, null, { 'retry-after': '2.5' })],
      NOW,
    );
    expect(failure).toMatchObject({ status: 429, retryAfter: '3', code: 'rate_limit_exceeded' });
  });

  test('still says when to come again where no arm said, or said it as a date or in milliseconds', () => {
    const at = (seconds: number) => ({ 'retry-after': new Date(NOW + seconds * 1_000).toUTCString() });
    expect(finalFailure([answered(429)], NOW).retryAfter).toBe('1');
    expect(finalFailure([answered(429), answered(429, null, at(90))], NOW).retryAfter).toBe('90');
    expect(finalFailure([answered(429, null, at(-90))], NOW).retryAfter).toBe('1');
    expect(finalFailure([answered(429, null, { 'retry-after-ms': '4200' })], NOW).retryAfter).toBe('5');
    expect(finalFailure([answered(429, null, { 'retry-after': 'soon' })], NOW).retryAfter).toBe('1');
  });

  test('is 504 where every arm was too slow, else 502 with the last failure in it', () => {
    const slow = failed({ outcome: 'timeout', message: 'no first byte within 5 ms' });
    expect(finalFailure([slow, slow], NOW)).toMatchObject({ status: 504, retryAfter: null });
    expect(finalFailure([slow, answered(500)], NOW)).toMatchObject({
      status: 502,
      message: 'All 2 attempts failed; the last: said 500',
    });
    expect(finalFailure([answered(429), slow], NOW)).toMatchObject({ status: 502 });
    expect(finalFailure([answered(500)], NOW).message).toBe('The upstream failed: said 500');
  });

  test('never holds what a provider said of our own key', () => {
    for (const status of [401, 403]) {
      const { message } = finalFailure(
        [failed({ status, message: 'Incorrect API key provided: sk-prov*****ret' })],
        NOW,
      );
      expect(message).not.toContain('sk-');
      expect(message).toContain(String(status));
    }
  });
});

describe('what only this arm would refuse', () => {
  const refusal = (body: unknown, status = 400) => ownRefusal(failed({ status, body: bytesOf(JSON.stringify(body)) }));
  const worded = (message: string) =>
    refusal({ error: { message, type: 'invalid_request_error', param: null, code: null } });

  test('is told by OpenAI’s codes, with the field where one is named', () => {
    expect(refusal({ error: { code: 'unsupported_value', param: 'temperature' } })).toMatchObject({
      kind: 'value',
      param: 'temperature',
    });
    expect(refusal({ error: { code: 'context_length_exceeded', param: 'messages[3]' } })).toMatchObject({
      kind: 'context',
      param: null,
    });
  });

  test('is told by the words of providers that have no codes', () => {
    const words: Record<string, string> = {
      'Unrecognized request argument supplied: logit_bias': 'field',
      "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens": 'context',
      'prompt is too long: 210000 tokens > 200000 maximum': 'context',
      'json: unknown field "reasoning_effort"': 'field',
      '`tool calling` is not supported with this model': 'field',
      "Unsupported parameter: 'max_tokens' is not supported with this model.": 'field',
    };
    for (const [message, kind] of Object.entries(words)) expect(worded(message)?.kind, message).toBe(kind);
    expect(
      refusal(
        { detail: [{ type: 'extra_forbidden', loc: ['body', 'top_k'], msg: 'Extra inputs are not permitted' }] },
        422,
      )?.kind,
    ).toBe('field');
  });

  test('is nothing that every arm would refuse', () => {
    expect(worded('Invalid type for messages: expected an array')).toBe(null);
    expect(refusal({ error: { code: 'content_policy_violation', message: 'not supported' } })).toBe(null);
    expect(refusal({ error: { code: 'unsupported_value' } }, 413)).toBe(null);
    expect(refusal({ error: { code: 'unsupported_value' } }, 500)).toBe(null);
  });
});

describe('what an attempt says of its arm', () => {
  test('tells keys, rates, faults and what is nobody’s failure apart', () => {
    const kind = (end: AttemptEnd) => verdictOf(end, NOW);
    expect(kind(answered(401))).toEqual({ kind: 'misconfigured', ofKey: true });
    for (const status of [402, 403, 404])
      expect(kind(answered(status))).toEqual({ kind: 'misconfigured', ofKey: false });
    expect(kind(answered(429, null, { 'retry-after': '7' }))).toEqual({ kind: 'rate_limited', waitMs: 7_000 });
    expect(kind(answered(429))).toEqual({ kind: 'rate_limited', waitMs: null });
    expect(kind(answered(503, null, { 'retry-after': '7' }))).toEqual({ kind: 'rate_limited', waitMs: 7_000 });
    for (const status of [408, 409, 500, 503, 529]) expect(kind(answered(status))).toEqual({ kind: 'failed' });
    expect(kind(failed({ outcome: 'timeout' }))).toEqual({ kind: 'failed' });
    expect(kind(failed({ outcome: 'upstream_drop', begun: true, status: 200 }))).toEqual({ kind: 'failed' });
    for (const status of [400, 413, 422]) expect(kind(answered(status))).toEqual({ kind: 'nothing' });
    expect(kind(failed({ outcome: 'client_abort' }))).toEqual({ kind: 'nothing' });
    expect(kind(failed({ outcome: 'client_abort', begun: true }))).toEqual({ kind: 'fine' });
  });
});
