/** Dice that fall the same way for the same seed. */
import { createDice as createRandom } from '../src/evaluate/dice.ts';

export interface Dice {
  /** Uniform in [0, 1). */
  random(): number;
  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

export function createDice(seed: number): Dice {
  const random = createRandom(seed);
  const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  return {
    random,
    whole,
    pick: (from) => from[whole(0, from.length - 1)] as (typeof from)[number],
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      return (entries.at(-1) as [keyof typeof weights, number])[0];
    },
  };
}
