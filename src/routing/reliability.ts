/** The share of an arm's recent attempts that were answered: what failures teach, apart from quality. */

/** An attempt this long ago counts half. */
const HALF_LIFE_MS = 30_000;

export interface Reliability {
  note(arm: string, answered: boolean): void;
  /** In [0, 1]; null where nothing recent is known. */
  of(arm: string): number | null;
  /** Whether less than this share of at least so many recent attempts was answered. */
  isBelow(arm: string, share: number, attempts: number): boolean;
}

/** `clock` is in milliseconds, steady. */
export function createReliability(clock: () => number): Reliability {
  const arms = new Map<string, { answered: number; failed: number; at: number }>();

  /** What is left of attempts that were counted at a time. */
  const leftOf = (at: number, now: number): number => 2 ** ((at - now) / HALF_LIFE_MS);

  /** Null where fewer than so many attempts are left. */
  const shareOf = (arm: string, atLeast: number): number | null => {
    const known = arms.get(arm);
    if (!known) return null;
    const left = leftOf(known.at, clock());
    const answered = known.answered * left;
    const failed = known.failed * left;
    return answered + failed < atLeast ? null : answered / (answered + failed);
  };

  return {
    note(arm, wasAnswered) {
      const now = clock();
      let known = arms.get(arm);
      if (!known) {
        known = { answered: 0, failed: 0, at: now };
        arms.set(arm, known);
      }
      const left = leftOf(known.at, now);
      known.answered = known.answered * left + (wasAnswered ? 1 : 0);
      known.failed = known.failed * left + (wasAnswered ? 0 : 1);
      known.at = now;
    },
    of: (arm) => shareOf(arm, 0.5),
    isBelow(arm, share, attempts) {
      const known = shareOf(arm, attempts);
      return known !== null && known < share;
    },
  };
}
