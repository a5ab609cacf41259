/** What an arm's decisions have shown of its quality: what people said, and what the signs of the others are worth by now. */
import type { ArmSums } from './arm-sums.ts';
import type { Fold } from './fold.ts';
import { type Calibrate, isFollowed, nextIn, type SeenSigns, type SignSums, type SignWorth } from './sign-sums.ts';
import type { Sums } from './sums.ts';

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
