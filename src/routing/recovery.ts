/** Learns from what is kept: the latest sound snapshot of a router's fold, and what came behind it. */
import type { Evidence } from '../bandit/evidence.ts';
import { expectChanges, type Fold, type FoldSettings, foldEntry } from '../bandit/fold.ts';
import { foldFromBytes, isOfOtherVersion } from '../bandit/fold-bytes.ts';
import { type DecisionRecord, evidenceOf } from '../stores/decision-record.ts';
import { type Counted, type DecisionLog, type DurableStore, LOG_START, type Snapshots } from '../stores/ports.ts';

/** A fold with the cursor, in the log that it was folded from, up to which it goes. */
export interface FoldAt {
  fold: Fold;
  cursor: string;
}

/** What is logged of a snapshot that cannot be used. */
export const DAMAGED = 'a snapshot of what was learned is damaged: an older one is taken, or the log itself';

/** Decisions that are read and folded at once: a few milliseconds, in which nobody else is served. */
const BATCH = 250;

/** The latest snapshot that can be used with these settings; `refused` counts those that turned out damaged. */
export async function soundSnapshot(
  snapshots: Snapshots,
  router: string,
  settings: FoldSettings,
  skip: ReadonlySet<string> = new Set(),
): Promise<{ found: FoldAt | null; refused: number }> {
  let refused = 0;
  for (const { cursor, bytes } of await snapshots.read(router)) {
    if (skip.has(cursor)) continue;
    const fold = foldFromBytes(bytes);
    // Of another release, or of other settings: nothing is wrong with it, but it is of no use here.
    if (fold === null) refused += isOfOtherVersion(bytes) ? 0 : 1;
    else if (sameSettings(fold.settings, settings)) return { found: { fold, cursor }, refused };
  }
  return { found: null, refused };
}

export interface Recovered extends FoldAt {
  /** Snapshots that were damaged. */
  refused: number;
  /** Decisions behind the snapshot. */
  behind: number;
}

/** Everything that the durable store has of a router, folded; the cursor is of its own log. */
export async function recoverFold(durable: DurableStore, router: string, empty: () => Fold): Promise<Recovered> {
  const tried = new Set<string>();
  let refused = 0;
  for (;;) {
    const { found, refused: damaged } = await soundSnapshot(durable.snapshots, router, empty().settings, tried);
    refused = Math.max(refused, damaged);
    const at = found ?? { fold: empty(), cursor: LOG_START };
    let behind = 0;
    const count = (): void => {
      behind++;
    };
    const from = at.cursor;
    if (await foldKept(at, durable, router, count)) {
      // A snapshot may know of decisions that are no longer kept: its fold goes on as it is.
      if (found || at.fold.changesLate === 0) return { ...at, refused, behind };
      return { ...(await foldAll(durable, router, empty, at.fold)), refused, behind };
    }
    // The snapshot is of another log than the one that is there.
    tried.add(from);
  }
}

export interface Rebuilt extends FoldAt {
  /** Decisions whose features another encoder made: they count without their context. */
  otherEncoder: number;
}

/**
 * Everything that the durable store has of a router, folded anew whatever snapshots there are. `onEntry` hears of each decision
 * that is folded, and of each twice where they are folded twice; what it throws ends the work.
 */
export async function rebuildFold(
  durable: DurableStore,
  router: string,
  empty: () => Fold,
  onEntry: () => void = () => {},
): Promise<Rebuilt> {
  const { encoder } = empty().settings;
  let otherEncoder = 0;
  const count = (entry: Evidence): void => {
    onEntry();
    if (entry.encoder !== encoder) otherEncoder++;
  };
  const at = await foldAll(durable, router, empty, null, count);
  if (at.fold.changesLate === 0) return { ...at, otherEncoder };
  otherEncoder = 0;
  return { ...(await foldAll(durable, router, empty, at.fold, count)), otherEncoder };
}

/**
 * A decision that was rated later comes later in the log, and so does what it tells of a change: with what it came after closed
 * by then. Who knows of all changes beforehand, of a fold that went before, need not have anything open.
 */
async function foldAll(
  durable: DurableStore,
  router: string,
  empty: () => Fold,
  known: Fold | null,
  onEntry?: (entry: Evidence) => void,
): Promise<FoldAt> {
  const at = { fold: empty(), cursor: LOG_START };
  if (known) expectChanges(at.fold, known);
  await foldKept(at, durable, router, onEntry);
  return at;
}

/** Folds what is behind the cursor; false, and nothing is folded, where the log does not go back to there. */
export async function foldKept(
  at: FoldAt,
  log: DecisionLog,
  router: string,
  onEntry?: (entry: Evidence) => void,
): Promise<boolean> {
  const origin = at.cursor;
  for (;;) {
    const { kept, cursor, gap } = await log.readKept(router, at.cursor, BATCH, origin);
    if (gap !== null && at.cursor !== LOG_START) return false;
    for (const one of kept) {
      const entry = entryOf(one.decision, one.counted);
      if (!entry) continue;
      onEntry?.(entry);
      foldEntry(at.fold, entry);
    }
    if (cursor === at.cursor) return true;
    at.cursor = cursor;
  }
}

/** What a kept decision adds to a fold that has counted this of it, if that is known. */
export function entryOf(decision: DecisionRecord, counted: Counted | undefined): Evidence | null {
  const entry = evidenceOf(decision);
  if (!entry || counted === undefined) return entry;
  // However often it was revised meanwhile: to this fold it is new.
  if (counted === 'nothing') return { ...entry, revision: 1, earlier: null };
  return { ...entry, earlier: counted.label };
}

const sameSettings = (one: FoldSettings, other: FoldSettings): boolean =>
  one.encoder === other.encoder &&
  one.dimensions === other.dimensions &&
  one.halfLifeMs === other.halfLifeMs &&
  one.windowMs === other.windowMs &&
  one.maxOpen === other.maxOpen;
