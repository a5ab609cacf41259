/** Corrects how long answers are expected to be by how long the latest were. */
import type { RecentRequest } from './recent-requests.ts';

/** How many of the latest answers correct what is expected of lengths, and how many as expected stand beside them. */
export const LENGTHS = 400;
const AS_EXPECTED = 20;

/**
 * By arm, how long its latest answers were in all, against what is expected of them: lengths have longer tails than the
 * log-normal, and what matters is their sum, which is what is paid for (a smearing factor: Duan 1983).
 */
export function lengthRatios(
  arms: readonly { id: string; was: readonly string[] }[],
  requests: readonly RecentRequest[],
  expected: (arm: string, x: Float64Array) => number,
): Map<string, number> {
  return new Map(
    arms.map(({ id, was }) => {
      let actual = 0;
      let predicted = 0;
      let count = 0;
      for (const { arm, x, completionTokens } of requests) {
        if (completionTokens === null || (arm !== id && !was.includes(arm))) continue;
        actual += completionTokens;
        predicted += expected(id, x);
        count++;
      }
      const beside = count > 0 ? (AS_EXPECTED * predicted) / count : 1;
      return [id, (beside + actual) / (beside + predicted)];
    }),
  );
}
