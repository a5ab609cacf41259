/** What replicas share beside decisions: snapshots of what was learned, leases, and how far a durable store has come. */
import type { SharedState } from '../ports.ts';
import type { Connection } from './connection.ts';
import { cursorAt, readCursor } from './cursors.ts';
import { EPOCH_KEY, leaseKey, marksKey, snapshotsKey } from './keys.ts';

export interface SharedOptions {
  connection: Pick<Connection, 'run' | 'call'>;
  /** The epoch that a Redis without one gets: another one each time, since it may lose one and get one from the same process. */
  newEpoch: () => string;
  seenEpoch: (epoch: string) => void;
  /** Tells this process from all others. */
  owner: string;
  /** Told when a router has another snapshot. */
  onSnapshot: (router: string) => void;
}

export function createShared({ connection, newEpoch, seenEpoch, owner, onSnapshot }: SharedOptions): SharedState {
  return {
    snapshots: {
      async read(router) {
        const fields = ['latest', 'latest bytes', 'older', 'older bytes'];
        const found = await connection.call('hmget', snapshotsKey(router), ...fields);
        const [latest, latestBytes, older, olderBytes] = found as (Buffer | null)[];
        return [
          { cursor: latest, bytes: latestBytes },
          { cursor: older, bytes: olderBytes },
        ].flatMap(({ cursor, bytes }) => (cursor && bytes ? { cursor: cursor.toString(), bytes } : []));
      },

      async put(router, { cursor, bytes }) {
        const { epoch, place } = readCursor(cursor);
        if (epoch === null) return false;
        const answer = await connection.run(
          'conduitPutSnapshot',
          [EPOCH_KEY, snapshotsKey(router)],
          [newEpoch(), epoch, cursorAt(epoch, place), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)],
        );
        const [present, kept] = answer as [Buffer, number];
        seenEpoch(present.toString());
        if (kept !== 1) return false;
        onSnapshot(router);
        return true;
      },
    },

    async lease(name, ttlMs) {
      return (await connection.run('conduitLease', [leaseKey(name)], [owner, Math.ceil(ttlMs)])) === 1;
    },

    async drained(log, cursor) {
      const { epoch, place } = readCursor(cursor);
      if (epoch === null) return;
      await connection.run('conduitMarkDrained', [EPOCH_KEY, marksKey(log)], [newEpoch(), epoch, place]);
    },
  };
}
