/**
 * Keeps what is in a Redis in a durable store, a pass at a time: for Workers, where no process stays that could go on. With
 * gateways on Node at the same Redis whoever has the lease does it.
 */
import { foldToBytes } from '../bandit/fold-bytes.ts';
import type { Router } from '../config/resolve.ts';
import { keepPass, learnedBehind, leaveSnapshot, SNAPSHOT_DUE } from '../routing/archive-pass.ts';
import { nothingLearned } from '../routing/learner.ts';
import { type FoldAt, soundSnapshot } from '../routing/recovery.ts';
import type { Log } from '../routing/runtime.ts';
import { type DurableStore, type HotStore, PINNED_LOG, type SharedState, type Snapshot } from '../stores/ports.ts';

export interface DrainRedisOptions {
  hot: HotStore & { readonly shared: SharedState };
  sink: DurableStore;
  routers: ReadonlyMap<string, Router>;
  /** How long the sink keeps a decision, in milliseconds. */
  retentionMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Log;
}

/** The one of the archives of gateways on Node, and for as long. */
const LEASE = { name: 'archive', ms: 15_000 };
/** For how long new batches are begun: passes are a minute apart. */
const PASS_MS = 40_000;
/** Batches of one log before it is the others' turn, and the lease is taken again. */
const BATCHES_AT_ONCE = 8;
const FORGET_MS = 6 * 60 * 60 * 1_000;
/** In one pass, each a thousand decisions. */
const MOST_FORGOTTEN = 10;
const FORGETS = 'archive forgets';
/** Counts passes in a row that have failed; longer than from one to the next. */
const FAILED = { counter: 'archive passes failed', ms: 180_000 };

/** Never rejects: what fails is told in the log, once, and waits for the next pass. */
export async function drainRedis(options: DrainRedisOptions): Promise<void> {
  const { hot, log } = options;
  try {
    if (!(await mayKeep(options))) return;
    await keepAll(options);
    const failed = await failedPasses(hot);
    if (failed === 0) return;
    await hot.add(FAILED.counter, -failed, FAILED.ms);
    log.info({}, 'the durable store is back, and gets what it missed');
  } catch (error) {
    const { message } = error as Error;
    const failed = await hot.add(FAILED.counter, 1, FAILED.ms).catch(() => 1);
    if (failed > 1) return;
    log.error({ problem: message }, 'the durable store fails: what it misses waits until it is back');
  }
}

/** Whether the durable store took what a pass has last given it. */
export const isDrainedWell = async (hot: HotStore): Promise<boolean> => (await failedPasses(hot)) === 0;

/** Where there is no such counter, the one that this makes is gone at once. */
const failedPasses = (hot: HotStore): Promise<number> => hot.add(FAILED.counter, 0, 1);

const mayKeep = ({ hot }: DrainRedisOptions): Promise<boolean> => hot.shared.lease(LEASE.name, LEASE.ms);

async function keepAll(options: DrainRedisOptions): Promise<void> {
  const { routers, now } = options;
  const endsAt = now() + PASS_MS;
  await recoverAll(options);
  let left = [...routers.keys(), PINNED_LOG];
  while (left.length > 0 && now() < endsAt) {
    const more: string[] = [];
    for (const name of left) {
      if (!(await mayKeep(options))) return;
      if (!(await keepSome(name, options, endsAt))) more.push(name);
    }
    left = more;
  }
  if (left.length === 0) await forgetSome(options);
}

async function keepSome(name: string, options: DrainRedisOptions, endsAt: number): Promise<boolean> {
  const { hot, sink, routers, now, log } = options;
  let kept = 0;
  const isAll = await keepPass({
    name,
    source: hot,
    sink,
    feed: '',
    log,
    most: BATCHES_AT_ONCE,
    mayGoOn: () => now() < endsAt,
    onKept(cursor, entries) {
      kept = entries;
      // It only lets the log be shorter: the next time will do.
      hot.shared.drained(name, cursor).catch(() => {});
    },
  });
  const router = routers.get(name);
  if (router && kept > 0 && (await isSnapshotDue(name, kept, hot))) await leaveSnapshot(sink, router, log);
  return isAll;
}

/** With the first that are kept in so long, and with every so many. */
async function isSnapshotDue(name: string, kept: number, hot: HotStore): Promise<boolean> {
  const { decisions, ms } = SNAPSHOT_DUE;
  const counted = await hot.add(`archived:${name}`, kept, ms);
  return counted === kept || Math.floor(counted / decisions) > Math.floor((counted - kept) / decisions);
}

/** A Redis that is empty, as after it was lost, begins with what the durable store knows. */
async function recoverAll(options: DrainRedisOptions): Promise<void> {
  const { hot, routers, log } = options;
  const learned = new Map<string, Snapshot>();
  for (const router of routers.values()) {
    const snapshot = await missing(router, options);
    if (snapshot) learned.set(router.name, snapshot);
  }
  if (learned.size === 0) return;
  const names = [...learned.keys()];
  // All begin anew with one of them: those that lack nothing begin with what they have.
  for (const router of routers.values()) {
    const known = learned.has(router.name) ? null : await knownIn(hot.shared, router);
    if (known) learned.set(router.name, { cursor: known.cursor, bytes: foldToBytes(known.fold) });
  }
  await hot.shared.restart(learned);
  log.info({ routers: names }, 'a Redis that knew nothing of them has what the durable store knows');
}

/** What the durable store knows of a router of which this Redis knows nothing; null where it does, or there is nothing to know. */
async function missing(router: Router, { hot, sink, log }: DrainRedisOptions): Promise<Snapshot | null> {
  const cursor = await sink.cursorOf(router.name);
  if (cursor !== null && (await hot.readKept(router.name, cursor, 1)).gap !== 'other') return null;
  return (await knownIn(hot.shared, router)) ? null : await learnedBehind(sink, router, '', log);
}

async function knownIn({ snapshots }: SharedState, router: Router): Promise<FoldAt | null> {
  return (await soundSnapshot(snapshots, router.name, nothingLearned(router).fold.settings)).found;
}

/** By one pass in so long, or by the next ones, too, where there is much. What it taught must be in a snapshot by then. */
async function forgetSome({ hot, sink, routers, retentionMs, now, log }: DrainRedisOptions): Promise<void> {
  if ((await hot.add(FORGETS, 1, FORGET_MS)) > 1) return;
  for (const router of routers.values()) await leaveSnapshot(sink, router, log);
  for (let calls = 0; calls < MOST_FORGOTTEN; calls++) if ((await sink.forget(now() - retentionMs)) === 0) return;
  await hot.add(FORGETS, -1, FORGET_MS);
}
