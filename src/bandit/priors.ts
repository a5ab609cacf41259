/** What is believed of arms before any evidence. It enters when a posterior is derived, and so never fades. */
import type { Outcome } from './arm-sums.ts';
import type { HierarchyPrior } from './hierarchy.ts';

/** Wide on the intercept (deviation .3), modest on context (.1 at a usual prompt), before anything is known. */
export const QUALITY_PRIOR: HierarchyPrior = {
  mean: 0.7,
  shared: { intercept: 0.25 ** 2, context: 0.09 ** 2 },
  own: { intercept: 0.17 ** 2, context: 0.03 ** 2 },
  noise: 0.15,
  sizeWorth: { intercept: 100, context: 2 },
  noiseWorth: 10,
  steps: 3,
};

const logPrior = (mean: number, shared: number, own: number, noise: number): HierarchyPrior => ({
  mean,
  shared: { intercept: shared ** 2, context: 0.5 ** 2 },
  own: { intercept: own ** 2, context: 0.3 ** 2 },
  noise: noise ** 2,
  sizeWorth: { intercept: 4, context: 4 / 3 },
  noiseWorth: 10,
  steps: 1,
});

/** Before anything is known: 300 tokens after 0.6 s, done in 4 s, the prompt as long as was estimated. */
export const OUTCOME_PRIORS: Record<Outcome, HierarchyPrior> = {
  outputTokens: {
    ...logPrior(Math.log(300), 1, 0.7, 0.8),
    shared: { intercept: 1, context: 0.8 ** 2 },
    own: { intercept: 0.7 ** 2, context: 0.5 ** 2 },
    sizeWorth: { intercept: 4, context: 0.08 },
  },
  promptRatio: {
    ...logPrior(0, 0.3, 0.1, 0.2),
    shared: { intercept: 0.3 ** 2, context: 0.1 ** 2 },
    own: { intercept: 0.1 ** 2, context: 0.1 ** 2 },
  },
  firstByteMs: logPrior(Math.log(600), 1, 0.7, 0.6),
  totalMs: logPrior(Math.log(4000), 1, 0.7, 0.8),
};
