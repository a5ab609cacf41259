/** What is believed of an arm's quality by its record alone, whatever is asked: a Beta distribution. */
import type { Posterior } from '../posterior.ts';
import type { Belief } from '../prediction.ts';

export function betaBelief(posterior: Posterior, arm: string): Belief {
  const { a, b } = posterior.betas(arm);
  const mean = a / (a + b);
  const deviation = Math.sqrt((mean * (1 - mean)) / (a + b + 1));
  return { mean, deviation, ownDeviation: deviation };
}
