/** Opens the stores that a config asks for, on Node, and puts the durable one behind the hot one. */
import type { ConduitConfig, Router } from '../config/resolve.ts';
import type { DurablePart, LearnedByRouter } from '../http/gateway.ts';
import { within } from '../http/within.ts';
import type { Archive } from '../routing/archive.ts';
import { mergedDecisions } from '../routing/feedback.ts';
import type { Learned } from '../routing/learner.ts';
import type { Log, Runtime } from '../routing/runtime.ts';
import { createBackedStore } from '../stores/backed.ts';
import { createMemoryStore } from '../stores/memory.ts';
import type { HotStore, StateStore } from '../stores/ports.ts';
import { type Behind, KEEP_MS, openBehind } from './behind.ts';

export interface Storage {
  state: StateStore;
  /** Where what is learned outlives this process, in words; null where it does not. */
  keptIn: string | null;
  /** Null where nothing outlives the state store. */
  durable: Required<DurablePart> | null;
  /** What was learned before, as far as that was found in time. */
  learned: LearnedByRouter;
  /** Resolves with what was found only later, once it is; with nothing where all was in time. Never rejects. */
  late: Promise<LearnedByRouter>;
  follow(config: ConduitConfig): void;
  /** Keeps what is not kept yet and lets go of everything. Never rejects. */
  close(): Promise<void>;
}

/** What a start waits for what was learned before. It goes on without, and takes it when it comes. */
const RECOVERY_MS = 3_000;
/** What a start waits for Redis, so that the first requests find it. */
const FIRST_TRY_MS = 500;
/** What a start waits for the latest decisions, so that the first requests of a conversation that goes on find it. */
const REVIVAL_MS = 500;

/** Rejects where the config names a folder that cannot be had. No other store need be there. */
export async function openStorage(config: ConduitConfig, runtime: Runtime): Promise<Storage> {
  const hot = await openHot(config, runtime);
  let behind: Behind | null;
  try {
    behind = await openBehind(config, hot, runtime);
  } catch (error) {
    await hot.close();
    throw error;
  }
  if (!behind) {
    const keptIn = hot.shared ? 'Redis' : null;
    return { state: hot, keptIn, durable: null, learned: new Map(), late: noneLate, follow() {}, close: hot.close };
  }

  const { archive, forward, durable, revived } = behind;
  const reviving = within(
    REVIVAL_MS,
    revived.then(() => true),
  );
  const unwatch = hot.watch(archive.grown);
  const recovering = recover(behind, config, hot, runtime.log);
  const learned = await within(RECOVERY_MS, recovering);
  await reviving;
  if (learned === null) runtime.log.warn({}, 'what was learned before is still being read: serving without until then');
  return {
    state: createBackedStore({ hot, durable, flush: hot.shared ? null : archive.flush }),
    keptIn: config.stores.durable === 'supabase' ? 'Supabase' : config.stores.folder,
    durable: {
      isWell: async () => archive.isWell() && (forward?.isWell() ?? true),
      learned: archive.learned,
    },
    learned: learned ?? new Map(),
    late: learned === null ? recovering : noneLate,
    follow(next) {
      archive.follow(next.routers);
      forward?.follow(next.routers);
    },
    async close() {
      unwatch();
      await archive.close();
      await forward?.close();
      await hot.close();
      await behind.close();
    },
  };
}

const noneLate: Promise<LearnedByRouter> = Promise.resolve(new Map());

/** Redis need not be there: the gateway serves without, and goes on trying. */
export async function openHot({ stores }: ConduitConfig, runtime: Runtime): Promise<HotStore> {
  const { now, random, randomHex, sha256Hex, log } = runtime;
  if (stores.state === 'memory') return createMemoryStore({ now, epoch: randomHex(4) });
  // Who does without it need not load a client for it.
  const { createRedisStore } = await import('../stores/redis.ts');
  const { openSpool } = await import('../stores/spool.ts');
  const store = createRedisStore({
    url: stores.state,
    now,
    random,
    sha256Hex,
    keepMs: KEEP_MS,
    drained: stores.durable === 'supabase',
    spool: openSpool({ folder: stores.folder }),
    merge: mergedDecisions,
    notices: {
      trouble: (error) =>
        log.error({ err: error }, 'the state store fails: this process goes by what it knows until it is back'),
      recovered: () => log.info({}, 'the state store is back, and has what it missed'),
      lost: (decisions, error) => log.error({ err: error, decisions }, 'decisions are lost: they could not be kept'),
    },
  });
  await within(
    FIRST_TRY_MS,
    store.tried.then(() => true),
  );
  return store;
}

/** Never rejects: where it fails it is tried again until it does not. */
async function recover(
  { archive, forward }: Behind,
  { routers }: ConduitConfig,
  hot: HotStore,
  log: Log,
): Promise<LearnedByRouter> {
  const all = new Map<string, Learned>();
  for (const router of routers.values()) {
    const learned = await untilRead(async () => {
      // What processes share is nearer to now than what was kept of it.
      if (hot.shared && (await isShared(hot, router))) return null;
      return await learnedBefore(router, archive, forward);
    }, log);
    if (learned) all.set(router.name, learned);
  }
  return all;
}

async function isShared({ shared }: HotStore, { name }: Router): Promise<boolean> {
  try {
    return ((await shared?.snapshots.read(name)) ?? []).length > 0;
  } catch {
    return false;
  }
}

/** Where this machine's folder is new, what was forwarded from another one's is taken into it. */
async function learnedBefore(router: Router, archive: Archive, forward: Archive | null): Promise<Learned> {
  const here = await archive.learned(router);
  if (!forward || here.fold.entries > 0) return here;
  const there = await forward.learned(router);
  if (there.fold.entries === 0) return here;
  await archive.seed(router, there.fold);
  return { ...there, cursor: here.cursor };
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

async function untilRead<Value>(read: () => Promise<Value>, log: Log): Promise<Value> {
  for (let waitMs = FIRST_RETRY_MS, told = false; ; waitMs = Math.min(LONGEST_RETRY_MS, 2 * waitMs), told = true) {
    try {
      return await read();
    } catch (error) {
      if (!told) log.error({ err: error }, 'what was learned before cannot be read: it is tried again');
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
    }
  }
}
