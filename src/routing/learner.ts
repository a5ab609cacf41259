/** One router's learning: folds what is new in its log and derives the posterior from it, off the response path. */
import { emptyFold, type Fold, foldEntry } from '../bandit/fold.ts';
import { derivePosterior, type Posterior } from '../bandit/posterior.ts';
import { type Preference, type Rates, ratesFor } from '../bandit/utility.ts';
import type { Model, Router } from '../config/resolve.ts';
import { encoder } from '../context/encoder.ts';
import { LOG_START, type StateStore } from '../stores/ports.ts';
import { FEEDBACK_WINDOW_MS } from './decision.ts';
import type { Runtime } from './runtime.ts';

export interface Learner {
  readonly router: Router;
  readonly arms: readonly Model[];
  /** What is believed now, and the log's cursor up to which it was folded. */
  current(): { posterior: Posterior; cursor: string };
  rates(preference: Preference): Rates;
  /** Tells that the log has grown; it is folded soon, only a small share of the time being spent on it. */
  grown(): void;
  /** Folds everything that is in the log now. */
  catchUp(): Promise<void>;
  /** Ends this learner's folding and gives what it has learned to its successor, as when the config changes. */
  handOver(): Promise<Learned>;
}

/** A fold and how far in the log it has come. */
export interface Learned {
  fold: Fold;
  cursor: string;
  halfLifeMs: number | null;
}

/** Entries that are read and folded at once: a few milliseconds, in which nobody else is served. */
const BATCH = 250;
/** However long deriving took, as on a machine that was busy with something else. */
const LONGEST_REST_MS = 1_000;
/**
 * Deriving may take this share of one processor; under load posteriors are then derived for many entries at once. The more
 * entries there are the less each of them moves the choice, and the smaller is the share.
 */
const shareFor = (entries: number): number => Math.min(0.1, Math.max(0.01, 50 / entries));
/** Of that share where nobody has said anything new: lengths and times alone move the choice little. */
const UNLABELLED = 0.25;
/** Open decisions whose current entry is kept so that a revision can take it out; the same bound as the store's. */
const MAX_OPEN = 10_000;

/** What is known of a router before anything has been asked of it. */
export function nothingLearned({ halfLifeMs }: Router): Learned {
  const { id, dimensions } = encoder;
  const fold = emptyFold({
    encoder: id,
    dimensions,
    halfLifeMs,
    windowMs: FEEDBACK_WINDOW_MS,
    maxOpen: MAX_OPEN,
  });
  return { fold, cursor: LOG_START, halfLifeMs };
}

/** Folds everything that is in the router's log now and was not yet. */
export async function learnOn(learned: Learned, router: string, state: StateStore): Promise<void> {
  for (;;) {
    const slice = await state.readSince(router, learned.cursor, BATCH);
    if (slice.entries.length === 0) return;
    for (const entry of slice.entries) foldEntry(learned.fold, entry);
    learned.cursor = slice.cursor;
  }
}

/** What was learned before is taken over where evidence fades as it did; else the log is folded anew. */
export function createLearner(
  router: Router,
  arms: readonly Model[],
  state: StateStore,
  runtime: Runtime,
  earlier?: Learned,
): Learner {
  const learned = earlier?.halfLifeMs === router.halfLifeMs ? earlier : nothingLearned(router);
  const { fold } = learned;
  let posterior = derivePosterior(fold, arms);
  let posteriorCursor = learned.cursor;
  let ratesByPreference = new Map<Preference, Rates>();
  let labelsDerived = fold.labels;
  let restUntil = 0;
  let running: Promise<void> | null = null;
  let folding = false;
  let again = false;
  let retired = false;

  const foldNew = async (): Promise<void> => {
    if (retired) return;
    await learnOn(learned, router.name, state);
    if (learned.cursor === posteriorCursor) return;
    const started = runtime.clock();
    posterior = derivePosterior(fold, arms);
    posteriorCursor = learned.cursor;
    ratesByPreference = new Map();
    const share = shareFor(fold.entries) * (fold.labels === labelsDerived ? UNLABELLED : 1);
    labelsDerived = fold.labels;
    const took = runtime.clock() - started;
    restUntil = runtime.clock() + Math.min(LONGEST_REST_MS, took * (1 / share - 1));
  };

  /** Folds in turn, never twice at once. */
  const foldInTurn = (): Promise<void> => {
    const turn = (running ?? Promise.resolve()).then(foldNew, foldNew).finally(() => {
      if (running === turn) running = null;
    });
    running = turn;
    return turn;
  };

  /** Rests between its turns, not in them: whoever asks to catch up waits for one fold at most. */
  const foldSoon = async (): Promise<void> => {
    try {
      do {
        again = false;
        const rest = restUntil - runtime.clock();
        if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
        await foldInTurn();
      } while (again && !retired);
    } catch (error) {
      runtime.log.error({ err: error, router: router.name }, 'what was learned could not be brought up to date');
    } finally {
      folding = false;
    }
    // Told while a turn was failing: the next one may do better, and nobody tells of it again.
    if (again) grown();
  };

  const grown = (): void => {
    again = true;
    if (folding || retired) return;
    folding = true;
    runtime.defer(foldSoon());
  };

  return {
    router,
    arms,
    current: () => ({ posterior, cursor: posteriorCursor }),
    rates(preference) {
      let rates = ratesByPreference.get(preference);
      if (!rates) {
        rates = ratesFor(preference, posterior, arms);
        // A preference given as numbers in a header is a new object each time: only names are worth keeping.
        if (typeof preference === 'string') ratesByPreference.set(preference, rates);
      }
      return rates;
    },
    grown,
    catchUp: foldInTurn,
    async handOver() {
      retired = true;
      // A turn that is running ends first: the fold must not grow behind its cursor.
      await running?.catch(() => {});
      return learned;
    },
  };
}
