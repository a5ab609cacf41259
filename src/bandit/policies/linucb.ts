/** The highest upper confidence bound of the contextual posterior (LinUCB: Li, Chu, Langford & Schapire, WWW 2010, §3.1). */
import { pointScore } from '../scores.ts';
import type { Policy } from './policy.ts';

/**
 * The paper's α, in deviations of the belief. On recorded outcomes of nine and twelve arms one and three gave less, since with
 * one some runs locked in on an arm that was not the best; of three and four arms, one gave a thousandth more.
 */
const DEVIATIONS = 2;

export const linucb: Policy = {
  explores: true,
  score: ({ mean, ownDeviation, toll }) => pointScore(mean + DEVIATIONS * ownDeviation - toll),
};
