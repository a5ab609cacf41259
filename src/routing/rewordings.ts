/** Tells a question that was worded anew from another of the same make, and from a template that is filled in. */
import { UNCLEAR } from '../bandit/evidence.ts';
import { compared, isEdited, nearness, type Shingles } from '../signals/shingles.ts';
import { isShort, nearlySame } from '../signals/sketch.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type Found, logOf } from '../stores/ports.ts';
import { isNoVerdict } from './label.ts';
import type { Ledger } from './ledger.ts';
import type { Lineage } from './lineage.ts';
import type { RecentAnswer, RecentAnswers } from './recent.ts';

export interface Question {
  readonly sketch: string;
  readonly shingles: Shingles;
}

/** A request, as far as its question goes. */
export interface Asking {
  lineage: Lineage;
  /** What is asked now; null where the request ends in no question, or there is more to it than words. */
  question(): Question | null;
}

export interface Rewordings {
  /** Answers to what is nearly the same question, behind the same words, the nearest first, and of those as near the latest. */
  siblingsOf(asked: Asking, found: Found | null, own: DecisionRecord): Promise<readonly RecentAnswer[]>;
  /**
   * The siblings that are filled in like a question, where several are or others ask the like: what they have in common is a
   * template then. Null where there is none: an edit leaves a question much nearer to what it was than to any other.
   */
  templateOf(asked: Asking, siblings: readonly RecentAnswer[], isFollowing: boolean): readonly RecentAnswer[] | null;
}

/** So many questions near each other behind the same words are a template, less so where one person is named who asks. */
const TEMPLATE_SIBLINGS = { named: 3, unnamed: 2 };
/** So many questions of others that are about as near make one too. */
const TEMPLATE_OTHERS = 2;
/** As near as the nearest is what differs from a question by no more than so many times as much. */
const FARTHER = 2;

export function createRewordings(ledger: Pick<Ledger, 'findNamed'>, recent: RecentAnswers): Rewordings {
  const siblingsOf: Rewordings['siblingsOf'] = async (asked, found, own) => {
    const { before } = asked.lineage;
    if (before === null) return [];
    const here = recent.behind(before).filter(({ decisionId }) => decisionId !== own.id);
    // From an answer that nobody has gone on from no other question can have come.
    // And where nothing was found, this name was looked up too, or nobody can have been answered under it.
    const mayBeElsewhere = found !== null && (found.name === before || found.decision.label.next > UNCLEAR);
    if (here.length === 0 && !mayBeElsewhere) return [];
    const question = asked.question();
    if (question === null) return [];
    const place = isBehindAnswer(asked, found) ? 'later' : 'first';
    const distance = ({ shingles }: RecentAnswer): number => (shingles ? 1 - nearness(shingles, question.shingles) : 1);
    const near = here
      .filter(({ shingles }) => shingles !== null && isEdited(shingles, question.shingles, place))
      .sort((one, other) => distance(one) - distance(other));
    if (near.length >= TEMPLATE_SIBLINGS.named || !mayBeElsewhere) return near;
    const nearby = { log: logOf(own), sure: 1, routers: null };
    // The latest of all: what was answered here may have been refused since, and another replica have answered anew.
    const latest = (found.name === before ? found : await ledger.findNamed([before], nearby))?.decision;
    // Of what was answered here more is known than a sketch.
    if (!latest?.sketch || here.some(({ decisionId }) => decisionId === latest.id)) return near;
    const isNear = nearlySame(latest.sketch, question.sketch) && !(place === 'first' && isShort(question.sketch));
    return isNear ? [recentOf(latest, null), ...near] : near;
  };

  const templateOf: Rewordings['templateOf'] = ({ lineage, question }, siblings, isFollowing) => {
    const asked = question()?.shingles;
    const nearest = siblings[0]?.shingles ?? null;
    if (!asked || lineage.before === null) return null;
    // Of another replica's answer it is not known how near it is.
    const far = nearest === null ? 1 : (1 - nearness(asked, nearest)) * FARTHER;
    const isAsNear = (other: Shingles): boolean => 1 - nearness(asked, other) <= far && isEdited(other, asked, 'first');
    const own = siblings.filter(({ shingles }) => shingles !== null && isAsNear(shingles));
    if (own.length >= TEMPLATE_SIBLINGS[lineage.named ? 'named' : 'unnamed']) return own;
    // What is asked behind an answer is asked by nobody else.
    if (isFollowing) return null;
    let others = 0;
    // Who asks the very same has filled nothing in.
    const isSame = (one: Shingles, other: Shingles | null): boolean =>
      other !== null && compared(one, other).alike === 1;
    for (const other of recent.elsewhere(lineage.before))
      if (isAsNear(other) && !isSame(other, nearest) && ++others >= TEMPLATE_OTHERS) return own;
    return null;
  };

  return { siblingsOf, templateOf };
}

/** Whether nothing that was answered here came before it: the rest may be examples, or a greeting that all get. */
export const isFirst = ({ turn, retry }: Pick<DecisionRecord, 'turn' | 'retry'>): boolean => turn <= retry;

/** Whether the question stands behind an answer that was given here. */
export function isBehindAnswer({ lineage }: Pick<Asking, 'lineage'>, found: Found | null): boolean {
  if (found === null || lineage.latest.length === 0) return false;
  return found.name === lineage.answered ? !isFirst(found.decision) : found.name !== lineage.before;
}

/** Milliseconds since 1970 at which its answer had ended. */
export const endOf = ({ created, attempts }: DecisionRecord): number =>
  attempts.reduce((end, { totalMs }) => end + totalMs, created);

export const recentOf = (decision: DecisionRecord, shingles: Shingles | null): RecentAnswer => ({
  decisionId: decision.id,
  model: decision.model,
  mayBeRefused: decision.outcome?.kind === 'completed' && !decision.signals.some(({ signal }) => isNoVerdict(signal)),
  retry: decision.retry,
  endedAt: endOf(decision),
  shingles,
});
