/** What one decision has shown so far: the entry of the log that everything is learned from. */

/** What was said of an answer. */
export interface Label {
  /** In [0, 1]; null while nobody has said anything. */
  quality: number | null;
  /** ≥ 0; 1 is an explicit one. */
  weight: number;
}

/**
 * The whole current evidence of a decision, never a difference: a later revision takes an earlier one's place. From one
 * revision to the next only the label changes.
 */
export interface Evidence extends Label {
  decisionId: string;
  /** Counts from 1; of one decision the highest counts, once. */
  revision: number;
  /** The decision's time, milliseconds since 1970. */
  at: number;
  router: string;
  arm: string;
  /** The encoder that made `x`. */
  encoder: string;
  x: readonly number[];
  /** The label of the revision before, for a fold that no longer has it; null for the first. */
  earlier: Label | null;
  /** Sent again, since the log had lost it: a fold that does not have it open any more has counted it. */
  again?: boolean;
  promptTokensEstimate: number;
  /** From here on null where it is not known. */
  promptTokens: number | null;
  completionTokens: number | null;
  costUsd: number | null;
  /** Of a stream. */
  firstByteMs: number | null;
  totalMs: number | null;
}
