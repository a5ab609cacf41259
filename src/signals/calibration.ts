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
import { isFollowed, nextIn, pairOf, type SeenSigns, SIGNS, type SignWorth, shownIn } from '../bandit/sign-sums.ts';
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
/** The router's mean quality before anything is known of it, and what that is worth in rated answers. */
const MEAN = { quality: 0.7, worth: 10 };
/** Below this the mean and its complement are not taken to be: odds have to stay odds. */
const LEAST_SHARE = 0.05;
/** Steps in which the mean and the labels that depend on it settle. */
const STEPS = 4;
/**
 * Nor is anything that was only seen worth more than half of what somebody said: the shares of one conversation's decisions add
 * up to four at most (`shareOf`), and so all that was seen of it to two observations.
 */
export const MOST_WORTH = 0.5;
/** What explains less of good and bad than this is taken to explain so much, or labels would lie far outside [0, 1]. */
const LEAST_EXPLAINED = 0.02;

/** `off` are signals that a router does not look at. */
export function calibrate({ rated, said, pairs }: SeenSigns, off: ReadonlySet<SignalName> = NONE): Calibration {
  const shown = rates(rated, 0, shownRates, SHOWN, off);
  const next = rates(rated, SIGNS, nextRates, NEXT, off);
  const chanceAt = (mean: number, pair: number): number => {
    const then = nextIn(pair);
    const k = shownIn(pair);
    const isNext = isFollowed(then);
    const good = mean * shown.good[k]! * (isNext ? next.good[then]! : 1);
    const bad = (1 - mean) * shown.bad[k]! * (isNext ? next.bad[then]! : 1);
    return good + bad > 0 ? good / (good + bad) : mean;
  };
  const explainedAt = (mean: number): Explained => {
    let unfollowed = 0;
    let followed = 0;
    for (let k = 0; k < SHOWN.length; k++) {
      unfollowed += chanceAt(mean, pairOf(k, 0)) * (shown.good[k]! - shown.bad[k]!);
      for (let then = 0; then < NEXT.length; then++) {
        if (!isFollowed(then)) continue;
        const rise = shown.good[k]! * next.good[then]! - shown.bad[k]! * next.bad[then]!;
        followed += chanceAt(mean, pairOf(k, then)) * rise;
      }
    }
    // Rounding may leave a little less than nothing.
    return { unfollowed: Math.max(0, unfollowed), followed: Math.max(0, followed) };
  };

  let mean = MEAN.quality;
  let explained: Explained = { unfollowed: 0, followed: 0 };
  for (let step = 0; step <= STEPS; step++) {
    mean = meanOf(said, pairs, mean, explained, chanceAt);
    explained = explainedAt(mean);
  }

  const labels = new Float64Array(SIGNS * SIGNS);
  for (let pair = 0; pair < labels.length; pair++)
    labels[pair] = mean + (chanceAt(mean, pair) - mean) / Math.max(partOf(explained, pair), LEAST_EXPLAINED);
  return {
    mean,
    unfollowed: Math.min(explained.unfollowed, MOST_WORTH),
    followed: Math.min(explained.followed, MOST_WORTH),
    labelOf: (pair) => labels[pair]!,
    chance: (k, then) => chanceAt(mean, pairOf(k, then)),
    shownRatio: (k) => ratioOf(shown, k),
    nextRatio: (then) => ratioOf(next, then),
  };
}

/** ρ²: the part of the variance of good and bad that signs explain, those of the answer alone and with what came next. */
interface Explained {
  unfollowed: number;
  followed: number;
}

const partOf = ({ unfollowed, followed }: Explained, pair: number): number =>
  isFollowed(nextIn(pair)) ? followed : unfollowed;

/** 0 where the sign never comes. */
function ratioOf({ good, bad }: LearnedRates, code: number): number {
  return good[code]! > 0 && bad[code]! > 0 ? Math.log(good[code]! / bad[code]!) : 0;
}

const NONE: ReadonlySet<SignalName> = new Set();

interface LearnedRates {
  good: Float64Array;
  bad: Float64Array;
}

/** The table's rates, and what was counted beside them. What is not looked at leaves its share to the others. */
function rates(
  rated: Float64Array,
  from: number,
  table: (code: number) => readonly [good: number, bad: number],
  names: readonly string[],
  off: ReadonlySet<SignalName>,
): LearnedRates {
  const good = new Float64Array(SIGNS);
  const bad = new Float64Array(SIGNS);
  for (let code = 0; code < SIGNS; code++) {
    const [ofGood, ofBad] = table(code);
    if (ofGood === 0 || off.has(switchOf(names[code] as Parameters<typeof switchOf>[0]))) continue;
    good[code] = TABLE_WORTH.good * ofGood + Math.max(0, rated[2 * (from + code)]!);
    bad[code] = TABLE_WORTH.bad * ofBad + Math.max(0, rated[2 * (from + code) + 1]!);
  }
  return { good: normalised(good), bad: normalised(bad) };
}

/** Where none is looked at, none ever comes. */
function normalised(counts: Float64Array): Float64Array {
  const sum = counts.reduce((total, count) => total + count, 0);
  return sum > 0 ? counts.map((count) => count / sum) : counts;
}

/** The mean of what was said and of what was seen, each label as much of it as it explains: ρ²·q = r − π·(1 − ρ²). */
function meanOf(
  said: SeenSigns['said'],
  pairs: SeenSigns['pairs'],
  before: number,
  explained: Explained,
  chanceAt: (mean: number, pair: number) => number,
): number {
  let good = MEAN.worth * MEAN.quality + said.good;
  let weight = MEAN.worth + said.weight;
  for (const [pair, count] of pairs) {
    const part = partOf(explained, pair);
    if (part === 0) continue;
    good += count * (chanceAt(before, pair) - before * (1 - part));
    weight += count * part;
  }
  const mean = good / weight;
  return mean >= LEAST_SHARE ? Math.min(mean, 1 - LEAST_SHARE) : LEAST_SHARE;
}
