/**
 * What the encoder's features can give somebody who sees every model's score of the prompts he learns from: a ridge
 * regression of each model's score, cross-validated. Quality alone is minded; cost is what comes of it.
 */
import { choleskyInto, dot } from '../bandit/linear-algebra.ts';
import { createDice, shuffled } from './dice.ts';
import type { Reference } from './references.ts';
import type { ReplayRow } from './replay.ts';

/** The rows are split this many times, and the results averaged: one split more or less is worth a thousandth. */
const SPLITS = 5;
const OUTER_FOLDS = 5;
const INNER_FOLDS = 4;
/** On standardised features. The largest leaves hardly more than each model's mean. */
const PENALTIES = [10, 30, 100, 300, 1e3, 3e3, 1e4, 1e5, 1e7];

/**
 * Within each of 5 outer folds the rows of the other four are divided into 4 inner ones. The penalty whose policy (the model
 * with the highest prediction) has the best mean score over the inner folds is used for the outer fold. The same rows in
 * the same order give the same figures.
 */
export function fullInformation(rows: readonly ReplayRow[]): Reference {
  let reward = 0;
  let costUsd = 0;
  for (let split = 0; split < SPLITS; split++) {
    const parts = partsOf(rows, createDice(split + 1));
    for (let outer = 0; outer < OUTER_FOLDS; outer++) {
      const penalty = bestPenalty(parts, outer);
      const trained = parts.filter((part) => part.outer !== outer);
      const model = regress(trained, penalty);
      for (const part of parts) {
        if (part.outer !== outer) continue;
        for (const row of part.rows) {
          const { score, costUsd: cost } = row.outcomes[highestFor(model, row)]!;
          reward += score;
          costUsd += cost;
        }
      }
    }
  }
  const count = rows.length * SPLITS;
  return { reward: reward / count, costUsd: costUsd / count };
}

/** The rows that are in one outer and one inner fold, and their sums, of which all regressions are made. */
interface Part {
  outer: number;
  inner: number;
  rows: ReplayRow[];
  /** Σ x·xᵀ, row by row. x[0] is 1. */
  xx: Float64Array;
  /** Σ score·x for each model. */
  xy: Float64Array[];
}

function partsOf(rows: readonly ReplayRow[], random: () => number): Part[] {
  const d = rows[0]!.x.length;
  const parts: Part[] = [];
  for (let outer = 0; outer < OUTER_FOLDS; outer++) {
    for (let inner = 0; inner < INNER_FOLDS; inner++) {
      const xy = rows[0]!.arms.map(() => new Float64Array(d));
      parts.push({ outer, inner, rows: [], xx: new Float64Array(d * d), xy });
    }
  }
  for (const [i, row] of shuffled(rows, random).entries()) {
    const part = parts[i % parts.length]!;
    part.rows.push(row);
    const { x, outcomes } = row;
    for (let a = 0; a < d; a++) for (let b = 0; b < d; b++) part.xx[a * d + b]! += x[a]! * x[b]!;
    for (const [k, { score }] of outcomes.entries()) {
      const sums = part.xy[k]!;
      for (let a = 0; a < d; a++) sums[a]! += score * x[a]!;
    }
  }
  return parts;
}

function bestPenalty(parts: readonly Part[], outer: number): number {
  let best = PENALTIES[0]!;
  let most = Number.NEGATIVE_INFINITY;
  const others = parts.filter((part) => part.outer !== outer);
  for (const penalty of PENALTIES) {
    let value = 0;
    for (let inner = 0; inner < INNER_FOLDS; inner++) {
      const trained = others.filter((part) => part.inner !== inner);
      const model = regress(trained, penalty);
      for (const part of others) {
        if (part.inner !== inner) continue;
        for (const row of part.rows) value += row.outcomes[highestFor(model, row)]!.score;
      }
    }
    // Of several that are as good, the one that trusts the features least.
    if (value >= most) {
      best = penalty;
      most = value;
    }
  }
  return best;
}

/** For each model what is added up with x to its predicted score. */
type Fitted = Float64Array[];

function highestFor(model: Fitted, { x }: ReplayRow): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < model.length; k++) {
    const weights = model[k]!;
    let value = 0;
    for (let a = 0; a < weights.length; a++) value += weights[a]! * x[a]!;
    if (value > most) {
      best = k;
      most = value;
    }
  }
  return best;
}

/**
 * With x centred, (Σxxᵀ + λ·diag(s²))·β = Σxy, s² being each feature's variance: the same as a penalty λ on standardised
 * features (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, §3.4.1). The constant is not penalised.
 */
function regress(parts: readonly Part[], penalty: number): Fitted {
  const first = parts[0]!;
  const d = Math.round(Math.sqrt(first.xx.length));
  const xx = summed(parts.map((part) => part.xx));
  const xy = first.xy.map((_, k) => summed(parts.map((part) => part.xy[k]!)));
  const count = Math.max(1, xx[0]!);
  const n = d - 1;
  const centred = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) centred[a * n + b] = xx[(a + 1) * d + b + 1]! - (xx[a + 1]! * xx[b + 1]!) / count;
  }
  for (let a = 0; a < n; a++) {
    const sum = Math.max(0, centred[a * n + a]!);
    // A feature that is the same in all rows says nothing: its weight is 0.
    centred[a * n + a] = sum > 1e-12 * count ? sum + (penalty * sum) / count : 1;
  }
  const lower = new Float64Array(n * n);
  const solvable = choleskyInto(lower, centred, n);
  return xy.map((sums) => {
    const weights = new Float64Array(d);
    const right = Float64Array.from({ length: n }, (_, a) => sums[a + 1]! - (sums[0]! * xx[a + 1]!) / count);
    if (solvable) weights.set(solved(lower, right, n), 1);
    weights[0] = (sums[0]! - dot(weights.subarray(1), xx.subarray(1, d))) / count;
    return weights;
  });
}

function summed(terms: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(terms[0]!.length);
  for (const term of terms) for (let i = 0; i < sum.length; i++) sum[i]! += term[i]!;
  return sum;
}

/** L·Lᵀ·β = right, forwards and back. */
function solved(lower: Float64Array, right: Float64Array, n: number): Float64Array {
  const beta = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) beta[i]! -= lower[i * n + k]! * beta[k]!;
    beta[i]! /= lower[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) beta[i]! -= lower[k * n + i]! * beta[k]!;
    beta[i]! /= lower[i * n + i]!;
  }
  return beta;
}
