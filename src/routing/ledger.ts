/** Keeps the decisions: those whose answer is still on its way here, those that have ended in the state store. */
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type Found, type StateStore, StoreUnavailable, type Whereabouts } from '../stores/ports.ts';
import type { OutcomeKind } from '../upstream/outcome.ts';
import { inTime } from '../within.ts';
import { decisionTime } from './decision.ts';
import {
  type Feedback,
  type FeedbackResult,
  feedbackStatus,
  giveFeedback,
  whyUnknown,
  withSignal,
} from './feedback.ts';
import { createOwnAnswers } from './own-answers.ts';
import { revise } from './revising.ts';
import type { Runtime } from './runtime.ts';

export interface Ledger {
  /** From here on the decision can be found and rated, before its answer has ended; and by the name of what was asked. */
  open(decision: DecisionRecord, answered?: OpenAnswer): void;
  /** Its answer has ended, though it may not be kept yet. */
  end(decisionId: string, outcome: OutcomeKind): void;
  /** How far an answer is that is on its way here, or about to be kept; null for any other. */
  stateOf(decisionId: string): 'on its way' | 'whole' | 'cut short' | null;
  /** A decision whose answer is still on its way here, or about to be kept. */
  findOpen(name: string): DecisionRecord | null;
  /** One of the latest that this process gave an answer of its own to, as it was last known here. */
  findOwn(names: readonly string[]): Found | null;
  /** Lets an open decision be found by a name before it has ended. */
  nameOpen(decisionId: string, name: string): void;
  /** Ends a decision: `finish` gets it with what was said of it meanwhile. Never throws: lost writes are logged, once until one is kept. */
  settle(decisionId: string, finish: Finish): void;
  find(decisionId: string): Promise<DecisionRecord | null>;
  findByName(names: readonly string[]): Promise<DecisionRecord | null>;
  /** The same, with the name by which it was found. */
  findNamed(names: readonly string[], where?: Whereabouts): Promise<Found | null>;
  /** The same, looking again for a moment: for who has just been answered, by another replica maybe. */
  findByNameSoon(names: readonly string[]): Promise<DecisionRecord | null>;
  /**
   * Of an answer on its way it goes into what will be kept; of one that has ended it is kept when this resolves. Rejects with
   * `StoreUnavailable` where that cannot be had in time, and has then changed nothing of an answer that is being kept still.
   * `keepingMs`: how long such an answer is waited for; left out, as long as a person waits for a word.
   */
  giveFeedback(decisionId: string, feedback: Feedback, keepingMs?: number): Promise<FeedbackResult>;
  /**
   * Changes a decision as `edit` says, which gives null where nothing is to be changed. Where others change it meanwhile it is
   * edited again. `known`: as it was found.
   */
  change(known: DecisionRecord, edit: (decision: DecisionRecord) => DecisionRecord | null): Promise<void>;
}

type Finish = (decision: DecisionRecord) => { decision: DecisionRecord; names: readonly string[] };

export interface OpenAnswer {
  /** The name of what was asked. */
  name: string;
  /** Whether the client has all of it, though the upstream may not have hung up yet. */
  isWhole: () => boolean;
}

interface OpenDecision {
  decision: DecisionRecord;
  names: string[];
  isWhole: () => boolean;
  /** Null while it is on its way. */
  outcome: OutcomeKind | null;
  /** Whether it is being kept as it is now, so that it can be changed in the store alone. */
  isSettled: boolean;
  /** Resolves when the store has the decision, or could not take it. */
  closed: Promise<void>;
  close: () => void;
  /** Feedback that waited for that is given one after another: all at once they would only be in each other's way. */
  turn: Promise<unknown>;
}

/** How young a decision is that another replica may not have told of, and how often it is looked for meanwhile. */
const JUST_NOW_MS = 10_000;
const WAITS_MS = [20, 80, 300];
/**
 * What feedback waits for an answer that has ended to be kept: a second for what is known of its conversation, another for a
 * shared store that gives no answer, and then a disk.
 */
const KEEPING_MS = 3_000;
/** At the edge a request may end in the midst of its work: what it has left open is given up after so long. */
const MOST_OPEN_MS = 6 * 60 * 60 * 1_000;

export function createLedger(state: StateStore, runtime: Runtime): Ledger {
  const open = new Map<string, OpenDecision>();
  const openByName = new Map<string, string>();
  const own = createOwnAnswers(runtime.lookUp.ownAnswers);
  /** Decisions in a row that could not be kept. */
  let lost = 0;

  const letGo = ({ decision, names, close }: OpenDecision): void => {
    for (const name of names) if (openByName.get(name) === decision.id) openByName.delete(name);
    open.delete(decision.id);
    close();
  };
  /** The oldest come first. */
  const giveUpLost = (): void => {
    for (const entry of open.values()) {
      if (runtime.now() - entry.decision.created < MOST_OPEN_MS) return;
      letGo(entry);
    }
  };

  /** Never rejects. */
  const keep = (entry: OpenDecision, names: readonly string[]): Promise<void> => {
    const { decision } = entry;
    const close = (): void => letGo(entry);
    const kept = (): void => {
      if (lost > 0) runtime.log.info({ lost }, 'decisions are kept again');
      lost = 0;
      close();
    };
    return state.remember({ decision, names }).then(kept, (error) => {
      // Once for all of an outage's: a line for each would fill a disk.
      if (lost++ === 0) runtime.log.error({ err: error, decision: decision.id }, 'a decision could not be kept');
      close();
    });
  };

  /** Of a decision that is not on its way: kept when it resolves. */
  const giveKept = async (decisionId: string, feedback: Feedback): Promise<FeedbackResult> => {
    const decision = await recall(decisionId);
    if (!decision) return { status: whyUnknown(decisionId, runtime.now()) };
    const result = await giveFeedback(state, decision, feedback, runtime.now());
    // Whoever is told that it counts is told so for good: of what was said before, too.
    if ('decision' in result) {
      await state.confirm(result.decision);
      own.renew(result.decision);
    }
    return result;
  };

  /** A replica that has just answered may not have told the store yet. */
  const lookSoon = async (look: () => Promise<DecisionRecord | null>): Promise<DecisionRecord | null> => {
    let decision = await look();
    for (const waitMs of WAITS_MS) {
      if (decision) break;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      decision = await look();
    }
    return decision;
  };

  const recall = (decisionId: string): Promise<DecisionRecord | null> => {
    const madeAt = decisionTime(decisionId);
    const isYoung = madeAt !== null && Math.abs(runtime.now() - madeAt) <= JUST_NOW_MS;
    return isYoung ? lookSoon(() => state.recall(decisionId)) : state.recall(decisionId);
  };

  const openUnder = (name: string): OpenDecision | undefined => open.get(openByName.get(name) ?? '');

  /** What is open here under a less sure name gives way to what is kept under a surer one. */
  const findNamed = async (names: readonly string[], where?: Whereabouts): Promise<Found | null> => {
    const first = names.findIndex((name) => openUnder(name));
    if (first < 0) return await state.lookUp(names, where);
    const name = names[first] as string;
    const { decision } = openUnder(name) as OpenDecision;
    const surer = first === 0 ? null : await state.lookUp(names.slice(0, first), where);
    return surer ?? { decision, name };
  };
  const findByName = async (names: readonly string[]): Promise<DecisionRecord | null> =>
    (await findNamed(names))?.decision ?? null;

  const nameOpen = (decisionId: string, name: string): void => {
    const entry = open.get(decisionId);
    if (!entry || entry.isSettled) return;
    entry.names.push(name);
    openByName.set(name, decisionId);
  };

  /** A decision that nothing more can be said of is kept all the same: else it would stay open, and all that is said of it wait. */
  const finished = ({ decision }: OpenDecision, finish: Finish): ReturnType<Finish> => {
    try {
      return finish(decision);
    } catch (error) {
      runtime.log.error({ err: error, decision: decision.id }, 'a decision could not be finished');
      return { decision, names: [] };
    }
  };

  return {
    open(decision, answered) {
      if (runtime.endsTimers) giveUpLost();
      const isWhole = answered?.isWhole ?? (() => false);
      const { promise: closed, resolve: close } = Promise.withResolvers<void>();
      const turn = closed;
      open.set(decision.id, { decision, names: [], isWhole, outcome: null, isSettled: false, closed, close, turn });
      if (answered) nameOpen(decision.id, answered.name);
    },
    nameOpen,
    end(decisionId, outcome) {
      const entry = open.get(decisionId);
      if (entry) entry.outcome = outcome;
    },
    stateOf(decisionId) {
      const entry = open.get(decisionId);
      if (!entry) return null;
      if (entry.outcome === null) return entry.isWhole() ? 'whole' : 'on its way';
      return entry.outcome === 'completed' ? 'whole' : 'cut short';
    },
    findOpen: (name) => openUnder(name)?.decision ?? null,
    findOwn(names) {
      for (const name of names) {
        const decision = own.find(name);
        if (decision) return { decision, name };
      }
      return null;
    },

    settle(decisionId, finish) {
      const entry = open.get(decisionId);
      if (!entry || entry.isSettled) return;
      const { decision, names } = finished(entry, finish);
      // What was said of it meanwhile is in its first version.
      entry.decision = { ...decision, version: 1, labelBefore: null };
      entry.isSettled = true;
      own.add(entry.decision, names);
      runtime.defer(keep(entry, names));
    },

    find: async (decisionId) => open.get(decisionId)?.decision ?? (await recall(decisionId)),
    findByName,
    findNamed,
    findByNameSoon: (names) => lookSoon(() => findByName(names)),

    async giveFeedback(decisionId, feedback, keepingMs = KEEPING_MS) {
      const entry = open.get(decisionId);
      if (entry && !hasEnded(entry)) {
        // The answer is still on its way: what is said of it goes into the first revision of its evidence.
        const status = feedbackStatus(entry.decision, feedback);
        if (status !== 'duplicate') entry.decision = withSignal(entry.decision, feedback, runtime.now());
        return { status, decision: entry.decision };
      }
      if (!entry) return await giveKept(decisionId, feedback);
      // Else it would be told that it is kept while nothing is, and be lost with this process.
      await inTime(entry.closed, keepingMs, () => notKept(keepingMs));
      const given = entry.turn.then(() => giveKept(decisionId, feedback));
      entry.turn = given.catch(() => {});
      return await given;
    },

    async change(known, edit) {
      const entry = open.get(known.id);
      if (entry && !entry.isSettled) {
        entry.decision = edit(entry.decision) ?? entry.decision;
        return;
      }
      await entry?.closed;
      const decision = entry ? await state.recall(known.id) : known;
      const revised = decision && (await revise(state, decision, edit));
      if (revised && 'decision' in revised) own.renew(revised.decision);
    },
  };
}

/** What a relay passed on ends without being told of, but it is settled then. */
const hasEnded = ({ outcome, isSettled }: OpenDecision): boolean => outcome !== null || isSettled;

const notKept = (withinMs: number): StoreUnavailable =>
  new StoreUnavailable(`the answer that this is about was not kept within ${withinMs} ms`);
