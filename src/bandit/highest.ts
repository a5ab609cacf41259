/** The exact probability that each of several independent scores is the highest. */
import type { Score } from './scores.ts';

/** Gauss and Legendre's three points and weights on [0, 1]: exact for six arms; with more, cells are narrow enough. */
const POINTS = [0.5 - Math.sqrt(0.15), 0.5, 0.5 + Math.sqrt(0.15)];
const WEIGHTS = [5 / 18, 8 / 18, 5 / 18];
/** Where all scores lie below with less than this probability, no maximum is looked for. */
const NEGLIGIBLE = 1e-12;

/** What is summed for each score. This and what follows grows to the most scores ever compared; each call overwrites it. */
let sums = new Float64Array(0);
/** For each score that may still be the highest: which one it is, its node reached, and its F at both ends of a cell and within. */
let running = new Int32Array(0);
let reached = new Int32Array(0);
let before = new Float64Array(0);
let after = new Float64Array(0);
let values = new Float64Array(0);

/**
 * P(score k is the highest) = ∫ f_k·Π_{j≠k} F_j, summed over the cells between all nodes, within which every F is a straight
 * line and the integrand a polynomial. Below the highest of all first nodes some F is 0, and so is the integrand; a score
 * whose F has come to 1 is out of the product.
 */
export function chancesOfBeingHighest(scores: readonly Score[]): number[] {
  let count = beginBelowAll(scores);
  while (count > 0) {
    const at = nextNode(scores, count);
    if (at === Number.POSITIVE_INFINITY) break;
    let product = 1;
    for (let r = 0; r < count; r++) {
      before[r] = after[r]!;
      after[r] = cumulativeAt(scores[running[r]!]!, at, r);
      product *= after[r]!;
    }
    if (product >= NEGLIGIBLE) addCell(count);
    count = withoutEnded(count, scores);
  }
  let total = 0;
  for (let k = 0; k < scores.length; k++) total += sums[k]!;
  return scores.map((_, k) => sums[k]! / total);
}

/** Sets each F to its value at the last node below the highest of all first nodes; gives how many scores go on from there. */
function beginBelowAll(scores: readonly Score[]): number {
  makeRoomFor(scores.length);
  let start = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < scores.length; k++) start = Math.max(start, scores[k]!.nodes[0]!);
  let last = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < scores.length; k++) {
    const { nodes } = scores[k]!;
    for (let i = 0; i < nodes.length && nodes[i]! < start; i++) last = Math.max(last, nodes[i]!);
  }
  for (let k = 0; k < scores.length; k++) {
    sums[k] = 0;
    running[k] = k;
    reached[k] = 0;
    after[k] = cumulativeAt(scores[k]!, last, k);
  }
  return withoutEnded(scores.length, scores);
}

function makeRoomFor(count: number): void {
  if (running.length >= count) return;
  sums = new Float64Array(count);
  running = new Int32Array(count);
  reached = new Int32Array(count);
  before = new Float64Array(count);
  after = new Float64Array(count);
  values = new Float64Array(count);
}

/** The lowest node that has not been reached. */
function nextNode(scores: readonly Score[], count: number): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let r = 0; r < count; r++) {
    const node = scores[running[r]!]!.nodes[reached[r]!]!;
    if (node < lowest) lowest = node;
  }
  return lowest;
}

/** F at a value, where values are asked for in ascending order: `reached[r]` is the first node above the last one. */
function cumulativeAt({ nodes, cumulative }: Score, value: number, r: number): number {
  let i = reached[r]!;
  while (i < nodes.length && nodes[i]! <= value) i++;
  reached[r] = i;
  if (i === nodes.length) return 1;
  if (i === 0) return 0;
  const low = nodes[i - 1]!;
  const part = (value - low) / (nodes[i]! - low);
  return cumulative[i - 1]! + part * (cumulative[i]! - cumulative[i - 1]!);
}

function addCell(count: number): void {
  for (let p = 0; p < POINTS.length; p++) {
    let all = WEIGHTS[p]!;
    for (let r = 0; r < count; r++) {
      values[r] = before[r]! + (after[r]! - before[r]!) * POINTS[p]!;
      all *= values[r]!;
    }
    for (let r = 0; r < count; r++) {
      const rise = after[r]! - before[r]!;
      const k = running[r]!;
      if (rise > 0) sums[k] = sums[k]! + (rise * all) / values[r]!;
    }
  }
}

/** Closes the ranks behind scores whose nodes have all been reached; gives how many are left. */
function withoutEnded(count: number, scores: readonly Score[]): number {
  let left = 0;
  for (let r = 0; r < count; r++) {
    const k = running[r]!;
    if (reached[r]! === scores[k]!.nodes.length) continue;
    running[left] = k;
    reached[left] = reached[r]!;
    after[left] = after[r]!;
    left++;
  }
  return left;
}
