/** One router's learning: folds what is new in its log and derives the posterior from it, off the response path. */
import type { NoticedChange } from '../bandit/changed-arms.ts';
import { emptyFold, type Fold, foldEntry, OPEN } from '../bandit/fold.ts';
import { foldToBytes } from '../bandit/fold-bytes.ts';
import type { Posterior } from '../bandit/posterior.ts';
import type { Preference, Rates } from '../bandit/utility.ts';
import type { Model, Router } from '../config/resolve.ts';
import { encoder } from '../context/encoder.ts';
import type { Calibration } from '../signals/calibration.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import {
  LOG_START,
  type LogSlice,
  type SharedState,
  type Snapshot,
  type Snapshots,
  type StateStore,
} from '../stores/ports.ts';
import { createDeriving } from './deriving.ts';
import { createEarlyPulls, type EarlyPulls } from './early-pulls.ts';
import { createOwed, type Owed } from './owed.ts';
import { createPacer, type Pacer } from './pacing.ts';
import { DAMAGED, soundSnapshot } from './recovery.ts';
import { revise } from './revising.ts';
import type { Log, Runtime } from './runtime.ts';
import { createSignOfLife } from './sign-of-life.ts';

export interface Learner {
  readonly router: Router;
  readonly arms: readonly Model[];
  /** What is believed now, and the log's cursor up to which it was folded. */
  current(): { posterior: Posterior; cursor: string };
  rates(preference: Preference): Rates;
  /** What its answers may cost its guarantee; null where it gives none. */
  readonly owed: Owed | null;
  readonly earlyPulls: EarlyPulls;
  /** Null where it has no budget. */
  readonly pacer: Pacer | null;
  /** When what is believed now was derived, in milliseconds since 1970. */
  derivedAt(): number;
  /** Entries of the log that it does not know of, counted up to `most`. Rejects where the log cannot be read. */
  backlog(most: number): Promise<number>;
  /** What it is now taken to mean that something was seen of an answer. */
  calibration(): Calibration;
  /** Tells that the log has grown; it is folded soon, only a small share of the time being spent on it. */
  grown(): void;
  /** Folds everything that is in the log now. */
  catchUp(): Promise<void>;
  /** Takes what was learned elsewhere in the place of what this learner has, and goes on from there. */
  adopt(learned: Learned): Promise<void>;
  /** Ends this learner's folding and gives what it has learned to its successor, as when the config changes. */
  handOver(): Promise<Learned>;
}

/** A fold and how far in the log it has come. */
export interface Learned {
  fold: Fold;
  cursor: string;
  halfLifeMs: number | null;
  /** What answers may cost that are not in the fold yet; left out where it was learned elsewhere. */
  owed?: Owed | null;
  earlyPulls?: EarlyPulls;
}

/** Entries that are read and folded at once: a few milliseconds, in which nobody else is served. */
export const READ_AT_ONCE = 250;
/** When what has been learned is left for others, and for how long nobody else need do so. */
const SNAPSHOT = { entries: 10_000, ms: 60_000, leaseMs: 30_000 };
/** A turn that has done nothing for so long does nothing any more. */
const LOST_MS = 10_000;
/**
 * Where processor time is counted by request what is new is folded a batch a turn, of which a request has so many; who has been
 * behind for so long skips ahead.
 */
const COUNTED = { turns: 2, behindMs: 60_000 };
/** Who tells the log that an arm has changed is the only one for so long: by then the others have read it. */
const TELLING_MS = 60_000;

/** What is known of a router before anything has been asked of it. */
export function nothingLearned({ halfLifeMs }: Pick<Router, 'halfLifeMs'>): Learned {
  const { id, dimensions } = encoder;
  const fold = emptyFold({
    encoder: id,
    dimensions,
    halfLifeMs,
    ...OPEN,
  });
  return { fold, cursor: LOG_START, halfLifeMs };
}

/** What is asked of a store by whoever learns from it. */
export interface LogSource extends Pick<StateStore, 'readSince'> {
  shared: Pick<SharedState, 'snapshots'> | null;
}

/**
 * Folds everything that is in the router's log now and was not yet; gives how many entries that were. Where two do so with the
 * same `learned` at once, each entry is folded once.
 */
export async function learnOn(
  learned: Learned,
  router: string,
  state: LogSource,
  log: Log,
  heard: (decisionId: string) => void = () => {},
): Promise<number> {
  const { shared } = state;
  let folded = 0;
  if (shared && learned.cursor === LOG_START) await startFromSnapshot(learned, router, shared.snapshots, log);
  for (;;) {
    const from = learned.cursor;
    const slice = await state.readSince(router, from, READ_AT_ONCE);
    if (learned.cursor !== from) continue;
    // What is missing is in a snapshot, if anywhere.
    if (slice.gap !== null && shared && (await startFromSnapshot(learned, router, shared.snapshots, log))) continue;
    for (const entry of slice.entries) foldEntry(learned.fold, entry);
    for (const { decisionId } of slice.entries) heard(decisionId);
    folded += slice.entries.length;
    const lost = slice.gap === 'other' && from !== LOG_START;
    const ended = slice.cursor === from || (slice.isEnd === true && !lost);
    learned.cursor = slice.cursor;
    // The store came back empty: what this process has learned is the start of the new log, unless another was faster.
    if (lost && shared && !(await shared.snapshots.put(router, snapshotOf(learned)))) {
      await startFromSnapshot(learned, router, shared.snapshots, log);
    }
    if (ended) return folded;
  }
}

/** False where there is none that is of use, wanted, and of another place than what has been learned. */
async function startFromSnapshot(
  learned: Learned,
  router: string,
  snapshots: Snapshots,
  log: Log,
  isWanted: (fold: Fold) => boolean = () => true,
): Promise<boolean> {
  const from = learned.cursor;
  const { found, refused } = await soundSnapshot(snapshots, router, learned.fold.settings);
  if (refused > 0) log.error({ router, refused }, DAMAGED);
  if (!found || found.cursor === from || learned.cursor !== from || !isWanted(found.fold)) return false;
  learned.fold = found.fold;
  learned.cursor = found.cursor;
  return true;
}

/** Where the store does not say, a full batch tells: of which some may have been left out, since they teach nothing. */
const isMoreBehind = ({ entries, isEnd = entries.length < READ_AT_ONCE / 2 }: LogSlice): boolean => !isEnd;

const snapshotOf = ({ fold, cursor }: Learned): Snapshot => ({ cursor, bytes: foldToBytes(fold) });

/** What was learned before is taken over where evidence fades as it did; else the log is folded anew. */
export function createLearner(
  router: Router,
  arms: readonly Model[],
  state: StateStore,
  runtime: Runtime,
  earlier?: Learned,
): Learner {
  let learned = earlier?.halfLifeMs === router.halfLifeMs ? earlier : nothingLearned(router);
  // Answers are on their way when the config changes, and cost as much under the next one.
  const owed = router.guarantee ? (earlier?.owed ?? createOwed()) : null;
  const earlyPulls = earlier?.earlyPulls ?? createEarlyPulls();
  const heardOf = (decisionId: string): void => {
    owed?.folded(decisionId);
    earlyPulls.folded(decisionId);
  };
  const pacer = createPacer(router, arms);
  /** Batches that this turn may still take. */
  let batchesLeft = Number.POSITIVE_INFINITY;
  let running: Promise<void> | null = null;
  /** Of the turn that is running. */
  const life = createSignOfLife(runtime, LOST_MS);
  let folding = false;
  let again = false;
  /** When the log was first left before its end, by the clock; null where it was last read to its end. */
  let behindSince: number | null = null;
  /** Whether it was logged that what was learned cannot be brought up to date. */
  let told = false;
  /** The same of a change that the log cannot be told of. */
  let untold = false;
  let retired = false;
  let sinceSnapshot = 0;
  let snapshotAt = runtime.now();

  const deriving = createDeriving({
    router,
    arms,
    pacer,
    runtime,
    learned: () => learned,
    derived() {
      owed?.derived();
      earlyPulls.derived();
    },
    goesOn: life.give,
  });
  const { stepsARequest } = runtime;

  const giveUpLost = (): void => {
    if (!life.isLost()) return;
    running = null;
    folding = false;
  };
  const source: LogSource = {
    shared: state.shared,
    async readSince(...asked) {
      life.give();
      // As if there were no more.
      const nothing: LogSlice = { entries: [], cursor: asked[1], gap: null };
      if (batchesLeft-- <= 0) return nothing;
      const slice = await state.readSince(...asked);
      life.give();
      behindSince = isMoreBehind(slice) ? (behindSince ?? runtime.clock()) : null;
      // This turn was given up, and another derives from the fold as it is.
      return deriving.isUnderway() ? nothing : slice;
    },
  };

  const foldNew = async (steps: number): Promise<void> => {
    if (retired) return;
    deriving.beginTurn(steps);
    batchesLeft = steps === Number.POSITIVE_INFINITY ? steps : 1;
    const folded = await foldOn();
    await tellChanges();
    if (state.shared && !state.shared.leavesSnapshots) await shareSnapshot(state.shared, folded);
  };

  /** Until the log has it, what is noticed counts here all the same: who cannot write adapts, too. Never rejects. */
  const tellChanges = async (): Promise<void> => {
    if (!deriving.known()?.changes.some(({ canBeTold }) => canBeTold)) return;
    try {
      for (const { arm, canBeTold } of deriving.believed().changes) if (canBeTold) await tellChange(arm);
      untold = false;
    } catch (error) {
      // Once, until it can be told.
      if (!untold) runtime.log.warn({ err: error, router: router.name }, 'that a model has changed cannot be kept yet');
      untold = true;
    }
  };

  const tellChange = async (arm: string): Promise<void> => {
    if ((await state.add(`change:${router.name}:${arm}`, 1, TELLING_MS)) > 1) return;
    // Somebody else may have told it before.
    await foldOn();
    const change = deriving.believed().changes.find((one) => one.arm === arm && one.canBeTold);
    const first = change && (await state.recall(change.decisionId));
    if (!first || !(await tell(change, first))) return;
    const { since, shift } = change;
    const changedAt = new Date(since).toISOString();
    runtime.log.info(
      { router: router.name, arm, shift, changedAt },
      'a model has changed: what it was counts for little',
    );
    await foldOn();
  };

  /**
   * Where others add more than a share of the requests can pay to read, what has been made of it is taken over: by whoever reads all
   * of it, and leaves that as a snapshot.
   */
  const skipAhead = async ({ snapshots }: SharedState): Promise<void> => {
    if (behindSince === null || runtime.clock() - behindSince < COUNTED.behindMs) return;
    behindSince = runtime.clock();
    const isFurther = ({ entries }: Fold): boolean => entries > learned.fold.entries;
    await startFromSnapshot(learned, router.name, snapshots, runtime.log, isFurther);
  };

  /** Gives how many entries were new. */
  const foldOn = async (): Promise<number> => {
    if (deriving.isUnderway() && !deriving.bySteps()) return 0;
    if (state.shared && batchesLeft < Number.POSITIVE_INFINITY) await skipAhead(state.shared);
    const folded = await learnOn(learned, router.name, source, runtime.log, heardOf);
    if (learned.cursor === deriving.cursor()) return folded;
    if (stepsARequest === undefined) await deriving.bySlices();
    else if (deriving.isDue(behindSince !== null)) deriving.bySteps();
    return folded;
  };

  /** False where it is told already. */
  const tell = async ({ worthBefore }: NoticedChange, first: DecisionRecord): Promise<boolean> => {
    const { outcome } = await revise(state, first, (decision) =>
      decision.worthBefore !== null
        ? null
        : { ...decision, version: decision.version + 1, labelBefore: decision.label, worthBefore },
    );
    return outcome === 'written';
  };

  /** Now and then one of the processes leaves what it has learned for those that start later. */
  const shareSnapshot = async ({ lease, snapshots }: SharedState, folded: number): Promise<void> => {
    sinceSnapshot += folded;
    if (sinceSnapshot === 0) return;
    if (sinceSnapshot < SNAPSHOT.entries && runtime.now() - snapshotAt < SNAPSHOT.ms) return;
    sinceSnapshot = 0;
    snapshotAt = runtime.now();
    if (await lease(`snapshot:${router.name}`, SNAPSHOT.leaseMs)) await snapshots.put(router.name, snapshotOf(learned));
  };

  /** In turn, never twice at once. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    giveUpLost();
    // Who waits for the one that runs says nothing of whether that goes on.
    if (!running) life.give();
    const begin = (): Promise<void> => {
      life.give();
      return work();
    };
    const turn = (running ?? Promise.resolve()).then(begin, begin).finally(() => {
      if (running === turn) running = null;
    });
    running = turn;
    return turn;
  };
  const foldInTurn = (steps: number): Promise<void> => inTurn(() => foldNew(steps));

  /** Rests between its turns, not in them: whoever asks to catch up waits for one fold at most. */
  const foldSoon = async (): Promise<void> => {
    let turns = 0;
    // The same request has them but once.
    const laterSteps = stepsARequest === undefined ? Number.POSITIVE_INFINITY : 0;
    /** Whoever comes next goes on, at its own cost. */
    const isEnough = (): boolean => stepsARequest !== undefined && turns >= COUNTED.turns;
    try {
      do {
        turns++;
        again = false;
        const rest = deriving.restMs();
        if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
        await foldInTurn(turns === 1 ? (stepsARequest ?? Number.POSITIVE_INFINITY) : laterSteps);
        told = false;
      } while (again && !retired && !isEnough());
    } catch (error) {
      // Once, until it can be again: an outage has many turns.
      if (!told)
        runtime.log.error({ err: error, router: router.name }, 'what was learned could not be brought up to date');
      told = true;
    } finally {
      folding = false;
    }
    // Told while a turn was failing: the next one may do better, and nobody tells of it again.
    if (again && !isEnough()) grown();
  };

  const grown = (): void => {
    again = true;
    giveUpLost();
    if (folding || retired) return;
    life.give();
    folding = true;
    runtime.defer(foldSoon());
  };

  return {
    router,
    arms,
    owed,
    earlyPulls,
    pacer,
    current: () => ({ posterior: deriving.believed(), cursor: deriving.cursor() }),
    rates: deriving.rates,
    derivedAt: deriving.at,
    async backlog(most) {
      const { entries } = await state.readSince(router.name, deriving.cursor(), most);
      return entries.length;
    },
    calibration: deriving.calibration,
    grown,
    catchUp: () => foldInTurn(Number.POSITIVE_INFINITY),
    adopt: (next) =>
      inTurn(async () => {
        // Of a config that is no longer: whoever follows it has asked anew.
        if (retired || next.halfLifeMs !== router.halfLifeMs) return;
        learned = next;
        await deriving.bySlices();
        await foldNew(Number.POSITIVE_INFINITY);
      }),
    async handOver() {
      retired = true;
      // A turn that is running ends first: the fold must not grow behind its cursor.
      await running?.catch(() => {});
      return { ...learned, owed, earlyPulls };
    },
  };
}
