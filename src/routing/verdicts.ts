/** Writes what is found to have followed an answer into the answer's decision. */
import { UNCLEAR } from '../bandit/evidence.ts';
import { type NoVerdict, switchOf } from '../signals/signs.ts';
import type { DecidedSignal, DecisionRecord } from '../stores/decision-record.ts';
import { implicit, isNext, isNoVerdict, withSignals } from './label.ts';
import type { Learner } from './learner.ts';
import type { Ledger } from './ledger.ts';
import type { Observer } from './observer.ts';

export type Verdict = 'continued' | 'regenerated' | 'rephrased' | 'corrected';
export type Learners = ReadonlyMap<string, Learner>;

export interface Verdicts {
  /** In the place of what was taken to have followed before. `doubtful`: it may be about somebody else's answer. */
  give(decision: DecisionRecord, verdict: Verdict, doubtful: boolean, learners: Learners): Promise<void>;
  /** What follows is no verdict, and silence would be none. */
  close(decision: DecisionRecord, why: NoVerdict, learners: Learners): Promise<void>;
  /** Of answers that were taken for refused, before it was seen that nobody had refused them. */
  takeBack(decisionIds: readonly string[], learners: Learners): Promise<void>;
}

/** What a verdict counts for where it may be somebody else's. */
const DOUBTFUL = 0.25;

export function createVerdicts(ledger: Ledger, now: () => number, observer: Pick<Observer, 'saw'>): Verdicts {
  const change = async (
    decision: DecisionRecord,
    learners: Learners,
    edit: (current: DecisionRecord, learner: Learner) => DecisionRecord | null,
  ): Promise<void> => {
    const learner = learners.get(decision.router ?? '');
    // Who named a model has learned from nobody, and teaches nobody.
    if (!learner) return;
    let came: string | null = null;
    await ledger.change(decision, (current) => {
      const changed = edit(current, learner);
      came = changed && (changed.signals.find((signal) => !hasSignal(current, signal))?.signal ?? null);
      return changed;
    });
    if (came !== null) observer.saw(decision.router, came);
  };

  const give: Verdicts['give'] = (decision, verdict, doubtful, learners) =>
    change(decision, learners, (current, { router, calibration }) => {
      if (router.signalsOff.has(switchOf(verdict))) return unclear(current);
      const before = current.signals.find(isNext)?.signal;
      if (before === verdict) return null;
      // What may be somebody else's says nothing against what is this one's.
      if (doubtful && (before === 'continued' || before === 'corrected')) return null;
      const factor = doubtful ? DOUBTFUL : 1;
      // Of an answer that is about to be kept the share is worked out then, by this.
      const isOpen = current.outcome === null;
      const share = isOpen ? factor : current.label.share === 0 ? 0 : shareOf(current.turn) * factor;
      return withSignals(
        current,
        [...current.signals.filter(isNoNext), implicit(verdict, now())],
        calibration(),
        share,
      );
    });

  const close: Verdicts['close'] = (decision, why, learners) =>
    change(decision, learners, (current, { calibration }) =>
      current.signals.some((signal) => isVerdict(signal) || signal.signal === why)
        ? null
        : withSignals(current, [...current.signals, implicit(why, now())], calibration()),
    );

  const takeBack: Verdicts['takeBack'] = async (decisionIds, learners) => {
    for (const id of decisionIds) {
      const decision = await ledger.find(id);
      if (!decision) continue;
      await change(decision, learners, (current, { calibration }) => {
        if (!current.signals.some(isRefusal)) return null;
        const left = current.signals.filter(isNoNext);
        return withSignals(current, [...left, implicit('template', now())], calibration());
      });
    }
  };

  return { give, close, takeBack };
}

const hasSignal = ({ signals }: DecisionRecord, { source, signal }: DecidedSignal): boolean =>
  signals.some((one) => one.source === source && one.signal === signal);

/** Of one conversation's decisions every second one halves: their shares add up to four at most, however many they are. */
export const shareOf = (turn: number): number => 2 ** -Math.min(Math.floor(turn / 2), 30);

/** Something has followed, and it is not looked at. */
function unclear(decision: DecisionRecord): DecisionRecord | null {
  const { label, version } = decision;
  if (label.next === UNCLEAR) return null;
  const signals = decision.signals.filter((signal) => !isNext(signal));
  return { ...decision, version: version + 1, signals, label: { ...label, next: UNCLEAR }, labelBefore: label };
}

/** More than that an answer was cut short. */
const isVerdict = (signal: DecidedSignal): boolean => isNext(signal) && !signal.signal.startsWith('aborted');
/** Whether an answer was taken to have been refused. */
const isRefusal = ({ source, signal }: DecidedSignal): boolean =>
  source === 'implicit' && (signal === 'regenerated' || signal === 'rephrased');
const isNoNext = (signal: DecidedSignal): boolean => !isNext(signal) && !isNoVerdict(signal.signal);
