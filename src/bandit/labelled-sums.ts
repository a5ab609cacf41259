/** What an arm's decisions have shown of its quality: what people said, and what the signs of the others are worth by now. */
import type { ArmSums } from './arm-sums.ts';
import { dotAt, idOf, type LabelAt, readLabelAt, vectorAt } from './entry-columns.ts';
import { NO_LABEL } from './evidence.ts';
import { type Fold, isSeen, nextOf, ratingIn, shareIn, weightAt } from './fold.ts';
import { visitLatest } from './open-entries.ts';
import { type Earlier, MOST_RECENT, type Residual } from './recent-change.ts';
import {
  type Calibrate,
  isFollowed,
  nextIn,
  pairOf,
  type SeenSigns,
  type SignSums,
  type SignWorth,
} from './sign-sums.ts';
import { addObservation, addSums, emptySums, type Sums, scaleSums } from './sums.ts';

/** What the signs of all arms together are worth. `scale` brings the sums' weights from the fold's landmark to now. */
export function worthOf(fold: Fold, arms: readonly ArmSums[], scale: number, calibrate: Calibrate): SignWorth {
  const said = { good: 0, weight: 0 };
  const pairs = new Map<number, number>();
  for (const { quality, signs, waiting } of arms) {
    said.good += quality.xy[0]! * scale;
    said.weight += quality.xx[0]! * scale;
    for (const sums of [signs, ...waiting.values()])
      for (const [pair, x] of sums.pairs) pairs.set(pair, (pairs.get(pair) ?? 0) + x[0]! * scale);
  }
  const seen: SeenSigns = { rated: fold.rated.map((count) => count * scale), said, pairs };
  return calibrate(seen);
}

/** As of labels given by people: each pair of signs counts as many observations as it is worth, of what it amounts to. */
export function labelledSums({ quality, signs, waiting }: ArmSums, worth: SignWorth): Sums {
  const sums: Sums = { xx: quality.xx.slice(), xy: quality.xy.slice(), yy: quality.yy };
  addWorth(sums, signs, worth);
  for (const one of waiting.values()) addWorth(sums, one, worth);
  return sums;
}

function addWorth(sums: Sums, { unfollowed, followed, pairs }: SignSums, worth: SignWorth): void {
  const { xx, xy } = sums;
  for (let i = 0; i < xx.length; i++)
    xx[i] = xx[i]! + worth.unfollowed * unfollowed[i]! + worth.followed * followed[i]!;
  for (const [pair, x] of pairs) {
    const weight = isFollowed(nextIn(pair)) ? worth.followed : worth.unfollowed;
    const label = worth.labelOf(pair);
    for (let i = 0; i < xy.length; i++) xy[i] = xy[i]! + weight * label * x[i]!;
    sums.yy += weight * label * label * x[0]!;
  }
}

/** A label of an arm's latest, its weight the same however old it is. */
export interface RecentLabel extends Residual {
  quality: number;
  /** By how much it has faded, against the fold's landmark. */
  faded: number;
  /** The decision's time, milliseconds since 1970, and how many decisions of all arms came after it. */
  at: number;
  later: number;
  decisionId(): string;
  x(): readonly number[];
}

/** An arm under all its ids, the weights by which its quality is expected, and since when it is what it is. */
interface ExpectedArm {
  ids: readonly string[];
  weights: Float64Array;
  since: number;
}

/** The latest labels of each arm as it is, oldest first, beside what is expected of it. */
export function recentLabels(fold: Fold, worth: SignWorth, arms: readonly ExpectedArm[]): RecentLabel[][] {
  const { open, settings } = fold;
  const labels = arms.map((): RecentLabel[] => []);
  const encoder = open.names.indexOf(settings.encoder);
  const armNamed = open.names.map((name) => arms.findIndex(({ ids }) => ids.includes(name)));
  let later = -1;
  visitLatest(open, (columns, at) => {
    later++;
    readLabelAt(columns, at, label);
    const k = armNamed[label.arm] ?? -1;
    const ofArm = labels[k];
    if (!ofArm || label.encoder !== encoder || ofArm.length === MOST_RECENT || label.at < arms[k]!.since) return;
    const next = nextOf(fold, label);
    const rating = ratingIn(label);
    if (!rating && !(isSeen(label) && isFollowed(next))) return;
    const quality = rating ? rating.quality : worth.labelOf(pairOf(label.shown, next));
    const weight = rating ? rating.weight : worth.followed * shareIn(label);
    if (!(weight > 0)) return;
    const value = quality - dotAt(columns, at, arms[k]!.weights);
    const x = (): readonly number[] => vectorAt(columns, at, settings.dimensions);
    const decisionId = (): string => idOf(columns, at);
    ofArm.push({ value, weight, quality, faded: weightAt(fold, label.at), at: label.at, later, decisionId, x });
  });
  for (const ofArm of labels) ofArm.reverse();
  return labels;
}

const label: LabelAt = { ...NO_LABEL, at: 0, arm: 0, encoder: 0 };

/**
 * What is left of all that an arm has shown but for these labels, once what is expected of it with these weights is taken off.
 * Of an arm that has changed some of it is of its old self: it is taken for what it is now where most of it must be.
 */
export function earlierResiduals(
  all: Sums,
  labels: readonly RecentLabel[],
  weights: Float64Array,
  scale: number,
  hasChanged: boolean,
): Earlier {
  let expected = 0;
  for (let i = 0; i < weights.length; i++) expected += weights[i]! * all.xx[(i * (i + 1)) / 2]!;
  const earlier = { weight: all.xx[0]!, sum: all.xy[0]! - expected };
  for (const { weight, value, faded } of labels) {
    earlier.weight -= weight * faded;
    earlier.sum -= weight * faded * value;
  }
  if (hasChanged && !(earlier.weight * scale >= MOSTLY_SINCE * WORTH_BEFORE)) return { weight: 0, sum: 0 };
  return { weight: Math.max(0, earlier.weight * scale), sum: earlier.sum * scale };
}

/** What an arm had shown before it changed is worth so many labels from then on. */
const WORTH_BEFORE = 10;
/** So many times that is what is left of an old self little of. */
const MOSTLY_SINCE = 10;

/** How often what an arm showed before these labels shall count, in (0, 1); null where there is so little that it may stay. */
export function worthOfBefore(all: Sums, since: readonly RecentLabel[], scale: number): number | null {
  let before = all.xx[0]!;
  for (const { weight, faded } of since) before -= weight * faded;
  return before * scale > WORTH_BEFORE ? WORTH_BEFORE / (before * scale) : null;
}

/** An arm's sums with what it showed before these labels counting so often. */
export function sinceChange(all: Sums, since: readonly RecentLabel[], dimensions: number, worthBefore: number): Sums {
  const recent = emptySums(dimensions);
  for (const { x, quality, weight, faded } of since) addObservation(recent, x(), quality, weight * faded);
  // all·κ + recent·(1 − κ): recent ones in full, those before by κ.
  const sums: Sums = { xx: all.xx.slice(), xy: all.xy.slice(), yy: all.yy };
  scaleSums(sums, worthBefore);
  addSums(sums, recent, 1 - worthBefore);
  return sums;
}
