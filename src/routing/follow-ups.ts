/**
 * Finds what a request says of an earlier answer without saying it: goes on from it, asks the same again, or words it anew.
 * The verdict is about whoever gave the earlier answer.
 */
import { POLICIES } from '../bandit/policies/index.ts';
import type { Router } from '../config/resolve.ts';
import { isTextAlone, lastQuestion, verdictOn } from '../signals/next-message.ts';
import { type Shingles, shinglesOf } from '../signals/shingles.ts';
import type { NoVerdict } from '../signals/signs.ts';
import { sketchOf } from '../signals/sketch.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type Found, logOf, type Whereabouts } from '../stores/ports.ts';
import { keyedBy } from './keyed.ts';
import type { Ledger } from './ledger.ts';
import { type Asker, type Lineage, type Message, traceLineage } from './lineage.ts';
import type { Observer } from './observer.ts';
import { createRecentAnswers, type RecentAnswer } from './recent.ts';
import {
  type Asking,
  createRewordings,
  endOf,
  isBehindAnswer,
  isFirst,
  type Question,
  recentOf,
} from './rewordings.ts';
import type { Runtime } from './runtime.ts';
import { createVerdicts, type Learners } from './verdicts.ts';

/** A request, as far as it may follow up on an earlier one. */
export interface Asked extends Asking {
  messages: readonly Message[];
  /** Whether the client says itself that it sends the same once more. */
  clientRetry: boolean;
  /** Routers that may have been asked before; null for all. */
  routers: readonly string[] | null;
  /** What was found of it here, of an answer that has ended: others may know of a later one. */
  own: Found | null;
  /** What the store says that was asked before the request was routed; null where it was not, or has failed. */
  looking: Promise<Found | null> | null;
}

/** Where a request stands in its conversation. */
export interface Standing {
  turn: number;
  retry: number;
  /** Why nothing that comes next is a verdict on its answer. */
  noVerdict: NoVerdict | null;
}

export const FIRST: Standing = { turn: 0, retry: 0, noVerdict: null };

export interface FollowUps {
  /** `routers`: those that whoever asks may use; null for all. */
  trace(messages: readonly Message[], asker: Asker, clientRetry: boolean, routers?: readonly string[] | null): Asked;
  /** The earlier decision that the request goes on from or repeats, if this process knows it by itself. */
  findHere(asked: Asked): Found | null;
  /** The same from the store, where it may be looked up before the request is routed; null where it may not. */
  find(asked: Asked, router: string): Promise<Found | null> | null;
  /** The arm that gave an answer to exactly this a moment ago, if its router minds and this process knows. */
  refusedArm(asked: Asked, found: Found | null, router: Pick<Router, 'policy' | 'signalsOff'>): string | null;
  /** Gives the earlier decision what the request says of it. Never rejects. */
  judge(asked: Asked, found: Found | null, own: DecisionRecord, learners: Learners): Promise<Standing>;
  /** An answer that has ended, or was cut short by who asked, may be followed up. */
  answered(asked: Asked, decision: DecisionRecord): void;
}

/** The same is asked again, or reworded, on account of an answer within this time of it. */
const RETRY_WINDOW_MS = 10 * 60 * 1000;
/** What is asked by a program is told from what is asked by a person by what was asked within this time. */
const TEMPLATE_WINDOW_MS = 60 * 60 * 1000;
/** The same asked so often in a row is no person's asking. */
const MOST_REPEATS = 4;
export function createFollowUps(ledger: Ledger, runtime: Runtime, observer: Pick<Observer, 'saw'>): FollowUps {
  const recent = createRecentAnswers(TEMPLATE_WINDOW_MS, runtime.now);
  /** Whether it was logged that what requests say cannot be found out. */
  let told = false;
  const { give, close, takeBack } = createVerdicts(ledger, runtime.now, observer);
  const { siblingsOf, templateOf } = createRewordings(ledger, recent);
  const sketchKey = keyedBy(runtime, (digest) => Number.parseInt(runtime.sha256Hex(digest('sketch')).slice(0, 8), 16));
  const questionIn = (messages: readonly Message[]): Question => {
    const text = lastQuestion(messages);
    let sketch: string | null = null;
    let shingles: Shingles | null = null;
    // Few need both.
    return {
      get sketch() {
        sketch ??= sketchOf(text, sketchKey());
        return sketch;
      },
      get shingles() {
        shingles ??= shinglesOf(text, sketchKey());
        return shingles;
      },
    };
  };

  /** Whether the client has had all of the answer, though it may not be kept yet. */
  const isWhole = ({ id, outcome }: DecisionRecord): boolean =>
    (ledger.stateOf(id) ?? (outcome?.kind === 'completed' ? 'whole' : null)) === 'whole';

  /** With nobody named, who asks the same may be somebody else, unless it is about an answer that was given here. */
  const isDoubtful = ({ lineage }: Asked, isBehindAnswer: boolean): boolean => !lineage.named && !isBehindAnswer;

  const judgeRepeat = async (
    asked: Asked,
    earlier: DecisionRecord,
    own: DecisionRecord,
    learners: Learners,
  ): Promise<Standing | null> => {
    const { turn, retry } = earlier;
    // What is kept already had ended before this was asked, whatever the clock says of another replica's.
    if (ledger.stateOf(earlier.id) === 'on its way') {
      await close(earlier, 'fan_out', learners);
      return { turn, retry, noVerdict: 'fan_out' };
    }
    // An agent that takes a step again is no person; who wants another answer at the end of its steps is one.
    const isRetry = asked.clientRetry || (isLoop(asked) && earlier.outcome?.finishReason === 'tool_calls');
    if (isRetry || !isWhole(earlier)) {
      // Who stopped an answer and asks again has said already what that says.
      if (asked.clientRetry || isLoop(asked) || earlier.outcome?.kind !== 'client_abort')
        await close(earlier, 'retried', learners);
      return { turn, retry, noVerdict: null };
    }
    if (own.created - endOf(earlier) > RETRY_WINDOW_MS) return null;
    const doubtful = isDoubtful(asked, !isFirst(earlier));
    // Who may be somebody else begins a conversation, not the next turn of this one.
    const standing = { turn: doubtful ? turn : turn + 1, retry: retry + 1, noVerdict: null };
    const { answered } = asked.lineage;
    if (standing.retry >= MOST_REPEATS) {
      await close(earlier, 'template', learners);
      await takeBack(recent.takeVerdicts(answered), learners);
      return { ...standing, noVerdict: 'template' };
    }
    recent.noteVerdict(answered, earlier.id);
    await give(earlier, 'regenerated', doubtful, learners);
    return standing;
  };

  const judgeRewording = async (
    asked: Asked,
    siblings: readonly RecentAnswer[],
    found: Found | null,
    own: DecisionRecord,
    learners: Learners,
  ): Promise<Standing | null> => {
    const name = asked.lineage.before as string;
    const nearest = siblings.find(({ endedAt }) => own.created - endedAt <= RETRY_WINDOW_MS);
    const isFollowing = isBehindAnswer(asked, found);
    const template = templateOf(asked, siblings, isFollowing);
    if (template) {
      const filledIn = new Set(template.map(({ decisionId }) => decisionId));
      await takeBack(recent.takeVerdicts(name, filledIn), learners);
      return { ...FIRST, noVerdict: 'template' };
    }
    const earlier = nearest && (await ledger.find(nearest.decisionId));
    if (!earlier?.outcome || !isAnswer(earlier)) return null;
    // Of a first question a sketch tells hardly more than that it is of the same make.
    const isStranger = isDoubtful(asked, isFollowing);
    const doubtful = isStranger || (nearest?.shingles === null && !isFollowing);
    const standing = { turn: earlier.turn + (isStranger ? 0 : 1), retry: earlier.retry + 1, noVerdict: null };
    if (standing.retry >= MOST_REPEATS) return { ...standing, noVerdict: 'template' };
    recent.noteVerdict(name, earlier.id);
    await give(earlier, 'rephrased', doubtful, learners);
    return standing;
  };

  const judgeGoingOn = async (asked: Asked, earlier: DecisionRecord, learners: Learners): Promise<Standing> => {
    const verdict = verdictOn(asked.messages);
    if (verdict === 'resumed') {
      await close(earlier, 'resumed', learners);
      // The steps of an agent are one turn.
      return { turn: earlier.turn, retry: earlier.retry, noVerdict: null };
    }
    if (verdict !== null && isAnswer(earlier)) await give(earlier, verdict, false, learners);
    return { turn: earlier.turn + 1, retry: 0, noVerdict: null };
  };

  /** What was not asked for before the request was routed, or took too long. */
  const findLate = async (asked: Asked, log: string): Promise<Found | null> => {
    const { lineage, routers, looking } = asked;
    const { latest, answered, before, named } = lineage;
    if (looking) return await looking;
    if (latest.length > 0) return await ledger.findNamed(namesToGoBy(lineage), whereOf(asked, log));
    // Nothing is kept under what stands before the first question of anybody.
    if (before !== null && named) return await ledger.findNamed([answered, before], { log, sure: 1, routers });
    // What nobody in particular asked of another router tells too little to ask for all of their logs.
    return await ledger.findNamed([answered], { log, sure: named ? 1 : 'only', routers });
  };

  /** It goes on from an answer that this process gave; whether the same was asked meanwhile elsewhere only the store knows. */
  const findSince = async ({ lineage, own, routers }: Asked, { id, created, router }: DecisionRecord) => {
    const log = logOf({ router });
    const since = await ledger.findNamed([lineage.answered], { log, sure: 'only', routers });
    return since && since.decision.id !== id && since.decision.created <= created ? since : own;
  };

  const standingOf = async (
    asked: Asked,
    foundEarly: Found | null,
    own: DecisionRecord,
    learners: Learners,
  ): Promise<Standing> => {
    const { answered, latest, question, before } = asked.lineage;
    const log = logOf(own);
    const any = asked.own ? await findSince(asked, own) : (foundEarly ?? (await findLate(asked, log)));
    // A request that came later may have taken the names by now.
    const found = any && any.decision.id !== own.id && any.decision.created <= own.created ? any : null;
    if (found && found.name === answered) {
      const standing = await judgeRepeat(asked, found.decision, own, learners);
      if (standing) return standing;
    }
    const siblings = await siblingsOf(asked, found, own);
    const standing = siblings.length > 0 && (await judgeRewording(asked, siblings, found, own, learners));
    if (standing) return standing;
    if (!found || found.name === before || found.name === answered) return FIRST;
    // Who rewrites answers may have gone on from another one than the last: then it is not known which.
    const isLatest = latest.includes(found.name) || (found.name === question && found.decision.retry === 0);
    if (isLatest) return await judgeGoingOn(asked, found.decision, learners);
    return { turn: found.decision.turn + 1, retry: 0, noVerdict: null };
  };

  return {
    trace(messages, asker, clientRetry, routers = null) {
      const lineage = traceLineage(messages, asker, runtime.digest);
      let question: Question | null = null;
      return {
        messages,
        lineage,
        clientRetry,
        routers,
        own: null,
        looking: null,
        question() {
          // The same words about another picture are another question.
          if (lineage.before !== null && isTextAlone(messages)) question ??= questionIn(messages);
          return question;
        },
      };
    },

    findHere(asked) {
      const { answered, latest } = asked.lineage;
      const open = ledger.findOpen(answered);
      if (open) return { decision: open, name: answered };
      // Less sure names may have gone to a later answer of another process.
      if (latest.length > 0) asked.own = ledger.findOwn([answered, ...latest]);
      return asked.own;
    },

    find(asked, router) {
      const { lineage } = asked;
      // Shared state is not asked about a first message: most are nobody's follow-up.
      if (lineage.latest.length === 0 && lineage.session === null) return null;
      const looking = ledger.findNamed(namesToGoBy(lineage), whereOf(asked, router));
      asked.looking = looking;
      // Then it is asked again.
      looking.catch(() => {
        asked.looking = null;
      });
      return looking;
    },

    refusedArm(asked, found, { policy, signalsOff }) {
      const { lineage, clientRetry } = asked;
      const minds = POLICIES[policy].explores && !signalsOff.has('regenerated');
      if (!minds || clientRetry || isLoop(asked)) return null;
      if (found && found.name !== lineage.answered) return null;
      const answer = found ? recentOf(found.decision, null) : recent.to(lineage.answered);
      if (!answer || runtime.now() - answer.endedAt > RETRY_WINDOW_MS) return null;
      const isRefusable = answer.mayBeRefused || (found !== null && isWhole(found.decision));
      // Where many may ask the same, the next best arm would get half of it.
      const most = lineage.named || lineage.latest.length > 0 ? MOST_REPEATS - 1 : 1;
      return isRefusable && answer.retry < most ? answer.model : null;
    },

    async judge(asked, found, own, learners) {
      try {
        const standing = await standingOf(asked, found, own, learners);
        told = false;
        return standing;
      } catch (error) {
        // Once, not once a request: while a store is away it goes for each.
        if (!told) runtime.log.warn({ err: error }, 'what a request says of an earlier answer could not be found out');
        told = true;
        return FIRST;
      }
    },

    answered({ lineage, messages, question }, decision) {
      const { answered, before, opening } = lineage;
      recent.add(answered, before, isFirst(decision), recentOf(decision, question()?.shingles ?? null));
      if (opening === null) return;
      const { shingles } = questionIn(upToQuestion(messages));
      recent.add(opening.answered, opening.before, false, recentOf(decision, shingles));
    },
  };
}

/** Whether the request ends in what an agent's tools gave. */
const isLoop = ({ messages }: Asked): boolean => {
  const role = messages.at(-1)?.role;
  return role === 'tool' || role === 'function';
};

/** The surest first: the very same messages, the conversation up to its latest answer, what is left of it, its session. */
function namesToGoBy({ answered, latest, question, older, session }: Lineage): string[] {
  const names = [answered, ...latest];
  if (question !== null) names.push(question);
  names.push(...older);
  if (session !== null) names.push(session);
  return names;
}

/** What is found by the conversation up to its latest answer is this one's, wherever else its beginning was asked. */
const whereOf = ({ lineage, routers }: Asked, log: string): Whereabouts => ({
  log,
  sure: 1 + lineage.latest.length,
  routers,
});

/** Whether there is an answer that a person can have read. */
const isAnswer = ({ outcome }: DecisionRecord): boolean =>
  outcome?.kind === 'completed' || outcome?.kind === 'client_abort';

/** Up to which of the messages an agent's question goes. */
const upToQuestion = (messages: readonly Message[]): readonly Message[] =>
  messages.slice(0, messages.findLastIndex(({ role }) => role === 'user') + 1);
