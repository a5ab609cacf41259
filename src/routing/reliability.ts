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

  const faded = (arm: string): { answered: number; failed: number; at: number } => {
    const at = clock();
    const known = arms.get(arm) ?? { answered: 0, failed: 0, at };
    const left = 2 ** ((known.at - at) / HALF_LIFE_MS);
    return { answered: known.answered * left, failed: known.failed * left, at };
  };

  return {
    note(arm, wasAnswered) {
      const now = faded(arm);
      if (wasAnswered) now.answered++;
      else now.failed++;
      arms.set(arm, now);
    },
    of(arm) {
      const { answered, failed } = faded(arm);
      return answered + failed < 0.5 ? null : answered / (answered + failed);
    },
    isBelow(arm, share, attempts) {
      const { answered, failed } = faded(arm);
      return answered + failed >= attempts && answered / (answered + failed) < share;
    },
  };
}
