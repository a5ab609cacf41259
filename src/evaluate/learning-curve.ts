/** How a policy's reward grows from request to request, smooth enough to be drawn. */
import type { ReplayRun } from './replay.ts';

export interface CurvePoint {
  /** Requests so far. */
  request: number;
  reward: number;
}

/** Scores of single requests are mostly luck: each point is the mean of a twelfth of the rows around it. */
const WINDOW = 1 / 12;
const MOST_POINTS = 240;

/** The mean over the runs of each row's score, and of that the mean over a window, which is cut off at both ends. */
export function learningCurve(runs: readonly ReplayRun[]): CurvePoint[] {
  const rows = runs[0]!.scores.length;
  /** Of all rows before each. */
  const sums = new Float64Array(rows + 1);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (const { scores } of runs) sum += scores[i]!;
    sums[i + 1] = sums[i]! + sum / runs.length;
  }
  const half = Math.max(1, Math.round((rows * WINDOW) / 2));
  const points = Math.min(rows, MOST_POINTS);
  return Array.from({ length: points }, (_, p) => {
    const i = points === 1 ? 0 : Math.round((p * (rows - 1)) / (points - 1));
    const from = Math.max(0, i - half);
    const to = Math.min(rows, i + half + 1);
    return { request: i + 1, reward: (sums[to]! - sums[from]!) / (to - from) };
  });
}
