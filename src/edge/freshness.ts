/** How old what an isolate knows may be: requests bring it up to date behind their answers, and only the first ones wait. */
import { within } from '../http/within.ts';

export interface Freshness {
  /** Before a request is answered. Never rejects. */
  ask(): Promise<void>;
}

export interface FreshnessOptions {
  /** Learns what others have learned before this isolate was. */
  catchUp: () => Promise<unknown>;
  /** Tells that others may have added to the logs. */
  mayHaveGrown: () => void;
  defer: (work: Promise<unknown>) => void;
  /** Milliseconds on a steady clock. */
  clock: () => number;
}

/** What the first requests of an isolate wait for what was learned before it. */
const FIRST_MS = 250;
/** With a request that comes later than so long after the last look, there is another behind its answer. */
const LOOK_MS = 5_000;

export function createFreshness({ catchUp, mayHaveGrown, defer, clock }: FreshnessOptions): Freshness {
  /** When an isolate looked last; null before it has begun to. */
  let lookedAt: number | null = null;
  let isFirst = true;
  let caughtUp: Promise<boolean>;

  return {
    async ask() {
      if (lookedAt === null) {
        lookedAt = clock();
        caughtUp = catchUp().then(
          () => true,
          () => false,
        );
        defer(caughtUp);
      } else if (clock() - lookedAt >= LOOK_MS) {
        lookedAt = clock();
        mayHaveGrown();
      }
      if (!isFirst) return;
      await within(FIRST_MS, caughtUp);
      // In time or not: nobody waits again.
      isFirst = false;
    },
  };
}
