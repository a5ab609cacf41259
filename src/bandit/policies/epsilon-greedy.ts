/** The arm of the highest utility for this prompt, but now and then, with the floor's probability, any (Sutton & Barto, §2.2). */
import { pointScore } from '../scores.ts';
import type { Policy } from './policy.ts';

export const epsilonGreedy: Policy = {
  explores: true,
  floorForAll: true,
  score: ({ mean, toll }) => pointScore(mean - toll),
};
