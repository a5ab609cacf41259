/** Opens the durable store that a config asks for, and what feeds it. */
import type { ConduitConfig } from '../config/resolve.ts';
import { type Archive, createArchive } from '../routing/archive.ts';
import { countSpent, dayStart } from '../routing/limits.ts';
import type { Runtime } from '../routing/runtime.ts';
import type { EmbeddedStore } from '../stores/embedded.ts';
import type { DurableStore, HotStore } from '../stores/ports.ts';
import { openFolder, openSupabase } from './durable.ts';

/** What stands behind the hot store. */
export interface Behind {
  /** Where decisions are looked for that the hot store no longer has. */
  durable: DurableStore;
  archive: Archive;
  /** From there on to the one that several machines share; null where that is the first one already, or there is none. */
  forward: Archive | null;
  close(): Promise<void>;
}

/** For how long a process is the one that feeds a shared store, unless it goes on. */
const LEASE_MS = 15_000;

/** Null where none is asked for. Rejects where the folder that is asked for cannot be had. */
export async function openBehind(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind | null> {
  const { durable: kind } = config.stores;
  if (kind === 'none') return null;
  if (kind === 'embedded') return await openEmbedded(config, hot, runtime);
  return hot.shared ? await openShared(config, hot, runtime) : await openForwarding(config, hot, runtime);
}

/** A database in a folder of this machine. */
async function openEmbedded(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind | null> {
  const { folder, asked } = config.stores;
  try {
    const local = await openFolder(config.stores);
    if (!hot.shared) await countAgain(hot, local, runtime);
    const archive = createArchive({ ...common(config, runtime), source: hot, sink: local });
    return { durable: local, archive, forward: null, close: local.close };
  } catch (error) {
    if (asked) throw error;
    // A default must not keep anybody from serving, be it twice out of one place or where nothing can be written.
    const { message } = error as Error;
    runtime.log.error({ folder, problem: message }, 'nothing outlives this process: its folder cannot be used');
    return null;
  }
}

/** The state that processes share is kept in a database that they share: one of them does it. */
async function openShared(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind> {
  const sink = await openSupabase(config.stores);
  const { shared } = hot;
  const archive = createArchive({
    ...common(config, runtime),
    source: hot,
    sink,
    mayKeep: async () => (await shared?.lease('archive', LEASE_MS)) ?? true,
    onKept: (log, cursor) => {
      // It only lets the log be shorter: the next time will do.
      shared?.drained(log, cursor).catch(() => {});
    },
  });
  return { durable: sink, archive, forward: null, close: sink.close };
}

/** What is only in this process's memory goes to disk first, and from there to the database elsewhere. */
async function openForwarding(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind> {
  const local = await openFolder(config.stores);
  await countAgain(hot, local, runtime);
  const sink = await openSupabase(config.stores);
  const forward = createArchive({ ...common(config, runtime), source: local, sink, feed: `${local.id}/` });
  const archive = createArchive({
    ...common(config, runtime),
    source: hot,
    sink: local,
    onKept: () => forward.grown(),
  });
  return {
    durable: { ...local, recall: async (id) => (await local.recall(id)) ?? (await sink.recall(id)) },
    archive,
    forward,
    async close() {
      await local.close();
      await sink.close();
    },
  };
}

/** A memory that begins anew does not know what was spent today: a budget must not begin anew with it. */
async function countAgain(hot: HotStore, local: EmbeddedStore, { now, log }: Runtime): Promise<void> {
  try {
    await countSpent(hot, await local.spentSince(dayStart(now())), now());
  } catch (error) {
    log.error({ err: error }, 'what was spent today cannot be read: budgets count from now on');
  }
}

const common = ({ routers, stores }: ConduitConfig, runtime: Runtime) => ({
  routers,
  retentionMs: stores.retentionMs,
  runtime,
});
