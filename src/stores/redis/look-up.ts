/** Finds a decision by its names: in what waits, and in Redis. */
import type { DecisionRecord } from '../decision-record.ts';
import type { StateStore } from '../ports.ts';
import type { Places } from './places.ts';
import type { Reading } from './reading.ts';

export interface LookUpOptions {
  reading: Pick<Reading, 'lookUp'>;
  places: Places;
  writing: {
    waiting(id: string): DecisionRecord | null;
    waitingUnder(name: string): DecisionRecord | null;
  };
}

export function createLookUp({ reading, places, writing }: LookUpOptions): StateStore['lookUp'] {
  return async (names) => {
    const waiting = names.map(writing.waitingUnder);
    const first = waiting.findIndex((decision) => decision !== null);
    const before = first < 0 ? names : names.slice(0, first);
    const found = await reading.lookUp(before.map(places.hashOf));
    if (found) {
      // A later version of it may wait.
      const decision = writing.waiting(found.decision.id) ?? found.decision;
      return { decision, name: names[found.place] as string };
    }
    const decision = waiting[first];
    return decision ? { decision, name: names[first] as string } : null;
  };
}
