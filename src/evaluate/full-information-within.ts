/**
 * What the encoder's features can give under a ceiling on the average cost, to somebody who sees every model's score and cost of
 * the prompts he learns from, and who knows afterwards which price of money would just have kept to the ceiling.
 */
import { createDice } from './dice.ts';
import { SPLITS } from './full-information.ts';
import type { Reference } from './references.ts';
import { mean } from './references.ts';
import type { ReplayRow } from './replay.ts';
import { INNER_FOLDS, OUTER_FOLDS, type Part, PENALTIES, partsOf, regress, valueAt } from './ridge.ts';

/**
 * For each row, cross-validated in 5 folds: a ridge of each model's score and one of the logarithm of its cost, their penalty the
 * one with the least squared error over 4 folds of the rest; costs are corrected by what they were on average against what was
 * predicted (Duan 1983). Then one price of money for all rows: the least at which they cost no more than `ceilingUsd` each on
 * average. The mean of 5 splits. Where even the cheapest choices cost more, it is those.
 */
export function fullInformationWithin(rows: readonly ReplayRow[], ceilingUsd: number): Reference {
  const splits = Array.from({ length: SPLITS }, (_, split) => {
    const predicted = predictionsOf(rows, split + 1);
    return atPrice(predicted, priceWithin(predicted, ceilingUsd));
  });
  return { reward: mean(splits.map(({ reward }) => reward)), costUsd: mean(splits.map(({ costUsd }) => costUsd)) };
}

interface Predicted {
  row: ReplayRow;
  /** By model. */
  scores: readonly number[];
  costsUsd: readonly number[];
}

/** A free answer counts as one that costs next to nothing. */
const LEAST_USD = 1e-9;
const logCost = (costUsd: number): number => Math.log(Math.max(LEAST_USD, costUsd));

/** The scores of all models, and then the logarithms of their costs. */
const targetsOf = ({ outcomes }: ReplayRow): number[] => [
  ...outcomes.map(({ score }) => score),
  ...outcomes.map(({ costUsd }) => logCost(costUsd)),
];

function predictionsOf(rows: readonly ReplayRow[], seed: number): Predicted[] {
  const models = rows[0]!.outcomes.length;
  const parts = partsOf(rows, targetsOf, createDice(seed));
  const predicted: Predicted[] = [];
  for (let outer = 0; outer < OUTER_FOLDS; outer++) {
    const others = parts.filter((part) => part.outer !== outer);
    const model = bestFits(others);
    const expected = (row: ReplayRow, k: number): number => Math.exp(valueAt(model[models + k]!, row.x));
    const known = others.flatMap((part) => part.rows);
    const ratios = Array.from({ length: models }, (_, k) => {
      const actual = mean(known.map(({ outcomes }) => outcomes[k]!.costUsd));
      return actual / mean(known.map((row) => expected(row, k)));
    });
    for (const part of parts) {
      if (part.outer !== outer) continue;
      for (const row of part.rows)
        predicted.push({
          row,
          scores: ratios.map((_, k) => valueAt(model[k]!, row.x)),
          costsUsd: ratios.map((ratio, k) => ratio * expected(row, k)),
        });
    }
  }
  return predicted;
}

/** For each target the fit with the penalty whose squared error is the least. */
function bestFits(parts: readonly Part[]): Float64Array[] {
  const targets = parts[0]!.xy.length;
  const errors = PENALTIES.map(() => new Float64Array(targets));
  for (const [p, penalty] of PENALTIES.entries()) {
    for (let inner = 0; inner < INNER_FOLDS; inner++) {
      const model = regress(
        parts.filter((part) => part.inner !== inner),
        penalty,
      );
      for (const part of parts) {
        if (part.inner !== inner) continue;
        for (const row of part.rows)
          for (const [k, y] of targetsOf(row).entries()) errors[p]![k]! += (y - valueAt(model[k]!, row.x)) ** 2;
      }
    }
  }
  const models = PENALTIES.map((penalty) => regress(parts, penalty));
  return Array.from({ length: targets }, (_, k) => {
    let best = 0;
    for (let p = 1; p < PENALTIES.length; p++) if (errors[p]![k]! <= errors[best]![k]!) best = p;
    return models[best]![k]!;
  });
}

/** The model that each row would get, with what it gives and costs. */
function atPrice(predicted: readonly Predicted[], qualityPerUsd: number): Reference {
  let reward = 0;
  let costUsd = 0;
  for (const { row, scores, costsUsd } of predicted) {
    let best = 0;
    for (let k = 1; k < scores.length; k++)
      if (scores[k]! - qualityPerUsd * costsUsd[k]! > scores[best]! - qualityPerUsd * costsUsd[best]!) best = k;
    reward += row.outcomes[best]!.score;
    costUsd += row.outcomes[best]!.costUsd;
  }
  return { reward: reward / predicted.length, costUsd: costUsd / predicted.length };
}

/** Of the logarithm of the price, within which it is looked for. */
const LOWEST = Math.log(1e-3);
const HIGHEST = Math.log(1e9);
const HALVINGS = 40;

function priceWithin(predicted: readonly Predicted[], ceilingUsd: number): number {
  if (atPrice(predicted, 0).costUsd <= ceilingUsd) return 0;
  let [low, high] = [LOWEST, HIGHEST];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (atPrice(predicted, Math.exp(middle)).costUsd <= ceilingUsd) high = middle;
    else low = middle;
  }
  return Math.exp(high);
}
