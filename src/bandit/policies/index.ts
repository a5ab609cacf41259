/** The policies by the names that a config uses. */
import { cheapest } from './cheapest.ts';
import { epsilonGreedy } from './epsilon-greedy.ts';
import { fixed } from './fixed.ts';
import { linearThompson } from './linear-thompson.ts';
import { linucb } from './linucb.ts';
import type { Policy } from './policy.ts';
import { random } from './random.ts';
import { thompson } from './thompson.ts';
import { ucb1 } from './ucb1.ts';

export const POLICY_NAMES = [
  'linear-thompson',
  'thompson',
  'linucb',
  'ucb1',
  'epsilon-greedy',
  'random',
  'fixed',
  'cheapest',
] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

export const POLICIES: Record<PolicyName, Policy> = {
  'linear-thompson': linearThompson,
  thompson,
  linucb,
  ucb1,
  'epsilon-greedy': epsilonGreedy,
  random,
  fixed,
  cheapest,
};
