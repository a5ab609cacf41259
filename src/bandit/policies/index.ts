/** The policies by the names that a config uses. */
import { cheapest } from './cheapest.ts';
import { fixed } from './fixed.ts';
import { linearThompson } from './linear-thompson.ts';
import type { Policy } from './policy.ts';
import { random } from './random.ts';
import { thompson } from './thompson.ts';

export const POLICY_NAMES = ['linear-thompson', 'thompson', 'random', 'fixed', 'cheapest'] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

export const POLICIES: Record<PolicyName, Policy> = {
  'linear-thompson': linearThompson,
  thompson,
  random,
  fixed,
  cheapest,
};
