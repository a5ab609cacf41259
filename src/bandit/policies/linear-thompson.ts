/** Thompson sampling over the contextual posterior (Agrawal & Goyal, ICML 2013, §2). */
import { normalScore } from '../scores.ts';
import type { Policy } from './policy.ts';

/** Of the posterior's width, while an arm has shown nothing yet; fewer labels than these say little. */
const UNKNOWN = { width: 0.7, labels: 20 };
/** How much wider than nothing the scores of arms stay that have been tried less than others. */
const LOOKING_BACK = 0.06;

/**
 * The part of the posterior's deviation by which an arm's score varies. The proofs need more than all of it (ibid., §2.2), but
 * on recorded outcomes less finds the good arms sooner. So that none is lost for good that was unlucky at first, the part grows
 * with the logarithm of how much more the others have shown, and is next to nothing for the arm that is asked most: the index
 * of MOSS (Audibert & Bubeck, COLT 2009, §2), as a width.
 */
function widthFor(observations: number, meanObservations: number): number {
  const lookingBack = Math.sqrt(LOOKING_BACK * Math.log1p(meanObservations / Math.max(1, observations)));
  const unknown = Math.max(0, UNKNOWN.width - lookingBack) / (1 + (observations / UNKNOWN.labels) ** 3);
  return lookingBack + unknown;
}

export const linearThompson: Policy = {
  explores: true,
  score: ({ mean, ownDeviation, toll, observations, posterior }) =>
    normalScore(mean - toll, ownDeviation * widthFor(observations, posterior.meanObservations)),
};
