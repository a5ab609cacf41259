/**
 * A fold as bytes, for snapshots: what is numbers lies there as it lies in memory, the rest is JSON before it. The bytes
 * come of the entries folded alone, and a fold read back goes on byte-equal.
 *
 * Words of 32 bits as this machine has them, so that one of the other byte order reads no version that it knows and folds
 * anew: what it is, its version, its length, that of the JSON, the checksum's two lanes. Then the JSON, then the arrays, each
 * filled up with zeros to eight bytes.
 */

import { type ArmSums, emptyArm, MOST_CHANGES, OUTCOMES, waitingIn } from './arm-sums.ts';
import { checksumOf } from './checksum.ts';
import { NUMBERS, NUMBERS_BEFORE, withNumbersSince } from './entry-columns.ts';
import type { Fold } from './fold.ts';
import { type OddEntry, readOdd, writeOdd } from './odd-entries.ts';
import { areSound, arraysOf, type OpenFrame, roomFor } from './open-arrays.ts';
import { CHUNK } from './open-entries.ts';
import { noRatedSigns, SIGNS, type SignSums } from './sign-sums.ts';
import type { Sums } from './sums.ts';

/** `fold`, in the bytes' order. */
const MAGIC = 0x646c6f66;
const CHECKSUM_WORD = 4;
const HEADER_BYTES = 24;

/** What has been written once can be read for ever, or is folded anew: a change of what is kept is a new version. */
export const FOLD_VERSION = 3;
const READERS: ReadonlyMap<number, (bytes: Uint8Array, headBytes: number) => Fold | null> = new Map([
  [2, readBeforeChanges],
  [FOLD_VERSION, readFold],
]);

interface Head extends Omit<Fold, 'arms' | 'open' | 'rated'> {
  arms: {
    id: string;
    pairs: number[];
    waiting: [stretch: number, pairs: number[]][];
    changes: [since: number, from: number, worthBefore: number][];
  }[];
  open: Omit<OpenFrame, 'odd' | 'dimensions'>;
  odd: OddEntry[];
}

export function foldToBytes(fold: Fold): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify(headOf(fold)));
  const arms = [...fold.arms.values()];
  const scalars = Float64Array.from(arms.flatMap(scalarsOf));
  const arrays = [head, scalars, fold.rated, ...arms.flatMap(armArrays), ...arraysOf(fold.open)];
  const length = arrays.reduce((sum, { byteLength }) => sum + filledUp(byteLength), HEADER_BYTES);
  const bytes = new Uint8Array(length);
  let at = HEADER_BYTES;
  for (const array of arrays) {
    bytes.set(bytesOf(array), at);
    at += filledUp(array.byteLength);
  }
  const words = new Uint32Array(bytes.buffer);
  words.set([MAGIC, FOLD_VERSION, length, head.byteLength]);
  words.set(checksumOf(words), CHECKSUM_WORD);
  return bytes;
}

/** Null where the bytes are of a version that is not known, damaged, or hold what no log can have led to. Never throws. */
export function foldFromBytes(bytes: Uint8Array): Fold | null {
  if (bytes.length < HEADER_BYTES || bytes.length % 8 !== 0) return null;
  // A copy begins where words may begin.
  const copy = new Uint8Array(bytes);
  const words = new Uint32Array(copy.buffer);
  const [magic, version, length, headBytes, one, other] = words as unknown as number[];
  if (magic !== MAGIC || length !== copy.length) return null;
  words.fill(0, CHECKSUM_WORD, CHECKSUM_WORD + 2);
  const sums = checksumOf(words);
  if (sums[0] !== one || sums[1] !== other) return null;
  try {
    return READERS.get(version!)?.(copy, headBytes!) ?? null;
  } catch {
    return null;
  }
}

/** Whether they are a fold's of another version than those that are read: nothing is wrong with them, but they are of no use. */
export function isOfOtherVersion(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const [magic, version] = new Uint32Array(bytes.slice(0, 8).buffer) as unknown as number[];
  return magic === MAGIC && !READERS.has(version!);
}

/** In one order, whatever order the fold's fields came to be in. */
function headOf(fold: Fold): Head {
  const { landmark, newest, openSince, entries, labels, late, broken, changesLate, open } = fold;
  const { encoder, dimensions, halfLifeMs, windowMs, maxOpen } = fold.settings;
  const { size, used, free, oldest, newest: newestOpen, names } = open;
  return {
    settings: { encoder, dimensions, halfLifeMs, windowMs, maxOpen },
    landmark,
    newest,
    openSince,
    entries,
    labels,
    late,
    broken,
    changesLate,
    arms: [...fold.arms].map(([id, { signs, waiting, changes }]) => ({
      id,
      pairs: pairsOf(signs),
      waiting: [...waiting].map(([stretch, sums]) => [stretch, pairsOf(sums)]),
      changes: changes.map(({ since, from, worthBefore }) => [since, from, worthBefore]),
    })),
    open: { size, used, free, oldest, newest: newestOpen, names },
    odd: writeOdd(open),
  };
}

function readFold(bytes: Uint8Array, headBytes: number): Fold | null {
  return foldIn(bytes, headBytes, headIn(bytes, headBytes), SCALARS, NUMBERS);
}

/** Of version 2, when no change of an arm was kept, and nothing of what a provider had cached. */
function readBeforeChanges(bytes: Uint8Array, headBytes: number): Fold | null {
  const head = headIn(bytes, headBytes);
  const arms = head.arms.map((arm) => ({ ...arm, changes: [] }));
  return foldIn(bytes, headBytes, { ...head, arms, changesLate: 0 }, SCALARS_BEFORE, NUMBERS_BEFORE);
}

const headIn = (bytes: Uint8Array, headBytes: number): Head =>
  JSON.parse(
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(HEADER_BYTES, HEADER_BYTES + headBytes)),
  ) as Head;

/** `scalars` and `numbers`: how many there are of each arm, and of each open entry. */
function foldIn(bytes: Uint8Array, headBytes: number, head: Head, scalars: number, numbers: number): Fold | null {
  const { arms: heads, odd, open: frame, ...rest } = head;
  const { dimensions } = rest.settings;
  if (!isClockSound(rest) || !isShapeSound(dimensions, heads, frame, bytes.length)) return null;

  const arms = new Map(heads.map((arm): [string, ArmSums] => [arm.id, roomForArm(arm, dimensions)]));
  if (arms.size !== heads.length) return null;
  const rated = noRatedSigns();
  const open = roomFor({ ...frame, dimensions, odd: readOdd(odd) });
  const ofArms = new Float64Array(heads.length * scalars);
  const chunks = open.chunks;
  if (numbers !== NUMBERS) for (const chunk of chunks) chunk.numbers = new Float64Array(CHUNK * numbers);
  let at = HEADER_BYTES + filledUp(headBytes);
  for (const array of [ofArms, rated, ...[...arms.values()].flatMap(armArrays), ...arraysOf(open)]) {
    bytesOf(array).set(bytes.subarray(at, at + array.byteLength));
    at += filledUp(array.byteLength);
  }
  if (at !== bytes.length) return null;
  if (numbers !== NUMBERS) for (const chunk of chunks) chunk.numbers = withNumbersSince(chunk.numbers);

  for (const [k, arm] of [...arms.values()].entries()) putScalars(arm, ofArms.subarray(k * scalars, (k + 1) * scalars));
  const fold = { ...rest, arms, rated, open };
  return areSumsSound(fold) && open.size <= rest.settings.maxOpen && areSound(open, rest.newest) ? fold : null;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const filledUp = (bytes: number): number => Math.ceil(bytes / 8) * 8;

function armArrays({ quality, signs, waiting, outcomes, requests }: ArmSums): Float64Array[] {
  const sums = [quality, ...OUTCOMES.map((outcome) => outcomes[outcome])];
  const seen = [signs, ...waiting.values()];
  return [
    ...sums.flatMap(({ xx, xy }) => [xx, xy]),
    ...seen.flatMap(({ unfollowed, followed, pairs }) => [unfollowed, followed, ...pairs.values()]),
    requests.x,
  ];
}

const pairsOf = ({ pairs }: SignSums): number[] => [...pairs.keys()];

/** With all the sums that it had, and nothing in them. */
function roomForArm({ pairs, waiting, changes }: Head['arms'][number], dimensions: number): ArmSums {
  const arm = emptyArm(dimensions);
  arm.changes = changes.map(([since, from, worthBefore]) => ({ since, from, worthBefore }));
  const fill = (sums: SignSums, of: readonly number[]): void => {
    for (const pair of of) sums.pairs.set(pair, new Float64Array(dimensions));
  };
  fill(arm.signs, pairs);
  for (const [stretch, of] of waiting) fill(waitingIn(arm, stretch), of);
  return arm;
}

/** An arm's numbers that lie in no array. */
function scalarsOf({ pulls, labels, quality, outcomes, requests, cache }: ArmSums): number[] {
  const squares = OUTCOMES.map((outcome) => outcomes[outcome].yy);
  return [pulls, labels, requests.weight, requests.logPrompt, quality.yy, ...squares, cache.weight, cache.hits];
}
const SCALARS = scalarsOf(emptyArm(1)).length;
/** Without those of the cache, which are the last. */
const SCALARS_BEFORE = SCALARS - 2;

function putScalars(arm: ArmSums, scalars: Float64Array): void {
  const [pulls, labels, weight, logPrompt, square, ...more] = scalars as unknown as number[];
  const squares = more.slice(0, OUTCOMES.length);
  const [cached = 0, hits = 0] = more.slice(OUTCOMES.length);
  Object.assign(arm, { pulls, labels, cache: { weight: cached, hits } });
  Object.assign(arm.requests, { weight, logPrompt });
  arm.quality.yy = square!;
  for (const [i, outcome] of OUTCOMES.entries()) arm.outcomes[outcome].yy = squares[i]!;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isTime = (value: number): boolean => Number.isFinite(value) && value >= 0;

/** The landmark follows from the newest time. */
function isClockSound({
  settings,
  landmark,
  newest,
  openSince,
  ...counts
}: Omit<Head, 'arms' | 'open' | 'odd'>): boolean {
  const { encoder, halfLifeMs, windowMs, maxOpen } = settings;
  return (
    typeof encoder === 'string' &&
    (halfLifeMs === null || (isTime(halfLifeMs) && halfLifeMs > 0)) &&
    [windowMs, newest, openSince].every(isTime) &&
    [maxOpen, counts.entries, counts.labels, counts.late, counts.broken, counts.changesLate].every(isCount) &&
    landmark === (halfLifeMs === null ? 0 : Math.floor(newest / halfLifeMs) * halfLifeMs)
  );
}

/** Whether so much can be in so many bytes, before room is made for it. */
function isShapeSound(dimensions: number, arms: Head['arms'], { used, names }: Head['open'], bytes: number): boolean {
  const pairs = arms.flatMap((arm) => [...arm.pairs, ...arm.waiting.flatMap(([, of]) => of)]);
  return (
    isCount(dimensions) &&
    dimensions > 0 &&
    isCount(used) &&
    names.every((name) => typeof name === 'string') &&
    arms.every(
      ({ id, waiting, changes }) =>
        typeof id === 'string' &&
        waiting.every(([stretch]) => Number.isSafeInteger(stretch)) &&
        changes.length <= MOST_CHANGES &&
        changes.every(
          ([since, from, worth], k) =>
            isTime(since) && from >= since && worth > 0 && worth < 1 && !(from > (changes[k - 1]?.[1] ?? from)),
        ),
    ) &&
    pairs.every((pair) => isCount(pair) && pair < SIGNS ** 2) &&
    arms.length * 12 * dimensions ** 2 + pairs.length * 8 * dimensions + used * (110 + 2 * dimensions) <= bytes
  );
}

/** Taking entries out leaves rounding errors: sums of squares may be this much below zero, and no more. */
const ROUNDING = -1e-6;

function areSumsSound({ arms, rated, entries, labels }: Fold): boolean {
  const all = [...arms.values()];
  return (
    // Below zero where the beginning of a log was lost, in which what was taken out had been counted.
    rated.every(Number.isFinite) &&
    all.every(isArmSound) &&
    all.reduce((sum, arm) => sum + arm.pulls, 0) === entries &&
    all.reduce((sum, arm) => sum + arm.labels, 0) === labels
  );
}

function isArmSound(arm: ArmSums): boolean {
  const { pulls, labels, quality, outcomes } = arm;
  return (
    isCount(pulls) &&
    isCount(labels) &&
    scalarsOf(arm).every(Number.isFinite) &&
    armArrays(arm).every((array) => array.every(Number.isFinite)) &&
    [quality, ...OUTCOMES.map((outcome) => outcomes[outcome])].every(areSquaresSound)
  );
}

function areSquaresSound({ xx, xy, yy }: Sums): boolean {
  if (!(yy >= ROUNDING)) return false;
  for (let i = 0, at = 0; i < xy.length; at += ++i + 1) if (!(xx[at]! >= ROUNDING)) return false;
  return true;
}
