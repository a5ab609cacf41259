/**
 * What was answered here in the last minutes, by what was asked: enough to tell a rewording from a template, and to let another
 * arm answer what is asked again. Bounded, and of this process alone: what it does not know the state store does.
 */
import type { Shingles } from '../signals/shingles.ts';

export interface RecentAnswer {
  decisionId: string;
  /** The arm that answered. */
  model: string;
  /** Whether it is a whole answer, and asking for another would be a person's verdict on it. */
  mayBeRefused: boolean;
  /** Answers to the same question before it. */
  retry: number;
  /** Milliseconds since 1970. */
  endedAt: number;
  /** Of what was asked; null where only its sketch is known. */
  shingles: Shingles | null;
}

export interface RecentAnswers {
  /** Keeps an answer under the names of what it answered, and of what stood before the question. `isFirst`: that is no answer. */
  add(answered: string, before: string | null, isFirst: boolean, answer: RecentAnswer): void;
  /** The latest answer to exactly this. */
  to(answered: string): RecentAnswer | null;
  /** Answers to questions behind the same words, the latest first. */
  behind(before: string): readonly RecentAnswer[];
  /** First questions of others: the latest that came behind other words, or from somebody else. */
  elsewhere(before: string): Iterable<Shingles>;
  /** Notes that an answer was taken for refused, on account of what is known by this name. */
  noteVerdict(name: string, decisionId: string): void;
  /** Of which answers that was noted, of these where some are named. They are forgotten by this. */
  takeVerdicts(name: string, among?: ReadonlySet<string>): readonly string[];
}

/** How many answers behind the same words are told apart: more than make a template. */
const MOST_BEHIND = 12;
/** First questions of all, of which those of others are looked at. */
const MOST_QUESTIONS = 200;
/** Names of each kind. */
const MOST_NAMES = 5_000;

export function createRecentAnswers(keptMs: number, now: () => number): RecentAnswers {
  const byQuestion = new Map<string, RecentAnswer>();
  const byBefore = new Map<string, RecentAnswer[]>();
  const verdicts = new Map<string, string[]>();
  /** The one after the last is the oldest. */
  const questions: { before: string; shingles: Shingles }[] = [];
  let next = 0;
  const isRecent = ({ endedAt }: RecentAnswer): boolean => now() - endedAt <= keptMs;

  return {
    add(answered, before, isFirst, answer) {
      putLast(byQuestion, answered, answer);
      if (before === null) return;
      const others = (byBefore.get(before) ?? []).filter(isRecent).slice(0, MOST_BEHIND - 1);
      putLast(byBefore, before, [answer, ...others]);
      if (!isFirst || answer.shingles === null) return;
      questions[next] = { before, shingles: answer.shingles };
      next = (next + 1) % MOST_QUESTIONS;
    },
    *elsewhere(before) {
      for (const question of questions) if (question.before !== before) yield question.shingles;
    },
    to(answered) {
      const answer = byQuestion.get(answered);
      return answer && isRecent(answer) ? answer : null;
    },
    behind: (before) => (byBefore.get(before) ?? []).filter(isRecent),
    noteVerdict(name, decisionId) {
      putLast(verdicts, name, [...(verdicts.get(name) ?? []), decisionId].slice(-MOST_BEHIND));
    },
    takeVerdicts(name, among) {
      const known = verdicts.get(name) ?? [];
      const left = among ? known.filter((id) => !among.has(id)) : [];
      if (left.length > 0) verdicts.set(name, left);
      else verdicts.delete(name);
      return known.filter((id) => !left.includes(id));
    },
  };
}

/** As the newest; the oldest goes where there are too many. */
function putLast<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MOST_NAMES) return;
  const [oldest] = map.keys();
  map.delete(oldest as string);
}
