/**
 * What signs are worth: likelihood ratios P(sign | good) / P(sign | bad), learned per router from decisions that people rated
 * too, over all arms alike.
 *
 * With π the router's mean quality, r(s) = P(good | s) from prior odds π/(1−π), and E₁, E₀ the means over good and bad
 * answers, the label is
 *
 *   q(s) = (r(s) − E₀r) / (E₁r − E₀r)
 *
 * so that its mean over an arm's answers is the share of good ones among them, whatever arm it is: of all such labels r gives
 * the one of least variance (it is spanned by the likelihood ratios). As Var r = π(1−π)·(E₁r − E₀r), a decision is worth
 * ρ² = E₁r − E₀r rated ones, ρ² being the part of the variance of good and bad that the signs explain, and
 * q(s) = π + (r(s) − π)/ρ²: ρ²·(q − π) = r − π, so a sign whose ratio is 1 moves nothing.
 *
 * A signal's rates are Dirichlet-distributed around the table of `prior-rates.ts`. What an answer shows and what comes next
 * are taken for independent given how good it was; of each there is one sign, so that what says the same counts once.
 */
import { PENDING } from '../bandit/evidence.ts';
import {
  BETWEEN,
  isFollowed,
  nextIn,
  pairOf,
  type SeenSigns,
  SIGNS,
  type SignWorth,
  shownIn,
} from '../bandit/sign-sums.ts';
import { nextRates, shownRates } from './prior-rates.ts';
import { NEXT, SHOWN, type SignalName, switchOf } from './signs.ts';

export interface Calibration extends SignWorth {
  /** P(good | signs), from the router's odds. A sign's 0 stands for none of its kind: `fine`, `pending`. */
  chance(shown: number, next: number): number;
  /** ln P(sign | good)/P(sign | bad) of what an answer showed, and of what came next. */
  shownRatio(shown: number): number;
  nextRatio(next: number): number;
}

/** What the table is worth, in rated answers that were good, and in rated ones that were bad. */
const TABLE_WORTH = { good: 20, bad: 10 };
/** What it is worth of how often a sign comes at all, in answers: of that one soon knows better. */
const SHARES_WORTH = 10;
/** The router's mean quality before anything was said, and what that is worth in rated answers. */
const MEAN = { quality: 0.7, worth: 10 };
/** Below this the mean and its complement are not taken to be: odds have to stay odds. */
const LEAST_SHARE = 0.02;
/**
 * Nor is anything that was only seen worth more than this of what somebody said: the shares of one conversation's decisions add
 * up to five at most (`shareOf`, and a quarter more for an agent's steps), and so all that was seen of it to two observations.
 */
export const MOST_WORTH = 0.4;
/** What explains less of good and bad than this is taken to explain so much, or labels would lie far outside [0, 1]. */
const LEAST_EXPLAINED = 0.02;

/** `off` are signals that a router does not look at. */
export function calibrate({ rated, said, pairs }: SeenSigns, off: ReadonlySet<SignalName> = NONE): Calibration {
  const mean = meanOf(said);
  const seen = seenCounts(rated, pairs);
  const shown = rates(rated, seen, 0, shownRates, SHOWN, off, mean);
  const next = rates(rated, seen, SIGNS, nextRates, NEXT, off, mean);
  const chance = (k: number, then: number): number => {
    const isNext = isFollowed(then);
    const good = mean * shown.good[k]! * (isNext ? next.good[then]! : 1);
    const bad = (1 - mean) * shown.bad[k]! * (isNext ? next.bad[then]! : 1);
    return good + bad > 0 ? good / (good + bad) : mean;
  };

  // ρ²: the part of the variance of good and bad that signs explain, those of the answer alone and with what came next.
  let unfollowed = 0;
  let followed = 0;
  for (let k = 0; k < SHOWN.length; k++) {
    unfollowed += chance(k, PENDING) * (shown.good[k]! - shown.bad[k]!);
    for (let then = 0; then < NEXT.length; then++) {
      if (isFollowed(then))
        followed += chance(k, then) * (shown.good[k]! * next.good[then]! - shown.bad[k]! * next.bad[then]!);
    }
  }

  const labels = new Float64Array(SIGNS * SIGNS);
  for (let pair = 0; pair < labels.length; pair++) {
    const explained = isFollowed(nextIn(pair)) ? followed : unfollowed;
    labels[pair] = mean + (chance(shownIn(pair), nextIn(pair)) - mean) / Math.max(explained, LEAST_EXPLAINED);
  }
  return {
    mean,
    unfollowed: worthOf(unfollowed),
    followed: worthOf(followed),
    labelOf: (pair) => labels[pair]!,
    doubt: {
      mean: Math.sqrt((mean * (1 - mean)) / (MEAN.worth + said.weight + 1)),
      unfollowed: slopeDoubt(labels, shown, null, rated),
      followed: slopeDoubt(labels, shown, next, rated),
    },
    chance,
    shownRatio: (k) => ratioOf(shown, k),
    nextRatio: (then) => ratioOf(next, then),
  };
}

/**
 * The standard deviation of E₁q − E₀q, the labels being what they are and the rates Dirichlet-distributed: that of a mean under a
 * distribution that n observations have told is √(Var q/(n + 1)). What both signs of an answer tell adds up to no more than that.
 */
function slopeDoubt(
  labels: Float64Array,
  shown: LearnedRates,
  next: LearnedRates | null,
  rated: SeenSigns['rated'],
): number {
  const varianceOver = (shares: Float64Array, thenShares: Float64Array | null): number => {
    let total = 0;
    let sum = 0;
    let squares = 0;
    for (let k = 0; k < SHOWN.length; k++) {
      for (let then = 0; then < (next ? NEXT.length : 1); then++) {
        if (next && !isFollowed(then)) continue;
        const share = shares[k]! * (thenShares ? thenShares[then]! : 1);
        const label = labels[pairOf(k, next ? then : PENDING)]!;
        total += share;
        sum += share * label;
        squares += share * label * label;
      }
    }
    return total > 0 ? Math.max(0, squares / total - (sum / total) ** 2) : 0;
  };
  const from = next ? SIGNS : 0;
  let good = TABLE_WORTH.good;
  let bad = TABLE_WORTH.bad;
  for (let sign = from; sign < from + SIGNS; sign++) {
    good += Math.max(0, rated[2 * sign]!);
    bad += Math.max(0, rated[2 * sign + 1]!);
  }
  const ofGood = varianceOver(shown.good, next?.good ?? null) / (good + 1);
  return Math.sqrt(ofGood + varianceOver(shown.bad, next?.bad ?? null) / (bad + 1));
}

/** Rounding may leave a little less than nothing. */
const worthOf = (explained: number): number => Math.min(Math.max(0, explained), MOST_WORTH);

/** What was said, and nothing else: what was seen tells which answers are better than others, not how good they all are. */
function meanOf({ good, weight }: SeenSigns['said']): number {
  const mean = (MEAN.worth * MEAN.quality + good) / (MEAN.worth + weight);
  return mean >= LEAST_SHARE ? Math.min(mean, 1 - LEAST_SHARE) : LEAST_SHARE;
}

/**
 * How often each sign was seen, rated or not, by its place among `rated`. What nothing has followed yet is left out, since it has no
 * label of that kind either: the labels that there are have the mean π.
 */
function seenCounts(rated: SeenSigns['rated'], pairs: SeenSigns['pairs']): Float64Array {
  const counts = new Float64Array(2 * SIGNS);
  for (let sign = 0; sign < counts.length; sign++)
    counts[sign] = Math.max(0, rated[2 * sign]!) + Math.max(0, rated[2 * sign + 1]!);
  for (const [pair, count] of pairs) {
    const seen = Math.max(0, count);
    const then = nextIn(pair);
    counts[shownIn(pair)] = counts[shownIn(pair)]! + seen;
    if (isFollowed(then)) counts[SIGNS + then] = counts[SIGNS + then]! + seen;
  }
  return counts;
}

/** 0 where the sign never comes. */
function ratioOf({ good, bad }: LearnedRates, code: number): number {
  return good[code]! > 0 && bad[code]! > 0 ? Math.log(good[code]! / bad[code]!) : 0;
}

const NONE: ReadonlySet<SignalName> = new Set();

interface LearnedRates {
  good: Float64Array;
  bad: Float64Array;
}

/**
 * The ratios are the table's and those of rated answers; how often a sign comes at all, all answers tell: π·P(sign | good) +
 * (1 − π)·P(sign | bad) is its share of them. So a sign that never comes, or always, tells little, whatever the table says. What is not
 * looked at leaves its share to the others.
 */
function rates(
  rated: Float64Array,
  seen: Float64Array,
  from: number,
  table: (code: number) => readonly [good: number, bad: number],
  names: readonly string[],
  off: ReadonlySet<SignalName>,
  mean: number,
): LearnedRates {
  const told = unmixed(rated, from);
  const good = new Float64Array(SIGNS);
  const bad = new Float64Array(SIGNS);
  const all = new Float64Array(SIGNS);
  for (let code = 0; code < SIGNS; code++) {
    const [ofGood, ofBad] = table(code);
    if (ofGood === 0 || off.has(switchOf(names[code] as Parameters<typeof switchOf>[0]))) continue;
    good[code] = TABLE_WORTH.good * ofGood + told.good[code]!;
    bad[code] = TABLE_WORTH.bad * ofBad + told.bad[code]!;
    const usual = mean * ofGood + (1 - mean) * ofBad;
    all[code] = SHARES_WORTH * usual + seen[from + code]!;
  }
  return withShares(normalised(good), normalised(bad), normalised(all), mean);
}

/**
 * How often each sign came with good answers and with bad ones, as if people had said good or bad. A rating in between is of an
 * answer that was good with that probability, P(sign | q) = b + (g − b)·q: by least squares g − b = Cov(sign, q)/Var q. So many
 * ratings tell as much as λ = Var q / (q̄·(1 − q̄)) of as many thumbs, for which λ is 1 and nothing is changed.
 */
function unmixed(rated: Float64Array, from: number): LearnedRates {
  const told = { good: new Float64Array(SIGNS), bad: new Float64Array(SIGNS) };
  let good = 0;
  let bad = 0;
  for (let code = 0; code < SIGNS; code++) {
    good += told.good[code] = Math.max(0, rated[2 * (from + code)]!);
    bad += told.bad[code] = Math.max(0, rated[2 * (from + code) + 1]!);
  }
  const count = good + bad;
  // Σw·q·(1 − q) of all rated answers, as good as those that count here.
  const between = Math.max(0, rated[BETWEEN]!) * Math.min(1, count / Math.max(countOf(rated), Number.MIN_VALUE));
  const variance = (good * bad) / count - between;
  if (!(between > 0)) return told;
  // All of them alike, somewhere in between, tell nothing.
  if (!(variance > 0)) return { good: new Float64Array(SIGNS), bad: new Float64Array(SIGNS) };
  const mean = good / count;
  const lambda = (variance * count) / (good * bad);
  for (let code = 0; code < SIGNS; code++) {
    const share = (told.good[code]! + told.bad[code]!) / count;
    const slope = (told.good[code]! - share * good) / variance;
    told.good[code] = good * lambda * Math.max(0, share + slope * (1 - mean));
    told.bad[code] = bad * lambda * Math.max(0, share - slope * mean);
  }
  return told;
}

/** Rated answers of which something was seen: each of them showed one thing. */
function countOf(rated: Float64Array): number {
  let count = 0;
  for (let at = 0; at < 2 * SIGNS; at++) count += Math.max(0, rated[at]!);
  return count;
}

/**
 * Rates with these shares among all answers, and with the ratios of these but for one factor, which makes them add up to 1: of
 * P(sign | bad) = share/(π·c·ratio + 1 − π) the sum falls with c, and is 1 for one c.
 */
function withShares(good: Float64Array, bad: Float64Array, shares: Float64Array, mean: number): LearnedRates {
  const ofBad = (code: number, factor: number): number =>
    shares[code]! > 0 ? shares[code]! / ((mean * factor * good[code]!) / bad[code]! + 1 - mean) : 0;
  let low = -MOST_LOG_FACTOR;
  let high = MOST_LOG_FACTOR;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    let sum = 0;
    for (let code = 0; code < SIGNS; code++) sum += ofBad(code, Math.exp(middle));
    if (sum > 1) low = middle;
    else high = middle;
  }
  const factor = Math.exp((low + high) / 2);
  const learned = { good: new Float64Array(SIGNS), bad: new Float64Array(SIGNS) };
  for (let code = 0; code < SIGNS; code++) {
    learned.bad[code] = ofBad(code, factor);
    learned.good[code] = shares[code]! > 0 ? (learned.bad[code]! * factor * good[code]!) / bad[code]! : 0;
  }
  return learned;
}

const MOST_LOG_FACTOR = 8;
/** To more digits than rates have. */
const HALVINGS = 40;

/** Where none is looked at, none ever comes. */
function normalised(counts: Float64Array): Float64Array {
  const sum = counts.reduce((total, count) => total + count, 0);
  return sum > 0 ? counts.map((count) => count / sum) : counts;
}
