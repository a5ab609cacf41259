/**
 * How old what an isolate knows of a router may be: requests that go by it bring it up to date behind their answers, and only
 * the first ones wait. Of a router that nobody asks nothing is read.
 */

import type { Learner } from '../routing/learner.ts';
import { within } from '../within.ts';

export interface FreshnessOptions {
  defer: (work: Promise<unknown>) => void;
  /** Milliseconds on a steady clock. */
  clock: () => number;
}

interface Known {
  /** When an isolate looked last. */
  lookedAt: number;
  /** Tells whether what was learned before this isolate is known; null where nobody waits for it any more. */
  caughtUp: Promise<boolean> | null;
}

/** What the first requests of an isolate wait for what was learned before it. */
const FIRST_MS = 250;
/** With a request that comes later than so long after the last look, there is another behind its answer. */
const LOOK_MS = 5_000;

/** Before a router's learning is gone by. What it gives never rejects. */
export function createFreshness({ defer, clock }: FreshnessOptions): (learner: Learner) => Promise<void> {
  const routers = new Map<string, Known>();

  const begin = (learner: Learner): Known => {
    const caughtUp = learner.catchUp().then(
      () => true,
      () => false,
    );
    defer(caughtUp);
    const known = { lookedAt: clock(), caughtUp };
    routers.set(learner.router.name, known);
    return known;
  };

  return async (learner) => {
    const known = routers.get(learner.router.name) ?? begin(learner);
    if (clock() - known.lookedAt >= LOOK_MS) {
      known.lookedAt = clock();
      learner.grown();
    }
    if (known.caughtUp === null) return;
    await within(FIRST_MS, known.caughtUp);
    // In time or not: nobody waits again.
    known.caughtUp = null;
  };
}
