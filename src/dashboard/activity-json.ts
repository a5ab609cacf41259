/** What happened to a router's requests, as the page gets it. */
import type { SignWorth } from '../bandit/sign-sums.ts';
import { type Activity, bucketsIn, type TimedBucket } from './activity.ts';
import { addArm, addBucket, type BaselineSums, type Bucket, emptyArm, emptyBucket } from './bucket.ts';
import { type Histogram, quantileOf } from './histogram.ts';
import { type Labelled, labelledOf } from './labelled.ts';
import { firstBucket, RANGES, type RangeName } from './ranges.ts';

/** Where the page's reading of a range begins, and all that was changed since it read before. */
export function activityJson(activity: Activity, range: RangeName, since: number, worth: SignWorth, now: number) {
  const { bucketMs, buckets } = RANGES[range];
  const shown = bucketsIn(activity, range, now);
  return {
    range,
    from: firstBucket(RANGES[range], now),
    bucket_ms: bucketMs,
    buckets,
    points: shown.filter(({ changed }) => changed > since).map((bucket) => pointOf(bucket, bucketMs, worth, now)),
    summary: summaryOf(shown, bucketMs, worth, now),
    decisions: activity.latest
      .filter(({ changed }) => changed > since)
      .map(({ decision }) => {
        const last = decision.attempts.at(-1);
        return {
          id: decision.id,
          at: decision.created,
          model: decision.model,
          chosen: decision.chosen,
          reason: decision.reason,
          propensity: round(decision.propensity),
          outcome: decision.outcome?.kind ?? 'none',
          cost_usd: decision.outcome ? round(decision.outcome.costUsd) : null,
          first_byte_ms: last?.firstByteMs ?? null,
          total_ms: last?.totalMs ?? null,
          attempts: decision.attempts.length,
          reward: decision.reward === null ? null : round(decision.reward),
          signals: decision.signals.map(({ signal }) => signal),
        };
      }),
  };
}

export type ActivityJson = ReturnType<typeof activityJson>;

function pointOf(bucket: TimedBucket, bucketMs: number, worth: SignWorth, now: number) {
  const all = allArms(bucket);
  return {
    at: bucket.at,
    outcomes: bucket.outcomes,
    first_byte_ms: quantiles(all.firstByte),
    total_ms: quantiles(all.total),
    arms: Object.fromEntries(
      [...bucket.arms].map(([model, arm]) => [
        model,
        {
          requests: arm.requests,
          usd: round(arm.usd),
          failures: arm.failures,
          labelled: rounded(labelledOf(arm, worth, bucket.at + bucketMs, now)),
        },
      ]),
    ),
  };
}

/** Sums over all that is shown of a range. */
function summaryOf(shown: readonly TimedBucket[], bucketMs: number, worth: SignWorth, now: number) {
  const sum = emptyBucket();
  const labels = new Map<string, Labelled>();
  for (const bucket of shown) {
    addBucket(sum, bucket);
    for (const [model, arm] of bucket.arms) {
      const { weight, good } = labelledOf(arm, worth, bucket.at + bucketMs, now);
      const before = labels.get(model);
      labels.set(model, { weight: (before?.weight ?? 0) + weight, good: (before?.good ?? 0) + good });
    }
  }
  const all = allArms(sum);
  return {
    requests: all.requests,
    usd: round(all.usd),
    outcomes: sum.outcomes,
    attempts: all.attempts,
    failures: all.failures,
    mended: sum.mended,
    prompt_tokens: sum.promptTokens,
    completion_tokens: sum.completionTokens,
    first_byte_ms: quantiles(all.firstByte),
    total_ms: quantiles(all.total),
    labelled: rounded([...labels.values()].reduce(added, { weight: 0, good: 0 })),
    reasons: Object.fromEntries(sum.reasons),
    signals: [...sum.signals].map(([signal, { count, sum: values }]) => ({
      signal,
      count,
      mean: count > 0 ? round(values / count) : null,
    })),
    saved: savedBy(sum.baseline),
    arms: Object.fromEntries(
      [...sum.arms].map(([model, arm]) => [
        model,
        {
          requests: arm.requests,
          usd: round(arm.usd),
          attempts: arm.attempts,
          failures: arm.failures,
          first_byte_ms: quantiles(arm.firstByte),
          total_ms: quantiles(arm.total),
          labelled: rounded(labels.get(model) as Labelled),
        },
      ]),
    ),
  };
}

const added = (one: Labelled, other: Labelled): Labelled => ({
  weight: one.weight + other.weight,
  good: one.good + other.good,
});

function allArms({ arms }: Bucket) {
  const all = emptyArm();
  for (const arm of arms.values()) addArm(all, arm);
  return all;
}

/** Answers of the baseline's own by which what was expected of it is corrected. */
const LEAST_OWN = 20;

/**
 * What the same requests would have cost with the baseline, less what they did. Where it answered itself that is known; where another did
 * it is what was expected of it, corrected by what it did cost where it answered (a ratio estimate, with the interval that its
 * linearisation gives). No interval where it hardly ever did.
 */
export function savedBy({ expected, paid, answered, own, ownPaid, ...squares }: BaselineSums) {
  if (!(expected > 0)) return null;
  const others = { expected: Math.max(0, expected - own), paid: Math.max(0, paid - ownPaid) };
  if (answered < LEAST_OWN || !(own > 0)) {
    return {
      usd: round(others.expected - others.paid),
      low: null,
      high: null,
      alone_usd: round(others.expected + ownPaid),
    };
  }
  const ratio = ownPaid / own;
  const residuals = squares.paidSquares - 2 * ratio * squares.products + ratio * ratio * squares.ownSquares;
  const deviation = (Math.sqrt(Math.max(0, residuals)) / own) * others.expected;
  const usd = ratio * others.expected - others.paid;
  return {
    usd: round(usd),
    low: round(usd - 1.96 * deviation),
    high: round(usd + 1.96 * deviation),
    alone_usd: round(ratio * others.expected + ownPaid),
  };
}

function quantiles(histogram: Histogram): { p50: number; p95: number } | null {
  const p50 = quantileOf(histogram, 0.5);
  const p95 = quantileOf(histogram, 0.95);
  return p50 === null || p95 === null ? null : { p50: Math.round(p50), p95: Math.round(p95) };
}

const rounded = ({ weight, good }: Labelled): Labelled => ({ weight: round(weight), good: round(good) });
const round = (value: number): number => Number(value.toPrecision(5));
