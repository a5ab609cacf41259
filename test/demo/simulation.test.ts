/** What the simulated world is made of: dice, models, prompts. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDice, seedOf } from '../../src/demo/dice.ts';
import {
  answerTokens,
  costOf,
  findModel,
  KINDS,
  LANGUAGES,
  MODELS,
  PROVIDER,
  tokensIn,
  trueQuality,
} from '../../src/demo/models.ts';
import { averageQuality, bestFixedModel, KIND_MIX, writeNext, writePrompt } from '../../src/demo/prompts.ts';

describe('dice', () => {
  test('the same seed throws the same, another seed throws otherwise', () => {
    const throws = (seed: number): number[] => {
      const dice = createDice(seed);
      return Array.from({ length: 50 }, () => dice.roll());
    };
    expect(throws(7)).toEqual(throws(7));
    expect(throws(7)).not.toEqual(throws(8));
    expect(seedOf('one')).toBe(seedOf('one'));
    expect(seedOf('one')).not.toBe(seedOf('two'));
  });

  test('throws stay within what was asked for, and are even', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const dice = createDice(seed);
        const rolls = Array.from({ length: 2000 }, () => dice.roll());
        expect(rolls.every((roll) => roll >= 0 && roll < 1)).toBe(true);
        expect(Math.abs(rolls.reduce((sum, roll) => sum + roll, 0) / rolls.length - 0.5)).toBeLessThan(0.05);
        expect(dice.between(3, 4)).toBeGreaterThanOrEqual(3);
        expect(dice.exponential(10)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  test('a weighted throw comes as often as its weight says, one without weight never', () => {
    const dice = createDice(3);
    const counts = { often: 0, seldom: 0, never: 0 };
    for (let i = 0; i < 4000; i++) counts[dice.weighted({ often: 3, seldom: 1, never: 0 })]++;
    expect(counts.never).toBe(0);
    expect(counts.often / counts.seldom).toBeCloseTo(3, 0);
  });
});

describe('models', () => {
  test('each kind of prompt has another best model, so that there is something to learn', () => {
    const best = KINDS.map(
      (kind) =>
        MODELS.reduce((one, other) => (trueQuality(other, kind, 'en') > trueQuality(one, kind, 'en') ? other : one))
          .name,
    );
    expect(new Set(best).size).toBe(KINDS.length);
  });

  test('the best model for everything is also the dearest, so that quality has its price', () => {
    const dearest = MODELS.reduce((one, other) => (other.price.output > one.price.output ? other : one));
    expect(bestFixedModel()).toBe(dearest);
    expect(averageQuality(dearest)).toBeGreaterThan(averageQuality(MODELS[0]!));
  });

  test('every model says that it is simulated, and is found by its id and by its bare name', () => {
    for (const model of MODELS) {
      expect(model.id).toBe(`${PROVIDER}/${model.name}`);
      expect(findModel(model.id)).toBe(model);
      expect(findModel(model.name)).toBe(model);
    }
    expect(findModel('gpt-5')).toBeNull();
  });

  test('quality is a probability for every kind and language', () => {
    for (const model of MODELS)
      for (const kind of KINDS)
        for (const language of LANGUAGES) {
          expect(trueQuality(model, kind, language)).toBeGreaterThanOrEqual(0);
          expect(trueQuality(model, kind, language)).toBeLessThanOrEqual(1);
        }
  });

  test('an answer to the same prompt has the same length each time, so that every model alone can be priced', () => {
    const [model] = MODELS;
    expect(answerTokens(model!, 'some prompt')).toBe(answerTokens(model!, 'some prompt'));
    expect(answerTokens(model!, 'some prompt')).toBeGreaterThan(0);
    expect(costOf(model!, 1e6, 1e6)).toBeCloseTo(model!.price.input + model!.price.output);
    expect(tokensIn('')).toBe(1);
  });
});

describe('prompts', () => {
  test('every kind in every language comes out filled in', () => {
    const dice = createDice(1);
    for (const kind of KINDS)
      for (const language of LANGUAGES)
        for (let i = 0; i < 20; i++) {
          const prompt = writePrompt(dice, kind, language);
          expect(prompt).toMatchObject({ kind, language });
          expect(prompt.text).not.toMatch(/\{(n|lang|fn|type|error|topic|who|tone|person|city|item)\}/);
          expect(writeNext(dice, language)).not.toBe('');
        }
  });

  test('each kind is asked for', () => {
    for (const kind of KINDS) expect(KIND_MIX[kind]).toBeGreaterThan(0);
  });
});
