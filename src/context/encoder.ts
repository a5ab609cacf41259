/** The prompt as a vector: hand-made features, centred and scaled by fixed numbers, and how near it is to fixed kinds of prompt: nothing has to be fitted. */
import { FEATURES, measureFeatures } from './features.ts';
import { appendKinds, KINDS } from './kinds.ts';
import { type ContextInput, readConversation } from './text.ts';

export type { ContextInput } from './text.ts';

export interface Encoder {
  /** Changes whenever the meaning of any coordinate does: evidence of another encoder is not mixed with this one's. */
  readonly id: string;
  readonly dimensions: number;
  /** `x[0]` is 1; the features behind it are 0 for a usual prompt and together about 1 long; then come shares of kinds, together 1. */
  encode(input: ContextInput): number[];
}

/** Centre and scale of each feature: mean and deviation over question sets, code, chat and puzzles, rounded. */
const SCALE: Record<(typeof FEATURES)[number], readonly [centre: number, scale: number]> = {
  characters: [5.4, 1],
  code: [0.03, 0.08],
  maths: [0.1, 0.15],
  digits: [0.1, 0.11],
  options: [1, 1],
  bullets: [0.05, 0.3],
  lines: [1.2, 1.1],
  question: [0.5, 0.35],
  fact: [0.08, 0.1],
  reason: [0.1, 0.12],
  compose: [0.05, 0.08],
  self: [0.06, 0.09],
  story: [0.07, 0.11],
  amount: [0.09, 0.13],
  function: [0.28, 0.09],
  capitals: [0.17, 0.07],
  commas: [0.05, 0.06],
  brackets: [0.1, 0.1],
  quotes: [0.05, 0.07],
  stops: [0.115, 0.05],
  wordLength: [4.3, 0.8],
  beyondAscii: [0.02, 0.15],
  tools: [0, 2],
  turns: [0, 1.5],
  system: [0, 4],
  attached: [0, 1],
};

/** No single feature may say more than this many deviations, or one odd prompt would tip a model's whole estimate. */
const MOST = 2.5;

const centres = FEATURES.map((name) => SCALE[name][0]);
const factors = FEATURES.map((name) => 1 / (SCALE[name][1] * Math.sqrt(FEATURES.length)));
const most = MOST / Math.sqrt(FEATURES.length);

export const encoder: Encoder = {
  id: 'hand-2',
  dimensions: 1 + FEATURES.length + KINDS,
  encode(input) {
    const x = measureFeatures(readConversation(input));
    for (let i = 1; i < x.length; i++) {
      const value = (x[i]! - centres[i - 1]!) * factors[i - 1]!;
      // Four decimals are plenty and keep the log short.
      x[i] = Math.round(Math.min(most, Math.max(-most, value)) * 1e4) / 1e4;
    }
    appendKinds(x);
    return x;
  },
};
