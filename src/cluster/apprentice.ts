/**
 * The primary learns along, though it never chooses: the store keeps the latest entries of a log alone, and a worker that
 * takes a dead one's place must know what came before them.
 */
import type { ConduitConfig, Router } from '../config/resolve.ts';
import type { LearnedByRouter } from '../http/gateway.ts';
import { type Learned, learnOn, nothingLearned } from '../routing/learner.ts';
import type { Log } from '../routing/runtime.ts';
import type { Storage } from '../storage/open.ts';

export interface Apprentice {
  /** Everything that the routers of this config have learned until now. */
  learned(config: ConduitConfig): Promise<LearnedByRouter>;
  end(): void;
}

/** Often enough that no entry is dropped from the log unread, seldom enough that a turn is worth its while. */
const FOLD_MS = 250;

/** What it learns from, with what is kept of what was learned before. */
export type Lessons = Pick<Storage, 'state' | 'durable' | 'learned' | 'late'>;

export function createApprentice(config: () => ConduitConfig, lessons: Lessons, log: Log): Apprentice {
  const { state: store, durable } = lessons;
  const known = new Map<string, Learned>();
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const learn = async (router: Router): Promise<Learned> => {
    const earlier = known.get(router.name);
    const learned =
      earlier?.halfLifeMs === router.halfLifeMs
        ? earlier
        : ((await durable?.learned(router)) ?? nothingLearned(router));
    known.set(router.name, learned);
    await learnOn(learned, router.name, store, log);
    return learned;
  };

  /** In turn, so that no entry is folded twice. */
  const learned = ({ routers }: ConduitConfig): Promise<LearnedByRouter> => {
    const next = turn.then(async () => {
      const all = new Map<string, Learned>();
      for (const router of routers.values()) all.set(router.name, await learn(router));
      return all;
    });
    turn = next.catch((error) => log.error({ err: error }, 'what was learned could not be kept for new workers'));
    return next;
  };

  const unwatch = store.watch(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      learned(config()).catch(() => {});
    }, FOLD_MS);
  });
  const take = (all: LearnedByRouter): void => {
    for (const [name, one] of all) known.set(name, one);
  };
  take(lessons.learned);
  // In turn, so that nothing is folded into what has been replaced.
  void lessons.late.then((all) => {
    turn = turn.then(() => take(all));
  });
  return {
    learned,
    end() {
      unwatch();
      clearTimeout(timer);
    },
  };
}
