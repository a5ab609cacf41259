/** Folds what the durable store has into state again: for a new policy or half-life, or after Redis was lost. */
import { foldToBytes } from '../bandit/fold-bytes.ts';
import type { ConduitConfig, Router } from '../config/resolve.ts';
import { createArchive } from '../routing/archive.ts';
import { nothingLearned } from '../routing/learner.ts';
import { type FoldAt, rebuildFold } from '../routing/recovery.ts';
import type { Runtime } from '../routing/runtime.ts';
import { type DurableStore, LOG_START, type Snapshot } from '../stores/ports.ts';
import { openFolder } from './durable.ts';
import { openHot } from './open.ts';

/** What one router has learned anew. */
export interface RebuiltRouter {
  router: string;
  decisions: number;
  labels: number;
  /** Of them those that count without their context, since another encoder made their features. */
  otherEncoder: number;
}

/**
 * Rejects where a store cannot be had. The gateways of a Redis may go on serving: they take the new state over. What `onEntry`
 * throws, who hears of each decision that is folded, ends the work between two: then each router is as before or learned anew.
 */
export async function rebuildState(
  config: ConduitConfig,
  durable: DurableStore,
  runtime: Runtime,
  onEntry?: () => void,
): Promise<RebuiltRouter[]> {
  if (config.stores.state !== 'memory') return await rebuildInRedis(config, durable, runtime, onEntry);
  const rebuilt = await rebuildSnapshots(config, durable, onEntry);
  if (config.stores.durable !== 'supabase') return rebuilt;
  // A start reads what is on this machine first: without a snapshot it asks there.
  const local = await openFolder(config.stores);
  try {
    for (const name of config.routers.keys()) await local.snapshots.drop(name);
  } finally {
    await local.close();
  }
  return rebuilt;
}

async function rebuildSnapshots(
  { routers }: ConduitConfig,
  durable: DurableStore,
  onEntry?: () => void,
): Promise<RebuiltRouter[]> {
  const rebuilt: RebuiltRouter[] = [];
  for (const router of routers.values()) {
    const { fold, cursor, told } = await learnAnew(router, durable, onEntry);
    await durable.snapshots.put(router.name, { cursor, bytes: foldToBytes(fold) });
    rebuilt.push(told);
  }
  return rebuilt;
}

/** What is only in Redis is kept first, so that the durable store has everything. */
async function rebuildInRedis(
  config: ConduitConfig,
  durable: DurableStore,
  runtime: Runtime,
  onEntry?: () => void,
): Promise<RebuiltRouter[]> {
  const { routers, stores } = config;
  const hot = await openHot(config, runtime);
  try {
    const archive = createArchive({ source: hot, sink: durable, routers, retentionMs: stores.retentionMs, runtime });
    // It leaves no snapshot, since nobody tells it to begin: those that take its place come below.
    await archive.flush().finally(archive.close);
    const rebuilt: RebuiltRouter[] = [];
    const snapshots = new Map<string, Snapshot>();
    for (const router of routers.values()) {
      // Before it is read: what comes in between is folded again from Redis, where it is known by then.
      const cursor = (await durable.cursorOf(router.name)) ?? LOG_START;
      const { fold, cursor: end, told } = await learnAnew(router, durable, onEntry);
      const bytes = foldToBytes(fold);
      await durable.snapshots.put(router.name, { cursor: end, bytes });
      snapshots.set(router.name, { cursor, bytes });
      rebuilt.push(told);
    }
    await hot.shared?.restart(snapshots);
    return rebuilt;
  } finally {
    await hot.close();
  }
}

async function learnAnew(
  router: Router,
  durable: DurableStore,
  onEntry?: () => void,
): Promise<FoldAt & { told: RebuiltRouter }> {
  const empty = () => nothingLearned(router).fold;
  const { fold, cursor, otherEncoder } = await rebuildFold(durable, router.name, empty, onEntry);
  return { fold, cursor, told: { router: router.name, decisions: fold.entries, labels: fold.labels, otherEncoder } };
}
