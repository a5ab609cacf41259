/** Line-ups of arms that a router may have to do with, by name. */
import { createDice, normal } from '../dice.ts';
import { KIND_NAMES, type Kind } from './kinds.ts';
import type { SimulatedArm, World } from './surfaces.ts';

export const WORLD_NAMES = [
  'three-prices',
  'specialists',
  'no-context',
  'cheap-at-90',
  'cheap-qualifies',
  'many-arms',
] as const;
export type WorldName = (typeof WORLD_NAMES)[number];

/** An arm like most; what is left out is that of a usual one. */
function arm(id: string, given: Partial<SimulatedArm> & Pick<SimulatedArm, 'price' | 'quality'>): SimulatedArm {
  return {
    id: `sim/${id}`,
    leanings: {},
    abroad: 0.3,
    slope: 1.2,
    wordiness: 1,
    tail: 0.6,
    tokens: 1,
    firstByteSeconds: 0.4,
    tokensPerSecond: 80,
    ...given,
  };
}

const small = (quality: number): SimulatedArm =>
  arm('small', {
    price: { input: 0.05, output: 0.1 },
    quality,
    leanings: { code: -0.4, maths: -0.6, puzzle: -0.6, tools: -0.5, chat: 0.5, summary: 0.4, classification: 0.4 },
    abroad: 0.6,
    wordiness: 0.9,
    firstByteSeconds: 0.15,
    tokensPerSecond: 200,
  });
const medium = (quality: number): SimulatedArm =>
  arm('medium', {
    price: { input: 0.5, output: 1.8 },
    quality,
    leanings: { puzzle: -0.3, creative: 0.3, extraction: 0.2 },
    tokens: 1.1,
  });
const large = (quality: number): SimulatedArm =>
  arm('large', {
    price: { input: 2.5, output: 15 },
    quality,
    leanings: { code: 0.3, maths: 0.5, puzzle: 0.6, chat: -0.3, classification: -0.2 },
    abroad: 0.15,
    wordiness: 3,
    tail: 1,
    firstByteSeconds: 1.5,
    tokensPerSecond: 60,
  });

/** Each arm is good at two or three kinds and poor at the rest, so that the best single one serves most kinds badly. */
const SPECIALITIES: readonly (readonly [id: string, quality: number, output: number, at: readonly Kind[]])[] = [
  ['coder', 0.58, 0.9, ['code', 'sql', 'tools']],
  ['reckoner', 0.56, 1.2, ['maths', 'puzzle']],
  ['examinee', 0.54, 0.3, ['choice', 'classification']],
  ['reader', 0.55, 0.4, ['summary', 'extraction']],
  ['polyglot', 0.55, 0.5, ['translation', 'summary']],
  ['talker', 0.52, 0.2, ['chat', 'creative']],
  ['clerk', 0.5, 0.15, ['extraction', 'classification', 'tools']],
  ['generalist', 0.61, 1.6, []],
  ['novice', 0.4, 0.08, []],
];

const specialists = SPECIALITIES.map(([id, quality, output, at]) =>
  arm(id, {
    price: { input: output / 4, output },
    quality,
    leanings: Object.fromEntries(at.map((kind) => [kind, 1.6])),
    abroad: id === 'polyglot' ? -0.5 : 0.4,
    wordiness: id === 'generalist' ? 1.4 : 1,
  }),
);

/** The dearer the better, on the average; some are dominated, and each leans its own way. */
export function manyArms(count: number): World {
  if (!(Number.isInteger(count) && count >= 2 && count <= 100)) throw new RangeError(`${count} arms: 2 to 100`);
  const random = createDice(20);
  const arms = Array.from({ length: count }, (_, k) => {
    const rank = k / (count - 1);
    const output = 0.1 * 200 ** rank;
    const quality = 0.55 + 0.3 * rank + 0.06 * normal(random);
    return arm(`model-${k + 1}`, {
      price: { input: output / 5, output },
      quality: Math.min(0.92, Math.max(0.4, quality)),
      leanings: Object.fromEntries(KIND_NAMES.map((kind) => [kind, 0.6 * normal(random)])),
      abroad: 0.3 + 0.2 * normal(random),
      wordiness: Math.exp(0.3 * normal(random)),
      tail: 0.4 + 0.5 * random(),
      tokens: 0.9 + 0.3 * random(),
      firstByteSeconds: 0.2 + 0.8 * random(),
      tokensPerSecond: 40 + 120 * random(),
    });
  });
  const best = arms.reduce((a, b) => (b.quality > a.quality ? b : a));
  return { arms, baseline: best.id, contextual: true, scores: 'by kind' };
}

const BASELINE_QUALITY = 0.85;

export const WORLDS: Readonly<Record<WorldName, World>> = {
  'three-prices': {
    arms: [small(0.79), medium(0.92), large(0.935)],
    baseline: 'sim/large',
    contextual: true,
    scores: 'judge',
  },
  specialists: { arms: specialists, baseline: 'sim/generalist', contextual: true, scores: 'by kind' },
  'no-context': {
    arms: [small(0.6), medium(0.72), large(0.8), arm('twin', { price: { input: 2, output: 8 }, quality: 0.78 })],
    baseline: 'sim/large',
    contextual: false,
    scores: 'binary',
  },
  'cheap-at-90': {
    arms: [small(0.9 * BASELINE_QUALITY), large(BASELINE_QUALITY)],
    baseline: 'sim/large',
    contextual: true,
    scores: 'binary',
  },
  'cheap-qualifies': {
    arms: [small(0.98 * BASELINE_QUALITY), large(BASELINE_QUALITY)],
    baseline: 'sim/large',
    contextual: true,
    scores: 'binary',
  },
  'many-arms': manyArms(20),
};
