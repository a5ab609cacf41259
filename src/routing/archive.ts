/**
 * Follows the logs of one store into another one: keeps what they hold in the durable store, folds along with it, and
 * leaves a snapshot there now and then, so that a process that starts need not read everything.
 */
import { type Fold, foldEntry } from '../bandit/fold.ts';
import { foldFromBytes, foldToBytes } from '../bandit/fold-bytes.ts';
import type { Router } from '../config/resolve.ts';
import {
  type DecisionLog,
  type DurableStore,
  type KeptSlice,
  LOG_START,
  PINNED_LOG,
  RejectedBatch,
} from '../stores/ports.ts';
import { type Learned, nothingLearned } from './learner.ts';
import { DAMAGED, entryOf, type FoldAt, foldKept, recoverFold } from './recovery.ts';
import type { Runtime } from './runtime.ts';

export interface Archive {
  /** Tells that the logs have grown: what is new is kept within a moment. */
  grown(): void;
  /** Keeps everything that the logs hold now; rejects where it cannot be kept. */
  flush(): Promise<void>;
  /** What the router's decisions have taught, with the cursor of the followed log up to which that goes. */
  learned(router: Router): Promise<Learned>;
  /** Begins with what was learned elsewhere, where this has nothing of the router yet. */
  seed(router: Router, fold: Fold): Promise<void>;
  /** Takes the routers of another config. */
  follow(routers: ReadonlyMap<string, Router>): void;
  /** Whether the durable store took what it was last given. */
  isWell(): boolean;
  /** Keeps what is new, leaves a snapshot of it, and ends. Never rejects. */
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

/**
 * Decisions that are kept with one wait: to a process of this machine so few that requests wait about a millisecond behind
 * them, and not fewer, since each wait has a price of its own.
 */
const BATCH = { own: 150, shared: 250 };
/** How soon what has grown is looked at. Whatever comes in between goes with it. */
const SOON_MS = 250;
/** Growth that nobody told of is found, and what failed is tried again at the latest. */
const LOOK_MS = 5_000;
const RETRY_MS = 500;
/** A snapshot is due after so many decisions or, if there are any, after so long: less often where it travels far. */
const SNAPSHOT = { decisions: 10_000, ownMs: 60_000, sharedMs: 600_000 };
const FORGET_MS = 60 * 60 * 1_000;

interface Followed {
  /** Up to where the log is kept; undefined while the sink has not been asked. */
  cursor: string | null | undefined;
  /** What it has taught, up to a cursor of the sink's own log; null until that has been read. */
  learned: FoldAt | null;
  halfLifeMs: number | null;
  sinceSnapshot: number;
  snapshotAt: number;
  /** Where one of a batch cannot be kept, they are kept one by one until it is behind. */
  cautious: boolean;
}

export function createArchive(options: ArchiveOptions): Archive {
  const { source, sink, feed = '', retentionMs, runtime, mayKeep = async () => true, onKept } = options;
  const { log } = runtime;
  const batch = sink.isShared ? BATCH.shared : BATCH.own;
  const followed = new Map<string, Followed>();
  let { routers } = options;
  let running: Promise<void> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let well = true;
  let closed = false;
  let forgetAt = runtime.now();

  const followedLog = (name: string): Followed => {
    const halfLifeMs = routers.get(name)?.halfLifeMs ?? null;
    let one = followed.get(name);
    if (!one) {
      const snapshotAt = runtime.now();
      one = { cursor: undefined, learned: null, halfLifeMs, sinceSnapshot: 0, snapshotAt, cautious: false };
      followed.set(name, one);
    }
    if (one.halfLifeMs !== halfLifeMs) Object.assign(one, { learned: null, halfLifeMs });
    return one;
  };

  const emptyFold = (router: Router) => (): Fold => nothingLearned(router).fold;

  /** A fold that another process has added to is read anew. */
  const learnedOf = async (router: Router): Promise<FoldAt> => {
    const one = followedLog(router.name);
    if (one.learned) return one.learned;
    const { refused, ...learned } = await recoverFold(sink, router.name, emptyFold(router));
    if (refused > 0) log.error({ router: router.name, refused }, DAMAGED);
    one.learned = learned;
    one.snapshotAt = runtime.now();
    return learned;
  };

  const keepLog = async (name: string): Promise<void> => {
    const router = routers.get(name);
    // Before anything is added: what is added is folded behind it.
    if (router) await learnedOf(router);
    const one = followedLog(name);
    if (one.cursor === undefined) one.cursor = await sink.cursorOf(name, feed);
    for (;;) {
      const slice = await source.readKept(name, one.cursor ?? LOG_START, one.cautious ? 1 : batch);
      if (slice.gap === 'trimmed') {
        log.error({ router: name }, 'decisions are not in the durable store: they came faster than it took them');
      }
      if (slice.cursor === (one.cursor ?? LOG_START)) break;
      await keepSlice(name, one, slice);
    }
    if (one.cursor !== null) onKept?.(name, one.cursor);
    if (router) await leaveSnapshot(router, one);
  };

  const keepSlice = async (name: string, one: Followed, slice: KeptSlice): Promise<void> => {
    const { kept, cursor } = slice;
    const after = one.cursor ?? null;
    const ingested = await sink.ingest({ log: name, feed, after, cursor, kept }).catch(async (error) => {
      if (!(error instanceof RejectedBatch)) throw error;
      if (kept.length > 1) {
        one.cautious = true;
        return null;
      }
      log.error({ err: error, decision: kept[0]?.decision.id }, 'a decision cannot be kept in the durable store');
      return await sink.ingest({ log: name, feed, after, cursor, kept: [] });
    });
    if (ingested === null) return;
    if (ingested.outcome === 'moved') {
      one.cursor = ingested.cursor;
      one.learned = null;
      return;
    }
    one.cursor = cursor;
    one.cautious = false;
    one.sinceSnapshot += kept.length;
    const { learned } = one;
    if (!learned) return;
    // Another process has added to the sink's log: its decisions come first.
    if (ingested.before !== learned.cursor) {
      one.learned = (await foldKept(learned, sink, name)) ? learned : null;
      return;
    }
    for (const each of kept) {
      const entry = entryOf(each);
      if (entry) foldEntry(learned.fold, entry);
    }
    learned.cursor = ingested.at;
  };

  const leaveSnapshot = async ({ name }: Router, one: Followed, now = false): Promise<void> => {
    const waited = runtime.now() - one.snapshotAt;
    const due = waited >= (sink.isShared ? SNAPSHOT.sharedMs : SNAPSHOT.ownMs);
    if (!one.learned || one.sinceSnapshot === 0) return;
    if (!now && !due && one.sinceSnapshot < SNAPSHOT.decisions) return;
    const { fold, cursor } = one.learned;
    one.sinceSnapshot = 0;
    one.snapshotAt = runtime.now();
    await sink.snapshots.put(name, { cursor, bytes: foldToBytes(fold) });
  };

  const forget = async (): Promise<void> => {
    if (runtime.now() < forgetAt) return;
    forgetAt = runtime.now() + FORGET_MS;
    while ((await sink.forget(runtime.now() - retentionMs)) > 0);
  };

  const keepAll = async (): Promise<void> => {
    try {
      if (!(await mayKeep())) return;
      for (const name of [...routers.keys(), PINNED_LOG]) await keepLog(name);
      await forget();
      if (!well) log.info({}, 'the durable store is back, and has what it missed');
      well = true;
    } catch (error) {
      // Once, not once a try.
      if (well) log.error({ err: error }, 'the durable store fails: what it misses waits until it is back');
      well = false;
      throw error;
    }
  };

  /** In turn: whoever asks gets a turn that begins after they asked. */
  const turn = (): Promise<void> => {
    const next = running.then(keepAll, keepAll);
    running = next.catch(() => {});
    return next;
  };

  const keepSoon = (ms: number): void => {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      turn().catch(() => keepSoon(RETRY_MS));
    }, ms);
    (timer as { unref?: () => void }).unref?.();
  };
  const looking = setInterval(() => keepSoon(0), LOOK_MS);
  (looking as { unref?: () => void }).unref?.();

  return {
    grown: () => keepSoon(SOON_MS),
    flush: turn,
    async learned(router) {
      // Where nothing can be kept now, what is kept already can still be read.
      await turn().catch(() => {});
      const { fold } = await learnedOf(router);
      const { cursor } = followedLog(router.name);
      return { fold: copyOf(fold), cursor: cursor ?? LOG_START, halfLifeMs: router.halfLifeMs };
    },
    async seed(router, fold) {
      await sink.snapshots.put(router.name, { cursor: LOG_START, bytes: foldToBytes(fold) });
      followedLog(router.name).learned = null;
    },
    follow(next) {
      routers = next;
    },
    isWell: () => well,
    async close() {
      closed = true;
      clearInterval(looking);
      clearTimeout(timer);
      try {
        await turn();
        for (const router of routers.values()) await leaveSnapshot(router, followedLog(router.name), true);
      } catch {
        // Told already.
      }
    },
  };
}

const copyOf = (fold: Fold): Fold => foldFromBytes(foldToBytes(fold)) as Fold;
