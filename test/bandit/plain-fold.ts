/** The fold with its open entries as objects in a map, as plainly as it can be written: what the one in use must be equal to. */

import { type ArmSums, emptyArm, OUTCOMES } from '../../src/bandit/arm-sums.ts';
import { type Evidence, type Label, PENDING, SILENCE, UNCLEAR } from '../../src/bandit/evidence.ts';
import type { FoldSettings } from '../../src/bandit/fold.ts';
import { emptySignSums, type SignSums } from '../../src/bandit/sign-sums.ts';
import { addObservation, scaleSums } from '../../src/bandit/sums.ts';

export interface PlainFold {
  settings: FoldSettings;
  landmark: number;
  newest: number;
  openSince: number;
  entries: number;
  labels: number;
  late: number;
  broken: number;
  changesLate: number;
  arms: Map<string, ArmSums>;
  rated: Float64Array;
  open: Map<string, Evidence>;
}

export function plainFoldOf(entries: readonly Evidence[], settings: FoldSettings): PlainFold {
  const counts = { landmark: 0, newest: 0, openSince: 0, entries: 0, labels: 0, late: 0, broken: 0, changesLate: 0 };
  const fold: PlainFold = { settings, ...counts, arms: new Map(), rated: new Float64Array(65), open: new Map() };
  for (const entry of entries) foldPlainly(fold, entry);
  return fold;
}

function foldPlainly(fold: PlainFold, entry: Evidence): void {
  if (!Number.isFinite(entry.at) || entry.at < 0 || !(entry.revision > 0)) {
    fold.broken++;
    return;
  }
  const before = fold.open.get(entry.decisionId);
  const isClosed = !before && entry.at < fold.openSince && entry.revision > 1;
  if (before ? entry.revision <= before.revision : isClosed && !entry.earlier) {
    fold.late++;
    return;
  }
  if (entry.at > fold.newest) advance(fold, entry.at);
  const arm = fold.arms.get(entry.arm);
  const given = entry.earlier && counts(entry.earlier) ? 1 : 0;
  if (isClosed && entry.earlier && arm && arm.labels >= given && arm.labels - given < arm.pulls) {
    addLabel(fold, { ...entry, ...entry.earlier }, -1);
    addLabel(fold, entry, 1);
  } else {
    if (before) contribute(fold, before, -1);
    contribute(fold, entry, 1);
  }
  fold.open.set(entry.decisionId, { ...entry, earlier: null, worthBefore: null });
  if (fold.open.size > fold.settings.maxOpen) {
    const [id, oldest] = fold.open.entries().next().value!;
    fold.open.delete(id);
    fold.openSince = Math.max(fold.openSince, oldest.at + 1);
  }
  noteChange(fold, entry);
}

/** What the arm showed before counts less: all that it showed does, but for what is added again of what is open since. */
function noteChange(fold: PlainFold, { arm: id, at: since, worthBefore }: Evidence): void {
  const { changes } = fold.arms.get(id)!;
  if (worthBefore === null || !(worthBefore > 0 && worthBefore < 1)) return;
  if (changes.some((one) => one.since === since)) return;
  const from = Math.max(since, fold.openSince);
  if (since < from) fold.changesLate++;
  const after: PlainFold = { ...fold, arms: new Map([[id, { ...emptyArm(fold.settings.dimensions), changes }]]) };
  for (const entry of fold.open.values()) if (entry.arm === id && entry.at >= from) addShown(after, entry, 1);
  const [arm, shown] = [fold.arms.get(id)!, after.arms.get(id)!];
  const mix = (numbers: Float64Array, since: Float64Array | undefined): void => {
    for (const i of numbers.keys()) numbers[i] = numbers[i]! * worthBefore;
    if (since) for (const i of numbers.keys()) numbers[i] = numbers[i]! + (1 - worthBefore) * since[i]!;
  };
  for (const [sums, recent] of [
    [arm.quality, shown.quality] as const,
    ...OUTCOMES.map((outcome) => [arm.outcomes[outcome], shown.outcomes[outcome]] as const),
  ]) {
    mix(sums.xx, recent.xx);
    mix(sums.xy, recent.xy);
    sums.yy = sums.yy * worthBefore + (1 - worthBefore) * recent.yy;
  }
  const signs: [SignSums, SignSums | undefined][] = [[arm.signs, shown.signs]];
  for (const [stretch, sums] of arm.waiting) signs.push([sums, shown.waiting.get(stretch)]);
  for (const [sums, recent] of signs) {
    mix(sums.unfollowed, recent?.unfollowed);
    mix(sums.followed, recent?.followed);
    for (const [pair, x] of sums.pairs) mix(x, recent?.pairs.get(pair));
  }
  changes.push({ since, from, worthBefore });
  changes.sort((one, other) => other.from - one.from);
  changes.splice(32);
}

function advance(fold: PlainFold, newest: number): void {
  const { halfLifeMs, windowMs } = fold.settings;
  fold.newest = newest;
  fold.openSince = Math.max(fold.openSince, newest - windowMs);
  if (halfLifeMs !== null) {
    const landmark = Math.floor(newest / halfLifeMs) * halfLifeMs;
    const factor = 2 ** -Math.round((landmark - fold.landmark) / halfLifeMs);
    fold.landmark = landmark;
    for (const i of fold.rated.keys()) fold.rated[i] = fold.rated[i]! * factor;
    for (const { quality, signs, waiting, outcomes, requests, cache } of fold.arms.values()) {
      cache.weight *= factor;
      cache.hits *= factor;
      for (const sums of [quality, ...OUTCOMES.map((outcome) => outcomes[outcome])]) scaleSums(sums, factor);
      for (const { unfollowed, followed, pairs } of [signs, ...waiting.values()])
        for (const numbers of [unfollowed, followed, ...pairs.values()])
          for (const i of numbers.keys()) numbers[i] = numbers[i]! * factor;
      for (const i of requests.x.keys()) requests.x[i] = requests.x[i]! * factor;
      requests.weight *= factor;
      requests.logPrompt *= factor;
    }
  }
  for (const { signs, waiting } of fold.arms.values()) {
    for (const [stretch, { unfollowed, pairs }] of waiting) {
      if (isWaiting(fold, stretch)) continue;
      waiting.delete(stretch);
      for (const i of unfollowed.keys()) signs.followed[i] = signs.followed[i]! + unfollowed[i]!;
      for (const [pair, x] of pairs) {
        const silent = sumsOf(signs, pair + SILENCE, x.length);
        for (const i of x.keys()) silent[i] = silent[i]! + x[i]!;
      }
    }
  }
  for (const [id, { at }] of fold.open) {
    if (at >= newest - windowMs) break;
    fold.open.delete(id);
  }
}

const STRETCH_MS = 300_000;
const SILENCE_STRETCHES = 6;
/** Whether a decision of that stretch may still be followed up: five minutes each, half an hour in all. */
const isWaiting = ({ newest }: PlainFold, stretch: number): boolean =>
  stretch >= Math.floor(newest / STRETCH_MS) - SILENCE_STRETCHES;

const isGiven = ({ quality, weight }: Label): boolean => quality !== null && Number.isFinite(quality) && weight > 0;
const isSign = (sign: number): boolean => Array.from({ length: 16 }, (_, i) => i).includes(sign);
const isSeen = ({ shown, next, share }: Label): boolean => share > 0 && isSign(shown) && isSign(next);
const counts = (label: Label): boolean => isGiven(label) || (isSeen(label) && label.next > SILENCE);

function contextOf({ encoder, dimensions }: FoldSettings, entry: Evidence): readonly number[] {
  const sound =
    entry.encoder === encoder &&
    entry.x.length === dimensions &&
    entry.x[0] === 1 &&
    entry.x.every((value) => Math.abs(value) <= 100);
  return sound ? entry.x : Array.from({ length: dimensions }, (_, i) => (i === 0 ? 1 : 0));
}

function weightOf({ settings, landmark }: PlainFold, { at }: Evidence): number {
  return settings.halfLifeMs === null ? 1 : 2 ** ((at - landmark) / settings.halfLifeMs);
}

/** The product of what changes say of what was before them. */
function timesOf(fold: PlainFold, { arm, at }: Evidence, sign: 1 | -1): number {
  let times = 1;
  for (const { from, worthBefore } of fold.arms.get(arm)!.changes) if (from > at) times *= worthBefore;
  return sign * times;
}

function addLabel(fold: PlainFold, entry: Evidence, sign: 1 | -1): void {
  const arm = fold.arms.get(entry.arm)!;
  if (counts(entry)) {
    fold.labels += sign;
    arm.labels += sign;
  }
  if (isGiven(entry) && isSeen(entry)) {
    const weight = sign * weightOf(fold, entry) * Math.min(entry.weight, 100);
    addRated(fold.rated, entry, bounded(entry.quality!, 0, 1), weight);
  }
  showLabel(fold, entry, sign);
}

function showLabel(fold: PlainFold, entry: Evidence, sign: 1 | -1): void {
  const arm = fold.arms.get(entry.arm)!;
  const x = contextOf(fold.settings, entry);
  const weight = timesOf(fold, entry, sign) * weightOf(fold, entry);
  if (isGiven(entry))
    addObservation(arm.quality, x, bounded(entry.quality!, 0, 1), weight * Math.min(entry.weight, 100));
  else if (isSeen(entry)) addSigns(fold, arm, x, entry, weight * Math.min(entry.share, 1));
}

/** For each sign what came with good answers, then what came with bad ones; what came next is behind what was shown. */
function addRated(rated: Float64Array, { shown, next }: Label, quality: number, weight: number): void {
  rated[64] = rated[64]! + weight * quality * (1 - quality);
  const places = [2 * shown];
  if (next !== UNCLEAR) places.push(2 * (16 + (next === PENDING ? SILENCE : next)));
  for (const place of places) {
    rated[place] = rated[place]! + weight * quality;
    rated[place + 1] = rated[place + 1]! + weight * (1 - quality);
  }
}

function addSigns(fold: PlainFold, arm: ArmSums, x: readonly number[], entry: Evidence, weight: number): void {
  const { shown } = entry;
  const stretch = Math.floor(entry.at / STRETCH_MS);
  const waits = entry.next === PENDING && isWaiting(fold, stretch);
  const next = entry.next === PENDING && !waits ? SILENCE : entry.next;
  let sums = arm.signs;
  if (waits) {
    sums = arm.waiting.get(stretch) ?? emptySignSums(x.length);
    arm.waiting.set(stretch, sums);
  }
  const xx = next === PENDING || next === UNCLEAR ? sums.unfollowed : sums.followed;
  const pair = sumsOf(sums, 16 * shown + next, x.length);
  for (let i = 0, at = 0; i < x.length; i++) {
    pair[i] = pair[i]! + weight * x[i]!;
    for (let j = 0; j <= i; j++, at++) xx[at] = xx[at]! + weight * x[i]! * x[j]!;
  }
}

function sumsOf({ pairs }: SignSums, pair: number, dimensions: number): Float64Array {
  const sums = pairs.get(pair) ?? new Float64Array(dimensions);
  pairs.set(pair, sums);
  return sums;
}

function contribute(fold: PlainFold, entry: Evidence, sign: 1 | -1): void {
  const arm = fold.arms.get(entry.arm) ?? emptyArm(fold.settings.dimensions);
  fold.arms.set(entry.arm, arm);
  const weight = sign * weightOf(fold, entry);
  const x = contextOf(fold.settings, entry);
  fold.entries += sign;
  arm.pulls += sign;

  const logPrompt = Math.log(bounded(entry.promptTokensEstimate, 1, 1e8));
  arm.requests.weight += weight;
  arm.requests.logPrompt += weight * logPrompt;
  for (const i of arm.requests.x.keys()) arm.requests.x[i] = arm.requests.x[i]! + weight * x[i]!;
  if (entry.cachedShare !== null && Number.isFinite(entry.cachedShare) && entry.cachedShare >= 0) {
    arm.cache.weight += weight;
    arm.cache.hits += weight * Math.min(1, entry.cachedShare);
  }
  addLabel(fold, entry, sign);
  showOutcomes(fold, entry, sign);
}

/** What an answer shows of its arm. */
function addShown(fold: PlainFold, entry: Evidence, sign: 1 | -1): void {
  showLabel(fold, entry, sign);
  showOutcomes(fold, entry, sign);
}

function showOutcomes(fold: PlainFold, entry: Evidence, sign: 1 | -1): void {
  const arm = fold.arms.get(entry.arm)!;
  const weight = timesOf(fold, entry, sign) * weightOf(fold, entry);
  const x = contextOf(fold.settings, entry);
  const logPrompt = Math.log(bounded(entry.promptTokensEstimate, 1, 1e8));
  const known = {
    outputTokens: logOf(entry.completionTokens),
    promptRatio: logOf(entry.promptTokens),
    firstByteMs: logOf(entry.firstByteMs),
    totalMs: logOf(entry.totalMs),
  };
  for (const outcome of OUTCOMES) {
    const log = known[outcome];
    if (log !== null)
      addObservation(arm.outcomes[outcome], x, outcome === 'promptRatio' ? log - logPrompt : log, weight);
  }
}

const logOf = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) && value >= 0 ? Math.log(bounded(value, 1, 1e9)) : null;

function bounded(value: number, least: number, most: number): number {
  return value >= least ? Math.min(value, most) : least;
}
