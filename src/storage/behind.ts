/** Opens the durable store that a config asks for, and what feeds it. */
import type { ConduitConfig } from '../config/resolve.ts';
import { type Archive, createArchive } from '../routing/archive.ts';
import { KEEP_MS } from '../routing/decision.ts';
import { countedSince, countSpent } from '../routing/limits.ts';
import type { Runtime } from '../routing/runtime.ts';
import type { EmbeddedStore } from '../stores/embedded.ts';
import type { DurableStore, HotStore } from '../stores/ports.ts';
import { openFolder, openSupabase } from './durable.ts';
import { reviveLatest } from './hot-set.ts';

/** What stands behind the hot store. */
export interface Behind {
  /** Where decisions are looked for that the hot store no longer has. */
  durable: DurableStore;
  archive: Archive;
  /** From there on to the one that several machines share; null where that is the first one already, or there is none. */
  forward: Archive | null;
  /** Resolves once the hot store has the latest decisions again, as far as it can have them. Never rejects. */
  revived: Promise<void>;
  close(): Promise<void>;
}

/** For how long a process is the one that feeds a shared store, unless it goes on. */
const LEASE_MS = 15_000;

/** The config asks for one. Rejects where the folder cannot be had now. */
export async function openBehind(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind> {
  if (config.stores.durable === 'embedded') return await openEmbedded(config, hot, runtime);
  return hot.shared ? await openShared(config, hot, runtime) : await openForwarding(config, hot, runtime);
}

/** A database in a folder of this machine. */
async function openEmbedded(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind> {
  const local = await openFolder(config.stores);
  const { revived, close } = hot.shared
    ? { revived: Promise.resolve(), close: local.close }
    : await goOn(hot, local, runtime);
  const archive = createArchive({ ...common(config, runtime), source: hot, sink: local });
  archive.begin();
  return { durable: local, archive, forward: null, revived, close };
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
  archive.begin();
  return { durable: sink, archive, forward: null, revived: Promise.resolve(), close: sink.close };
}

/** What is only in this process's memory goes to disk first, and from there to the database elsewhere. */
async function openForwarding(config: ConduitConfig, hot: HotStore, runtime: Runtime): Promise<Behind> {
  const local = await openFolder(config.stores);
  const { revived, close } = await goOn(hot, local, runtime);
  const sink = await openSupabase(config.stores);
  const forward = createArchive({ ...common(config, runtime), source: local, sink, feed: `${local.id}/` });
  const archive = createArchive({
    ...common(config, runtime),
    source: hot,
    sink: local,
    onKept: forward.grown,
  });
  // Not the other: what is in a new folder is not all that there is to know, before it has been asked for there.
  forward.begin();
  return {
    durable: { ...local, recall: async (id) => (await local.recall(id)) ?? (await sink.recall(id)) },
    archive,
    forward,
    revived,
    async close() {
      await close();
      await sink.close();
    },
  };
}

/** A memory that begins anew goes on where the one before has left off. */
async function goOn(hot: HotStore, local: EmbeddedStore, runtime: Runtime): Promise<Pick<Behind, 'revived' | 'close'>> {
  await countAgain(hot, local, runtime);
  let closed = false;
  const since = runtime.now() - KEEP_MS;
  return {
    revived: reviveLatest({ hot, local, since, log: runtime.log, isClosed: () => closed }),
    async close() {
      closed = true;
      await local.close();
    },
  };
}

/** A memory that begins anew does not know what was spent today and yesterday: a budget must not begin anew with it. */
async function countAgain(hot: HotStore, local: EmbeddedStore, { now, log }: Runtime): Promise<void> {
  try {
    await countSpent(hot, await local.spentSince(countedSince(now())));
  } catch (error) {
    const { message } = error as Error;
    log.error({ problem: message }, 'what was spent today cannot be read: budgets count from now on');
  }
}

const common = ({ routers, stores }: ConduitConfig, runtime: Runtime) => ({
  routers,
  retentionMs: stores.retentionMs,
  runtime,
});
