/** Makes one of two versions of a decision that do not know of each other, as after a store came back without its last writes. */
import type { DecidedSignal, DecisionRecord } from '../stores/decision-record.ts';
import { MAX_IDEMPOTENCY_KEYS, rewardOf } from './feedback.ts';

/**
 * The version that follows `theirs`, with what `mine` was told and it was not: of each signal of each source the later one
 * counts. `theirs` itself where it lacks nothing.
 */
export function merged(mine: DecisionRecord, theirs: DecisionRecord): DecisionRecord {
  const news = mine.signals.filter((signal) => isNews(signal, theirs.signals));
  const keys = mine.idempotencyKeys.filter((key) => !theirs.idempotencyKeys.includes(key));
  const room = Math.max(0, MAX_IDEMPOTENCY_KEYS - theirs.idempotencyKeys.length);
  if (news.length === 0 && (keys.length === 0 || room === 0)) return theirs;
  const signals = [...theirs.signals.filter((signal) => !news.some((other) => isSame(signal, other))), ...news];
  return {
    ...theirs,
    version: theirs.version + 1,
    signals,
    reward: rewardOf(signals),
    rewardBefore: theirs.reward,
    // Theirs stay in any case: they are as late as any.
    idempotencyKeys: [...(room > 0 ? keys.slice(-room) : []), ...theirs.idempotencyKeys],
  };
}

const isSame = (one: DecidedSignal, other: DecidedSignal): boolean =>
  one.signal === other.signal && one.source === other.source;

const isNews = (signal: DecidedSignal, known: readonly DecidedSignal[]): boolean =>
  !known.some((other) => isSame(signal, other) && other.at >= signal.at);
