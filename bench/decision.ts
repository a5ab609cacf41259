/** How long a decision takes, and what learning from it costs. Prints medians and 95th percentiles, with --json as JSON. */
import { decide } from '../src/bandit/decide.ts';
import type { Evidence } from '../src/bandit/evidence.ts';
import { emptyFold, type Fold, foldEntry } from '../src/bandit/fold.ts';
import { derivePosterior } from '../src/bandit/posterior.ts';
import { ratesFor } from '../src/bandit/utility.ts';
import { encoder } from '../src/context/encoder.ts';
import { estimatePromptTokens } from '../src/context/tokens.ts';

interface Timing {
  what: string;
  median: number;
  p95: number;
  runs: number;
}

/** Uniform in [0, 1), the same numbers each time the program runs (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = seeded(1);

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
const prompts = Array.from({ length: 500 }, () => {
  let content = '';
  while (content.length < 1024) content += `${SENTENCES[Math.floor(random() * SENTENCES.length)]} `;
  return { messages: [{ role: 'user', content: content.slice(0, 1024) }] };
});

function evidence(i: number, arms: readonly string[]): Evidence {
  const input = prompts[i % prompts.length]!;
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
    promptTokensEstimate: tokens,
    promptTokens: tokens,
    completionTokens: Math.ceil(random() * 600),
    costUsd: 0.001,
    firstByteMs: 200 + random() * 800,
    totalMs: 1000 + random() * 5000,
  };
}

/** Times each of many runs after a warm-up, in microseconds. */
function timed(what: string, runs: number, run: (i: number) => unknown): Timing {
  for (let i = 0; i < Math.max(20, runs / 4); i++) run(i);
  const times = Float64Array.from({ length: runs }, (_, i) => {
    const start = performance.now();
    run(i);
    return (performance.now() - start) * 1000;
  }).sort();
  return { what, median: times[Math.floor(runs / 2)]!, p95: times[Math.floor(runs * 0.95)]!, runs };
}

function learned(ids: readonly string[]): Fold {
  const fold = emptyFold({
    encoder: encoder.id,
    dimensions: encoder.dimensions,
    halfLifeMs: 7 * 864e5,
    windowMs: 864e5,
    maxOpen: 10_000,
  });
  for (let i = 0; i < 2000; i++) foldEntry(fold, evidence(i, ids));
  return fold;
}

function measure(count: number): Timing[] {
  const ids = Array.from({ length: count }, (_, k) => `provider/model-${k}`);
  const arms = ids.map((id, k) => ({ id, price: { input: 0.1 * (k + 1), output: 0.4 * (k + 1) }, eligible: true }));
  const fold = learned(ids);
  const posterior = derivePosterior(fold, ids);
  const rates = ratesFor('balanced', posterior, arms);
  const explore = { floor: 0.02, warmup: 8 };
  const entries = Array.from({ length: 4000 }, (_, i) => evidence(2000 + i, ids));
  return [
    timed(`decision with features, ${count} arms`, 10_000, (i) => {
      const input = prompts[i % prompts.length]!;
      const promptTokensEstimate = estimatePromptTokens(input);
      return decide({
        policy: 'linear-thompson',
        posterior,
        arms,
        x: encoder.encode(input),
        promptTokensEstimate,
        rates,
        explore,
        uniform: random(),
      });
    }),
    timed(`folding an entry, ${count} arms`, 3000, (i) => foldEntry(fold, entries[i % entries.length]!)),
    timed(`deriving the posterior, ${count} arms`, 100, () => derivePosterior(fold, ids)),
  ];
}

const features = timed('features of a prompt of 1 kB', 10_000, (i) => encoder.encode(prompts[i % prompts.length]!));
const timings = [features, ...measure(4), ...measure(20)];
if (process.argv.includes('--json')) console.log(JSON.stringify({ unit: 'microseconds', timings }));
else {
  for (const { what, median, p95 } of timings) {
    console.log(`${what.padEnd(36)} median ${median.toFixed(1).padStart(8)} µs   p95 ${p95.toFixed(1).padStart(8)} µs`);
  }
}
