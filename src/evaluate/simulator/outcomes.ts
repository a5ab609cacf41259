/** What an arm makes of a prompt: thrown by dice, with expectations that are known in closed form. */
import { expectedCost, type Price } from '../../bandit/utility.ts';
import { beta, normal } from '../dice.ts';
import type { RecordedOutcome } from '../recorded.ts';
import { KINDS, type ScoreShape } from './kinds.ts';
import type { Nature } from './prompts.ts';
import type { SimulatedArm } from './surfaces.ts';

/** What can be said of an arm's outcome before it is thrown. */
export interface Expected {
  quality: number;
  promptTokens: number;
  completionTokens: number;
  costUsd: number;
}

export function expectedOutcome(
  arm: SimulatedArm,
  price: Price,
  quality: number,
  nature: Nature,
  promptTokensEstimate: number,
): Expected {
  const promptTokens = Math.max(1, Math.round(promptTokensEstimate * arm.tokens));
  const completionTokens = 1 + medianLength(arm, nature) * Math.exp(arm.tail ** 2 / 2);
  return { quality, promptTokens, completionTokens, costUsd: expectedCost(price, promptTokens, completionTokens) };
}

export function throwOutcome(
  arm: SimulatedArm,
  price: Price,
  { quality, promptTokens }: Expected,
  nature: Nature,
  shape: ScoreShape,
  random: () => number,
): RecordedOutcome {
  const length = medianLength(arm, nature) * Math.exp(arm.tail * normal(random));
  const completionTokens = 1 + wholeAbout(length, random);
  const seconds = arm.firstByteSeconds + completionTokens / arm.tokensPerSecond;
  return {
    promptTokens,
    completionTokens,
    costUsd: expectedCost(price, promptTokens, completionTokens),
    latencySeconds: seconds * Math.exp(0.2 * normal(random)),
    score: throwScore(shape, quality, random),
  };
}

/** Log-normal lengths, longer where a prompt looks harder. */
const medianLength = ({ wordiness }: SimulatedArm, { kind, visible }: Nature): number =>
  KINDS[kind].answer * wordiness * Math.exp(0.25 * visible);

/** A whole number, `value` on the average. */
const wholeAbout = (value: number, random: () => number): number => Math.floor(value + random());

/** How often an overlap with the key is all or nothing. */
const ALL_OR_NOTHING = 0.4;

/** Of the shape, in [0, 1], and `quality` on the average, exactly; that lies in (0, 1). */
export function throwScore(shape: ScoreShape, quality: number, random: () => number): number {
  switch (shape) {
    case 'binary':
      return random() < quality ? 1 : 0;
    case 'fractional':
      if (random() < ALL_OR_NOTHING) return random() < quality ? 1 : 0;
      return beta(3 * quality, 3 * (1 - quality), random);
    case 'judge':
      return wholeAbout(10 * beta(10 * quality, 10 * (1 - quality), random), random) / 10;
  }
}
