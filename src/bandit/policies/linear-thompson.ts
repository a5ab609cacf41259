/** Thompson sampling over the contextual posterior (Agrawal & Goyal, ICML 2013, §2). */
import { normalScore } from '../scores.ts';
import type { Policy } from './policy.ts';

/**
 * The posterior's full width until an arm has shown something, about half after: the full width is what worst cases need
 * (Agrawal & Goyal, §2.2), and costs more in exploration than it brings where the noise is learned.
 */
export function widthFor(observations: number): number {
  return 0.5 + 0.5 / (1 + (observations / 20) ** 3);
}

export const linearThompson: Policy = {
  explores: true,
  score: ({ quality, toll, observations }) =>
    normalScore(quality.mean - toll, quality.deviation * widthFor(observations)),
};
