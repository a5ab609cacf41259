/** The times that the dashboard can show, each in a bounded number of buckets. */

export interface Range {
  /** How long one bucket is, and how many there are. */
  bucketMs: number;
  buckets: number;
}

const MINUTE_MS = 60_000;

export const RANGES = {
  minutes: { bucketMs: 10_000, buckets: 60 },
  hour: { bucketMs: MINUTE_MS, buckets: 60 },
  day: { bucketMs: 15 * MINUTE_MS, buckets: 96 },
  month: { bucketMs: 6 * 60 * MINUTE_MS, buckets: 120 },
} as const satisfies Record<string, Range>;

export type RangeName = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as RangeName[];

/** When the bucket begins in which this time is, in milliseconds since 1970. */
export const bucketOf = ({ bucketMs }: Range, at: number): number => at - (at % bucketMs);

/** When the first bucket begins that is shown at this time. */
export const firstBucket = (range: Range, now: number): number =>
  bucketOf(range, now) - (range.buckets - 1) * range.bucketMs;
