/**
 * What is kept of decisions that nobody rated, by what was seen of them: sums from which their labels can be worked out anew
 * whenever more is known of what a sign is worth.
 */
import { type Label, PENDING, SILENCE, UNCLEAR } from './evidence.ts';
import { addNumbers } from './sums.ts';

/** Numbers of `shown` and of `next` are below this. */
export const SIGNS = 16;

/** A pair of signs as one number. */
export const pairOf = (shown: number, next: number): number => shown * SIGNS + next;
export const shownIn = (pair: number): number => Math.floor(pair / SIGNS);
export const nextIn = (pair: number): number => pair % SIGNS;

/** Whether it is known what came next; else the answer's own signs are all there is. */
export const isFollowed = (next: number): boolean => next !== PENDING && next !== UNCLEAR;

export interface SignSums {
  /** Σu·x·xᵀ, as in `Sums`, u being weight and share: of decisions with only the answer's own signs, and of the others. */
  unfollowed: Float64Array;
  followed: Float64Array;
  /** Σu·x by pair of signs; since x[0] = 1 its first number is Σu. */
  pairs: Map<number, Float64Array>;
}

export function emptySignSums(dimensions: number): SignSums {
  const triangle = (): Float64Array => new Float64Array((dimensions * (dimensions + 1)) / 2);
  return { unfollowed: triangle(), followed: triangle(), pairs: new Map() };
}

/** A negative weight takes them out again. */
export function addSigns(sums: SignSums, x: readonly number[], { shown, next }: Label, weight: number): void {
  const dimensions = x.length;
  const xx = isFollowed(next) ? sums.followed : sums.unfollowed;
  const pair = pairAt(sums, pairOf(shown, next), dimensions);
  for (let i = 0, at = 0; i < dimensions; i++) {
    const weighted = weight * x[i]!;
    pair[i] = pair[i]! + weighted;
    for (let j = 0; j <= i; j++, at++) xx[at] = xx[at]! + weighted * x[j]!;
  }
}

export function addSignSums(sums: SignSums, other: SignSums, factor = 1): void {
  addNumbers(sums.unfollowed, other.unfollowed, factor);
  addNumbers(sums.followed, other.followed, factor);
  for (const [pair, x] of other.pairs) addNumbers(pairAt(sums, pair, x.length), x, factor);
}

/** Adds decisions that were waited for long enough: what came next of them is silence. */
export function addAsSilent(sums: SignSums, waiting: SignSums): void {
  addNumbers(sums.followed, waiting.unfollowed);
  for (const [pair, x] of waiting.pairs) addNumbers(pairAt(sums, pairOf(shownIn(pair), SILENCE), x.length), x);
}

export function scaleSigns(sums: SignSums, factor: number): void {
  for (const numbers of [sums.unfollowed, sums.followed, ...sums.pairs.values()])
    for (let i = 0; i < numbers.length; i++) numbers[i] = numbers[i]! * factor;
}

function pairAt({ pairs }: SignSums, pair: number, dimensions: number): Float64Array {
  let x = pairs.get(pair);
  if (!x) {
    x = new Float64Array(dimensions);
    pairs.set(pair, x);
  }
  return x;
}

/**
 * How often each sign came with a good answer, and with a bad one, among those that people rated: for each number of `shown`,
 * then of `next`, Σw·quality and Σw·(1 − quality). Behind them, of all of those, Σw·quality·(1 − quality): 0 where people say
 * good or bad, and more the more they say in between.
 */
export type RatedSigns = Float64Array;

export const BETWEEN = 2 * 2 * SIGNS;
export const noRatedSigns = (): RatedSigns => new Float64Array(BETWEEN + 1);

/** Nothing yet is silence so far: whoever rated an answer has seen it. */
export function addRated(rated: RatedSigns, { shown, next }: Label, quality: number, weight: number): void {
  addAt(rated, shown, quality, weight);
  rated[BETWEEN] = rated[BETWEEN]! + weight * quality * (1 - quality);
  if (next !== UNCLEAR) addAt(rated, SIGNS + (next === PENDING ? SILENCE : next), quality, weight);
}

function addAt(rated: RatedSigns, sign: number, quality: number, weight: number): void {
  rated[2 * sign] = rated[2 * sign]! + weight * quality;
  rated[2 * sign + 1] = rated[2 * sign + 1]! + weight * (1 - quality);
}

/** What a router's signs are worth. */
export interface SignWorth {
  /** The router's mean quality: the odds before any sign. */
  mean: number;
  /** In [0, 1]: what a decision is worth beside a rated one, by its answer's own signs, and with what came next. */
  unfollowed: number;
  followed: number;
  /** The label that a pair of signs amounts to; debiased, so that it may lie outside [0, 1]. */
  labelOf(pair: number): number;
  readonly doubt: SignDoubt;
}

/** Standard deviations of what signs are taken to be worth. */
export interface SignDoubt {
  /** Of `mean`. */
  mean: number;
  /** Of by how much the mean label of good answers exceeds that of bad ones, which should be 1: of labels of either kind. */
  unfollowed: number;
  followed: number;
}

export interface SeenSigns {
  rated: RatedSigns;
  /** Σw·quality and Σw of what people said. */
  said: { good: number; weight: number };
  /** Σu by pair of signs. */
  pairs: ReadonlyMap<number, number>;
}

export type Calibrate = (seen: SeenSigns) => SignWorth;

/** Where signs teach nothing. */
export const noWorth: Calibrate = () => ({
  mean: 0.5,
  unfollowed: 0,
  followed: 0,
  labelOf: () => 0.5,
  doubt: { mean: 0.5, unfollowed: 1, followed: 1 },
});
