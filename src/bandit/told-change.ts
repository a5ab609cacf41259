/** What the log is told of a change that was noticed: another revision of the first decision of what the arm is now. */
import type { NoticedChange } from './changed-arms.ts';
import type { Evidence } from './evidence.ts';
import type { Fold } from './fold.ts';
import { entryAt, NONE, slotFor } from './open-entries.ts';

/** Null where it may not be told, or has been. */
export function toldOf({ open }: Fold, { decisionId, worthBefore, canBeTold }: NoticedChange): Evidence | null {
  const slot = canBeTold ? slotFor(open, decisionId) : NONE;
  if (slot === NONE) return null;
  const first = entryAt(open, slot, decisionId);
  if (first.worthBefore !== null) return null;
  const { quality, weight, shown, next, share } = first;
  const earlier = { quality, weight, shown, next, share };
  return { ...first, revision: first.revision + 1, earlier, worthBefore };
}
