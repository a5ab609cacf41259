/** What one decision has shown so far: the entry of the log that everything is learned from. */

/** What is known of how good an answer was. */
export interface Label {
  /** What people said of it, in [0, 1]; null while nobody has said anything. */
  quality: number | null;
  /** What that is worth, ≥ 0: 1 is an explicit one. */
  weight: number;
  /** What the answer itself showed, by its number: 0 where nothing was wrong with it. */
  shown: number;
  /** What came next, by its number: `PENDING` while nothing has. */
  next: number;
  /** How much of an observation those two are worth, in [0, 1]; 0 where nothing was seen of an answer. */
  share: number;
}

/** Numbers of `next` that mean something to a fold: it may yet be silence; it never will be; it was. */
export const PENDING = 0;
export const UNCLEAR = 1;
export const SILENCE = 2;

/** Of an answer of which nothing is known. */
export const NO_LABEL: Label = { quality: null, weight: 0, shown: 0, next: PENDING, share: 0 };

/**
 * The whole current evidence of a decision, never a difference: a later revision takes an earlier one's place. From one
 * revision to the next only the label changes, and that its arm has changed with it may come to be known.
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
  /** Of the tokens that its provider might have had in its cache the share that it had, in [0, 1]. */
  cachedShare: number | null;
  /**
   * Where its arm was found to have changed with this decision: how often what the arm had shown before counts from then on,
   * in (0, 1).
   */
  worthBefore: number | null;
}
