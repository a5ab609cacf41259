/** What an arm's decisions have shown of its quality: what people said, and what the signs of the others are worth by now. */
import type { ArmSums } from './arm-sums.ts';
import { contextOf, type Fold, isSeen, ratingIn, shareIn, weightAt } from './fold.ts';
import { latestOf } from './open-entries.ts';
import { MOST_RECENT, type RecentLabel } from './recent-change.ts';
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

/** Open entries that are looked through for an arm's latest labels. */
const MOST_LOOKED_AT = 3_000;

/** The latest labels of each arm, oldest first, by its id; their weights are those at the fold's landmark. */
export function recentLabels(fold: Fold, worth: SignWorth): Map<string, RecentLabel[]> {
  const labels = new Map<string, RecentLabel[]>();
  for (const entry of latestOf(fold.open, MOST_LOOKED_AT)) {
    const { arm, shown, next, at, encoder } = entry;
    const rating = ratingIn(entry);
    if (encoder !== fold.settings.encoder || !(rating || (isSeen(entry) && isFollowed(next)))) continue;
    let ofArm = labels.get(arm);
    if (!ofArm) {
      ofArm = [];
      labels.set(arm, ofArm);
    }
    if (ofArm.length === MOST_RECENT) continue;
    const x = contextOf(fold.settings, entry);
    const faded = weightAt(fold, at);
    ofArm.push(
      rating
        ? { x, quality: rating.quality, weight: rating.weight * faded }
        : { x, quality: worth.labelOf(pairOf(shown, next)), weight: worth.followed * shareIn(entry) * faded },
    );
  }
  for (const ofArm of labels.values()) ofArm.reverse();
  return labels;
}

/** What an arm had shown before it changed is worth so many labels from then on. */
const WORTH_BEFORE = 10;

/** An arm's sums with all that it showed before these labels counting for little. */
export function sinceChange(all: Sums, since: readonly RecentLabel[], dimensions: number, scale: number): Sums {
  const recent = emptySums(dimensions);
  for (const { x, quality, weight } of since) addObservation(recent, x, quality, weight);
  const before = (all.xx[0]! - recent.xx[0]!) * scale;
  if (!(before > WORTH_BEFORE)) return all;
  // all·κ + recent·(1 − κ): recent ones in full, those before by κ.
  const share = WORTH_BEFORE / before;
  const sums: Sums = { xx: all.xx.slice(), xy: all.xy.slice(), yy: all.yy };
  scaleSums(sums, share);
  scaleSums(recent, 1 - share);
  addSums(sums, recent);
  return sums;
}
