/**
 * What the encoder's features can give somebody who sees every model's score of the prompts he learns from: a ridge
 * regression of each model's score, cross-validated. Quality alone is minded; cost is what comes of it.
 */
import { createDice } from './dice.ts';
import type { Reference } from './references.ts';
import type { ReplayRow } from './replay.ts';
import { type Fitted, INNER_FOLDS, OUTER_FOLDS, type Part, PENALTIES, partsOf, regress, valueAt } from './ridge.ts';

/** The rows are split this many times, and the results averaged: one split more or less is worth a thousandth. */
export const SPLITS = 5;

/**
 * Within each of 5 outer folds the rows of the other four are divided into 4 inner ones. The penalty whose policy (the model
 * with the highest prediction) has the best mean score over the inner folds is used for the outer fold. The same rows in
 * the same order give the same figures.
 */
export function fullInformation(rows: readonly ReplayRow[]): Reference {
  let reward = 0;
  let costUsd = 0;
  for (let split = 0; split < SPLITS; split++) {
    const parts = partsOf(rows, scoresOf, createDice(split + 1));
    for (let outer = 0; outer < OUTER_FOLDS; outer++) {
      const penalty = bestPenalty(parts, outer);
      const trained = parts.filter((part) => part.outer !== outer);
      const model = regress(trained, penalty);
      for (const part of parts) {
        if (part.outer !== outer) continue;
        for (const row of part.rows) {
          const { score, costUsd: cost } = row.outcomes[highestFor(model, row)]!;
          reward += score;
          costUsd += cost;
        }
      }
    }
  }
  const count = rows.length * SPLITS;
  return { reward: reward / count, costUsd: costUsd / count };
}

const scoresOf = ({ outcomes }: ReplayRow): number[] => outcomes.map(({ score }) => score);

function bestPenalty(parts: readonly Part[], outer: number): number {
  let best = PENALTIES[0]!;
  let most = Number.NEGATIVE_INFINITY;
  const others = parts.filter((part) => part.outer !== outer);
  for (const penalty of PENALTIES) {
    let value = 0;
    for (let inner = 0; inner < INNER_FOLDS; inner++) {
      const trained = others.filter((part) => part.inner !== inner);
      const model = regress(trained, penalty);
      for (const part of others) {
        if (part.inner !== inner) continue;
        for (const row of part.rows) value += row.outcomes[highestFor(model, row)]!.score;
      }
    }
    // Of several that are as good, the one that trusts the features least.
    if (value >= most) {
      best = penalty;
      most = value;
    }
  }
  return best;
}

function highestFor(model: Fitted, { x }: ReplayRow): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < model.length; k++) {
    const value = valueAt(model[k]!, x);
    if (value > most) {
      best = k;
      most = value;
    }
  }
  return best;
}
