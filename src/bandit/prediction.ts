/** What is expected of an arm at one request, read off the row of numbers that holds what is believed of it. */
import { dotAt, outcomeLength, quadraticAt, quadraticsAt, qualityLength } from './arm-row.ts';
import { OUTCOMES, type Outcome, outcomeDimensions } from './arm-sums.ts';
import type { HierarchyPrior } from './hierarchy.ts';

export interface Belief {
  mean: number;
  /** Of the belief, not of single answers. */
  deviation: number;
  /** The part of the deviation by which arms may differ: what is unsure of all of them alike is left out. */
  ownDeviation: number;
}

export interface Prediction {
  /** Its mean is in [0, 1]. */
  quality: Belief;
  promptTokens: number;
  outputTokens: number;
  /** Nine answers in ten are shorter. */
  highOutputTokens: number;
  firstByteMs: number;
  totalMs: number;
  /** Decisions of the arm that were rated or followed up, as far as they have not faded. */
  observations: number;
  /** Decisions ever given to the arm, under whatever id. */
  pulls: number;
}

/** A prediction to be written. */
export function blankPrediction(): Prediction {
  const quality = { mean: 0, deviation: 0, ownDeviation: 0 };
  return {
    quality,
    promptTokens: 0,
    outputTokens: 0,
    highOutputTokens: 0,
    firstByteMs: 0,
    totalMs: 0,
    observations: 0,
    pulls: 0,
  };
}

/** A log-normal's mean is e^(m + v/2); where tails are so heavy that v is beyond this, its estimate means nothing. */
const MOST_LOG_VARIANCE = 1.5;
/** Logs are kept where their exponentials are sane numbers of tokens and milliseconds. */
const MOST_LOG = 16;

/** Where in an arm's row each outcome begins, and on how many coordinates it depends. */
export function placesIn(dimensions: number): Record<Outcome, { start: number; count: number }> {
  let next = qualityLength(dimensions);
  const placeOf = (outcome: Outcome): { start: number; count: number } => {
    const count = outcomeDimensions(outcome, dimensions);
    const start = next;
    next += outcomeLength(count);
    return { start, count };
  };
  const places = OUTCOMES.map((outcome) => [outcome, placeOf(outcome)] as const);
  return Object.fromEntries(places) as Record<Outcome, { start: number; count: number }>;
}

/** Quality at x. A context that is no vector of sane numbers counts as the usual one. */
export function believeAt(row: Float64Array, x: Float64Array, n: number, prior: HierarchyPrior, into: Belief): void {
  const at = dotAt(row, 0, x, n);
  quadraticsAt(row, n, x, n, VARIANCES);
  const variance = VARIANCES[0]!;
  const ownVariance = VARIANCES[1]!;
  if (!Number.isFinite(at + variance + ownVariance)) {
    const { shared, own } = prior;
    into.mean = prior.mean;
    into.deviation = Math.sqrt(shared.intercept + own.intercept);
    into.ownDeviation = Math.sqrt(own.intercept);
    return;
  }
  into.mean = Math.min(1, Math.max(0, at));
  into.deviation = Math.sqrt(Math.max(variance, LEAST_VARIANCE));
  into.ownDeviation = Math.sqrt(Math.max(ownVariance, LEAST_VARIANCE));
}
const VARIANCES = new Float64Array(2);
const LEAST_VARIANCE = 1e-12;

/** The mean of what is believed to be log-normal. */
export function expectedOf(row: Float64Array, from: number, x: Float64Array, n: number, prior: HierarchyPrior): number {
  const at = dotAt(row, from, x, n);
  const noise = row[from + outcomeLength(n) - 1]!;
  const variance = Math.min(noise + quadraticAt(row, from + n, x, n), MOST_LOG_VARIANCE);
  LAST_LOG.mean = at;
  LAST_LOG.variance = variance;
  return expOf(at + variance / 2, prior.mean);
}

/** The mean and variance of the last expectation's logarithm: what its quantiles are made of. */
const LAST_LOG = { mean: 0, variance: 0 };

/** Nine in ten are below: of the outcome whose expectation was asked for last. */
export const highOf = (): number => expOf(LAST_LOG.mean + 1.2816 * Math.sqrt(LAST_LOG.variance), 0);

const expOf = (log: number, otherwise: number): number =>
  Math.exp(Number.isFinite(log) ? Math.min(MOST_LOG, Math.max(-MOST_LOG, log)) : otherwise);
