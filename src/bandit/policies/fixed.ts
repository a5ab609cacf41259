/** Always the baseline; where it is ruled out, the first arm that is not. */
import { pointScore } from '../scores.ts';
import type { Policy } from './policy.ts';

export const fixed: Policy = {
  explores: false,
  learns: false,
  score: ({ isBaseline, position }) => pointScore(isBaseline ? 1 : -position),
};
