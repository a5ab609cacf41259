/** What full information gives under a ceiling. */
import { expect, test } from 'vitest';
import { fullInformation } from '../../src/evaluate/full-information.ts';
import { fullInformationWithin } from '../../src/evaluate/full-information-within.ts';
import { bestMixture, fixedReferences } from '../../src/evaluate/references.ts';
import { twoKinds } from './recorded.ts';
import { rowsFrom } from './rows.ts';

const rows = rowsFrom(twoKinds(240));

test('is the best of what keeps to the ceiling, and more than a mixture that looks at no prompt', () => {
  // A quarter of the prompts may go to the dear model: a half of those that it alone gets right.
  const within = fullInformationWithin(rows, 0.000325);
  expect(within.costUsd).toBeLessThanOrEqual(0.000325);
  expect(within.reward).toBeGreaterThanOrEqual(bestMixture(fixedReferences(rows), 0.000325)!.reward - 0.16);
  // All of those may.
  const enough = fullInformationWithin(rows, 0.00056);
  expect(enough.reward).toBeCloseTo(0.95, 2);
  expect(enough.costUsd).toBeLessThanOrEqual(0.00056);
});

test('is that without a ceiling where the ceiling is high, and the cheapest answers where it is out of reach', () => {
  expect(fullInformationWithin(rows, 1).reward).toBeCloseTo(fullInformation(rows).reward, 2);
  expect(fullInformationWithin(rows, 1e-6).costUsd).toBeCloseTo(0.0001, 6);
});
