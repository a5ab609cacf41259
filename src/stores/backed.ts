/** A hot store with a durable one behind it: what the one no longer has is had from the other. */

import { inTime } from '../within.ts';
import type { DecisionRecord } from './decision-record.ts';
import { type DurableStore, type HotStore, MayBeElsewhere, type StateStore, StoreUnavailable } from './ports.ts';

export interface BackedStoreOptions {
  hot: HotStore;
  durable: DurableStore;
  /** Brings everything that was written into the durable store; rejects where it cannot now. Null where it need not. */
  flush: (() => Promise<void>) | null;
}

/** What a person waits for the word that their feedback is kept; another process that asks for them waits a little longer. */
const CONFIRM_MS = 1_500;

export function createBackedStore({ hot, durable, flush }: BackedStoreOptions): StateStore {
  const inHot = (decisionId: string): Promise<DecisionRecord | MayBeElsewhere | null> =>
    hot.recall(decisionId).catch((error) => {
      if (error instanceof MayBeElsewhere) return error;
      throw error;
    });

  return {
    ...hot,

    async recall(decisionId) {
      const found = await inHot(decisionId);
      if (found && !(found instanceof MayBeElsewhere)) return found;
      const kept = await durable.recall(decisionId);
      if (!kept && found) throw found;
      return kept;
    },

    async revise(decision) {
      const result = await hot.revise(decision);
      if (result === 'written') return result;
      const found = await inHot(decision.id);
      if (found && !(found instanceof MayBeElsewhere)) return result;
      const kept = await durable.recall(decision.id);
      if (kept?.version !== decision.version - 1) return 'changed';
      await hot.revive({ decision: kept, names: [] });
      return await hot.revise(decision);
    },

    async confirm(decision) {
      await hot.confirm(decision);
      if (flush) {
        await inTime(
          flush(),
          CONFIRM_MS,
          () => new StoreUnavailable(`the durable store did not answer within ${CONFIRM_MS} ms`),
        );
      }
    },
  };
}
