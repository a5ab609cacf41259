/** Which arm is asked next after others have failed. */
import type { Model } from '../config/resolve.ts';
import type { Health } from './health.ts';

/**
 * The next of the arms in their order, those that rest last; null where all have been tried, or
 * as many as may be.
 */
export function nextArm(
  order: readonly Model[],
  tried: ReadonlySet<Model>,
  mostArms: number,
  health: Pick<Health, 'restOf' | 'leastBadFirst'>,
): Model | null {
  if (tried.size >= mostArms) return null;
  // The first was chosen: nothing has happened since.
  if (tried.size === 0) return order[0] ?? null;
  const left = order.filter((model) => !tried.has(model));
  // Whoever rests may answer all the same: as long as others have failed, asking beats failing.
  return left.find((model) => health.restOf(model) === null) ?? health.leastBadFirst(left)[0] ?? null;
}
