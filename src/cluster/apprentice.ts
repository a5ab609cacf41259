/**
 * The primary learns along, though it never chooses: the store keeps the latest entries of a log alone, and a worker that
 * takes a dead one's place must know what came before them.
 */
import type { ConduitConfig, Router } from '../config/resolve.ts';
import type { LearnedByRouter } from '../http/gateway.ts';
import { type Learned, learnOn, nothingLearned } from '../routing/learner.ts';
import type { Log } from '../routing/runtime.ts';
import type { Storage } from '../storage/open.ts';
import { within } from '../within.ts';

export interface Apprentice {
  /** Resolves once it knows what it can know soon: nobody who could serve waits for a durable store. Never rejects. */
  catchUp(): Promise<void>;
  /** What the routers of the config of now have learned, as far as that is known. */
  learned(): LearnedByRouter;
  end(): void;
}

/** What it learns from, with what is kept of what was learned before. */
export type Lessons = Pick<Storage, 'state' | 'durable' | 'learned' | 'late'>;

export interface ApprenticeOptions {
  /** The config of now. */
  config: () => ConduitConfig;
  lessons: Lessons;
  log: Log;
  /** Told of what the durable store had of routers of which nothing was known before. */
  onFound?: (found: LearnedByRouter) => void;
  /** How long the durable store is waited for. Left out: a few seconds. */
  patienceMs?: number;
}

interface Known {
  learned: Learned;
  /** False while the durable store has not told what came before: a stand-in. */
  whole: boolean;
}

/** Often enough that no entry is dropped from the log unread, seldom enough that a turn is worth its while. */
const FOLD_MS = 250;
/** Nobody who could serve waits longer for what was learned before. */
const PATIENCE_MS = 3_000;
const UNREAD = 'what was learned before cannot be read: workers serve without it, and it is tried again';
const RETRY_MS = { first: 500, longest: 30_000 };

export function createApprentice(options: ApprenticeOptions): Apprentice {
  const { config, lessons, log, onFound = () => {}, patienceMs = PATIENCE_MS } = options;
  const { state: store, durable } = lessons;
  const known = new Map<string, Known>();
  let folding: NodeJS.Timeout | undefined;
  let searching: Promise<void> | null = null;
  let turn: Promise<void> = Promise.resolve();
  let failing = false;
  let ended = false;

  const knownOf = (router: Router): Known => {
    const one = known.get(router.name);
    if (one?.learned.halfLifeMs === router.halfLifeMs) return one;
    const begun = { learned: nothingLearned(router), whole: durable === null };
    known.set(router.name, begun);
    return begun;
  };

  /** One after the other, so that nothing is folded twice, or into what has been replaced. Never rejects. */
  const inTurn = (work: () => void | Promise<void>): Promise<void> => {
    turn = turn.then(work).then(
      () => {
        failing = false;
      },
      (error) => {
        // Once, not once a turn.
        if (!failing) log.error({ err: error }, 'what was learned could not be kept for new workers');
        failing = true;
      },
    );
    return turn;
  };

  const fold = (): Promise<void> =>
    inTurn(async () => {
      for (const router of config().routers.values()) await learnOn(knownOf(router).learned, router.name, store, log);
    });

  const take = (all: LearnedByRouter): Promise<void> =>
    inTurn(() => {
      // Evidence may fade otherwise by now: then it is asked for again.
      const wanted = [...all].filter(([name, { halfLifeMs }]) => config().routers.get(name)?.halfLifeMs === halfLifeMs);
      for (const [name, learned] of wanted) known.set(name, { learned, whole: true });
      if (wanted.length > 0) onFound(new Map(wanted));
    });

  const missing = (): Router[] => [...config().routers.values()].filter((router) => !knownOf(router).whole);

  /** Asks the durable store until it has told everything that is missing. Never rejects. */
  const search = async (): Promise<void> => {
    for (let waitMs = RETRY_MS.first; !ended; waitMs = Math.min(RETRY_MS.longest, 2 * waitMs)) {
      let failure: unknown = null;
      for (const router of missing()) {
        try {
          if (durable) await take(new Map([[router.name, await durable.learned(router)]]));
        } catch (error) {
          failure ??= error;
        }
      }
      if (missing().length === 0) return;
      if (failure !== null && waitMs === RETRY_MS.first && !ended) log.error({ err: failure }, UNREAD);
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
    }
  };
  const searchSoon = (): Promise<void> => {
    if (!searching && (ended || missing().length === 0)) return Promise.resolve();
    searching ??= search().finally(() => {
      searching = null;
    });
    return searching;
  };

  for (const [name, learned] of lessons.learned) known.set(name, { learned, whole: true });
  // What processes share is nearer to now than what was kept of it, unless it is lost: then that is among the lessons.
  if (store.shared) for (const router of config().routers.values()) knownOf(router).whole = true;
  void lessons.late.then(take);
  const unwatch = store.watch(() => {
    folding ??= setTimeout(() => {
      folding = undefined;
      void fold();
      void searchSoon();
    }, FOLD_MS);
  });

  return {
    async catchUp() {
      await within(
        patienceMs,
        searchSoon().then(() => true),
      );
      await fold();
    },
    learned: () => new Map([...config().routers.values()].map((router) => [router.name, knownOf(router).learned])),
    end() {
      ended = true;
      unwatch();
      clearTimeout(folding);
    },
  };
}
