/** What replicas share beside decisions: snapshots of what was learned, leases, a secret, and how far a durable store has come. */
import { type SharedState, type Snapshot, StoreUnavailable } from '../ports.ts';
import type { Connection } from './connection.ts';
import { cursorAt, FIRST_PLACE, readCursor } from './cursors.ts';
import { EPOCH_KEY, foldKey, GROWN_CHANNEL, leaseKey, marksKey, SECRET_KEY, snapshotsKey } from './keys.ts';

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

/**
 * A snapshot is megabytes, and travels in pieces: each is answered in time on a slow line too, and others are not held up
 * behind all of it.
 */
const PIECE_BYTES = 128 * 1_024;
/** How long the pieces of one are kept that nobody puts together. */
const PIECES_MS = 60_000;

export function createShared({ connection, newEpoch, seenEpoch, owner, onSnapshot }: SharedOptions): SharedState {
  let sent = 0;

  const send = async (key: string, bytes: Buffer): Promise<void> => {
    await connection.call('set', key, bytes.subarray(0, PIECE_BYTES), 'PX', PIECES_MS);
    for (let at = PIECE_BYTES; at < bytes.length; at += PIECE_BYTES) {
      await connection.call('append', key, bytes.subarray(at, at + PIECE_BYTES));
    }
  };

  const receive = async (key: string): Promise<Buffer> => {
    const length = Number(await connection.call('strlen', key));
    const pieces: Buffer[] = [];
    for (let at = 0; at < length; at += PIECE_BYTES) {
      pieces.push((await connection.call('getrange', key, at, at + PIECE_BYTES - 1)) as Buffer);
    }
    return Buffer.concat(pieces);
  };

  return {
    leavesSnapshots: false,
    snapshots: {
      async read(router) {
        const cursors = await connection.call('hmget', snapshotsKey(router), 'latest', 'older');
        const snapshots: Snapshot[] = [];
        for (const cursor of (cursors as (Buffer | null)[]).flatMap((one) => one?.toString() ?? [])) {
          snapshots.push({ cursor, bytes: await receive(foldKey(router, cursor)) });
        }
        return snapshots;
      },

      async put(router, { cursor, bytes }) {
        const { epoch, place } = readCursor(cursor);
        if (epoch === null) return false;
        const [from, to] = [foldKey(router, `${owner}:${sent++}`), foldKey(router, cursorAt(epoch, place))];
        await send(from, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
        const answer = await connection.run(
          'conduitPutSnapshot',
          [EPOCH_KEY, snapshotsKey(router), from, to],
          [newEpoch(), epoch, cursorAt(epoch, place), foldKey(router, '')],
        );
        const [present, kept] = answer as [Buffer, number];
        seenEpoch(present.toString());
        if (kept < 0) throw new StoreUnavailable('the snapshot took too long');
        if (kept !== 1) return false;
        onSnapshot(router);
        return true;
      },

      async drop(router) {
        const cursors = (await connection.call('hvals', snapshotsKey(router))) as Buffer[];
        const folds = cursors.map((cursor) => foldKey(router, cursor.toString()));
        await connection.call('del', snapshotsKey(router), ...folds);
      },
    },

    async lease(name, ttlMs) {
      return (await connection.run('conduitLease', [leaseKey(name)], [owner, Math.ceil(ttlMs)])) === 1;
    },

    async secret(proposed) {
      if ((await connection.call('set', SECRET_KEY, proposed, 'NX')) !== null) return proposed;
      const kept = (await connection.call('get', SECRET_KEY)) as Buffer | null;
      if (kept === null) throw new StoreUnavailable('the secret in Redis has just gone');
      return kept.toString();
    },

    async restart(snapshots) {
      const present = (await connection.call('get', EPOCH_KEY)) as Buffer | null;
      const next = newEpoch();
      const keys: string[] = [];
      const args: string[] = [];
      for (const [router, { cursor, bytes }] of snapshots) {
        const { epoch, place } = readCursor(cursor);
        const from = cursorAt(next, epoch === present?.toString() ? place : FIRST_PLACE);
        const until = foldKey(router, `${owner}:${sent++}`);
        await send(until, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
        keys.push(snapshotsKey(router), until, foldKey(router, from));
        args.push(router, from, foldKey(router, ''));
      }
      const done = await connection.run('conduitRestart', [EPOCH_KEY, ...keys], [next, GROWN_CHANNEL, ...args]);
      if (done !== 1) throw new StoreUnavailable('the snapshots took too long');
    },

    async drained(log, cursor) {
      const { epoch, place } = readCursor(cursor);
      if (epoch === null) return;
      await connection.run('conduitMarkDrained', [EPOCH_KEY, marksKey(log)], [newEpoch(), epoch, place]);
    },
  };
}
