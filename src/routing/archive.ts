/**
 * Follows the logs of one store into another one: keeps what they hold in the durable store, folds along with it, and
 * leaves a snapshot there now and then, so that a process that starts need not read everything.
 */
import { foldToBytes } from '../bandit/fold-bytes.ts';
import type { Router } from '../config/resolve.ts';
import { type DecisionLog, type DurableStore, LOG_START, PINNED_LOG } from '../stores/ports.ts';
import { type Followed, newFollowed } from './followed.ts';
import { keepLog } from './keep-log.ts';
import { type Learned, nothingLearned } from './learner.ts';
import { DAMAGED, type FoldAt, foldKept, recoverFold, soundSnapshot } from './recovery.ts';
import type { Runtime } from './runtime.ts';

export interface Archive {
  /** Tells that a log has grown: what is new is kept within a moment. */
  grown(log: string): void;
  /** Keeps everything that the logs hold now; rejects where it cannot be kept. */
  flush(): Promise<void>;
  /** What the router's decisions have taught, with the cursor of the followed log up to which that goes. */
  learned(router: Router): Promise<Learned>;
  /** Whether a start can go by what is here: a snapshot that is sound and of these settings. */
  hasSnapshot(router: Router): Promise<boolean>;
  /** Begins with what was learned elsewhere in the place of every snapshot; what stands behind it here is folded onto it. */
  seed(router: Router, learned: FoldAt): Promise<void>;
  /** From now on snapshots are left: what is here is all that there is to know. */
  begin(): void;
  /** Takes the routers of another config. */
  follow(routers: ReadonlyMap<string, Router>): void;
  /** Whether the durable store took what it was last given. */
  isWell(): boolean;
  /** For how long not everything has been kept, in milliseconds: 0 while it is; null where another process keeps it. */
  lagMs(): number | null;
  /** Keeps what is new and only here, leaves a snapshot of it, and ends, within some seconds. Never rejects. */
  close(): Promise<void>;
}

export interface ArchiveOptions {
  source: DecisionLog;
  sink: DurableStore;
  routers: ReadonlyMap<string, Router>;
  /** How long the sink keeps a decision, in milliseconds. */
  retentionMs: number;
  runtime: Runtime;
  /** Whose logs these are, where several machines keep theirs in one sink. */
  feed?: string;
  /** Whether this process is the one that keeps now; left out where it is the only one. */
  mayKeep?: () => Promise<boolean>;
  /** Told once everything up to a cursor is kept. */
  onKept?: (log: string, cursor: string) => void;
}

/** Decisions that are kept with one wait: to a process of this machine few, so that nobody waits behind them. */
const BATCH = { own: 150, shared: 250 };
/** Batches of one log before it is the others' turn. */
const BATCHES_AT_ONCE = 8;
/** How soon what has grown is looked at. Whatever comes in between goes with it. */
const SOON_MS = 250;
/** Growth that nobody told of is found, and what failed is tried again at the latest. */
const LOOK_MS = 5_000;
const RETRY_MS = 500;
/** A snapshot is due after so many decisions or, if there are any, after so long: less often where it travels far. */
const SNAPSHOT = { decisions: 10_000, ownMs: 60_000, sharedMs: 600_000 };
const FORGET_MS = 60 * 60 * 1_000;
/** How long after another config nothing is forgotten. */
const SETTLE_MS = 10_000;
/** What ending may take: of what only this process has all of it, of what is on a disk or in Redis no more. */
const CLOSE_MS = { own: 10_000, shared: 2_000 };

export function createArchive(options: ArchiveOptions): Archive {
  const { source, sink, feed = '', retentionMs, runtime, mayKeep = async () => true, onKept } = options;
  const { log } = runtime;
  const batch = sink.isShared ? BATCH.shared : BATCH.own;
  const followed = new Map<string, Followed>();
  /** Logs that were told of: also those of routers that the config no longer has. */
  const told = new Set<string>();
  /** Since when a log has grown beyond what is kept of it, in milliseconds since 1970. */
  const waiting = new Map<string, number>();
  let { routers } = options;
  let running: Promise<unknown> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let well = true;
  let isKeeper = true;
  let begun = false;
  let endsAt = Number.POSITIVE_INFINITY;
  let forgetAt = runtime.now();

  const followedLog = (name: string): Followed => {
    const halfLifeMs = routers.get(name)?.halfLifeMs ?? null;
    let one = followed.get(name);
    if (!one) {
      one = newFollowed(halfLifeMs, runtime.now());
      followed.set(name, one);
    }
    if (one.halfLifeMs !== halfLifeMs) Object.assign(one, { learned: null, halfLifeMs });
    return one;
  };

  /** A fold that another process has added to is read anew. */
  const learnedOf = async (router: Router): Promise<FoldAt> => {
    const one = followedLog(router.name);
    if (one.learned) return one.learned;
    const { refused, behind, ...learned } = await recoverFold(sink, router.name, () => nothingLearned(router).fold);
    if (refused > 0) log.error({ router: router.name, refused }, DAMAGED);
    one.learned = learned;
    one.snapshotAt = runtime.now();
    one.sinceSnapshot = behind;
    return learned;
  };

  const mayGoOn = (): boolean => runtime.now() < endsAt;

  /** True once all that the log held is kept; false where it is the others' turn, or time to end. */
  const keepSome = async (name: string): Promise<boolean> => {
    const router = routers.get(name);
    // Before anything is added: what is added is folded behind it.
    if (router) await learnedOf(router);
    const one = followedLog(name);
    const isAll = await keepLog({ name, one, source, sink, feed, log, batch, most: BATCHES_AT_ONCE, mayGoOn });
    if (one.cursor) onKept?.(name, one.cursor);
    if (router) await leaveSnapshot(router, one);
    return isAll;
  };

  const leaveSnapshot = async ({ name }: Router, one: Followed, now = false): Promise<void> => {
    if (!begun || !one.learned || one.sinceSnapshot === 0) return;
    const due = runtime.now() - one.snapshotAt >= (sink.isShared ? SNAPSHOT.sharedMs : SNAPSHOT.ownMs);
    if (!now && !due && one.sinceSnapshot < SNAPSHOT.decisions) return;
    const { fold, cursor } = one.learned;
    one.sinceSnapshot = 0;
    one.snapshotAt = runtime.now();
    await sink.snapshots.put(name, { cursor, bytes: foldToBytes(fold) });
  };

  /** What has grown before is no longer waited for once all of it is kept. */
  const keepInTime = async (name: string): Promise<boolean> => {
    const since = waiting.get(name);
    waiting.delete(name);
    let isAll = false;
    try {
      isAll = await keepSome(name);
    } finally {
      if (!isAll && since !== undefined) waiting.set(name, since);
    }
    return isAll;
  };

  const leaveAllSnapshots = async (): Promise<void> => {
    for (const router of routers.values()) await leaveSnapshot(router, followedLog(router.name), true);
  };

  /** Some at a time, since others wait. What was learned of them must be in a snapshot by then. */
  const forgetSome = async (): Promise<void> => {
    if (!begun || runtime.now() < forgetAt) return;
    await leaveAllSnapshots();
    if ((await sink.forget(runtime.now() - retentionMs)) === 0) forgetAt = runtime.now() + FORGET_MS;
    else keepSoon(SOON_MS);
  };

  const keepAll = async (): Promise<void> => {
    try {
      let left: Iterable<string> = new Set([...routers.keys(), PINNED_LOG, ...told]);
      for (let names = [...left]; names.length > 0 && mayGoOn(); names = [...left]) {
        // Asked again in each round: a backlog takes longer than it is given.
        isKeeper = await mayKeep();
        if (!isKeeper) return waiting.clear();
        const more = new Set<string>();
        for (const name of names) if (!(await keepInTime(name))) more.add(name);
        left = more;
      }
      await forgetSome();
      if (!well) log.info({}, 'the durable store is back, and has what it missed');
      well = true;
    } catch (error) {
      // Once, not once a try.
      if (well) {
        const { message } = error as Error;
        log.error({ problem: message }, 'the durable store fails: what it misses waits until it is back');
      }
      well = false;
      throw error;
    }
  };

  /** In turn: whoever asks gets a turn that begins after they asked. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const next = running.then(work, work);
    running = next.catch(() => {});
    return next;
  };
  const turn = (): Promise<void> => inTurn(keepAll);

  const keepSoon = (ms: number): void => {
    if (timer !== undefined || endsAt < Number.POSITIVE_INFINITY) return;
    timer = setTimeout(() => {
      timer = undefined;
      turn().catch(() => keepSoon(RETRY_MS));
    }, ms);
    (timer as { unref?: () => void }).unref?.();
  };
  const looking = setInterval(() => keepSoon(0), LOOK_MS);
  (looking as { unref?: () => void }).unref?.();

  return {
    grown(name) {
      told.add(name);
      if (!waiting.has(name)) waiting.set(name, runtime.now());
      keepSoon(SOON_MS);
    },
    flush: turn,
    async learned(router) {
      // Where nothing can be kept now, what is kept already can still be read.
      await turn().catch(() => {});
      return await inTurn(async () => {
        const one = followedLog(router.name);
        // Another process may be the one that keeps. Its cursor first: what comes in between is then known twice, not never.
        if (sink.isShared || one.cursor === undefined) one.cursor = await sink.cursorOf(router.name, feed);
        let at = await learnedOf(router);
        if (sink.isShared && !(await foldKept(at, sink, router.name))) {
          one.learned = null;
          at = await learnedOf(router);
        }
        return { fold: structuredClone(at.fold), cursor: one.cursor ?? LOG_START, halfLifeMs: router.halfLifeMs };
      });
    },
    hasSnapshot: (router) =>
      inTurn(async () => {
        const { found, refused } = await soundSnapshot(
          sink.snapshots,
          router.name,
          nothingLearned(router).fold.settings,
        );
        if (refused > 0) log.error({ router: router.name, refused }, DAMAGED);
        return found !== null;
      }),
    seed: ({ name }, { fold, cursor }) =>
      inTurn(async () => {
        await sink.snapshots.drop(name);
        await sink.snapshots.put(name, { cursor, bytes: foldToBytes(fold) });
        followedLog(name).learned = null;
      }),
    begin() {
      begun = true;
    },
    follow(next) {
      const isChanged = [...next].some(([name, { halfLifeMs }]) => halfLifeMs !== routers.get(name)?.halfLifeMs);
      // Forgetting leaves snapshots, and one of what is only here must not come before what is known elsewhere is asked for.
      if (isChanged) forgetAt = Math.max(forgetAt, runtime.now() + SETTLE_MS);
      routers = next;
    },
    isWell: () => well,
    lagMs: () => (isKeeper ? Math.max(0, ...[...waiting.values()].map((since) => runtime.now() - since)) : null),
    async close() {
      endsAt = runtime.now() + (sink.isShared ? CLOSE_MS.shared : CLOSE_MS.own);
      clearInterval(looking);
      clearTimeout(timer);
      try {
        await turn();
        await inTurn(leaveAllSnapshots);
      } catch {
        // Told already.
      }
    },
  };
}
