/**
 * What was learned, as isolates begin with it, in the cache of their data centre for a minute: the store that has it may be on
 * another continent, and it may be some megabytes. What came since is read from the store all the same.
 */
import type { LogSlice, SharedState, Snapshot, StateStore } from '../stores/ports.ts';

/** What is used of the platform's `Cache`. */
export interface DataCentreCache {
  match(address: string): Promise<Response | undefined>;
  put(address: string, response: Response): Promise<void>;
}

export interface SnapshotCacheOptions {
  /** Each time anew, since what it gives belongs to the request that asks. */
  open: () => Promise<DataCentreCache>;
  /** Where a router's is, and what is of another release, other settings or another gateway is not. */
  addressOf: (router: string) => string;
  /** Entries that whoever learns reads at once. */
  readAtOnce: number;
  /** Milliseconds since 1970. */
  now: () => number;
  defer: (work: Promise<unknown>) => void;
}

/** A store that keeps snapshots for others. */
type Shared = StateStore & { readonly shared: SharedState };

const FRESH_MS = 60_000;
const CURSOR = 'x-conduit-cursor';
const KEPT_AT = 'x-conduit-kept-at';

/** The cache is asked by an isolate that begins with a router, and never again: who has found a gap asks for the latest. */
export function withSnapshotCache(store: Shared, options: SnapshotCacheOptions): Shared {
  const { open, addressOf, readAtOnce, now, defer } = options;
  const { snapshots } = store.shared;
  const begun = new Set<string>();
  /** Behind a snapshot of the cache, to be read next. */
  const ahead = new Map<string, { from: string; slice: LogSlice }>();

  /** Null where there is none that is fresh. Never rejects: it is a short cut. */
  const cached = async (router: string): Promise<Snapshot | null> => {
    try {
      const response = await (await open()).match(addressOf(router));
      const cursor = response?.headers.get(CURSOR);
      if (!response || !cursor) return null;
      const age = now() - Number(response.headers.get(KEPT_AT));
      // Whatever the zone says of how long answers are kept.
      if (!(age >= 0 && age <= FRESH_MS)) return null;
      return { cursor, bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch {
      return null;
    }
  };

  const keep = async (router: string, { cursor, bytes }: Snapshot): Promise<void> => {
    const headers = {
      'cache-control': `max-age=${FRESH_MS / 1_000}`,
      [CURSOR]: cursor,
      [KEPT_AT]: String(now()),
    };
    try {
      await (await open()).put(addressOf(router), new Response(bytes as Uint8Array<ArrayBuffer>, { headers }));
    } catch {
      // The next isolate asks the store, as this one did.
    }
  };

  return {
    ...store,
    async readSince(router, cursor, limit) {
      const read = ahead.get(router);
      ahead.delete(router);
      return read?.from === cursor && limit === readAtOnce ? read.slice : await store.readSince(router, cursor, limit);
    },
    shared: {
      ...store.shared,
      snapshots: {
        ...snapshots,
        async read(router) {
          if (begun.has(router)) return await snapshots.read(router);
          begun.add(router);
          const near = await cached(router);
          if (near) {
            const slice = await store.readSince(router, near.cursor, readAtOnce);
            // Else it is of a log that is no longer there, or has been cut since.
            if (slice.gap === null) {
              ahead.set(router, { from: near.cursor, slice });
              return [near];
            }
          }
          const all = await snapshots.read(router);
          if (all[0]) defer(keep(router, all[0]));
          return all;
        },
      },
    },
  };
}
