/**
 * Notices that an arm has changed: a likelihood-ratio test for a shift of the mean of its latest labels, at an unknown time
 * (Siegmund & Venkatraman 1995, with both means unknown), over what the regression leaves unexplained, so that other prompts
 * are not taken for another arm. What came before the shift then counts for little. Worked out of the open entries whenever a
 * posterior is derived; whoever notices it tells the log (`routing/learner.ts`), so that it lasts.
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
/** Labels, by weight, on either side, and by number behind it. */
const LEAST_WEIGHT = { before: 12, after: 4 };
const LEAST_LABELS = 12;

/** What is known of an arm's residuals before the first of those: their weight, and their weighted sum. */
export interface Earlier {
  weight: number;
  sum: number;
}

export interface Change {
  /** Of the residuals the first of what the arm is now. 0: it was another before all of them. */
  from: number;
  /** By how much their mean is another than before. */
  shift: number;
}

/**
 * Where the arm became another, of its latest residuals in the order in which its decisions came; null where it is the same all
 * along. A residual of weight w is taken to have the variance σ²/w.
 */
export function changeIn(residuals: readonly Residual[], earlier: Earlier = NOTHING): Change | null {
  let latest = 0;
  let sumLatest = 0;
  let squares = 0;
  for (const { weight, value } of residuals) {
    latest += weight;
    sumLatest += weight * value;
    squares += weight * value * value;
  }
  let best: Change | null = null;
  let most = SURE;
  let seen = 0;
  let sumSeen = 0;
  for (let k = 0; k < residuals.length; k++) {
    const before = earlier.weight + seen;
    const after = latest - seen;
    if (before >= LEAST_WEIGHT.before && after >= LEAST_WEIGHT.after && residuals.length - k >= LEAST_LABELS) {
      const shift = (sumLatest - sumSeen) / after - (earlier.sum + sumSeen) / before;
      const between = ((before * after) / (before + after)) * shift * shift;
      const within = squares - (seen > 0 ? (sumSeen * sumSeen) / seen : 0) - (sumLatest - sumSeen) ** 2 / after;
      const variance = Math.max(within / residuals.length, LEAST_VARIANCE);
      if (between / variance > most && Math.abs(shift) >= LEAST_SHIFT) {
        most = between / variance;
        best = { from: k, shift };
      }
    }
    seen += residuals[k]!.weight;
    sumSeen += residuals[k]!.weight * residuals[k]!.value;
  }
  return best;
}

const NOTHING: Earlier = { weight: 0, sum: 0 };

/** Of one label: however alike they are, some doubt is left. */
const LEAST_VARIANCE = 0.02;
