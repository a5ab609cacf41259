/**
 * The highest upper confidence bound, without context (UCB1: Auer, Cesa-Bianchi & Fischer 2002, Fig. 1). With a half-life it
 * is the discounted one (Garivier & Moulines 2011, §2, with ξ = ½), since labels are counted as far as they have not faded.
 */
import { pointScore } from '../scores.ts';
import { betaBelief } from './beta-belief.ts';
import type { Policy } from './policy.ts';

/**
 * mean + √(2·ln n / n_k), n being the labels of all the router's arms. Each arm begins with one good label and one bad, as its
 * Beta does: so the bound of an arm without labels is above that of any other that costs the same, and is finite all the same,
 * so that it does not outweigh whatever the arm costs.
 */
export const ucb1: Policy = {
  explores: true,
  belief: betaBelief,
  score({ id, mean, toll, posterior }) {
    const { a, b } = posterior.betas(id);
    return pointScore(mean + Math.sqrt((2 * Math.log(posterior.betaTotal)) / (a + b)) - toll);
  },
};
