/**
 * Notices that an arm has changed: a likelihood-ratio test for a shift of the mean of its latest labels, at an unknown time
 * (Siegmund & Venkatraman 1995, with both means unknown), over what the regression leaves unexplained, so that other prompts
 * are not taken for another arm. What came before the shift then counts for little. Worked out of the open entries whenever a
 * posterior is derived, so that the log alone decides.
 */
import type { ArmFit } from './hierarchy.ts';

/** A label of an arm, in the order in which its decisions came. */
export interface RecentLabel {
  x: readonly number[];
  quality: number;
  /** > 0 */
  weight: number;
}

/** How many of an arm's labels are looked at, the latest. */
export const MOST_RECENT = 500;

/** Twice the log of the likelihood ratio: chance alone hardly ever reaches it, however often one looks. */
const SURE = 35;
/** A smaller shift is not worth forgetting for. */
const LEAST_SHIFT = 0.1;
/** Labels, by weight, on either side. */
const LEAST_WEIGHT = { before: 15, after: 6 };

/** From which of the labels on the arm is another; null where it is the same all along. */
export function changeIn(labels: readonly RecentLabel[], { mean }: Pick<ArmFit, 'mean'>): number | null {
  let weight = 0;
  let sum = 0;
  let squares = 0;
  const residuals = labels.map(({ x, quality, weight: w }) => {
    let expected = 0;
    for (let i = 0; i < mean.length; i++) expected += mean[i]! * x[i]!;
    const residual = quality - expected;
    weight += w;
    sum += w * residual;
    squares += w * residual * residual;
    return residual;
  });
  let before = 0;
  let sumBefore = 0;
  let best: number | null = null;
  let most = SURE;
  for (let k = 0; k < labels.length; k++) {
    const after = weight - before;
    if (before >= LEAST_WEIGHT.before && after >= LEAST_WEIGHT.after) {
      const shift = (sum - sumBefore) / after - sumBefore / before;
      const between = ((before * after) / weight) * shift * shift;
      const within = Math.max(squares - (sum * sum) / weight - between, LEAST_VARIANCE * weight);
      const ratio = (between * weight) / within;
      if (ratio > most && Math.abs(shift) >= LEAST_SHIFT) {
        most = ratio;
        best = k;
      }
    }
    before += labels[k]!.weight;
    sumBefore += labels[k]!.weight * residuals[k]!;
  }
  return best;
}

/** Of one label: however alike they are, some doubt is left. */
const LEAST_VARIANCE = 0.02;
