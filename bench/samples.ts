/** Prompts, evidence and a router for the measurements: the same each time the program runs. */
import type { Evidence } from '../src/bandit/evidence.ts';
import { emptyFold, type Fold, foldEntry, OPEN } from '../src/bandit/fold.ts';
import type { Model, Provider, Router } from '../src/config/resolve.ts';
import { encoder } from '../src/context/encoder.ts';
import { estimatePromptTokens } from '../src/context/tokens.ts';
import { createDice } from './dice.ts';

/** Uniform in [0, 1). */
export const { random } = createDice(1);

const SENTENCES = [
  'Write a function that takes a list of integers and returns the two largest of them.',
  'She bought 3 boxes for $4.50 each and gave half of them to her brother; how much is left?',
  'Explain step by step why the sky looks red in the evening, and compare it with noon.',
  'Which of these is right?\nA. the first\nB. the second\nC. neither\n',
  'Bitte fasse den folgenden Text in zwei Sätzen zusammen und nenne die Quelle.',
  'def solve(x: int) -> int:\n    return x * 2 + 1  # TODO: check {edge} cases\n',
  'Let $f(x) = x^2 + 3x - 4$. What is the sum of its roots?',
  'The passage says that the harvest failed in 1846, and that many people left the country.',
];

/** Prompts of one kilobyte, no two alike. */
const PROMPTS = Array.from({ length: 500 }, () => {
  let content = '';
  while (content.length < 1024) content += `${SENTENCES[Math.floor(random() * SENTENCES.length)]} `;
  return { messages: [{ role: 'user', content: content.slice(0, 1024) }] };
});
export const prompt = (i: number): (typeof PROMPTS)[number] => PROMPTS[i % PROMPTS.length]!;

export function evidence(i: number, arms: readonly string[]): Evidence {
  const input = prompt(i);
  const tokens = estimatePromptTokens(input);
  return {
    decisionId: `decision-${i}`,
    revision: 1,
    at: 1_800_000_000_000 + i * 1000,
    router: 'auto',
    arm: arms[Math.floor(random() * arms.length)]!,
    encoder: encoder.id,
    x: Array.from(encoder.encode(input)),
    quality: random() < 0.8 ? 1 : 0,
    weight: 1,
    shown: 0,
    next: 0,
    share: 1,
    earlier: null,
    cachedShare: null,
    worthBefore: null,
    promptTokensEstimate: tokens,
    promptTokens: tokens,
    completionTokens: Math.ceil(random() * 600),
    costUsd: 0.001,
    firstByteMs: 200 + random() * 800,
    totalMs: 1000 + random() * 5000,
  };
}

export const HALF_LIFE_MS = 7 * 864e5;

/** What 2,000 answers have taught. */
export function learned(ids: readonly string[]): Fold {
  const fold = emptyFold({
    encoder: encoder.id,
    dimensions: encoder.dimensions,
    halfLifeMs: HALF_LIFE_MS,
    ...OPEN,
  });
  for (let i = 0; i < 2000; i++) foldEntry(fold, evidence(i, ids));
  return fold;
}

export const provider: Provider = {
  name: 'provider',
  baseUrl: 'http://127.0.0.1:1/v1',
  apiKeys: ['key'],
  passthrough: false,
  headers: {},
  streamUsage: true,
};

export function model(k: number): Model {
  return {
    id: `provider/model-${k}`,
    provider: provider.name,
    upstream: `model-${k}`,
    price: { input: 0.1 * (k + 1), output: 0.4 * (k + 1) },
    priceSource: 'config',
    context: 128_000,
    maxOutput: 16_384,
    supports: new Set(['tools', 'json_schema']),
    params: { rename: {}, drop: [], defaults: {} },
    timeouts: {
      connectMs: 5_000,
      firstByteMs: 60_000,
      firstByteForWholeAnswers: false,
      idleMs: 60_000,
      totalMs: 600_000,
    },
    was: [],
  };
}

export function router(arms: readonly Model[]): Router {
  return {
    name: 'auto',
    models: arms.map(({ id }) => id),
    answersTo: ['auto'],
    policy: 'linear-thompson',
    prefer: 'balanced',
    explore: { floor: 0.02, warmup: 8 },
    guarantee: null,
    halfLifeMs: HALF_LIFE_MS,
    sticky: 'conversation',
    fallbacks: 2,
    maxUsdPerRequest: null,
    // Of which money is short, so that its price is solved for.
    usdPerRequest: 0.0002,
    usdPerDay: 1_000_000,
    onBudget: 'cheapest',
    signalsOff: new Set(),
  };
}
