/** Times counted in a small histogram of fixed bins, out of which quantiles are read to a few percent. */

/** Bins of equal width on a log scale, from `LEAST_MS` on; each is `GROWTH` times as wide as the one before. */
const BINS = 64;
const LEAST_MS = 1;
/** With 64 bins the last one begins at ten minutes. */
const GROWTH = 600_000 ** (1 / (BINS - 1));
const LOG_GROWTH = Math.log(GROWTH);

export type Histogram = Uint32Array;

export const emptyHistogram = (): Histogram => new Uint32Array(BINS);

/** Milliseconds; what is shorter than the first bin or longer than the last counts in those. */
export function addTime(histogram: Histogram, ms: number): void {
  const bin = ms > LEAST_MS ? Math.min(BINS - 1, Math.floor(Math.log(ms / LEAST_MS) / LOG_GROWTH)) : 0;
  histogram[bin] = histogram[bin]! + 1;
}

export function addHistogram(histogram: Histogram, other: Histogram): void {
  for (let bin = 0; bin < BINS; bin++) histogram[bin] = histogram[bin]! + other[bin]!;
}

/**
 * Milliseconds below which this part of the times is, `part` in (0, 1); null where there are none. Within a bin times are taken for
 * evenly spread on the log scale, so that it is off by at most a bin's width: 24%.
 */
export function quantileOf(histogram: Histogram, part: number): number | null {
  let count = 0;
  for (let bin = 0; bin < BINS; bin++) count += histogram[bin]!;
  if (count === 0) return null;
  let left = part * count;
  for (let bin = 0; bin < BINS; bin++) {
    const inBin = histogram[bin]!;
    if (inBin > 0 && left <= inBin) return LEAST_MS * GROWTH ** (bin + left / inBin);
    left -= inBin;
  }
  return LEAST_MS * GROWTH ** BINS;
}
