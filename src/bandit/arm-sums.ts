/** What is kept of an arm's decisions: numbers and sums, from which all that is believed of it is derived. */
import { addAsSilent, addSignSums, emptySignSums, type SignSums, scaleSigns } from './sign-sums.ts';
import { addNumbers, addSums, emptySums, type Sums, scaleSums } from './sums.ts';

/** What is predicted besides quality, all on a log scale. */
export const OUTCOMES = ['outputTokens', 'promptRatio', 'firstByteMs', 'totalMs'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Times depend on a request's size and kind: on the encoder's first coordinates, no more. */
const FEW = 4;

/** On how many of the encoder's coordinates an outcome depends: a length, which is what is paid for, on all of them. */
export const outcomeDimensions = (outcome: Outcome, dimensions: number): number =>
  outcome === 'outputTokens' ? dimensions : Math.min(FEW, dimensions);

/** An arm became another: what it had shown of its answers before counts so many times, in (0, 1). */
export interface ArmChange {
  /** The first decision of what it is now, milliseconds since 1970. */
  since: number;
  /** What is of before this counts so: `since`, or later where not every decision since was open any more when it was told. */
  from: number;
  worthBefore: number;
}

/** Of an arm, the latest. */
export const MOST_CHANGES = 32;

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
  /** Of decisions whose provider might have had part of the prompt in its cache: Σw, and Σw·share that it had. */
  cache: { weight: number; hits: number };
  /** By `from`, the latest first, of which the sums of quality, signs and outcomes are: what was before counts as each of them says. */
  changes: ArmChange[];
}

export function emptyArm(dimensions: number): ArmSums {
  const sumsOf = (outcome: Outcome): Sums => emptySums(outcomeDimensions(outcome, dimensions));
  return {
    pulls: 0,
    labels: 0,
    quality: emptySums(dimensions),
    signs: emptySignSums(dimensions),
    waiting: new Map(),
    outcomes: {
      outputTokens: sumsOf('outputTokens'),
      promptRatio: sumsOf('promptRatio'),
      firstByteMs: sumsOf('firstByteMs'),
      totalMs: sumsOf('totalMs'),
    },
    requests: { weight: 0, x: new Float64Array(dimensions), logPrompt: 0 },
    cache: { weight: 0, hits: 0 },
    changes: [],
  };
}

/**
 * The sums of all of them, as of one arm: the first with what it was known by before, which counts as the first's changes say
 * of what it had shown.
 */
export function addedUp(arms: readonly ArmSums[], dimensions: number): ArmSums {
  const all = emptyArm(dimensions);
  const worthBefore = arms[0] ? worthAt(arms[0].changes, Number.NEGATIVE_INFINITY) : 1;
  for (const [k, arm] of arms.entries()) {
    const { pulls, labels, requests, cache, changes } = arm;
    all.pulls += pulls;
    all.labels += labels;
    addShown(all, arm, k === 0 ? 1 : worthBefore);
    all.requests.weight += requests.weight;
    all.requests.logPrompt += requests.logPrompt;
    addNumbers(all.requests.x, requests.x);
    all.cache.weight += cache.weight;
    all.cache.hits += cache.hits;
    all.changes.push(...changes);
  }
  all.changes.sort((one, other) => other.from - one.from);
  return all;
}

/** How often what the arm showed at a time counts. */
export function worthAt(changes: readonly ArmChange[], at: number): number {
  let worth = 1;
  for (let i = 0; i < changes.length && changes[i]!.from > at; i++) worth *= changes[i]!.worthBefore;
  return worth;
}

/** Adds so many times what another showed of its answers: all that is no longer so once an arm has changed. */
export function addShown(arm: ArmSums, { quality, signs, waiting, outcomes }: ArmSums, factor: number): void {
  addSums(arm.quality, quality, factor);
  addSignSums(arm.signs, signs, factor);
  for (const [stretch, sums] of waiting) addSignSums(waitingIn(arm, stretch), sums, factor);
  for (const outcome of OUTCOMES) addSums(arm.outcomes[outcome], outcomes[outcome], factor);
}

/** What it showed counts so many times from now on. */
export function scaleShown({ quality, signs, waiting, outcomes }: ArmSums, factor: number): void {
  scaleSums(quality, factor);
  scaleSigns(signs, factor);
  for (const sums of waiting.values()) scaleSigns(sums, factor);
  for (const outcome of OUTCOMES) scaleSums(outcomes[outcome], factor);
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

export function scaleArm(arm: ArmSums, factor: number): void {
  scaleShown(arm, factor);
  const { requests, cache } = arm;
  cache.weight *= factor;
  cache.hits *= factor;
  for (let i = 0; i < requests.x.length; i++) requests.x[i] = requests.x[i]! * factor;
  requests.weight *= factor;
  requests.logPrompt *= factor;
}
