/** Opens the durable store at a start, or later, where something is in its way that may pass. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConduitConfig } from '../config/resolve.ts';
import type { Runtime } from '../routing/runtime.ts';
import { FolderInUse, FolderUnusable } from '../stores/embedded/failures.ts';
import type { HotStore } from '../stores/ports.ts';
import { type Behind, openBehind } from './behind.ts';

/** What a start waits for whoever has the folder: one that was just told to end, mostly. */
const IN_USE_MS = 3_000;
const AGAIN_MS = 200;
/** How often it is tried later. */
const LATER_MS = 2_000;

/**
 * Null where it cannot be had now, and serving without is better than not to serve. Rejects where the config names a folder
 * that another process has, or that cannot be one.
 */
export async function openFirst(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind | null> {
  const { folder, asked } = config.stores;
  const until = runtime.now() + IN_USE_MS;
  for (;;) {
    try {
      return await openBehind(config, hot, runtime);
    } catch (error) {
      const why = reasonOf(error);
      if (why === 'in use' && asked && runtime.now() < until) {
        await sleep(AGAIN_MS);
        continue;
      }
      if (asked && why !== 'passing') throw error;
      const { message } = error as Error;
      runtime.log.error({ folder, problem: message }, 'nothing outlives this process until its folder can be used');
      return null;
    }
  }
}

/** Null where it is no longer wanted. */
export async function openLater(
  config: ConduitConfig,
  hot: HotStore,
  runtime: Runtime,
  isClosed: () => boolean,
): Promise<Behind | null> {
  for (;;) {
    await sleep(LATER_MS, undefined, { ref: false });
    if (isClosed()) return null;
    try {
      return await openBehind(config, hot, runtime);
    } catch {
      // Told already.
    }
  }
}

function reasonOf(error: unknown): 'in use' | 'passing' | 'wrong' {
  if (error instanceof FolderInUse) return 'in use';
  return error instanceof FolderUnusable && error.reason === 'full' ? 'passing' : 'wrong';
}
