/** Folds what the durable store has into state again: for a new policy or half-life, or after Redis was lost. */
import { foldToBytes } from '../bandit/fold-bytes.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { nothingLearned } from '../routing/learner.ts';
import { rebuildFold } from '../routing/recovery.ts';
import type { Runtime } from '../routing/runtime.ts';
import type { DurableStore } from '../stores/ports.ts';
import { openFolder } from './durable.ts';

/** What one router has learned anew. */
export interface RebuiltRouter {
  router: string;
  decisions: number;
  labels: number;
  /** Of them those that count without their context, since another encoder made their features. */
  otherEncoder: number;
}

/** Rejects where a store cannot be had. The gateways of a Redis may go on serving: they take the new state over. */
export async function rebuildState(
  config: ConduitConfig,
  durable: DurableStore,
  _runtime: Runtime,
): Promise<RebuiltRouter[]> {
  if (config.stores.state !== 'memory') throw new Error('not yet');
  const rebuilt = await rebuildSnapshots(config, durable);
  if (config.stores.durable !== 'supabase') return rebuilt;
  // A start reads what is on this machine first.
  const local = await openFolder(config.stores);
  try {
    await rebuildSnapshots(config, local);
  } finally {
    await local.close();
  }
  return rebuilt;
}

async function rebuildSnapshots({ routers }: ConduitConfig, durable: DurableStore): Promise<RebuiltRouter[]> {
  const rebuilt: RebuiltRouter[] = [];
  for (const router of routers.values()) {
    const { fold, cursor, otherEncoder } = await rebuildFold(durable, router.name, () => nothingLearned(router).fold);
    await durable.snapshots.put(router.name, { cursor, bytes: foldToBytes(fold) });
    rebuilt.push({ router: router.name, decisions: fold.entries, labels: fold.labels, otherEncoder });
  }
  return rebuilt;
}
