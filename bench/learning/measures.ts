/** What is read off the runs of several seeds. */
import { mean } from '../../src/evaluate/references.ts';
import type { ReplayRow, ReplayRun } from '../../src/evaluate/replay.ts';

export interface Measured {
  mean: number;
  /** The standard error by how the seeds differ; null for one seed. */
  error: number | null;
}

export function measure(values: readonly number[]): Measured {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const n = values.length;
  return { mean: middle, error: n > 1 ? Math.sqrt(squares / (n - 1) / n) : null };
}

/** Rows of a run, from one up to another. */
export interface Span {
  from: number;
  to: number;
}

export const rewardIn = (runs: readonly ReplayRun[], { from, to }: Span): Measured =>
  measure(runs.map(({ scores }) => mean(scores.subarray(from, to))));

/** USD a request. */
export const costIn = (runs: readonly ReplayRun[], { from, to }: Span): number =>
  mean(runs.map(({ costs }) => mean(costs.subarray(from, to))));

export const thirdsOf = (rows: number): Span[] => [0, 1, 2].map((k) => partOf(rows, k, 3));
export const lastThird = (rows: number): Span => partOf(rows, 2, 3);
export const partOf = (rows: number, k: number, parts: number): Span => ({
  from: Math.floor((k * rows) / parts),
  to: Math.floor(((k + 1) * rows) / parts),
});

/** A request is part of what accrues for it by so much more. */
const LEEWAY = 1.004;
/** While few requests were made, something may be spent before it has accrued. */
const FROM = 200;

/** USD by which at worst, in any of the runs, more was spent than 1.004 times what had accrued by then. */
export function mostOver(runs: readonly ReplayRun[], ceilingUsd: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const { costs } of runs) {
    let spent = 0;
    for (let t = 1; t <= costs.length; t++) {
      spent += costs[t - 1]!;
      if (t >= FROM) most = Math.max(most, spent - LEEWAY * ceilingUsd * t);
    }
  }
  return most;
}

export const dearestRequest = (rows: readonly ReplayRow[]): number =>
  rows.reduce((most, { outcomes }) => Math.max(most, ...outcomes.map(({ costUsd }) => costUsd)), 0);

const WINDOW = 100;
const LEAST = 5;

/**
 * Requests after `from` until the arm at a position is used lastingly: the end of the first 100 of which it got at least 5, as
 * of any 100 in a row after them. Null where it never is.
 */
export function sustainedAfter({ chosen }: Pick<ReplayRun, 'chosen'>, position: number, from: number): number | null {
  let got = 0;
  let since: number | null = null;
  for (let i = from; i < chosen.length; i++) {
    if (chosen[i] === position) got++;
    if (i - WINDOW >= from && chosen[i - WINDOW] === position) got--;
    if (i - from + 1 < WINDOW) continue;
    since = got >= LEAST ? (since ?? i - from + 1) : null;
  }
  return since;
}
