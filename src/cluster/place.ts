/** One worker's place: whoever dies there is followed by another, the sooner the longer it has lived. */
import cluster, { type Worker } from 'node:cluster';
import type { ConduitConfig } from '../config/resolve.ts';
import type { LearnedByRouter } from '../http/gateway.ts';
import { added, lasting } from '../metrics/exposition.ts';
import type { MetricFamily } from '../metrics/request-metrics.ts';
import type { Log } from '../routing/runtime.ts';
import { type Channel, type ServedStore, serveStore } from '../stores/channel.ts';
import { within } from '../within.ts';
import type { FromPrimary, Order, Report } from './messages.ts';

export interface Place {
  /** The first worker's URL once it listens; rejects where it cannot. */
  listening: Promise<string>;
  isAlive(): boolean;
  /** Resolves when the worker goes by the config of now. One that cannot is replaced. Never rejects. */
  reload(learned: LearnedByRouter): Promise<void>;
  /** Tells the worker what was learned before, where that was found only now. */
  adopt(learned: LearnedByRouter): void;
  /**
   * What the workers of this place have counted: of those that died what they had told last. A worker that does not answer in time
   * counts as it did when it was last asked. Never rejects.
   */
  counted(): Promise<MetricFamily[][]>;
  /** Lets the worker finish what is in flight; resolves when it is gone. */
  end(): Promise<void>;
  /** Ends the worker at once; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface PlaceOptions {
  /** The config of now. */
  config: () => ConduitConfig;
  store: ServedStore;
  /** What a new worker is told, as it is now; `soon` resolves when it is worth being told, and never rejects. */
  shared: { soon: () => Promise<void>; now: () => FromPrimary | null };
  log: Log;
  onExit: () => void;
}

/** A worker drains for 30 s at most, and writes for a few more; whatever has not gone by then hangs. */
const END_MS = 50_000;
const RELOAD_MS = 10_000;
/** Whoever asks for metrics waits for ten seconds, mostly. */
const COUNT_MS = 1_000;
const BACK_OFF_MS = { first: 100, longest: 10_000 };
/** A worker that lived so long did not die of how it was started. */
const STEADY_MS = 60_000;

export function createPlace({ config, store, shared, log, onExit }: PlaceOptions): Place {
  const listening = Promise.withResolvers<string>();
  let worker: Worker | null = null;
  /** Whether the worker has been told what to serve. */
  let told = false;
  let gone = Promise.resolve();
  let hasListened = false;
  let ending = false;
  let deathsInARow = 0;
  let successor: NodeJS.Timeout | undefined;
  let reloaded = Promise.withResolvers<void>();
  /** Of the worker of now, as it was last told; and of those before it. */
  let lastCounted: MetricFamily[] | null = null;
  let departed: MetricFamily[] = [];
  let counting = Promise.withResolvers<MetricFamily[]>();

  const order = (message: Order): void => {
    // Where the worker dies meanwhile its successor gets the config of now.
    if (worker?.isConnected()) worker.send(message, () => {});
  };

  const serve = async (): Promise<void> => {
    if (ending) return order({ kind: 'end' });
    const asking = worker;
    await shared.soon();
    // Another one has its place: that one asks for itself.
    if (worker !== asking) return;
    // As it all is at this moment: what changes from now on the worker is told.
    told = true;
    order({ kind: 'serve', config: config(), shared: shared.now() });
  };

  /** It dies, and whoever follows it gets the config of now. */
  const replace = (why: string): void => {
    log.error({ worker: worker?.process.pid, said: why }, 'a worker cannot go by the config of now: it is replaced');
    worker?.process.kill('SIGKILL');
  };

  const onReport = (report: Report, pid: number | undefined): void => {
    if (report.kind === 'ready') {
      serve().catch((error) => replace(`it cannot be told what to serve: ${(error as Error).message}`));
    }
    if (report.kind === 'listening') {
      if (hasListened) log.info({ worker: pid }, 'a worker serves again');
      hasListened = true;
      listening.resolve(report.url);
    }
    if (report.kind === 'failed') {
      if (hasListened) log.error({ worker: pid, said: report.message }, 'a worker cannot listen');
      listening.reject(Object.assign(new Error(report.message), { code: report.code }));
    }
    if (report.kind === 'counted') {
      lastCounted = report.families;
      counting.resolve(report.families);
      counting = Promise.withResolvers();
    }
    if (report.kind === 'reloaded' && report.failure === null) reloaded.resolve();
    if (report.kind === 'reloaded' && report.failure !== null) replace(report.failure);
  };

  const onDeath = (startedAt: number, fields: object): void => {
    worker = null;
    if (lastCounted) departed = added([departed, lasting(lastCounted)]);
    lastCounted = null;
    reloaded.resolve();
    onExit();
    listening.reject(new Error('a worker ended before it could listen'));
    if (ending || !hasListened) return;
    if (performance.now() - startedAt >= STEADY_MS) deathsInARow = 0;
    const waitMs = Math.min(BACK_OFF_MS.longest, BACK_OFF_MS.first * 2 ** deathsInARow++);
    log.error({ ...fields, again_in_ms: waitMs }, 'a worker died: it is replaced');
    successor = setTimeout(start, waitMs);
  };

  const start = (): void => {
    const startedAt = performance.now();
    const born = cluster.fork();
    const { pid } = born.process;
    worker = born;
    told = false;
    serveStore(store, channelTo(born));
    born.on('message', (report: Report) => onReport(report, pid));
    born.on('error', (error) => {
      // Whoever ends, or never came so far as to listen, may well be gone before it has heard what it is told.
      if (hasListened && !ending) log.error({ err: error, worker: pid }, 'a worker cannot be reached');
    });
    gone = new Promise((resolve) => {
      born.once('exit', (code, signal) => {
        onDeath(startedAt, { worker: pid, code, signal });
        resolve();
      });
    });
  };
  start();

  const kill = async (): Promise<void> => {
    ending = true;
    clearTimeout(successor);
    worker?.process.kill('SIGKILL');
    await gone;
  };

  return {
    listening: listening.promise,
    isAlive: () => worker !== null,
    async reload(learned) {
      if (!worker) return;
      reloaded = Promise.withResolvers();
      const late = setTimeout(() => replace(`no answer within ${RELOAD_MS} ms`), RELOAD_MS);
      order({ kind: 'reload', config: config(), learned });
      await reloaded.promise;
      clearTimeout(late);
    },
    adopt(learned) {
      if (told) order({ kind: 'adopt', learned });
    },
    async counted() {
      const told = counting.promise;
      order({ kind: 'count' });
      const now = worker && ((await within(COUNT_MS, told)) ?? lastCounted);
      return now ? [departed, now] : [departed];
    },
    async end() {
      ending = true;
      clearTimeout(successor);
      const late = setTimeout(() => void kill(), END_MS);
      order({ kind: 'end' });
      await gone;
      clearTimeout(late);
    },
    kill,
  };
}

const channelTo = (worker: Worker): Channel => ({
  send(message) {
    if (!worker.isConnected()) throw new Error('the worker is gone');
    worker.send(message as object, () => {});
  },
  onMessage: (listener) => void worker.on('message', listener),
  onClose: (listener) => void worker.once('disconnect', listener),
});
