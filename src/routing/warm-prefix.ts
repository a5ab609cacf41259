/** What of a conversation's prompt the provider of the arm that it is with may still have in its cache. */
import type { WarmPrefix } from '../bandit/contenders.ts';
import type { Found } from '../stores/ports.ts';
import type { Lineage } from './lineage.ts';
import { endOf } from './rewordings.ts';

/** Providers cache no shorter prompts (OpenAI, Anthropic's usual models, DeepSeek's are no less) … */
const LEAST_TOKENS = 1_024;
/** … and keep them for five to ten minutes after they were used last. */
const KEPT_MS = 10 * 60 * 1000;

/**
 * `found`: the earlier decision that the request goes on from or repeats. Null where it is not known to be the beginning of this
 * very prompt, or is too old or too short for a cache.
 */
export function warmPrefix(
  found: Found | null,
  { answered, latest, question }: Pick<Lineage, 'answered' | 'latest' | 'question'>,
  promptTokensEstimate: number,
  now: number,
): WarmPrefix | null {
  if (found === null) return null;
  const { decision, name } = found;
  const { outcome } = decision;
  // What was found by its last exchange alone, or by its session, may begin otherwise.
  const isBeginning = name === answered || name === latest[0] || name === question;
  if (!isBeginning || !outcome || outcome.promptTokens === null || now - endOf(decision) > KEPT_MS) return null;
  // The same asked again has no answer behind it.
  const behind = name === latest[0] ? (outcome.completionTokens ?? 0) : 0;
  const tokens = Math.floor(Math.min(outcome.promptTokens + behind, promptTokensEstimate));
  return tokens >= LEAST_TOKENS ? { arm: decision.model, tokens } : null;
}
