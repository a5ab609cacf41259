/** What a seed's run goes over: orders, halves that are known beforehand, and what changes on the way. */
import { createDice, seedOf, shuffled } from '../../src/evaluate/dice.ts';
import type { ReplayArm, ReplayRow } from '../../src/evaluate/replay.ts';
import type { Replayed } from '../../src/evaluate/seeded-run.ts';

/** Parts of a seed. */
const SPLIT = 1;
const AGAIN = 2;
const PASSES = 3;

/** All rows so many times, each time in an order of its own. */
export const passes =
  (rows: readonly ReplayRow[], times: number) =>
  (seed: number): Replayed => ({
    rows: Array.from({ length: times }, (_, k) => shuffled(rows, createDice(seedOf(seed, PASSES, k)))).flat(),
    warmUp: [],
    inOrder: true,
  });

/** A random half, of which everything is known beforehand, and the other. */
function halves(rows: readonly ReplayRow[], seed: number): { known: ReplayRow[]; other: ReplayRow[] } {
  const order = shuffled(rows, createDice(seedOf(seed, SPLIT)));
  const half = Math.floor(order.length / 2);
  return { known: order.slice(0, half), other: order.slice(half) };
}

/** How many rows each of three phases has of so many in all. */
export const phaseLength = (rows: number): number => Math.floor((rows - Math.floor(rows / 2)) / 2);

/**
 * Three phases of the half that is not known: the first part of it; the second, in which something is otherwise; and the first
 * part again, in another order.
 */
export const threePhases =
  (rows: readonly ReplayRow[], otherwise: (row: ReplayRow) => ReplayRow) =>
  (seed: number): Replayed => {
    const { known, other } = halves(rows, seed);
    const length = phaseLength(rows.length);
    const first = other.slice(0, length);
    const again = shuffled(first, createDice(seedOf(seed, AGAIN)));
    return {
      rows: [...first, ...other.slice(length, 2 * length).map(otherwise), ...again],
      warmUp: known,
      inOrder: true,
    };
  };

/** An arm at another price, what its answers cost being made anew from their tokens. The arms are the same array for all rows. */
export function repriced(arms: readonly ReplayArm[], arm: string, input: number, output: number) {
  const others = arms.map((one) => (one.id === arm ? { ...one, price: { input, output } } : one));
  const k = positionOf(arms, arm);
  return (row: ReplayRow): ReplayRow => {
    const { promptTokens, completionTokens } = row.outcomes[k]!;
    const costUsd = (promptTokens * input + completionTokens * output) / 1e6;
    return { ...row, arms: others, outcomes: row.outcomes.with(k, { ...row.outcomes[k]!, costUsd }) };
  };
}

/** An arm whose every answer is this good. */
export function scoredAlike(arms: readonly ReplayArm[], arm: string, score: number) {
  const k = positionOf(arms, arm);
  return (row: ReplayRow): ReplayRow => ({ ...row, outcomes: row.outcomes.with(k, { ...row.outcomes[k]!, score }) });
}

/** How many rows come before, and after, an arm arrives in the half that is not known. */
export const beforeArrival = (rows: number): number => Math.floor((rows - Math.floor(rows / 2)) / 2);

/** The arm is not among those that are known beforehand, and is there from the middle of the other half on. */
export const arrival =
  (rows: readonly ReplayRow[], arm: string) =>
  (seed: number): Replayed => {
    const { known, other } = halves(rows, seed);
    const arms = rows[0]!.arms;
    const k = positionOf(arms, arm);
    const earlier = arms.toSpliced(k, 1);
    const without = (row: ReplayRow): ReplayRow => ({ ...row, arms: earlier, outcomes: row.outcomes.toSpliced(k, 1) });
    const before = beforeArrival(rows.length);
    return {
      rows: [...other.slice(0, before).map(without), ...other.slice(before)],
      warmUp: known.map(without),
      inOrder: true,
    };
  };

export function positionOf(arms: readonly ReplayArm[], arm: string): number {
  const k = arms.findIndex(({ id }) => id === arm);
  if (k < 0) throw new RangeError(`there is no ${arm} (there are: ${arms.map(({ id }) => id).join(', ')})`);
  return k;
}
