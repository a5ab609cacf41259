/** The durable store in a folder of this machine: SQLite, in a thread of its own, for one process at a time. */
import { pid } from 'node:process';
import { Worker } from 'node:worker_threads';
import { openCaller, type Thread, type ThreadEvents } from './embedded/caller.ts';
import type { Spent } from './embedded/cost-table.ts';
import type { Answer, ThreadData } from './embedded/messages.ts';
import { createPacker, type Packer, packAll, sharedRegion, unpack, unpackOne } from './embedded/packing.ts';
import type { DurableStore, Kept } from './ports.ts';

export { FolderInUse, FolderUnusable } from './embedded/failures.ts';

export interface EmbeddedStoreOptions {
  /** Created where it is missing, for this user alone. */
  folder: string;
  /** How long an answer is waited for. A disk may take seconds when it has much to write. */
  timeoutMs?: number;
}

export interface EmbeddedStore extends DurableStore {
  /** Tells this database from every other. */
  readonly id: string;
  /**
   * The latest decisions of all logs with the names under which they shall be found again, the latest first. `before`: the id
   * of the last one that was read already.
   */
  readLatest(limit: number, before?: string): Promise<Kept[]>;
  /** USD that answers to decisions made from this time on (milliseconds since 1970) have cost, by router and key. */
  spentSince(time: number): Promise<Spent[]>;
}

/** Compiled as this file is, or not. */
const THREAD = new URL(`./embedded/thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
/** In MB. A thread needs a few; one that needs far more has gone wrong, and dies alone. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64, stackSizeMb: 2 };

/** Rejects with `FolderInUse` or `FolderUnusable`; once it is open, calls reject with `StoreUnavailable`. */
export async function openEmbeddedStore({ folder, timeoutMs = 10_000 }: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const start = (events: ThreadEvents): Thread => startThread({ folder, pid }, events);
  const { call, close } = await openCaller({ folder, start, timeoutMs });
  /** Those of which the thread has read everything. */
  const idle: Packer[] = [];
  return {
    id: await call('identity', []),
    cursorOf: (log, feed) => call('cursorOf', [log, feed]),
    async ingest({ kept, ...batch }) {
      const packer = idle.pop() ?? createPacker(sharedRegion);
      const ingested = await call('ingest', [{ ...batch, kept: packAll(packer, kept) }]);
      // Where there was no answer the thread may be reading still.
      idle.push(packer);
      return ingested;
    },
    recall: async (decisionId) => unpackOne(await call('recall', [decisionId])),
    async readKept(log, cursor, limit, origin = cursor) {
      const { kept, ...read } = await call('readKept', [log, cursor, limit, origin]);
      return { kept: [...unpack(kept)], ...read };
    },
    snapshots: {
      read: (router) => call('readSnapshots', [router]),
      async put(router, snapshot) {
        // Of its own: with a part of a buffer all of it would travel.
        const bytes = snapshot.bytes.slice() as Uint8Array<ArrayBuffer>;
        return call('putSnapshot', [router, { ...snapshot, bytes }], [bytes.buffer]);
      },
      drop: (router) => call('dropSnapshots', [router]),
    },
    logs: () => call('logs', []),
    forget: (before) => call('forget', [before]),
    readLatest: async (limit, before) => [...unpack(await call('readLatest', [limit, before ?? null]))],
    spentSince: (time) => call('spentSince', [time]),
    isShared: false,
    close,
  };
}

function startThread(data: ThreadData, { onAnswer, onEnd }: ThreadEvents): Thread {
  const worker = new Worker(THREAD, {
    workerData: data,
    resourceLimits: LIMITS,
    // Nothing of the environment, which holds keys, is needed there.
    env: {},
    // Node 22 still calls its SQLite an experiment.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    name: 'embedded store',
  });
  let why = 'its thread has ended';
  worker.on('message', (answer: Answer) => onAnswer(answer));
  worker.on('error', (error: Error) => {
    why = `its thread has failed: ${error.message}`;
  });
  worker.on('exit', () => onEnd(why));
  return {
    send: (request, handedOver = []) => worker.postMessage(request, handedOver),
    stop: () => worker.terminate(),
  };
}
