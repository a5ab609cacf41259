/** A fold as bytes, for snapshots: text with a checksum. Numbers survive exactly, so a fold read back goes on byte-equal. */
import type { Evidence } from './evidence.ts';
import { type ArmSums, emptyArm, type Fold, OUTCOMES } from './fold.ts';
import { allOpen, emptyOpenEntries, keepEntry } from './open-entries.ts';
import type { Sums } from './sums.ts';

/** Changes whenever the meaning of what is kept does. */
const VERSION = 'conduit-fold-1';

export function foldToBytes(fold: Fold): Uint8Array {
  const { arms, open, ...rest } = fold;
  const plain = {
    ...rest,
    arms: [...arms].map(([id, sums]) => [id, sums]),
    open: allOpen(open),
  };
  const body = JSON.stringify(plain, (_, value) => (value instanceof Float64Array ? [...value] : value));
  return new TextEncoder().encode(`${VERSION} ${checksumOf(body)}\n${body}`);
}

/** Null where the bytes are of another version, damaged, or hold numbers that no log can have led to. */
export function foldFromBytes(bytes: Uint8Array): Fold | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const lineEnd = text.indexOf('\n');
    const body = text.slice(lineEnd + 1);
    if (text.slice(0, lineEnd) !== `${VERSION} ${checksumOf(body)}`) return null;
    return restored(JSON.parse(body));
  } catch {
    return null;
  }
}

interface PlainFold extends Omit<Fold, 'arms' | 'open'> {
  arms: [string, PlainArm][];
  open: Evidence[];
}
type PlainSums = { xx: number[]; xy: number[]; yy: number };
type PlainArm = Pick<ArmSums, 'pulls' | 'labels'> & {
  quality: PlainSums;
  outcomes: Record<(typeof OUTCOMES)[number], PlainSums>;
  requests: { weight: number; x: number[]; logPrompt: number };
};

function restored({ arms, open, ...rest }: PlainFold): Fold | null {
  const { settings, landmark, newest, openSince, entries, labels } = rest;
  const numbers = [landmark, newest, openSince, entries, labels];
  if (!numbers.every((value) => Number.isFinite(value) && value >= 0)) return null;
  const fold: Fold = { ...rest, arms: new Map(), open: emptyOpenEntries(settings.dimensions) };
  for (const entry of open) keepEntry(fold.open, entry);
  for (const [id, plain] of arms) {
    const arm = emptyArm(settings.dimensions);
    arm.pulls = plain.pulls;
    arm.labels = plain.labels;
    arm.requests.weight = plain.requests.weight;
    arm.requests.logPrompt = plain.requests.logPrompt;
    const sound =
      filled(arm.requests.x, plain.requests.x) &&
      restoredSums(arm.quality, plain.quality) &&
      OUTCOMES.every((outcome) => restoredSums(arm.outcomes[outcome], plain.outcomes[outcome]));
    if (!sound || !(arm.pulls >= 0 && arm.labels >= 0)) return null;
    fold.arms.set(id, arm);
  }
  return fold;
}

/** Taking entries out leaves rounding errors: sums of squares may be this much below zero, and no more. */
const ROUNDING = -1e-6;

function restoredSums(sums: Sums, plain: PlainSums): boolean {
  sums.yy = plain.yy;
  if (!filled(sums.xx, plain.xx) || !filled(sums.xy, plain.xy) || !(sums.yy >= ROUNDING)) return false;
  for (let i = 0, at = 0; i < sums.xy.length; at += ++i + 1) if (!(sums.xx[at]! >= ROUNDING)) return false;
  return true;
}

function filled(target: Float64Array, values: readonly number[]): boolean {
  if (values.length !== target.length || !values.every(Number.isFinite)) return false;
  target.set(values);
  return true;
}

/** FNV-1a over the text, twice with different starts. */
function checksumOf(text: string): string {
  let one = 0x811c9dc5 | 0;
  let other = 0x1b873593 | 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
  }
  return [one, other].map((hash) => (hash >>> 0).toString(16).padStart(8, '0')).join('');
}
