/** Thompson sampling without context: a Beta per arm, fractional labels counted as such (Agrawal & Goyal, COLT 2012, §1). */
import type { Betas } from '../posterior.ts';
import { betaScore, type Score, shifted } from '../scores.ts';
import { betaBelief } from './beta-belief.ts';
import type { Policy } from './policy.ts';

/** A posterior serves many requests, and its betas are the same for all of them. */
const scores = new WeakMap<Betas, Score>();

function scoreOf(betas: Betas): Score {
  let score = scores.get(betas);
  if (!score) {
    score = betaScore(betas.a, betas.b);
    scores.set(betas, score);
  }
  return score;
}

export const thompson: Policy = {
  explores: true,
  belief: betaBelief,
  score: ({ id, toll, posterior }) => shifted(scoreOf(posterior.betas(id)), -toll),
};
