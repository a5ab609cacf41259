/** Gives a decision what is to be seen of its answer: how it ended, and what it shows. */
import { NO_LABEL, PENDING, UNCLEAR } from '../bandit/evidence.ts';
import { askedOf, progressOf, shownSigns } from '../signals/answer.ts';
import { type ImplicitSignal, switchOf } from '../signals/signs.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { Observed } from '../upstream/observe.ts';
import type { AttemptEnd } from '../upstream/outcome.ts';
import type { Standing } from './follow-ups.ts';
import { implicit, withSignals } from './label.ts';
import type { Learner } from './learner.ts';
import { shareOf } from './verdicts.ts';

export interface Seen {
  end: AttemptEnd;
  observed: Observed;
  /** What the client asked for. */
  body: Readonly<Record<string, unknown>>;
  standing: Standing;
  /** Of the question; null where the request ended in none. */
  sketch: string | null;
  learner: Learner;
  /** Milliseconds since 1970. */
  now: number;
}

/** The first version of a decision whose answer has ended, with what was said of it meanwhile. */
export function withSigns(decision: DecisionRecord, seen: Seen): DecisionRecord {
  const { standing, sketch, learner, now } = seen;
  const { turn, retry } = standing;
  const isCut = decision.outcome?.kind === 'client_abort';
  // A failed attempt is no evidence of quality.
  const isSeen = decision.outcome?.kind === 'completed' || isCut;
  const found = isSeen ? signalsOf(decision, seen, isCut) : [];
  const signals = [
    ...found.map((signal) => implicit(signal, now)),
    ...(standing.noVerdict === null ? [] : [implicit(standing.noVerdict, now)]),
    ...decision.signals,
  ];
  const { signalsOff } = learner.router;
  // What is not looked at is no silence either.
  const isUnclear =
    signalsOff.has('silence') || (isCut && signalsOff.has('aborted')) || decision.label.next === UNCLEAR;
  const next = isUnclear ? UNCLEAR : PENDING;
  const first = { ...decision, turn, retry, sketch, label: { ...NO_LABEL, next } };
  // What follows an answer may have come before it was kept.
  const factor = decision.label.share || (seen.observed.toolCalls.length > 0 ? stepShare(seen.body) : 1);
  return withSignals(first, signals, learner.calibration(), isSeen ? shareOf(turn) * factor : 0);
}

/** The steps of an agent between one word of a person and the next count, all together, for a quarter of an answer. */
function stepShare({ messages }: Seen['body']): number {
  const list = Array.isArray(messages) ? (messages as readonly { role?: unknown }[]) : [];
  const asked = list.findLastIndex((message) => message?.role === 'user');
  const steps = list.slice(asked + 1).filter((message) => message?.role === 'assistant').length;
  return 2 ** -Math.min(3 + steps, 30);
}

type SeenSignal = Parameters<typeof switchOf>[0] & ImplicitSignal;

function signalsOf(decision: DecisionRecord, { end, observed, body, learner }: Seen, isCut: boolean): SeenSignal[] {
  const { router } = learner;
  const { posterior } = learner.current();
  const x = Float64Array.from(decision.x);
  const { outputTokens, totalMs, firstByteMs } = posterior.predict(decision.model, x, decision.promptTokensEstimate);
  const written = decision.outcome?.completionTokens ?? null;
  // A whole answer's first byte is its last.
  const isStream = decision.attempts.at(-1)?.firstByteMs !== null;
  const expected = { outputTokens, totalMs, firstByteMs: isStream ? firstByteMs : 0 };
  const { outcome, totalMs: tookMs } = end;
  const answer = { ...observed, outcome, totalMs: tookMs, outputTokens: written, expected };
  const signs: SeenSignal[] = shownSigns(answer, askedOf(body));
  if (isCut) signs.push(progressOf(written ?? 0, outputTokens));
  return signs.filter((sign) => !router.signalsOff.has(switchOf(sign)));
}
