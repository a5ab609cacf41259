/** Counts what became of looking for the conversation that a request goes on with, before it was routed: by router. */

/**
 * `cached`: this process gave the earlier answer itself and knew it. Else the state store was asked: it had it (`found`) or knew of
 * none (`unknown`), was too slow for the request to wait for it (`late`), or gave no answer (`failed`).
 */
export const LOOK_UP_ENDS = ['cached', 'found', 'unknown', 'late', 'failed'] as const;
export type LookUpEnd = (typeof LOOK_UP_ENDS)[number];
export type LookUpCounts = Readonly<Record<LookUpEnd, number>>;

export interface LookUps {
  count(router: string, end: LookUpEnd): void;
  /** Since this process began. */
  of(router: string): LookUpCounts;
}

const NONE: LookUpCounts = { cached: 0, found: 0, unknown: 0, late: 0, failed: 0 };

export function createLookUps(): LookUps {
  const counts = new Map<string, Record<LookUpEnd, number>>();
  return {
    count(router, end) {
      let own = counts.get(router);
      if (!own) {
        own = { ...NONE };
        counts.set(router, own);
      }
      own[end]++;
    },
    of: (router) => counts.get(router) ?? NONE,
  };
}

/** The share of them that found an earlier answer, in [0, 1]; null where there were none. */
export function hitRate(counts: LookUpCounts): number | null {
  const all = LOOK_UP_ENDS.reduce((sum, end) => sum + counts[end], 0);
  return all === 0 ? null : (counts.cached + counts.found) / all;
}
