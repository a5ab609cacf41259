/** Thompson sampling without context: a Beta per arm, fractional labels counted as such (Agrawal & Goyal, COLT 2012, §1). */
import { betaScore, shifted } from '../scores.ts';
import type { Policy } from './policy.ts';

export const thompson: Policy = {
  explores: true,
  belief(posterior, arm) {
    const { a, b } = posterior.betas(arm);
    const mean = a / (a + b);
    return { mean, deviation: Math.sqrt((mean * (1 - mean)) / (a + b + 1)) };
  },
  score({ id, toll, posterior }) {
    const { a, b } = posterior.betas(id);
    return shifted(betaScore(a, b), -toll);
  },
};
