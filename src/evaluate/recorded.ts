/** Recorded outcomes: prompts, and what each of several models made of each of them. */
import type { Price } from '../bandit/utility.ts';
import type { ContextInput } from '../context/text.ts';

/** What one model made of one prompt. */
export interface RecordedOutcome {
  /** In [0, 1]. */
  score: number;
  promptTokens: number;
  completionTokens: number;
  costUsd: number;
  /** Null where it was not recorded. */
  latencySeconds: number | null;
}

export interface RecordedPrompt {
  id: string;
  input: ContextInput;
  /** By the position of the model in `Recorded.models`. */
  outcomes: readonly RecordedOutcome[];
}

export interface Recorded {
  models: readonly { id: string; price: Price }[];
  prompts: readonly RecordedPrompt[];
}
