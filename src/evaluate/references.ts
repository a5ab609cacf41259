/** What a policy is measured against: what could be had without learning anything, and what knowing everything would give. */
import type { RecordedOutcome } from './recorded.ts';
import type { ReplayRow } from './replay.ts';

/** Means over all rows: the score, in [0, 1], and USD a request. */
export interface Reference {
  reward: number;
  costUsd: number;
}

export interface FixedReference extends Reference {
  model: string;
}

/** Each of the models, asked always. */
export function fixedReferences(rows: readonly ReplayRow[]): FixedReference[] {
  return rows[0]!.arms.map(({ id }, k) => ({ model: id, ...referenceOf(rows, ({ outcomes }) => outcomes[k]!) }));
}

/** Every model alike. */
export function randomReference(fixed: readonly Reference[]): Reference {
  return { reward: mean(fixed.map(({ reward }) => reward)), costUsd: mean(fixed.map(({ costUsd }) => costUsd)) };
}

/** The best model in hindsight; of several that are as good, the cheapest. */
export function bestFixed(fixed: readonly FixedReference[]): FixedReference {
  return fixed.reduce((best, one) =>
    one.reward > best.reward || (one.reward === best.reward && one.costUsd < best.costUsd) ? one : best,
  );
}

/** The model whose answers cost least on average; of several that cost the same, the best. */
export function cheapestFixed(fixed: readonly FixedReference[]): FixedReference {
  return fixed.reduce((least, one) =>
    one.costUsd < least.costUsd || (one.costUsd === least.costUsd && one.reward > least.reward) ? one : least,
  );
}

/** The best score of each prompt; of several that are as good, the cheapest. Nobody who has not seen the answers gets there. */
export function oracleReference(rows: readonly ReplayRow[]): Reference {
  return referenceOf(rows, ({ outcomes }) => oracleOf(outcomes));
}

export function oracleOf(outcomes: readonly RecordedOutcome[]): RecordedOutcome {
  return outcomes.reduce((best, one) =>
    one.score > best.score || (one.score === best.score && one.costUsd < best.costUsd) ? one : best,
  );
}

/** One fixed model, or two of them in turns, the first for a share of the requests. */
export interface Mixture extends Reference {
  models: readonly { model: string; share: number }[];
}

/**
 * The best that can be had without looking at any prompt where a request may cost `ceilingUsd` on average: a point of the
 * upper hull of the models' (cost, score), which is one model or a mixture of two. Null where even the cheapest costs more.
 */
export function bestMixture(fixed: readonly FixedReference[], ceilingUsd: number): Mixture | null {
  let best: Mixture | null = null;
  const consider = (mixture: Mixture): void => {
    if (!best || mixture.reward > best.reward) best = mixture;
  };
  const within = fixed.filter(({ costUsd }) => costUsd <= ceilingUsd);
  for (const cheap of within) {
    const { model, reward, costUsd } = cheap;
    consider({ reward, costUsd, models: [{ model, share: 1 }] });
    for (const dear of fixed.filter((one) => one.costUsd > ceilingUsd)) {
      const share = (ceilingUsd - costUsd) / (dear.costUsd - costUsd);
      consider({
        reward: reward + share * (dear.reward - reward),
        costUsd: ceilingUsd,
        models: [
          { model, share: 1 - share },
          { model: dear.model, share },
        ],
      });
    }
  }
  return best;
}

function referenceOf(rows: readonly ReplayRow[], pick: (row: ReplayRow) => RecordedOutcome): Reference {
  const picked = rows.map(pick);
  return { reward: mean(picked.map(({ score }) => score)), costUsd: mean(picked.map(({ costUsd }) => costUsd)) };
}

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};
