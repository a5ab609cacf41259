/** Early pulls on their way, of which no posterior knows yet: else a burst of requests would pull each arm many times. */
import { createOwed, type Owed } from './owed.ts';

/** Of this process alone. */
export interface EarlyPulls {
  /** By arm, those that were drawn and are not in the posterior. `now` is in milliseconds since 1970. */
  of(arm: string, now: number): number;
  drawn(decisionId: string, arm: string, now: number): void;
  /** As a debt's. */
  folded(decisionId: string): void;
  derived(): void;
}

export function createEarlyPulls(): EarlyPulls {
  /** One pull each, by arm. */
  const pulls = new Map<string, Owed>();
  return {
    of: (arm, now) => pulls.get(arm)?.sum(now) ?? 0,
    drawn(decisionId, arm, now) {
      let ofArm = pulls.get(arm);
      if (!ofArm) {
        ofArm = createOwed();
        pulls.set(arm, ofArm);
      }
      ofArm.owe(decisionId, 1, now);
    },
    folded(decisionId) {
      for (const ofArm of pulls.values()) ofArm.folded(decisionId);
    },
    derived() {
      for (const ofArm of pulls.values()) ofArm.derived();
    },
  };
}
