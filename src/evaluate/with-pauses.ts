/** Does work in steps while others want to be served, too: between some of its steps it waits for them. */
import type { Steps } from '../bandit/steps.ts';

/** Steps between two pauses: each is a fraction of a millisecond, and a pause takes a whole one. */
const BETWEEN_PAUSES = 10;

export async function withPauses<T>(steps: Steps<T>, pause: () => Promise<void>): Promise<T> {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done) return step.value;
    if (count % BETWEEN_PAUSES === 0) await pause();
  }
}
