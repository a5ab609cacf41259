/** What happened to a router's requests in one stretch of time: plain sums that add up, arm by arm. */
import type { Label } from '../bandit/evidence.ts';
import { pairOf } from '../bandit/sign-sums.ts';
import type { ModelPrice } from '../config/price.ts';
import { billedBefore } from '../routing/settle.ts';
import type { DecidedOutcome, DecidedSignal, DecisionRecord } from '../stores/decision-record.ts';
import { addHistogram, addTime, emptyHistogram, type Histogram } from './histogram.ts';

/** How a request ended; `none` where nobody was asked, as when its client left before. */
export const OUTCOMES = [
  'completed',
  'client_abort',
  'upstream_error',
  'upstream_drop',
  'timeout',
  'none',
] as const satisfies (DecidedOutcome['kind'] | 'none')[];
export type OutcomeName = (typeof OUTCOMES)[number];

export interface ArmBucket {
  /** Requests that it answered, or was the last to be asked. */
  requests: number;
  /** Of those, and what it may be billed where it was asked and another then answered. */
  usd: number;
  /** How often it was asked, and how often that failed on its side: fallbacks make this more than its requests. */
  attempts: number;
  failures: number;
  /** Σw and Σw·quality of what people said. */
  said: { weight: number; good: number };
  /** What was seen of answers that nobody rated: by pair of signs, the sum of their shares of an observation. */
  seen: Map<number, number>;
  firstByte: Histogram;
  total: Histogram;
}

export interface SignalCount {
  count: number;
  /** Σ of their values, each in [0, 1]. */
  sum: number;
}

/** What the baseline would have cost, by what was expected of it; and how right that was where it answered. */
export interface BaselineSums {
  /** Of requests in which it was a candidate and something is known of the cost: what it was expected to cost, what was paid. */
  expected: number;
  paid: number;
  /** Where it answered itself: how often, Σ expected, Σ paid, and Σ of their squares and products. */
  answered: number;
  own: number;
  ownPaid: number;
  ownSquares: number;
  paidSquares: number;
  products: number;
}

export interface Bucket {
  outcomes: Record<OutcomeName, number>;
  /** Attempts that failed where another one then answered. */
  mended: number;
  promptTokens: number;
  completionTokens: number;
  arms: Map<string, ArmBucket>;
  reasons: Map<string, number>;
  signals: Map<string, SignalCount>;
  baseline: BaselineSums;
}

/** What a later version of a decision may say otherwise. */
export interface Revisable {
  label: Label;
  signals: readonly Pick<DecidedSignal, 'signal' | 'value'>[];
}

/** Arms that are told apart in one bucket; whatever comes beyond counts as this one. */
const MOST_ARMS = 60;
const OTHERS = 'other models';
/** Kinds of signals are few; a client makes up none. */
const MOST_SIGNALS = 40;

export const emptyBucket = (): Bucket => ({
  outcomes: { completed: 0, client_abort: 0, upstream_error: 0, upstream_drop: 0, timeout: 0, none: 0 },
  mended: 0,
  promptTokens: 0,
  completionTokens: 0,
  arms: new Map(),
  reasons: new Map(),
  signals: new Map(),
  baseline: {
    expected: 0,
    paid: 0,
    answered: 0,
    own: 0,
    ownPaid: 0,
    ownSquares: 0,
    paidSquares: 0,
    products: 0,
  },
});

export const emptyArm = (): ArmBucket => ({
  requests: 0,
  usd: 0,
  attempts: 0,
  failures: 0,
  said: { weight: 0, good: 0 },
  seen: new Map(),
  firstByte: emptyHistogram(),
  total: emptyHistogram(),
});

export function armIn({ arms }: Bucket, model: string): ArmBucket {
  const name = arms.has(model) || arms.size < MOST_ARMS ? model : OTHERS;
  let arm = arms.get(name);
  if (!arm) {
    arm = emptyArm();
    arms.set(name, arm);
  }
  return arm;
}

/** What of the config a fold goes by. */
export interface BucketTerms {
  /** The arm that savings are counted against. */
  baseline: string;
  /** By arm, as they are now: what a failed attempt was billed no log has. */
  prices: ReadonlyMap<string, ModelPrice>;
}

/** Counts what no later version changes. */
export function addDecision(bucket: Bucket, decision: DecisionRecord, { baseline, prices }: BucketTerms): void {
  const { outcome, model, reason, attempts } = decision;
  const arm = armIn(bucket, model);
  const usd = outcome?.costUsd ?? 0;
  arm.requests++;
  arm.usd += usd;
  bucket.outcomes[outcome?.kind ?? 'none']++;
  bucket.promptTokens += outcome?.promptTokens ?? 0;
  bucket.completionTokens += outcome?.completionTokens ?? 0;
  bucket.reasons.set(reason, (bucket.reasons.get(reason) ?? 0) + 1);
  for (const { model: before, usd: billed } of billedBefore(decision, (id) => prices.get(id)))
    armIn(bucket, before).usd += billed;
  for (const attempt of attempts) {
    const tried = armIn(bucket, attempt.model);
    tried.attempts++;
    if (attempt.outcome === 'completed' || attempt.outcome === 'client_abort') continue;
    tried.failures++;
    if (outcome?.kind === 'completed') bucket.mended++;
  }
  const last = attempts.at(-1);
  if (last && last.firstByteMs !== null) addTime(arm.firstByte, last.firstByteMs);
  // One that was cut off tells not how long it would have taken.
  if (last && outcome?.kind === 'completed') addTime(arm.total, last.totalMs);
  addToBaseline(bucket.baseline, decision, baseline);
}

function addToBaseline(sums: BaselineSums, { outcome, candidates, model }: DecisionRecord, baseline: string): void {
  const expected = candidates.find((candidate) => candidate.model === baseline)?.costUsd;
  if (outcome?.kind !== 'completed' || expected === undefined || !(expected >= 0)) return;
  const paid = outcome.costUsd;
  sums.expected += expected;
  sums.paid += paid;
  if (model !== baseline) return;
  sums.answered++;
  sums.own += expected;
  sums.ownPaid += paid;
  sums.ownSquares += expected * expected;
  sums.paidSquares += paid * paid;
  sums.products += expected * paid;
}

/** Counts what people said and what was seen; `sign` −1 takes it out again. */
export function addRevisable(bucket: Bucket, model: string, { label, signals }: Revisable, sign: 1 | -1): void {
  const arm = armIn(bucket, model);
  if (label.quality !== null) {
    arm.said.weight += sign * label.weight;
    arm.said.good += sign * label.weight * label.quality;
  } else if (label.share > 0) {
    const pair = pairOf(label.shown, label.next);
    arm.seen.set(pair, (arm.seen.get(pair) ?? 0) + sign * label.share);
  }
  for (const { signal, value } of signals) {
    const found = bucket.signals.get(signal);
    if (found) {
      found.count += sign;
      found.sum += sign * value;
    } else if (bucket.signals.size < MOST_SIGNALS) bucket.signals.set(signal, { count: sign, sum: sign * value });
  }
}

/** Adds all of another bucket. */
export function addBucket(bucket: Bucket, other: Bucket): void {
  for (const outcome of OUTCOMES) bucket.outcomes[outcome] += other.outcomes[outcome];
  bucket.mended += other.mended;
  bucket.promptTokens += other.promptTokens;
  bucket.completionTokens += other.completionTokens;
  for (const [model, arm] of other.arms) addArm(armIn(bucket, model), arm);
  for (const [reason, count] of other.reasons) bucket.reasons.set(reason, (bucket.reasons.get(reason) ?? 0) + count);
  for (const [signal, { count, sum }] of other.signals) {
    const found = bucket.signals.get(signal);
    bucket.signals.set(signal, { count: (found?.count ?? 0) + count, sum: (found?.sum ?? 0) + sum });
  }
  for (const name of Object.keys(bucket.baseline) as (keyof BaselineSums)[])
    bucket.baseline[name] += other.baseline[name];
}

export function addArm(arm: ArmBucket, other: ArmBucket): void {
  arm.requests += other.requests;
  arm.usd += other.usd;
  arm.attempts += other.attempts;
  arm.failures += other.failures;
  arm.said.weight += other.said.weight;
  arm.said.good += other.said.good;
  for (const [pair, share] of other.seen) arm.seen.set(pair, (arm.seen.get(pair) ?? 0) + share);
  addHistogram(arm.firstByte, other.firstByte);
  addHistogram(arm.total, other.total);
}
