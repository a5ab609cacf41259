/** What a decision's signals amount to: the label that is learned from, and the reward that is told. */
import { type Label, PENDING, SILENCE, UNCLEAR } from '../bandit/evidence.ts';
import { SILENCE_MS } from '../bandit/fold.ts';
import { type Calibration, MOST_WORTH } from '../signals/calibration.ts';
import { type ImplicitSignal, NEXT, NO_VERDICT, SHOWN } from '../signals/signs.ts';
import type { DecidedSignal, DecisionRecord } from '../stores/decision-record.ts';

/**
 * The decision with these signals in the place of those that it had, as its next version. `calibration` may be left out where
 * somebody has rated it, or only what was said changes: what was seen then keeps the weight that it had.
 */
export function withSignals(
  decision: DecisionRecord,
  signals: readonly DecidedSignal[],
  calibration: Calibration | null = null,
  share: number = decision.label.share,
): DecisionRecord {
  const label = labelOf(decision.label, signals, share);
  return {
    ...decision,
    version: decision.version + 1,
    signals: weighed(signals, label, calibration),
    reward: rewardOf(signals, label, calibration, decision.reward),
    label,
    labelBefore: decision.label,
  };
}

/** What was said counts as the mean of what was said in different ways (a thumb and a rating, say). */
function labelOf(before: Label, signals: readonly DecidedSignal[], share: number): Label {
  const { shown, next, isClosed } = signsIn(signals);
  const said = explicitIn(signals);
  // Whether nothing more may mean silence was settled with the answer.
  const open = isClosed || before.next === UNCLEAR ? UNCLEAR : PENDING;
  return {
    quality: said.length > 0 ? meanOf(said) : null,
    weight: said.length > 0 ? 1 : 0,
    shown,
    next: next === PENDING ? open : next,
    share,
  };
}

/** The gravest of what an answer showed, and what came next, by their numbers. */
export function signsIn(signals: readonly DecidedSignal[]): { shown: number; next: number; isClosed: boolean } {
  let shown = 0;
  let next: number = PENDING;
  let isClosed = false;
  // Who left one of several answers that they had asked for at once, or whose client gave up and asked again, says nothing of it.
  const isVoid = signals.some(({ signal }) => signal === 'fan_out' || signal === 'retried');
  for (const { source, signal } of signals) {
    if (source !== 'implicit') continue;
    shown = Math.max(shown, shownNumber(signal));
    if (!(isVoid && signal.startsWith('aborted'))) next = Math.max(next, nextNumber(signal));
    isClosed ||= isNoVerdict(signal);
  }
  return { shown, next, isClosed };
}

const shownNumber = (signal: string): number => Math.max(0, (SHOWN as readonly string[]).indexOf(signal));
const nextNumber = (signal: string): number => Math.max(0, (NEXT as readonly string[]).indexOf(signal));
export const isNext = ({ source, signal }: DecidedSignal): boolean =>
  source === 'implicit' && nextNumber(signal) > UNCLEAR;
export const isNoVerdict = (signal: string): boolean => (NO_VERDICT as readonly string[]).includes(signal);

const explicitIn = (signals: readonly DecidedSignal[]): DecidedSignal[] =>
  signals.filter(({ source }) => source === 'explicit');

function meanOf(said: readonly DecidedSignal[]): number {
  const weight = said.reduce((sum, signal) => sum + signal.weight, 0);
  return said.reduce((sum, signal) => sum + signal.weight * signal.value, 0) / weight;
}

function rewardOf(
  signals: readonly DecidedSignal[],
  label: Label,
  calibration: Calibration | null,
  before: number | null,
): number | null {
  if (label.quality !== null) return label.quality;
  if (!signals.some((signal) => signal.source === 'implicit' && !isNoVerdict(signal.signal))) return null;
  return calibration ? calibration.chance(label.shown, label.next) : before;
}

/**
 * What was seen is for an answer (1) or against it (0). Its weight is how far it moves the router's mean that way, from 0 for a
 * sign whose ratio is 1, of what it may weigh at most beside what people say; nothing where they have said something. All of an
 * answer's together weigh no more than one might.
 */
function weighed(
  signals: readonly DecidedSignal[],
  label: Label,
  calibration: Calibration | null,
): readonly DecidedSignal[] {
  if (label.quality === null && calibration === null) return signals;
  const moves = signals.map((signal) => (signal.source === 'implicit' ? moveOf(signal.signal, calibration) : null));
  const sum = moves.reduce((total, move) => total + (move?.weight ?? 0), 0);
  return signals.map((signal, k) => {
    const move = moves[k];
    if (!move) return signal;
    const weight = label.quality === null ? (MOST_WORTH * move.weight * label.share) / Math.max(1, sum) : 0;
    return { ...signal, value: calibration ? move.value : signal.value, weight: Math.round(weight * 1e4) / 1e4 };
  });
}

function moveOf(signal: string, calibration: Calibration | null): { value: number; weight: number } {
  if (calibration === null || isNoVerdict(signal)) return { value: 0, weight: 0 };
  const { mean } = calibration;
  const shown = shownNumber(signal);
  const ratio = shown > 0 ? calibration.shownRatio(shown) : calibration.nextRatio(nextNumber(signal));
  const odds = (mean / (1 - mean)) * Math.exp(ratio);
  const chance = odds / (1 + odds);
  return chance >= mean
    ? { value: 1, weight: (chance - mean) / (1 - mean) }
    : { value: 0, weight: (mean - chance) / mean };
}

export interface ExplainedSignal extends DecidedSignal {
  rewardBefore: number | null;
  rewardAfter: number | null;
}

/**
 * Each signal, in the order in which they came, with what it is worth by now and what the reward was without and with it.
 * That nothing has followed for long is one of them.
 */
export function explained(
  { created, signals: kept, label: last }: DecisionRecord,
  calibration: Calibration | null,
  now: number,
): { signals: ExplainedSignal[]; reward: number | null } {
  const isSilent = calibration !== null && last.share > 0 && last.next === PENDING && now - created >= SILENCE_MS;
  const label = isSilent ? { ...last, next: SILENCE } : last;
  const signals = isSilent ? [...kept, implicit('silence', created + SILENCE_MS)] : kept;
  const inOrder = [...signals].sort((one, other) => one.at - other.at);
  const worth = weighed(inOrder, label, calibration);
  const rewardWith = (count: number): number | null => {
    const some = inOrder.slice(0, count);
    return rewardOf(some, labelOf(label, some, label.share), calibration, null);
  };
  return {
    signals: worth.map((signal, k) => ({
      ...signal,
      rewardBefore: rewardWith(k),
      rewardAfter: rewardWith(k + 1),
    })),
    reward: rewardWith(inOrder.length),
  };
}

/** A signal that was seen; what it says, and how much, is worked out with all others. */
export const implicit = (signal: ImplicitSignal, at: number): DecidedSignal => ({
  signal,
  source: 'implicit',
  value: 0,
  weight: 0,
  at,
});
