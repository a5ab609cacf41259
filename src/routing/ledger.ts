/** Keeps the decisions: those whose answer is still on its way here, those that have ended in the state store. */
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { Found, StateStore } from '../stores/ports.ts';
import type { OutcomeKind } from '../upstream/outcome.ts';
import { decisionTime } from './decision.ts';
import {
  type Feedback,
  type FeedbackResult,
  feedbackStatus,
  giveFeedback,
  whyUnknown,
  withSignal,
} from './feedback.ts';
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
  /** Lets an open decision be found by a name before it has ended. */
  nameOpen(decisionId: string, name: string): void;
  /** Ends a decision: `finish` gets it with what was said of it meanwhile. Never throws: lost writes are logged, once until one is kept. */
  settle(
    decisionId: string,
    finish: (decision: DecisionRecord) => { decision: DecisionRecord; names: readonly string[] },
  ): void;
  find(decisionId: string): Promise<DecisionRecord | null>;
  findByName(names: readonly string[]): Promise<DecisionRecord | null>;
  /** The same, with the name by which it was found. */
  findNamed(names: readonly string[]): Promise<Found | null>;
  /** The same, looking again for a moment: for who has just been answered, by another replica maybe. */
  findByNameSoon(names: readonly string[]): Promise<DecisionRecord | null>;
  giveFeedback(decisionId: string, feedback: Feedback): Promise<FeedbackResult>;
  /**
   * Changes a decision as `edit` says, which gives null where nothing is to be changed. Where others change it meanwhile it is
   * edited again. `known`: as it was found.
   */
  change(known: DecisionRecord, edit: (decision: DecisionRecord) => DecisionRecord | null): Promise<void>;
}

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
  /** Set once the answer has ended: resolves when the store has the decision. */
  kept: Promise<void> | null;
}

/** How young a decision is that another replica may not have told of, and how often it is looked for meanwhile. */
const JUST_NOW_MS = 10_000;
const WAITS_MS = [20, 80, 300];

export function createLedger(state: StateStore, runtime: Runtime): Ledger {
  const open = new Map<string, OpenDecision>();
  const openByName = new Map<string, string>();
  /** Decisions in a row that could not be kept. */
  let lost = 0;

  /** Never rejects. */
  const keep = ({ decision, names: openNames }: OpenDecision, names: readonly string[]): Promise<void> => {
    const close = (): void => {
      for (const name of openNames) if (openByName.get(name) === decision.id) openByName.delete(name);
      open.delete(decision.id);
    };
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
  const findNamed = async (names: readonly string[]): Promise<Found | null> => {
    const first = names.findIndex((name) => openUnder(name));
    if (first < 0) return await state.lookUp(names);
    const name = names[first] as string;
    const { decision } = openUnder(name) as OpenDecision;
    const surer = first === 0 ? null : await state.lookUp(names.slice(0, first));
    return surer ?? { decision, name };
  };
  const findByName = async (names: readonly string[]): Promise<DecisionRecord | null> =>
    (await findNamed(names))?.decision ?? null;

  const nameOpen = (decisionId: string, name: string): void => {
    const entry = open.get(decisionId);
    if (!entry || entry.kept) return;
    entry.names.push(name);
    openByName.set(name, decisionId);
  };

  return {
    open(decision, answered) {
      const isWhole = answered?.isWhole ?? (() => false);
      open.set(decision.id, { decision, names: [], isWhole, outcome: null, kept: null });
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

    settle(decisionId, finish) {
      const entry = open.get(decisionId);
      if (!entry || entry.kept) return;
      const { decision, names } = finish(entry.decision);
      // What was said of it meanwhile is in its first version.
      entry.decision = { ...decision, version: 1, labelBefore: null };
      entry.kept = keep(entry, names);
      runtime.defer(entry.kept);
    },

    find: async (decisionId) => open.get(decisionId)?.decision ?? (await recall(decisionId)),
    findByName,
    findNamed,
    findByNameSoon: (names) => lookSoon(() => findByName(names)),

    async giveFeedback(decisionId, feedback) {
      const entry = open.get(decisionId);
      if (entry && !entry.kept) {
        // The answer is still on its way: what is said of it goes into the first revision of its evidence.
        const status = feedbackStatus(entry.decision, feedback);
        if (status !== 'duplicate') entry.decision = withSignal(entry.decision, feedback, runtime.now());
        return { status, decision: entry.decision };
      }
      await entry?.kept;
      const decision = await recall(decisionId);
      if (!decision) return { status: whyUnknown(decisionId, runtime.now()) };
      const result = await giveFeedback(state, decision, feedback, runtime.now());
      // Whoever is told that it counts is told so for good: of what was said before, too.
      if ('decision' in result) await state.confirm(result.decision);
      return result;
    },

    async change(known, edit) {
      const entry = open.get(known.id);
      if (entry && !entry.kept) {
        entry.decision = edit(entry.decision) ?? entry.decision;
        return;
      }
      await entry?.kept;
      const decision = entry ? await state.recall(known.id) : known;
      if (decision) await revise(state, decision, edit);
    },
  };
}
