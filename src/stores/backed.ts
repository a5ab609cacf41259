/** A hot store with a durable one behind it: what the one no longer has is had from the other. */
import { type DurableStore, type HotStore, type StateStore, StoreUnavailable } from './ports.ts';

export interface BackedStoreOptions {
  hot: HotStore;
  durable: DurableStore;
  /** Brings everything that was written into the durable store; rejects where it cannot now. Null where it need not. */
  flush: (() => Promise<void>) | null;
}

/** What a person waits for the word that their feedback is kept. */
const CONFIRM_MS = 3_000;

export function createBackedStore({ hot, durable, flush }: BackedStoreOptions): StateStore {
  return {
    ...hot,

    recall: async (decisionId) => (await hot.recall(decisionId)) ?? (await durable.recall(decisionId)),

    async revise(decision) {
      const result = await hot.revise(decision);
      if (result === 'written' || (await hot.recall(decision.id))) return result;
      const kept = await durable.recall(decision.id);
      if (kept?.version !== decision.version - 1) return 'changed';
      await hot.revive({ decision: kept, names: [] });
      return await hot.revise(decision);
    },

    async confirm(decision) {
      await hot.confirm(decision);
      if (flush) await inTime(flush());
    },
  };
}

async function inTime(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreUnavailable(`the durable store did not answer within ${CONFIRM_MS} ms`)),
      CONFIRM_MS,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
