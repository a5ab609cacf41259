/** What is kept of an arm's decisions: numbers and sums, from which all that is believed of it is derived. */
import { addAsSilent, addSignSums, emptySignSums, type SignSums, scaleSigns } from './sign-sums.ts';
import { addNumbers, addSums, emptySums, type Sums, scaleSums } from './sums.ts';

/** What is predicted besides quality, all on a log scale. */
export const OUTCOMES = ['outputTokens', 'promptRatio', 'firstByteMs', 'totalMs'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Lengths and times depend on a request's size and kind: on the encoder's first coordinates, no more. */
export const OUTCOME_DIMENSIONS = 4;

export interface ArmSums {
  /** Decisions, and those among them that were rated or followed up, whatever their age. */
  pulls: number;
  labels: number;
  /** Of what people said. */
  quality: Sums;
  /** Of decisions that nobody rated. */
  signs: SignSums;
  /** Of those that nothing has followed yet, by the stretch of time in which they were made. */
  waiting: Map<number, SignSums>;
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
    signs: emptySignSums(dimensions),
    waiting: new Map(),
    outcomes: { outputTokens: small(), promptRatio: small(), firstByteMs: small(), totalMs: small() },
    requests: { weight: 0, x: new Float64Array(dimensions), logPrompt: 0 },
  };
}

/** The sums of all of them, as of one arm. */
export function addedUp(arms: readonly ArmSums[], dimensions: number): ArmSums {
  const all = emptyArm(dimensions);
  for (const { pulls, labels, quality, signs, waiting, outcomes, requests } of arms) {
    all.pulls += pulls;
    all.labels += labels;
    addSums(all.quality, quality);
    addSignSums(all.signs, signs);
    for (const [stretch, sums] of waiting) addSignSums(waitingIn(all, stretch), sums);
    for (const outcome of OUTCOMES) addSums(all.outcomes[outcome], outcomes[outcome]);
    all.requests.weight += requests.weight;
    all.requests.logPrompt += requests.logPrompt;
    addNumbers(all.requests.x, requests.x);
  }
  return all;
}

/** The sums of what nothing has followed yet, of a stretch of time. */
export function waitingIn({ waiting, requests }: ArmSums, stretch: number): SignSums {
  let sums = waiting.get(stretch);
  if (!sums) {
    sums = emptySignSums(requests.x.length);
    waiting.set(stretch, sums);
  }
  return sums;
}

/** What was made before this stretch, and nothing has followed, was followed by silence. */
export function endWaiting({ signs, waiting }: ArmSums, stretch: number): void {
  for (const [one, sums] of waiting) {
    if (one >= stretch) continue;
    addAsSilent(signs, sums);
    waiting.delete(one);
  }
}

export function scaleArm({ quality, signs, waiting, outcomes, requests }: ArmSums, factor: number): void {
  scaleSums(quality, factor);
  scaleSigns(signs, factor);
  for (const sums of waiting.values()) scaleSigns(sums, factor);
  for (const outcome of OUTCOMES) scaleSums(outcomes[outcome], factor);
  for (let i = 0; i < requests.x.length; i++) requests.x[i] = requests.x[i]! * factor;
  requests.weight *= factor;
  requests.logPrompt *= factor;
}
