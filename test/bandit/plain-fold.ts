/** The fold with its open entries as objects in a map, as plainly as it can be written: what the one in use must be equal to. */

import { type ArmSums, emptyArm, OUTCOMES } from '../../src/bandit/arm-sums.ts';
import type { Evidence, Label } from '../../src/bandit/evidence.ts';
import type { FoldSettings } from '../../src/bandit/fold.ts';
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
  arms: Map<string, ArmSums>;
  open: Map<string, Evidence>;
}

export function plainFoldOf(entries: readonly Evidence[], settings: FoldSettings): PlainFold {
  const counts = { landmark: 0, newest: 0, openSince: 0, entries: 0, labels: 0, late: 0, broken: 0 };
  const fold: PlainFold = { settings, ...counts, arms: new Map(), open: new Map() };
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
  const given = entry.earlier && isGiven(entry.earlier) ? 1 : 0;
  if (isClosed && entry.earlier && arm && arm.labels >= given && arm.labels - given < arm.pulls) {
    addLabel(fold, { ...entry, ...entry.earlier }, -1);
    addLabel(fold, entry, 1);
  } else {
    if (before) contribute(fold, before, -1);
    contribute(fold, entry, 1);
  }
  fold.open.set(entry.decisionId, { ...entry, earlier: null });
  if (fold.open.size <= fold.settings.maxOpen) return;
  const [id, oldest] = fold.open.entries().next().value!;
  fold.open.delete(id);
  fold.openSince = Math.max(fold.openSince, oldest.at + 1);
}

function advance(fold: PlainFold, newest: number): void {
  const { halfLifeMs, windowMs } = fold.settings;
  fold.newest = newest;
  fold.openSince = Math.max(fold.openSince, newest - windowMs);
  if (halfLifeMs !== null) {
    const landmark = Math.floor(newest / halfLifeMs) * halfLifeMs;
    const factor = 2 ** -Math.round((landmark - fold.landmark) / halfLifeMs);
    fold.landmark = landmark;
    for (const { quality, outcomes, requests } of fold.arms.values()) {
      for (const sums of [quality, ...OUTCOMES.map((outcome) => outcomes[outcome])]) scaleSums(sums, factor);
      for (const i of requests.x.keys()) requests.x[i] = requests.x[i]! * factor;
      requests.weight *= factor;
      requests.logPrompt *= factor;
    }
  }
  for (const [id, { at }] of fold.open) {
    if (at >= newest - windowMs) break;
    fold.open.delete(id);
  }
}

const isGiven = ({ quality, weight }: Label): boolean => quality !== null && Number.isFinite(quality) && weight > 0;

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

function addLabel(fold: PlainFold, entry: Evidence, sign: 1 | -1): void {
  if (!isGiven(entry)) return;
  const arm = fold.arms.get(entry.arm)!;
  fold.labels += sign;
  arm.labels += sign;
  const weight = sign * weightOf(fold, entry) * Math.min(entry.weight, 100);
  addObservation(arm.quality, contextOf(fold.settings, entry), bounded(entry.quality!, 0, 1), weight);
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
  addLabel(fold, entry, sign);
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
