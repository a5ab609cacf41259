/** Takes what a person says of an answer, gives it to the decision that made it, and appends the evidence's revision. */
import type { DecidedSignal, DecisionRecord } from '../stores/decision-record.ts';
import type { StateStore } from '../stores/ports.ts';
import { decisionTime, FEEDBACK_WINDOW_MS } from './decision.ts';
import { isNext, withSignals } from './label.ts';
import { revise } from './revising.ts';

export const SIGNALS = ['thumbs', 'rating', 'score', 'task_success'] as const;
export type ExplicitSignal = (typeof SIGNALS)[number];

export interface Feedback {
  signal: ExplicitSignal;
  /** In [0, 1], whatever the signal's own scale. */
  value: number;
  comment?: string | undefined;
  idempotencyKey?: string | undefined;
}

export type FeedbackResult =
  | { status: 'recorded' | 'revised' | 'duplicate'; decision: DecisionRecord }
  | { status: 'not_found' | 'too_old' | 'busy' };

/** What each signal's value may be, for error messages. */
export const ALLOWED_VALUES: Readonly<Record<ExplicitSignal, string>> = {
  thumbs: '0 or 1',
  rating: 'a number from 1 to 5',
  score: 'a number from 0 to 1',
  task_success: 'true or false',
};

/** The signal's value on the scale of quality, or null where it is not allowed. */
export function normaliseValue(signal: ExplicitSignal, value: unknown): number | null {
  if (signal === 'task_success') return typeof value === 'boolean' ? Number(value) : null;
  if (typeof value === 'boolean' && signal === 'thumbs') return Number(value);
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  if (signal === 'thumbs') return value === 0 || value === 1 ? value : null;
  if (signal === 'rating') return value >= 1 && value <= 5 ? (value - 1) / 4 : null;
  return value >= 0 && value <= 1 ? value : null;
}

const UP = new Set(['up', 'thumbs-up', 'thumbs_up', 'thumbsup', '+1', '1', 'true', 'yes', 'good', '👍']);
const DOWN = new Set(['down', 'thumbs-down', 'thumbs_down', 'thumbsdown', '-1', '0', 'false', 'no', 'bad', '👎']);

/** How an emoji looks, not what it says: the variation selector and the five skin tones. */
const LOOKS = /[\ufe0f\u{1f3fb}-\u{1f3ff}]/gu;

/** Reads the text of `x-conduit-feedback`; null where it is none of the words and no number from 0 to 1. */
export function readFeedbackText(text: string): Feedback | null {
  const word = text.replace(LOOKS, '').trim().toLowerCase();
  if (UP.has(word)) return { signal: 'thumbs', value: 1 };
  if (DOWN.has(word)) return { signal: 'thumbs', value: 0 };
  const value = normaliseValue('score', word === '' ? Number.NaN : Number(word));
  return value === null ? null : { signal: 'score', value };
}

/** Idempotency keys remembered with a decision. */
const MAX_IDEMPOTENCY_KEYS = 20;

/**
 * Gives feedback to a finished decision. A later value of the same signal takes the earlier one's place; the same value
 * twice, or the same idempotency key, changes nothing.
 */
export async function giveFeedback(
  state: StateStore,
  found: DecisionRecord,
  feedback: Feedback,
  now: number,
): Promise<FeedbackResult> {
  if (now - found.created > FEEDBACK_WINDOW_MS) return { status: 'too_old' };
  let status = feedbackStatus(found, feedback);
  const revised = await revise(state, found, (decision) => {
    status = feedbackStatus(decision, feedback);
    return status === 'duplicate' ? null : withSignal(decision, feedback, now);
  });
  if ('decision' in revised) return { status, decision: revised.decision };
  return { status: revised.outcome === 'busy' ? 'busy' : 'not_found' };
}

/** Why no decision was found under an id: too old to be kept, or never ours. */
export function whyUnknown(decisionId: string, now: number): 'too_old' | 'not_found' {
  const time = decisionTime(decisionId);
  return time !== null && now - time > FEEDBACK_WINDOW_MS ? 'too_old' : 'not_found';
}

/** What this feedback would do to the decision. */
export function feedbackStatus(decision: DecisionRecord, feedback: Feedback): 'recorded' | 'revised' | 'duplicate' {
  if (feedback.idempotencyKey !== undefined && decision.idempotencyKeys.includes(feedback.idempotencyKey))
    return 'duplicate';
  const earlier = decision.signals.find((signal) => signal.source === 'explicit' && signal.signal === feedback.signal);
  if (!earlier) return 'recorded';
  const same = earlier.value === feedback.value && (feedback.comment ?? earlier.comment) === earlier.comment;
  return same ? 'duplicate' : 'revised';
}

/** The decision with this signal in it and the reward that follows. */
export function withSignal(decision: DecisionRecord, feedback: Feedback, now: number): DecisionRecord {
  const { signal, value, comment, idempotencyKey } = feedback;
  const given: DecidedSignal = {
    signal,
    source: 'explicit',
    value,
    weight: 1,
    at: now,
    ...(comment !== undefined && { comment }),
  };
  const others = decision.signals.filter((other) => other.source !== 'explicit' || other.signal !== signal);
  const { idempotencyKeys } = decision;
  return {
    ...withSignals(decision, [...others, given]),
    idempotencyKeys:
      idempotencyKey === undefined
        ? idempotencyKeys
        : [...idempotencyKeys, idempotencyKey].slice(-MAX_IDEMPOTENCY_KEYS),
  };
}

/**
 * What two replicas have kept of one decision, neither knowing of the other's, as the version after `theirs`: of each signal
 * what was said last, and the keys of all requests that were carried out. `theirs` itself where `mine` adds nothing.
 */
export function mergedDecisions(mine: DecisionRecord, theirs: DecisionRecord): DecisionRecord {
  // Of what came next there is one.
  const named = (signal: DecidedSignal): string =>
    isNext(signal) ? 'implicit:next' : `${signal.source}:${signal.signal}`;
  const latest = new Map(theirs.signals.map((signal) => [named(signal), signal]));
  const news = mine.signals.filter((signal) => !(signal.at <= (latest.get(named(signal))?.at ?? -1)));
  const newKeys = mine.idempotencyKeys.filter((key) => !theirs.idempotencyKeys.includes(key));
  const worthBefore = theirs.worthBefore ?? mine.worthBefore;
  if (news.length === 0 && newKeys.length === 0 && worthBefore === theirs.worthBefore) return theirs;
  for (const signal of news) latest.set(named(signal), signal);
  const signals = [...latest.values()].sort((one, other) => one.at - other.at);
  const share = Math.min(mine.label.share, theirs.label.share);
  return {
    ...withSignals(theirs, signals, null, share),
    worthBefore,
    idempotencyKeys: [...theirs.idempotencyKeys, ...newKeys].slice(-MAX_IDEMPOTENCY_KEYS),
  };
}
