import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costOf, readUsage } from '../../src/upstream/usage.ts';

describe('usage', () => {
  test('is read where its numbers are whole and positive, else it is unknown', () => {
    expect(readUsage({ prompt_tokens: 7, completion_tokens: 2 })).toEqual({
      promptTokens: 7,
      completionTokens: 2,
      cachedTokens: null,
      cacheWriteTokens: 0,
    });
    expect(readUsage({ prompt_tokens: 0 })).toEqual({
      promptTokens: 0,
      completionTokens: 0,
      cachedTokens: null,
      cacheWriteTokens: 0,
    });
    for (const prompt_tokens of [-1, 1.5, '7', null, undefined, Number.MAX_VALUE])
      expect(readUsage({ prompt_tokens })).toBe(null);
    for (const value of [null, undefined, 'x', 5, [], {}]) expect(readUsage(value)).toBe(null);
  });

  test('never has more cached tokens than tokens', () => {
    fc.assert(
      fc.property(fc.nat(), fc.jsonValue(), fc.jsonValue(), (prompt_tokens, completion_tokens, details) => {
        const usage = readUsage({ prompt_tokens, completion_tokens, prompt_tokens_details: details });
        expect(usage?.cachedTokens ?? 0).toBeLessThanOrEqual(prompt_tokens);
        expect(usage?.completionTokens).toBeGreaterThanOrEqual(0);
      }),
    );
    expect(readUsage({ prompt_tokens: 5, prompt_tokens_details: { cached_tokens: 9 } })?.cachedTokens).toBe(5);
  });

  test('costs what the price list says, cached tokens at their own price', () => {
    const usage = { promptTokens: 1_000_000, completionTokens: 100_000, cachedTokens: 400_000, cacheWriteTokens: 0 };
    expect(costOf(usage, { input: 2, output: 10 })).toBeCloseTo(2 + 1, 12);
    expect(costOf(usage, { input: 2, output: 10, cached_input: 0.5 })).toBeCloseTo(1.2 + 0.2 + 1, 12);
    expect(costOf(usage, { input: 2, output: 10, cached_input: 0 })).toBeCloseTo(1.2 + 1, 12);
    expect(costOf(usage, { input: 0, output: 0, request: 0.01 })).toBeCloseTo(0.01, 12);
    const written = { ...usage, cacheWriteTokens: 200_000 };
    expect(costOf(written, { input: 2, output: 10 })).toBeCloseTo(2 + 1, 12);
    expect(costOf(written, { input: 2, output: 10, cache_write: 2.5 })).toBeCloseTo(1.6 + 0.5 + 1, 12);
  });
});
