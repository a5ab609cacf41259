/** How good answers were by what was said and seen of them, as the learner weighs it. */
import { PENDING, SILENCE } from '../bandit/evidence.ts';
import { SILENCE_MS } from '../bandit/fold.ts';
import { isFollowed, nextIn, pairOf, type SignWorth, shownIn } from '../bandit/sign-sums.ts';
import type { ArmBucket } from './bucket.ts';

/** Σw and Σw·quality: the weight is what it is worth in answers that somebody rated. */
export interface Labelled {
  weight: number;
  good: number;
}

/**
 * What people said counts 1 each. What was only seen counts by what signs have proved worth, with the label that they amount to.
 * `ended`: when the last of these answers may have been given; where nothing has followed for long that is silence.
 */
export function labelledOf({ said, seen }: ArmBucket, worth: SignWorth, ended: number, now: number): Labelled {
  let { weight, good } = said;
  for (const [pair, share] of seen) {
    const isSilent = nextIn(pair) === PENDING && now - ended >= SILENCE_MS;
    const known = isSilent ? pairOf(shownIn(pair), SILENCE) : pair;
    const w = Math.max(0, share) * (isFollowed(nextIn(known)) ? worth.followed : worth.unfollowed);
    weight += w;
    good += w * worth.labelOf(known);
  }
  return { weight, good };
}
