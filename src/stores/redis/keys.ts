/**
 * What the keys in Redis are called. `conduit:1` is the version of every shape that is kept: another shape gets another one.
 *
 * All of them carry one hash tag and lie in one slot of a sharded Redis: a decision, its names and the log are written in one
 * step and found by nothing but an id or a name, and whoever asks needs to know one node alone. One slot is one processor of
 * it, which does some ten thousand such steps a second.
 */

/** The scripts know it too: they make the keys that only what they read tells. */
export const TAG = '{conduit:1}';

/** Tells this Redis's logs from those of another, or of this one before it came back empty. */
export const EPOCH_KEY = `${TAG}epoch`;
export const HEALTH_KEY = `${TAG}health`;
/** The secret that keys hashes, where no config names one. */
export const SECRET_KEY = `${TAG}secret`;

/** On which the name of a log is told that has grown. */
export const GROWN_CHANNEL = 'conduit:1:grown';

export const logKey = (log: string): string => `${TAG}log:${log}`;
/** The last entry that was trimmed from a log, and up to where a durable store has it. */
export const marksKey = (log: string): string => `${TAG}marks:${log}`;
/** The cursors of a router's snapshots, and by their cursors their bytes. */
export const snapshotsKey = (router: string): string => `${TAG}snap:${router}`;
export const foldKey = (router: string, cursor: string): string => `${TAG}fold:${router}:${cursor}`;
export const counterKey = (counter: string): string => `${TAG}count:${counter}`;
export const leaseKey = (name: string): string => `${TAG}lease:${name}`;

/**
 * Names and pointers live in hashes, many in each: one by itself takes a key and an expiry, several times what it says. A
 * name's field is 7 bytes, and with the bucket's 12 bits no two of ten million are the same but by a chance of one in millions.
 */
const FIELD_DIGITS = 14;
const BUCKET_DIGITS = 3;
const HANDLE_DIGITS = 16;
/** There are fewer pointers than names. */
const POINTER_BUCKETS = 1_024;

/** What is kept of a name's SHA-256 in hex: it tells nothing of the name and is of one length. */
export const nameHash = (hash: string): string => hash.slice(0, FIELD_DIGITS + BUCKET_DIGITS);

/** Where a name is kept: in which of the buckets of a stretch of time, and as which of its fields. */
export interface NamePlace {
  bucket: string;
  field: Buffer;
}

export function namePlace(hash: string): NamePlace {
  return { bucket: hash.slice(FIELD_DIGITS), field: Buffer.from(hash.slice(0, FIELD_DIGITS), 'hex') };
}

export const namesKey = (stretch: number, bucket: string): string => `${TAG}n:${stretch}:${bucket}`;

/** By what a decision is found: 8 bytes, and the time that its id tells. */
export interface Handle {
  bytes: Buffer;
  /** Milliseconds since 1970; 0 where the id tells none. */
  time: number;
}

const OWN_ID = /^dec_[0-9a-f]{32}$/;
const TIME_DIGITS = 12;

/** Of an id as Conduit makes them its last bytes, which are chance; of any other a hash. */
export function handleOf(id: string, sha256Hex: (text: string) => string): Handle {
  if (!OWN_ID.test(id)) return { bytes: Buffer.from(sha256Hex(id).slice(0, HANDLE_DIGITS), 'hex'), time: 0 };
  return {
    bytes: Buffer.from(id.slice(-HANDLE_DIGITS), 'hex'),
    time: Number.parseInt(id.slice(4, 4 + TIME_DIGITS), 16),
  };
}

export const pointersKey = (stretch: number, handle: Buffer): string =>
  `${TAG}i:${stretch}:${handle.readUInt16BE(handle.length - 2) % POINTER_BUCKETS}`;

/** A decision that the log no longer has, taken back from the durable store. */
export const revivedKey = (handle: Buffer): Buffer => Buffer.concat([Buffer.from(`${TAG}r:`), handle]);
