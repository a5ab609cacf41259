import { describe, expect, test } from 'vitest';
import type { AttemptEnd } from '../../src/upstream/attempt.ts';
import { finalFailure, isOnAccountOfTheRequest, isRefusal } from '../../src/upstream/failures.ts';
import { bytesOf } from '../support/cuts.ts';

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
    expect(isRefusal(failed({ outcome: 'timeout' }))).toBe(false);
    expect(isRefusal(failed({ status: 200 }))).toBe(false);
  });

  test('goes to the next arm where this one alone cannot serve the request', () => {
    for (const code of [
      'unsupported_parameter',
      'unsupported_value',
      'context_length_exceeded',
      'unknown_parameter',
      'model_not_found',
    ]) {
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
    const failure = finalFailure([
      answered(429, null, { 'retry-after': '20' }),
      answered(429, null, { 'retry-after': '2.5' }),
    ]);
    expect(failure).toMatchObject({ status: 429, retryAfter: '3', code: 'rate_limit_exceeded' });
  });

  test('still says when to come again where no arm said, or said it as a date', () => {
    expect(
      finalFailure([answered(429), answered(429, null, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' })]).retryAfter,
    ).toBe('1');
  });

  test('is 504 where every arm was too slow, else 502 with the last failure in it', () => {
    const slow = failed({ outcome: 'timeout', message: 'no first byte within 5 ms' });
    expect(finalFailure([slow, slow])).toMatchObject({ status: 504, retryAfter: null });
    expect(finalFailure([slow, answered(500)])).toMatchObject({
      status: 502,
      message: 'All 2 arms failed; the last: said 500',
    });
    expect(finalFailure([answered(429), slow])).toMatchObject({ status: 502 });
    expect(finalFailure([answered(500)]).message).toBe('The upstream failed: said 500');
  });

  test('never holds what a provider said of our own key', () => {
    for (const status of [401, 403]) {
      const { message } = finalFailure([failed({ status, message: 'Incorrect API key provided: sk-prov*****ret' })]);
      expect(message).not.toContain('sk-');
      expect(message).toContain(String(status));
    }
  });
});
