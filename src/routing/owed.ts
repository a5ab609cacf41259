/** What answers may have taken off a router's surplus of which its posterior does not know yet. Of this process alone. */

export interface Owed {
  /** In units of quality. `now` is in milliseconds since 1970. */
  sum(now: number): number;
  owe(decisionId: string, risk: number, now: number): void;
  /** The decision's evidence has been folded, and is in the next posterior. */
  folded(decisionId: string): void;
  /** A posterior was derived from all that has been folded. */
  derived(): void;
}

/** An answer that has told nothing for so long has failed, and is none. */
const FORGOTTEN_MS = 15 * 60 * 1000;

export function createOwed(): Owed {
  /** Of what has not been folded, the oldest first. */
  const open = new Map<string, { risk: number; at: number }>();
  let openSum = 0;
  let foldedSum = 0;

  const settle = (decisionId: string, risk: number): void => {
    open.delete(decisionId);
    // Rounding errors must not add up to a debt of nobody's.
    openSum = open.size > 0 ? openSum - risk : 0;
  };

  return {
    sum(now) {
      for (const [decisionId, { risk, at }] of open) {
        if (now - at < FORGOTTEN_MS) break;
        settle(decisionId, risk);
      }
      return openSum + foldedSum;
    },
    owe(decisionId, risk, now) {
      if (risk === 0) return;
      open.set(decisionId, { risk, at: now });
      openSum += risk;
    },
    folded(decisionId) {
      const one = open.get(decisionId);
      if (!one) return;
      settle(decisionId, one.risk);
      foldedSum += one.risk;
    },
    derived() {
      foldedSum = 0;
    },
  };
}
