/** What is weighed of an arm for one request: what a decision tells of it, and what the draw goes by beside. */
import type { Score } from './scores.ts';

export interface Candidate {
  model: string;
  eligible: boolean;
  /** The probability with which the arm was drawn, exploration included. */
  propensity: number;
  /** With a 95% interval. */
  quality: { mean: number; low: number; high: number };
  costUsd: number;
  firstByteMs: number;
  totalMs: number;
  /** quality − cost_usd / usd_per_point / 100 − seconds / seconds_per_point / 100, at the mean */
  utility: number;
  /** Why the arm is not eligible, in the words of whoever ruled it out; null where nobody said anything. */
  ruledOut: string | null;
}

/** An arm with all that the draw needs to know of it. Nothing in here depends on which other arms are eligible. */
export interface Contender {
  /** Eligible until somebody rules it out. */
  candidate: Candidate;
  score: Score;
  /** What cost and time take off its quality. */
  toll: number;
  /** USD that nine in ten such requests cost less than. */
  highCostUsd: number;
  /** The top of its 90% interval. */
  reach: number;
  pulls: number;
  /** Might still be the best of the router's arms. */
  uncertain: boolean;
  /** Gets early pulls yet. */
  warming: boolean;
}
