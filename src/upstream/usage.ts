/** What an answer used and what it cost, out of the `usage` that the provider reports. */
import type { ModelPrice } from '../config/resolve.ts';

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** Part of `promptTokens` that the provider had cached. */
  cachedTokens: number;
}

/** Reads OpenAI's `usage` object; null where there is none, or its numbers are not whole and positive. */
export function readUsage(value: unknown): Usage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = value as Record<string, unknown>;
  if (!isCount(prompt_tokens)) return null;
  const cached = (prompt_tokens_details as { cached_tokens?: unknown } | null | undefined)?.cached_tokens;
  return {
    promptTokens: prompt_tokens,
    completionTokens: isCount(completion_tokens) ? completion_tokens : 0,
    cachedTokens: isCount(cached) ? Math.min(cached, prompt_tokens) : 0,
  };
}

/** USD for one request: token prices are per million. */
export function costOf(usage: Usage, price: ModelPrice): number {
  const fresh = usage.promptTokens - usage.cachedTokens;
  const cachedPrice = price.cached_input ?? price.input;
  const tokens = fresh * price.input + usage.cachedTokens * cachedPrice + usage.completionTokens * price.output;
  return tokens / 1e6 + (price.request ?? 0);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
