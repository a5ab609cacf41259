/** Entries of evidence as numbers, one after the other in a few arrays. What comes out is exactly what was put in. */
import type { Evidence, Label } from './evidence.ts';

export interface Columns {
  /** Of an id: its length, and a byte for each code unit. */
  ids: Uint8Array;
  numbers: Float64Array;
  /** Routers, arms and encoders: their places in a list. */
  names: Uint8Array;
  /** What the answer showed, and what came next. */
  signs: Uint8Array;
  /** Features have four decimals: as ten-thousandths they take two bytes instead of eight. */
  features: Int16Array;
}

const ID_BYTES = 40;
/** In each entry. */
export const NUMBERS = 12;
/** What an entry of a release before had, which are the first of them. */
export const NUMBERS_BEFORE = 11;
/** Where the decision's time is among them. */
const AT = 1;
const NAMES = 3;
const SIGNS = 2;
const MOST_NAMES = 256;

const SCALE = 10_000;
const MOST_SCALED = 32_767;
/** Stands for −0, which rounding gives and which is no whole number. */
const MINUS_ZERO = -32_768;

export function newColumns(count: number, dimensions: number): Columns {
  return {
    ids: new Uint8Array(count * ID_BYTES),
    numbers: new Float64Array(count * NUMBERS),
    names: new Uint8Array(count * NAMES),
    signs: new Uint8Array(count * SIGNS),
    features: new Int16Array(count * dimensions),
  };
}

/** False where the entry is so unlike others that it does not fit; then none is in its place. */
export function putEntry(columns: Columns, at: number, entry: Evidence, dimensions: number, names: string[]): boolean {
  return (
    putId(columns.ids, at * ID_BYTES, entry.decisionId) &&
    putNumbers(columns.numbers, at * NUMBERS, entry) &&
    putSigns(columns.signs, at * SIGNS, entry) &&
    putFeatures(columns.features, at * dimensions, entry.x, dimensions) &&
    putNames(columns.names, at * NAMES, entry, names)
  );
}

function putId(ids: Uint8Array, start: number, id: string): boolean {
  if (id.length >= ID_BYTES) return false;
  ids[start] = id.length;
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    if (unit > 0xff) return false;
    ids[start + 1 + i] = unit;
  }
  return true;
}

function putNumbers(numbers: Float64Array, at: number, entry: Evidence): boolean {
  return (
    putNumber(numbers, at, entry.revision) &&
    putNumber(numbers, at + AT, entry.at) &&
    putNumber(numbers, at + 2, entry.weight) &&
    putNumber(numbers, at + 3, entry.promptTokensEstimate) &&
    putNumberOrNull(numbers, at + 4, entry.quality) &&
    putNumberOrNull(numbers, at + 5, entry.promptTokens) &&
    putNumberOrNull(numbers, at + 6, entry.completionTokens) &&
    putNumberOrNull(numbers, at + 7, entry.costUsd) &&
    putNumberOrNull(numbers, at + 8, entry.firstByteMs) &&
    putNumberOrNull(numbers, at + 9, entry.totalMs) &&
    putNumber(numbers, at + 10, entry.share) &&
    putNumberOrNull(numbers, at + 11, entry.cachedShare)
  );
}

function putSigns(signs: Uint8Array, at: number, { shown, next }: Evidence): boolean {
  signs[at] = shown;
  signs[at + 1] = next;
  return signs[at] === shown && signs[at + 1] === next;
}

/** NaN stands for null, and does not fit itself: there are several, and what is in the bytes shall come of the entry alone. */
function putNumber(numbers: Float64Array, at: number, value: number): boolean {
  if (typeof value !== 'number' || Number.isNaN(value)) return false;
  numbers[at] = value;
  return true;
}

function putNumberOrNull(numbers: Float64Array, at: number, value: number | null): boolean {
  if (value !== null) return putNumber(numbers, at, value);
  numbers[at] = Number.NaN;
  return true;
}

function putFeatures(features: Int16Array, start: number, x: readonly number[], dimensions: number): boolean {
  if (x.length !== dimensions) return false;
  for (let i = 0; i < dimensions; i++) {
    const value = x[i]!;
    const scaled = Math.round(value * SCALE);
    if (scaled / SCALE !== value || scaled > MOST_SCALED || scaled < -MOST_SCALED) return false;
    features[start + i] = scaled === 0 && 1 / value < 0 ? MINUS_ZERO : scaled;
  }
  return true;
}

function putNames(numbers: Uint8Array, at: number, { router, arm, encoder }: Evidence, names: string[]): boolean {
  return (
    putName(numbers, at, router, names) &&
    putName(numbers, at + 1, arm, names) &&
    putName(numbers, at + 2, encoder, names)
  );
}

function putName(numbers: Uint8Array, at: number, name: string, names: string[]): boolean {
  let number = names.indexOf(name);
  if (number < 0) {
    if (names.length === MOST_NAMES) return false;
    number = names.push(name) - 1;
  }
  numbers[at] = number;
  return true;
}

/** Those of a release before, with null for what it did not know. */
export function withNumbersSince(before: Float64Array): Float64Array {
  const count = before.length / NUMBERS_BEFORE;
  const numbers = new Float64Array(count * NUMBERS);
  for (let i = 0; i < count; i++) {
    numbers.set(before.subarray(i * NUMBERS_BEFORE, (i + 1) * NUMBERS_BEFORE), i * NUMBERS);
    numbers[i * NUMBERS + NUMBERS_BEFORE] = Number.NaN;
  }
  return numbers;
}

export function hasId({ ids }: Columns, at: number, id: string): boolean {
  const start = at * ID_BYTES;
  if (ids[start] !== id.length) return false;
  for (let i = 0; i < id.length; i++) if (ids[start + 1 + i] !== id.charCodeAt(i)) return false;
  return true;
}

export const revisionOf = ({ numbers }: Columns, at: number): number => numbers[at * NUMBERS]!;

/** The decision's time. */
export const timeOf = ({ numbers }: Columns, at: number): number => numbers[at * NUMBERS + AT]!;

/** The arm's place in the list of names. */
export const armAt = ({ names }: Columns, at: number): number => names[at * NAMES + 1]!;

/** Whether an entry that a fold counted can lie there, of a decision made by `newest`. */
export function isEntry(
  { ids, numbers, names }: Columns,
  at: number,
  list: readonly string[],
  newest: number,
): boolean {
  const number = at * NUMBERS;
  const name = at * NAMES;
  const time = numbers[number + AT]!;
  return (
    ids[at * ID_BYTES]! < ID_BYTES &&
    numbers[number]! > 0 &&
    time >= 0 &&
    time <= newest &&
    !Number.isNaN(numbers[number + 2]!) &&
    !Number.isNaN(numbers[number + 3]!) &&
    !Number.isNaN(numbers[number + 10]!) &&
    Math.max(names[name]!, names[name + 1]!, names[name + 2]!) < list.length
  );
}

export function idOf({ ids }: Columns, at: number): string {
  const start = at * ID_BYTES + 1;
  return String.fromCharCode(...ids.subarray(start, start + ids[start - 1]!));
}

/** Written into `into`: of thousands that are looked at hardly one is kept. */
export interface LabelAt extends Label {
  at: number;
  /** Places in the list of names. */
  arm: number;
  encoder: number;
}

export function readLabelAt({ numbers, names, signs }: Columns, at: number, into: LabelAt): void {
  const number = at * NUMBERS;
  const name = at * NAMES;
  into.at = numbers[number + AT]!;
  into.arm = names[name + 1]!;
  into.encoder = names[name + 2]!;
  into.quality = knownOf(numbers[number + 4]!);
  into.weight = numbers[number + 2]!;
  into.shown = signs[at * SIGNS]!;
  into.next = signs[at * SIGNS + 1]!;
  into.share = numbers[number + 10]!;
}

/** What was asked of an arm, and how long its answer was, as far as that is known. */
export interface RequestAt {
  /** Places in the list of names. */
  arm: number;
  encoder: number;
  promptTokensEstimate: number;
  completionTokens: number | null;
}

export function readRequestAt({ numbers, names }: Columns, at: number, into: RequestAt): void {
  const number = at * NUMBERS;
  const name = at * NAMES;
  into.arm = names[name + 1]!;
  into.encoder = names[name + 2]!;
  into.promptTokensEstimate = numbers[number + 3]!;
  into.completionTokens = knownOf(numbers[number + 6]!);
}

/** weights·x */
export function dotAt({ features }: Columns, at: number, weights: Float64Array): number {
  const start = at * weights.length;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * scaledBack(features[start + i]!);
  return sum;
}

export const vectorAt = ({ features }: Columns, at: number, dimensions: number): number[] =>
  vectorOf(features, at * dimensions, dimensions);

export function entryOf(
  { numbers, names, signs, features }: Columns,
  at: number,
  dimensions: number,
  list: readonly string[],
  decisionId: string,
): Evidence {
  const number = at * NUMBERS;
  const name = at * NAMES;
  return {
    decisionId,
    revision: numbers[number]!,
    at: numbers[number + AT]!,
    router: list[names[name]!]!,
    arm: list[names[name + 1]!]!,
    encoder: list[names[name + 2]!]!,
    x: vectorOf(features, at * dimensions, dimensions),
    quality: knownOf(numbers[number + 4]!),
    weight: numbers[number + 2]!,
    shown: signs[at * SIGNS]!,
    next: signs[at * SIGNS + 1]!,
    share: numbers[number + 10]!,
    // Of use only to whoever does not have the entry before.
    earlier: null,
    promptTokensEstimate: numbers[number + 3]!,
    promptTokens: knownOf(numbers[number + 5]!),
    completionTokens: knownOf(numbers[number + 6]!),
    costUsd: knownOf(numbers[number + 7]!),
    firstByteMs: knownOf(numbers[number + 8]!),
    totalMs: knownOf(numbers[number + 9]!),
    cachedShare: knownOf(numbers[number + 11]!),
    // The fold has taken note of it.
    worthBefore: null,
  };
}

const scaledBack = (scaled: number): number => (scaled === MINUS_ZERO ? -0 : scaled / SCALE);
const knownOf = (value: number): number | null => (Number.isNaN(value) ? null : value);

function vectorOf(features: Int16Array, start: number, dimensions: number): number[] {
  const x = new Array<number>(dimensions);
  for (let i = 0; i < dimensions; i++) {
    x[i] = scaledBack(features[start + i]!);
  }
  return x;
}
