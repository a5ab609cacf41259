/** What an answer used and what it cost, out of the `usage` that the provider reports. */
import type { ModelPrice } from '../config/price.ts';

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** Part of `promptTokens` that the provider had cached; null where it does not tell. */
  cachedTokens: number | null;
  /** Part of `promptTokens` that the provider has put into its cache now. */
  cacheWriteTokens: number;
}

/** Reads OpenAI's `usage` object; null where there is none, or its numbers are not whole and positive. */
export function readUsage(value: unknown): Usage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = value as Record<string, unknown>;
  if (!isCount(prompt_tokens)) return null;
  const details = prompt_tokens_details as { cached_tokens?: unknown; cache_write_tokens?: unknown } | null | undefined;
  const cachedTokens = isCount(details?.cached_tokens) ? Math.min(details.cached_tokens, prompt_tokens) : null;
  return {
    promptTokens: prompt_tokens,
    completionTokens: isCount(completion_tokens) ? completion_tokens : 0,
    cachedTokens,
    cacheWriteTokens: countUpTo(details?.cache_write_tokens, prompt_tokens - (cachedTokens ?? 0)),
  };
}

/** USD for one request: token prices are per million. */
export function costOf(usage: Usage, price: ModelPrice): number {
  const { promptTokens, completionTokens, cacheWriteTokens } = usage;
  const cachedTokens = usage.cachedTokens ?? 0;
  const usd =
    (promptTokens - cachedTokens - cacheWriteTokens) * price.input +
    cachedTokens * (price.cached_input ?? price.input) +
    cacheWriteTokens * (price.cache_write ?? price.input) +
    completionTokens * price.output;
  return usd / 1e6 + (price.request ?? 0);
}

const countUpTo = (value: unknown, most: number): number => (isCount(value) ? Math.min(value, most) : 0);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
