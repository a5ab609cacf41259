/** Changes a decision that others may be changing too. */
import type { DecisionRecord } from '../stores/decision-record.ts';
import type { StateStore } from '../stores/ports.ts';

/** How often a change is tried again when somebody else changed the decision in between. */
const MAX_TRIES = 10;

/** `unchanged`: there was nothing to be changed. `busy`: others were faster each time. `gone`: nobody has it any more. */
export type Revised = { outcome: 'written' | 'unchanged'; decision: DecisionRecord } | { outcome: 'busy' | 'gone' };

/** `edit` gives the decision as it shall be, or null; it is asked again where somebody else was faster. */
export async function revise(
  state: Pick<StateStore, 'revise' | 'recall'>,
  found: DecisionRecord,
  edit: (decision: DecisionRecord) => DecisionRecord | null,
): Promise<Revised> {
  let decision: DecisionRecord | null = found;
  for (let tries = 0; decision && tries < MAX_TRIES; tries++) {
    const changed = edit(decision);
    if (changed === null) return { outcome: 'unchanged', decision };
    if ((await state.revise(changed)) === 'written') return { outcome: 'written', decision: changed };
    decision = await state.recall(found.id);
  }
  return { outcome: decision ? 'busy' : 'gone' };
}
