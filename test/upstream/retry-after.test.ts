import { describe, expect, test } from 'vitest';
import { retryAfterMs } from '../../src/upstream/retry-after.ts';

const NOW = Date.parse('2026-11-25T10:00:00Z');

describe('how long an upstream asks to be left alone', () => {
  test.each([
    { headers: {}, ms: null },
    { headers: { 'retry-after': '2' }, ms: 2_000 },
    { headers: { 'retry-after': ' 0 ' }, ms: 0 },
    { headers: { 'retry-after': '1.5' }, ms: 1_500 },
    { headers: { 'retry-after': '9', 'retry-after-ms': '250' }, ms: 250 },
    { headers: { 'retry-after': '9', 'retry-after-ms': 'soon' }, ms: 9_000 },
    { headers: { 'retry-after': 'Wed, 25 Nov 2026 10:00:30 GMT' }, ms: 30_000 },
    { headers: { 'retry-after': 'Wed, 25 Nov 2026 09:00:00 GMT' }, ms: 0 },
    { headers: { 'retry-after': 'later' }, ms: null },
    { headers: { 'retry-after': '' }, ms: null },
    { headers: { 'retry-after': '-5' }, ms: expect.toBeOneOf([null, 0]) },
  ])('$headers', ({ headers, ms }) => {
    expect(retryAfterMs(headers as Record<string, string>, NOW)).toEqual(ms);
  });
});
