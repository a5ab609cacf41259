/** What is kept of an arm's decisions: numbers and sums, from which all that is believed of it is derived. */
import { addNumbers, addSums, emptySums, type Sums, scaleSums } from './sums.ts';

/** What is predicted besides quality, all on a log scale. */
export const OUTCOMES = ['outputTokens', 'promptRatio', 'firstByteMs', 'totalMs'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Lengths and times depend on a request's size and kind: on the encoder's first coordinates, no more. */
export const OUTCOME_DIMENSIONS = 4;

export interface ArmSums {
  /** Decisions and labelled ones among them, whatever their age. */
  pulls: number;
  labels: number;
  quality: Sums;
  outcomes: Record<Outcome, Sums>;
  /** The requests it got: y is the log of the prompt's estimated tokens. Of `xx` only the first column is of use. */
  requests: { weight: number; x: Float64Array; logPrompt: number };
}

export function emptyArm(dimensions: number): ArmSums {
  const small = (): Sums => emptySums(Math.min(OUTCOME_DIMENSIONS, dimensions));
  return {
    pulls: 0,
    labels: 0,
    quality: emptySums(dimensions),
    outcomes: { outputTokens: small(), promptRatio: small(), firstByteMs: small(), totalMs: small() },
    requests: { weight: 0, x: new Float64Array(dimensions), logPrompt: 0 },
  };
}

/** The sums of all of them, as of one arm. */
export function addedUp(arms: readonly ArmSums[], dimensions: number): ArmSums {
  const all = emptyArm(dimensions);
  for (const { pulls, labels, quality, outcomes, requests } of arms) {
    all.pulls += pulls;
    all.labels += labels;
    addSums(all.quality, quality);
    for (const outcome of OUTCOMES) addSums(all.outcomes[outcome], outcomes[outcome]);
    all.requests.weight += requests.weight;
    all.requests.logPrompt += requests.logPrompt;
    addNumbers(all.requests.x, requests.x);
  }
  return all;
}

export function scaleArm({ quality, outcomes, requests }: ArmSums, factor: number): void {
  scaleSums(quality, factor);
  for (const outcome of OUTCOMES) scaleSums(outcomes[outcome], factor);
  for (let i = 0; i < requests.x.length; i++) requests.x[i] = requests.x[i]! * factor;
  requests.weight *= factor;
  requests.logPrompt *= factor;
}
