/** Folds the log of evidence into what is learned from it: sums per arm, and the entries that may still be revised. */
import {
  type ArmSums,
  addShown,
  emptyArm,
  endWaiting,
  MOST_CHANGES,
  scaleArm,
  scaleShown,
  waitingIn,
  worthAt,
} from './arm-sums.ts';
import { type Evidence, type Label, PENDING, SILENCE } from './evidence.ts';
import {
  emptyOpenEntries,
  entryAt,
  forgetOldest,
  keepEntry,
  NONE,
  type OpenEntries,
  oldestAt,
  openSinceOf,
  revisionAt,
  slotFor,
} from './open-entries.ts';
import { addRated, addSigns, noRatedSigns, type RatedSigns, SIGNS } from './sign-sums.ts';
import { addObservation } from './sums.ts';

export interface FoldSettings {
  /** Entries made by another encoder count without their context. */
  encoder: string;
  dimensions: number;
  /** How fast old evidence fades; null: it does not. */
  halfLifeMs: number | null;
  /** How long after a decision its evidence may still be revised. */
  windowMs: number;
  /** Open decisions whose entry is kept, at most. */
  maxOpen: number;
}

/** Of every router: how long after a decision its evidence may be revised, and how many open decisions' entries are kept. */
export const OPEN = { windowMs: 24 * 60 * 60 * 1000, maxOpen: 10_000 } as const;

export interface Fold {
  readonly settings: FoldSettings;
  /** All weights are relative to this time, milliseconds since 1970, a multiple of the half-life. */
  landmark: number;
  /** The latest decision's time. */
  newest: number;
  /**
   * Every decision from here on that has been counted is open: what comes of another one is the first thing known of it. An
   * earlier decision may be open or have been closed.
   */
  openSince: number;
  entries: number;
  /** Decisions that were rated, or followed up by more than silence. */
  labels: number;
  /** Entries left out: a revision that changes nothing or came too late, or no evidence at all. */
  late: number;
  broken: number;
  /** Changes of arms that were told when not every decision since was open: they count from later than they were. */
  changesLate: number;
  arms: Map<string, ArmSums>;
  /** Of all arms: a sign that is worth more with one arm than with another would hide how they differ. */
  rated: RatedSigns;
  /** Of each open decision its current entry. */
  open: OpenEntries;
}

export function emptyFold(settings: FoldSettings): Fold {
  return {
    settings,
    landmark: 0,
    newest: 0,
    openSince: 0,
    entries: 0,
    labels: 0,
    late: 0,
    broken: 0,
    changesLate: 0,
    arms: new Map(),
    rated: noRatedSigns(),
    open: emptyOpenEntries(settings.dimensions),
  };
}

/**
 * Counts an entry. What was counted stays open, so that the next revision takes it out again, until more than `maxOpen`
 * came after it or the clock is a window past it. It is closed in the order in which it came, and the invariant is
 *
 *   a decision that was counted and is not open is of before `openSince`.
 *
 * So a revision of a decision that is not open is the first thing known of it where the decision is of `openSince` or later.
 * An earlier one was closed or was never seen, which a fold cannot tell: with revision 1 it counts as never seen, with a later
 * one as closed, after the revision before. Of that one only the label can be another, and the entry says which it was.
 *
 * Hence all is counted once where of each decision the revisions come one after the other the first time, and what comes
 * again comes while its decision is open or says so (`again`). While it is open they may come in any order, and some may be
 * left out.
 */
export function foldEntry(fold: Fold, entry: Evidence): void {
  if (!Number.isFinite(entry.at) || entry.at < 0 || !(entry.revision > 0)) {
    fold.broken++;
    return;
  }
  const { open } = fold;
  const slot = slotFor(open, entry.decisionId);
  const isOld = slot === NONE && entry.at < fold.openSince;
  const isClosed = isOld && entry.revision > 1;
  const isKnown = slot === NONE ? isOld && entry.again === true : entry.revision <= revisionAt(open, slot);
  if (isKnown || (isClosed && !entry.earlier)) {
    fold.late++;
    return;
  }
  // Before the clock moves: it may be forgotten then.
  const before = slot === NONE ? null : entryAt(open, slot, entry.decisionId);
  if (entry.at > fold.newest) advance(fold, entry.at);
  if (isClosed && entry.earlier && mayHold(fold, entry, entry.earlier)) {
    contributeLabel(fold, entry, entry.earlier, -1);
    contributeLabel(fold, entry, entry, 1);
  } else {
    if (before) contribute(fold, before, -1);
    contribute(fold, entry, 1);
  }
  keepOpen(fold, entry);
  noteChange(fold, entry);
}

/**
 * An arm that has changed. Its sums become what they would be had all that it showed before been counted so many times: those
 * of what it has shown since stay, which can be told from the rest while all that is open. What comes of an earlier decision
 * from now on goes in, and out again, as often. So whatever order the entries come in, the sums are
 *
 *   Σ over decisions of  weight · Π over the arm's changes after them of worthBefore
 *
 * Where it is told so late that not all of that is open, it counts from where all is (`changesLate`), and another order of the
 * entries might have another fold. Nobody tells as late (`recent-change.ts`), and who folds all anew does so twice (`recovery.ts`).
 *
 * That goes for quality, signs, lengths and times: another model behind the name writes otherwise. What requests the arm got is
 * the router's doing, what was cached the provider's.
 */
function noteChange(fold: Fold, { arm: id, at: since, worthBefore }: Evidence): void {
  if (worthBefore === null || !(worthBefore > 0 && worthBefore < 1)) return;
  const arm = armOf(fold, id);
  // Told again, by a later revision.
  if (arm.changes.some((one) => one.since === since)) return;
  const from = Math.max(since, fold.openSince);
  if (from > since) fold.changesLate++;
  const after = emptyArm(fold.settings.dimensions);
  for (const entry of openSinceOf(fold.open, id, from))
    addAnswer(fold, after, entry, contextOf(fold.settings, entry), worthAt(arm.changes, entry.at));
  scaleShown(arm, worthBefore);
  addShown(arm, after, 1 - worthBefore);
  arm.changes.push({ since, from, worthBefore });
  arm.changes.sort((one, other) => other.from - one.from);
  // What was before so many changes counts for nothing any more.
  if (arm.changes.length > MOST_CHANGES) arm.changes.pop();
}

/** Has a fold that has counted nothing yet know beforehand how arms have changed, as another one found. */
export function expectChanges(fold: Fold, known: Fold): void {
  for (const [id, { changes }] of known.arms)
    if (changes.length > 0) armOf(fold, id).changes = changes.map((one) => ({ ...one, from: one.since }));
}

/** Whether a decision with this label can be among those counted: one that cannot be was never seen, whatever its revision. */
function mayHold(fold: Fold, entry: Evidence, earlier: Label): boolean {
  const arm = fold.arms.get(entry.arm);
  if (!arm) return false;
  const others = arm.labels - (isLabel(earlier) ? 1 : 0);
  return others >= 0 && others < arm.pulls;
}

/** The weight of an observation made at a time: ½ for each half-life before the landmark. */
export function weightAt(fold: Fold, at: number): number {
  const { halfLifeMs } = fold.settings;
  return halfLifeMs === null ? 1 : 2 ** ((at - fold.landmark) / halfLifeMs);
}

/**
 * Moves the clock of the fold. The landmark goes by whole half-lives, so that the sums are scaled by powers of two, which
 * is exact: in whatever steps it has moved, the sums are the same (forward decay, Cormode et al. 2009, §3).
 */
function advance(fold: Fold, newest: number): void {
  const { halfLifeMs, windowMs } = fold.settings;
  fold.newest = newest;
  fold.openSince = Math.max(fold.openSince, newest - windowMs);
  if (halfLifeMs !== null) {
    const landmark = Math.floor(newest / halfLifeMs) * halfLifeMs;
    const factor = 2 ** -Math.round((landmark - fold.landmark) / halfLifeMs);
    fold.landmark = landmark;
    if (factor !== 1) {
      for (const sums of fold.arms.values()) scaleArm(sums, factor);
      for (let i = 0; i < fold.rated.length; i++) fold.rated[i] = fold.rated[i]! * factor;
    }
  }
  const waitsSince = firstWaiting(fold);
  for (const arm of fold.arms.values()) endWaiting(arm, waitsSince);
  for (;;) {
    const at = oldestAt(fold.open);
    // Not `openSince`: an older decision that was heard of lately is as likely to be heard of again as any.
    if (at === null || at >= newest - windowMs) return;
    forgetOldest(fold.open);
  }
}

/** Nothing has followed an answer for so long: it was followed by silence. */
export const SILENCE_MS = 30 * 60 * 1000;
/** In stretches of this length, so that no decision has to be remembered by itself. */
const STRETCH_MS = 5 * 60 * 1000;
const stretchOf = (at: number): number => Math.floor(at / STRETCH_MS);

/** The first stretch of which a decision may still be followed up: of those before, the last was made half an hour ago. */
const firstWaiting = ({ newest }: Fold): number => stretchOf(newest - SILENCE_MS);

function keepOpen(fold: Fold, entry: Evidence): void {
  keepEntry(fold.open, entry);
  if (fold.open.size <= fold.settings.maxOpen) return;
  // What comes of it from now on is no longer the first thing known. That it was older already moves nothing.
  fold.openSince = Math.max(fold.openSince, oldestAt(fold.open)! + 1);
  forgetOldest(fold.open);
}

/** Puts an entry into its arm's sums (sign 1), or takes it out (-1). */
function contribute(fold: Fold, entry: Evidence, sign: 1 | -1): void {
  const { dimensions } = fold.settings;
  const arm = armOf(fold, entry.arm);
  const weight = sign * weightAt(fold, entry.at);
  const x = contextOf(fold.settings, entry);
  fold.entries += sign;
  arm.pulls += sign;

  arm.requests.weight += weight;
  arm.requests.logPrompt += weight * logPromptOf(entry);
  for (let i = 0; i < dimensions; i++) arm.requests.x[i] = arm.requests.x[i]! + weight * x[i]!;
  const { cachedShare } = entry;
  if (isKnown(cachedShare)) {
    arm.cache.weight += weight;
    arm.cache.hits += weight * Math.min(cachedShare, 1);
  }
  countLabel(fold, arm, entry, entry.at, sign);
  addAnswer(fold, arm, entry, x, sign * worthAt(arm.changes, entry.at));
}

/** Puts into the sums of an entry's arm, or takes out, what was known of how good its answer was at one time. */
function contributeLabel(fold: Fold, entry: Evidence, label: Label, sign: 1 | -1): void {
  const arm = armOf(fold, entry.arm);
  countLabel(fold, arm, label, entry.at, sign);
  addLabel(fold, arm, contextOf(fold.settings, entry), label, entry.at, sign * worthAt(arm.changes, entry.at));
}

/** What an answer has shown, so many times: all that goes by what its arm is. */
function addAnswer(fold: Fold, arm: ArmSums, entry: Evidence, x: readonly number[], times: number): void {
  addLabel(fold, arm, x, entry, entry.at, times);
  const weight = times * weightAt(fold, entry.at);
  const { promptTokens, completionTokens, firstByteMs, totalMs } = entry;
  const { outcomes } = arm;
  if (isKnown(completionTokens)) addObservation(outcomes.outputTokens, x, logOf(completionTokens), weight);
  if (isKnown(promptTokens)) addObservation(outcomes.promptRatio, x, logOf(promptTokens) - logPromptOf(entry), weight);
  if (isKnown(firstByteMs)) addObservation(outcomes.firstByteMs, x, logOf(firstByteMs), weight);
  if (isKnown(totalMs)) addObservation(outcomes.totalMs, x, logOf(totalMs), weight);
}

/** Counts a label, and what its signs came with: whatever arm it is of, and whatever has become of that. */
function countLabel(fold: Fold, arm: ArmSums, label: Label, at: number, sign: 1 | -1): void {
  if (isLabel(label)) {
    fold.labels += sign;
    arm.labels += sign;
  }
  const rating = ratingIn(label);
  if (rating && isSeen(label)) addRated(fold.rated, label, rating.quality, sign * weightAt(fold, at) * rating.weight);
}

/** What people said outweighs what was seen, which then tells what seeing that is worth. */
function addLabel(fold: Fold, arm: ArmSums, x: readonly number[], label: Label, at: number, times: number): void {
  const weight = times * weightAt(fold, at);
  const rating = ratingIn(label);
  if (rating) addObservation(arm.quality, x, rating.quality, weight * rating.weight);
  else if (isSeen(label)) addUnrated(fold, arm, x, label, at, weight * shareIn(label));
}

function addUnrated(fold: Fold, arm: ArmSums, x: readonly number[], label: Label, at: number, weight: number): void {
  const next = nextOf(fold, { next: label.next, at });
  if (next === PENDING) addSigns(waitingIn(arm, stretchOf(at)), x, label, weight);
  else addSigns(arm.signs, x, { ...label, next }, weight);
}

/** What came next, which is silence where nothing has for long. */
export const nextOf = (fold: Fold, { next, at }: { next: number; at: number }): number =>
  next === PENDING && stretchOf(at) < firstWaiting(fold) ? SILENCE : next;

/** What people said, within bounds; null where they said nothing. */
export const ratingIn = ({ quality, weight }: Label): { quality: number; weight: number } | null =>
  quality !== null && Number.isFinite(quality) && weight > 0
    ? { quality: bounded(quality, 0, 1), weight: Math.min(weight, MOST_WEIGHT) }
    : null;
export const shareIn = ({ share }: Label): number => Math.min(share, 1);
/** Whether something was seen of the answer. */
export const isSeen = ({ shown, next, share }: Label): boolean => share > 0 && isSign(shown) && isSign(next);
const isSign = (number: number): boolean => Number.isInteger(number) && number >= 0 && number < SIGNS;
const isLabel = (label: Label): boolean => ratingIn(label) !== null || (isSeen(label) && label.next > SILENCE);

/** One label may not outweigh a hundred. */
const MOST_WEIGHT = 100;
/** Encoders give coordinates of about 1; what lies far beyond is damage. */
const MOST_COORDINATE = 100;

/**
 * The entry's context. Where it was made by another encoder, or is damaged, it is that of a usual request: what is known
 * of an arm on the whole outlives a change of the encoder.
 */
function contextOf(settings: FoldSettings, entry: Evidence): readonly number[] {
  const { encoder, dimensions } = settings;
  const sound =
    entry.encoder === encoder &&
    entry.x.length === dimensions &&
    entry.x[0] === 1 &&
    entry.x.every((value) => Math.abs(value) <= MOST_COORDINATE);
  return sound ? entry.x : [1, ...new Array<number>(dimensions - 1).fill(0)];
}

function armOf(fold: Fold, id: string): ArmSums {
  let arm = fold.arms.get(id);
  if (!arm) {
    arm = emptyArm(fold.settings.dimensions);
    fold.arms.set(id, arm);
  }
  return arm;
}

const isKnown = (value: number | null): value is number => value !== null && Number.isFinite(value) && value >= 0;
const logOf = (value: number): number => Math.log(bounded(value, 1, 1e9));
const logPromptOf = ({ promptTokensEstimate }: Evidence): number => Math.log(bounded(promptTokensEstimate, 1, 1e8));

function bounded(value: number, least: number, most: number): number {
  return value >= least ? Math.min(value, most) : least;
}
