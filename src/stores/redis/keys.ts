/**
 * What the keys in Redis are called. `conduit:1` is the version of every shape that is kept: another shape gets another one.
 *
 * A decision, its names and its evidence are written in one step, found by nothing but an id or a name, and belong to logs
 * that many decisions share: so all of them carry one hash tag and lie in one slot of a sharded Redis. One slot is one
 * processor of it, which does some ten thousand such steps a second. Counters and health are written each by itself and
 * go wherever they fall.
 */

const TAG = '{conduit:1}';

/** Names live in hashes, many in each: one by itself takes a key and an expiry, several times what it says. */
const BUCKETS_BITS = 12;

export const HEALTH_KEY = 'conduit:1:health';

/** On which the name of a router is told whose log has grown. */
export const GROWN_CHANNEL = 'conduit:1:grown';

const PACKED_ID_BYTES = 16;

/** An id as Conduit makes them in 16 bytes; any other as it is. */
export function packId(id: string): Buffer {
  return /^dec_[0-9a-f]{32}$/.test(id) ? Buffer.from(id.slice(4), 'hex') : Buffer.from(`text:${id}`);
}

export function unpackId(packed: Buffer): string {
  const text = packed.toString();
  if (text.startsWith('text:')) return text.slice(5);
  if (packed.length !== PACKED_ID_BYTES) throw new RangeError('this is no id of a decision');
  return `dec_${packed.toString('hex')}`;
}

export const decisionKey = (packedId: Buffer): Buffer => Buffer.concat([Buffer.from(`${TAG}d:`), packedId]);

export const logKey = (router: string): string => `${TAG}log:${router}`;

export const counterKey = (counter: string): string => `conduit:1:count:${counter}`;

/** Where a name is kept: in which of the buckets of a stretch of time, and as which of its fields. */
export interface NamePlace {
  bucket: string;
  field: Buffer;
}

/** `hash` is the name's SHA-256 in hex: what is kept tells nothing of the name and is of one length. */
export function namePlace(hash: string): NamePlace {
  return { bucket: hash.slice(-BUCKETS_BITS / 4), field: Buffer.from(hash.slice(0, 32), 'hex') };
}

export const namesKey = (stretch: number, bucket: string): string => `${TAG}n:${stretch}:${bucket}`;
