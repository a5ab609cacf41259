/** What policies are measured against, where it can be worked out by hand. */
import { describe, expect, test } from 'vitest';
import { fullInformation } from '../../src/evaluate/full-information.ts';
import {
  bestFixed,
  bestMixture,
  cheapestFixed,
  fixedReferences,
  oracleReference,
  randomReference,
} from '../../src/evaluate/references.ts';
import { outcome, PRICES, twoKinds } from './recorded.ts';
import { rowsFrom } from './rows.ts';

const rows = rowsFrom(twoKinds(120));
const fixed = fixedReferences(rows);

describe('the references', () => {
  test('are the means of what each model made of all prompts', () => {
    expect(fixed).toEqual([
      { model: 'p/cheap', reward: expect.closeTo(0.45, 12), costUsd: expect.closeTo(0.0001, 12) },
      { model: 'p/dear', reward: expect.closeTo(0.75, 12), costUsd: expect.closeTo(0.001, 12) },
    ]);
    expect(randomReference(fixed)).toEqual({ reward: expect.closeTo(0.6, 12), costUsd: expect.closeTo(0.00055, 12) });
    expect(bestFixed(fixed).model).toBe('p/dear');
    expect(cheapestFixed(fixed).model).toBe('p/cheap');
  });

  test('know with the oracle the best model of each prompt', () => {
    expect(oracleReference(rows)).toEqual({ reward: expect.closeTo(0.95, 12), costUsd: expect.closeTo(0.00055, 12) });
  });

  test('settle ties by the price', () => {
    const [first] = twoKinds(1);
    const tied = rowsFrom([{ ...first!, outcomes: { 'p/dear': outcome(1, 0.01), 'p/cheap': outcome(1, 0.001) } }]);
    expect(oracleReference(tied).costUsd).toBe(0.001);
    expect(bestFixed(fixedReferences(tied)).model).toBe('p/cheap');
  });
});

describe('the best mixture of two fixed models', () => {
  test('spends just what a request may cost', () => {
    const mixture = bestMixture(fixed, 0.00055);
    expect(mixture).toMatchObject({ reward: expect.closeTo(0.6, 12), costUsd: 0.00055 });
    expect(mixture?.models).toEqual([
      { model: 'p/cheap', share: expect.closeTo(0.5, 12) },
      { model: 'p/dear', share: expect.closeTo(0.5, 12) },
    ]);
  });

  test('is the best model alone where the ceiling lets it be', () => {
    expect(bestMixture(fixed, 1)?.models).toEqual([{ model: 'p/dear', share: 1 }]);
  });

  test('leaves out a model that a mixture of two others beats', () => {
    const three = [
      { model: 'a', reward: 0.4, costUsd: 1 },
      { model: 'b', reward: 0.45, costUsd: 2 },
      { model: 'c', reward: 0.8, costUsd: 3 },
    ];
    expect(bestMixture(three, 2)?.models.map(({ model }) => model)).toEqual(['a', 'c']);
  });

  test('does not exist where even the cheapest model costs more', () => {
    expect(bestMixture(fixed, 0.00001)).toBeNull();
  });
});

describe('full information', () => {
  test('gets what the prompts tell', () => {
    expect(fullInformation(rows).reward).toBeCloseTo(0.95, 6);
  });

  test('is the same each time', () => {
    expect(fullInformation(rows)).toEqual(fullInformation(rows));
  });

  test('is about the best fixed model where the prompts tell nothing', () => {
    const blind = twoKinds(200).map((line, i) => ({
      ...line,
      outcomes: {
        'p/cheap': outcome((i * 7) % 10 < 4 ? 1 : 0, 0.0001),
        'p/dear': outcome((i * 3) % 10 < 8 ? 1 : 0, 0.001),
      },
    }));
    expect(fullInformation(rowsFrom(blind)).reward).toBeGreaterThan(0.77);
  });

  test('does not depend on how many rows or models there are', () => {
    const [first] = twoKinds(1);
    const one = { ...first!, prices: PRICES, outcomes: { 'p/dear': outcome(0.7, 0.01) } };
    expect(fullInformation(rowsFrom([one]))).toEqual({
      reward: expect.closeTo(0.7, 12),
      costUsd: expect.closeTo(0.01, 12),
    });
    expect(fullInformation(rowsFrom(twoKinds(7))).reward).toBeGreaterThan(0.4);
  });
});
