/** Folds that know the same, whatever way they came to it. */
import { expect } from 'vitest';
import type { Fold } from '../../src/bandit/fold.ts';
import type { SignSums } from '../../src/bandit/sign-sums.ts';

/** Every number that something is derived from, by arm, what it belongs to and its place. One that is not there is 0. */
export function numbersOf({ arms, rated }: Fold): Map<string, number> {
  const numbers = new Map<string, number>();
  const note = (name: string, values: Iterable<number>): void => {
    let i = 0;
    for (const value of values) numbers.set(`${name} ${i++}`, value);
  };
  const noteSigns = (name: string, { unfollowed, followed, pairs }: SignSums): void => {
    note(`${name} unfollowed`, unfollowed);
    note(`${name} followed`, followed);
    for (const [pair, x] of pairs) note(`${name} pair ${pair}`, x);
  };
  note('rated', rated);
  for (const [id, { pulls, labels, quality, signs, waiting, outcomes, requests, cache, changes }] of arms) {
    note(`${id} counts`, [pulls, labels]);
    for (const [name, { xx, xy, yy }] of Object.entries({ quality, ...outcomes }))
      note(`${id} ${name}`, [...xx, ...xy, yy]);
    noteSigns(`${id} signs`, signs);
    for (const [stretch, sums] of waiting) noteSigns(`${id} waiting ${stretch}`, sums);
    note(`${id} requests`, [...requests.x, requests.weight, requests.logPrompt]);
    note(`${id} cache`, [cache.weight, cache.hits]);
    note(
      `${id} changes`,
      changes.flatMap(({ since, from, worthBefore }) => [since, from, worthBefore]),
    );
  }
  return numbers;
}

/** To 1e-9, and in what is counted exactly. */
export function expectAlike(one: Fold, other: Fold): void {
  expect([one.entries, one.labels, one.landmark, one.newest]).toEqual([
    other.entries,
    other.labels,
    other.landmark,
    other.newest,
  ]);
  const [these, those] = [numbersOf(one), numbersOf(other)];
  const unlike = [...new Set([...these.keys(), ...those.keys()])].flatMap((name) => {
    const [value, expected] = [these.get(name) ?? 0, those.get(name) ?? 0];
    return Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected)) ? [] : [{ name, value, expected }];
  });
  expect(unlike).toEqual([]);
}
