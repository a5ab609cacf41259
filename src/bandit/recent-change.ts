/**
 * Notices that an arm has changed: a likelihood-ratio test for a shift of the mean of its latest labels, at an unknown time
 * (Siegmund & Venkatraman 1995, with both means unknown), over what the regression leaves unexplained, so that other prompts
 * are not taken for another arm. What came before the shift then counts for little. Worked out of the open entries whenever a
 * posterior is derived, so that the log alone decides.
 */

/** What is left of a label of an arm once what was expected at its prompt is taken off. */
export interface Residual {
  value: number;
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
const LEAST_WEIGHT = { before: 15, after: 8 };

/** From which on the arm is another, of an arm's residuals in the order in which its decisions came; null where it is the same. */
export function changeIn(residuals: readonly Residual[]): number | null {
  let weight = 0;
  let sum = 0;
  let squares = 0;
  for (const residual of residuals) {
    weight += residual.weight;
    sum += residual.weight * residual.value;
    squares += residual.weight * residual.value * residual.value;
  }
  let before = 0;
  let sumBefore = 0;
  let best: number | null = null;
  let most = SURE;
  for (let k = 0; k < residuals.length; k++) {
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
    before += residuals[k]!.weight;
    sumBefore += residuals[k]!.weight * residuals[k]!.value;
  }
  return best;
}

/** Of one label: however alike they are, some doubt is left. */
const LEAST_VARIANCE = 0.05;
