/** Opens the stores that a config asks for, on Node, and puts the durable one behind the hot one. */
import type { ConduitConfig, Router } from '../config/resolve.ts';
import type { DurablePart, LearnedByRouter } from '../http/gateway.ts';
import { KEEP_MS } from '../routing/decision.ts';
import { mergedDecisions } from '../routing/feedback.ts';
import { type Learned, nothingLearned } from '../routing/learner.ts';
import { soundSnapshot } from '../routing/recovery.ts';
import type { Log, Runtime } from '../routing/runtime.ts';
import { createBackedStore } from '../stores/backed.ts';
import { createMemoryStore } from '../stores/memory.ts';
import { type DecisionLog, type HotStore, PINNED_LOG, type StateStore, StoreUnavailable } from '../stores/ports.ts';
import { within } from '../within.ts';
import type { Behind } from './behind.ts';
import { openFirst, openLater } from './open-behind.ts';

export interface Storage {
  state: StateStore;
  /** All decisions that are kept; those that the hot store has, where nothing stands behind it. */
  decisions: DecisionLog;
  /** Where what is learned outlives this process, in words; null where it does not. */
  keptIn: string | null;
  /** Null where nothing outlives the state store. */
  durable: (DurablePart & Required<Pick<DurablePart, 'learned'>>) | null;
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
  if (config.stores.durable === 'none') {
    const keptIn = hot.shared ? 'Redis' : null;
    const { close } = hot;
    return {
      state: hot,
      decisions: hot,
      keptIn,
      durable: null,
      learned: new Map(),
      late: noneLate,
      follow() {},
      close,
    };
  }
  let behind: Behind | null;
  try {
    behind = await openFirst(config, hot, runtime);
  } catch (error) {
    await hot.close();
    throw error;
  }
  return await putBehind(config, hot, behind, runtime);
}

/** `first` is null where it is not to be had yet: it is put behind once it is. */
async function putBehind(
  config: ConduitConfig,
  hot: HotStore,
  first: Behind | null,
  runtime: Runtime,
): Promise<Storage> {
  const { log } = runtime;
  let { routers } = config;
  let behind: Behind | null = null;
  let state: StateStore = hot;
  let unwatch = (): void => {};
  let closed = false;

  const attach = (opened: Behind): void => {
    const { archive, durable } = opened;
    behind = opened;
    state = createBackedStore({ hot, durable, flush: hot.shared ? null : archive.flush });
    unwatch = hot.watch(archive.grown);
    archive.follow(routers);
    opened.forward?.follow(routers);
    // What came before it was there.
    archive.grown(PINNED_LOG);
  };
  const attachLater = async (): Promise<LearnedByRouter> => {
    const opened = await openLater(config, hot, runtime, () => closed);
    if (!opened) return new Map();
    if (closed) {
      await opened.close();
      return new Map();
    }
    attach(opened);
    log.info({}, 'the durable store is there now, and gets what it missed');
    return await recover(opened, routers, hot, log);
  };

  if (first) attach(first);
  const recovering = first ? recover(first, routers, hot, log) : attachLater();
  const reviving = within(REVIVAL_MS, first ? first.revived.then(() => true) : Promise.resolve(true));
  const learned = await within(first ? RECOVERY_MS : 0, recovering);
  await reviving;
  if (learned === null && first) {
    log.warn({}, 'what was learned before is still being read: serving without until then');
  }
  return {
    // What it does itself it does in any case: a copy would go by how it is now.
    state: {
      ...hot,
      recall: (decisionId) => state.recall(decisionId),
      revise: (decision) => state.revise(decision),
      async confirm(decision) {
        // Where it was asked for, a memory is not where somebody was told that it is kept.
        if (!behind && config.stores.asked) throw notThere();
        await state.confirm(decision);
      },
    },
    decisions: { readKept: (...asked) => (behind?.durable ?? hot).readKept(...asked) },
    keptIn: first ? keptIn(config) : null,
    durable: {
      async isWell() {
        if (!behind) return config.stores.asked ? false : null;
        return behind.archive.isWell() && (behind.forward?.isWell() ?? true);
      },
      lagMs: () => (behind ? longest(behind.archive.lagMs(), behind.forward?.lagMs() ?? null) : null),
      async learned(router) {
        if (!behind) throw notThere();
        return await learnedBefore(router, behind);
      },
    },
    learned: learned ?? new Map(),
    late: learned === null ? recovering : noneLate,
    follow(next) {
      ({ routers } = next);
      behind?.archive.follow(routers);
      behind?.forward?.follow(routers);
    },
    async close() {
      closed = true;
      unwatch();
      await behind?.archive.close();
      await behind?.forward?.close();
      await hot.close();
      await behind?.close();
    },
  };
}

const longest = (one: number | null, other: number | null): number | null =>
  one === null ? other : Math.max(one, other ?? 0);

const keptIn = ({ stores }: ConduitConfig): string => (stores.durable === 'supabase' ? 'Supabase' : stores.folder);

const notThere = (): StoreUnavailable => new StoreUnavailable('the durable store is not there yet');

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
  behind: Behind,
  routers: ConduitConfig['routers'],
  hot: HotStore,
  log: Log,
): Promise<LearnedByRouter> {
  const all = new Map<string, Learned>();
  for (const router of routers.values()) {
    const learned = await untilRead(async () => {
      // What processes share is nearer to now than what was kept of it.
      if (hot.shared && (await isShared(hot, router))) return null;
      return await learnedBefore(router, behind);
    }, log);
    if (learned) all.set(router.name, learned);
  }
  behind.archive.begin();
  return all;
}

async function isShared({ shared }: HotStore, router: Router): Promise<boolean> {
  try {
    const { settings } = nothingLearned(router).fold;
    return shared !== null && (await soundSnapshot(shared.snapshots, router.name, settings)).found !== null;
  } catch {
    return false;
  }
}

/**
 * Where this machine's folder has no snapshot to begin with, as a new one has none, and none has that was made with another
 * half-life, what was forwarded from all machines is taken into it, with what it has itself and has not sent.
 */
async function learnedBefore(router: Router, { archive, forward }: Behind): Promise<Learned> {
  if (forward && !(await archive.hasSnapshot(router))) {
    const there = await forward.learned(router);
    if (there.fold.entries > 0) await archive.seed(router, there);
  }
  return await archive.learned(router);
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

async function untilRead<Value>(read: () => Promise<Value>, log: Log): Promise<Value> {
  for (let waitMs = FIRST_RETRY_MS, told = false; ; waitMs = Math.min(LONGEST_RETRY_MS, 2 * waitMs), told = true) {
    try {
      return await read();
    } catch (error) {
      const { message } = error as Error;
      if (!told) log.error({ problem: message }, 'what was learned before cannot be read: it is tried again');
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
    }
  }
}
