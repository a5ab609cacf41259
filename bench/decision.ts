/**
 * How long a decision takes and what it allocates, and what learning from it costs. Prints medians and 95th percentiles,
 * with --json as JSON.
 */
import { decide } from '../src/bandit/decide.ts';
import { foldEntry } from '../src/bandit/fold.ts';
import { derivePosterior } from '../src/bandit/posterior.ts';
import { ratesFor } from '../src/bandit/utility.ts';
import type { Model } from '../src/config/resolve.ts';
import { encoder } from '../src/context/encoder.ts';
import { estimatePromptTokens } from '../src/context/tokens.ts';
import { createDice, sha256Hex } from '../src/crypto.ts';
import { choose } from '../src/routing/choose.ts';
import { createCounters } from '../src/routing/counters.ts';
import { createHealth, type Health } from '../src/routing/health.ts';
import { createLearner, type Learner } from '../src/routing/learner.ts';
import { createLimits, type Limits } from '../src/routing/limits.ts';
import { needsOf } from '../src/routing/needs.ts';
import { createRefusals } from '../src/routing/refusals.ts';
import type { Runtime } from '../src/routing/runtime.ts';
import { createMemoryStore } from '../src/stores/memory.ts';
import { LOG_START } from '../src/stores/ports.ts';
import { type Measured, measured } from './measure.ts';
import { evidence, HALF_LIFE_MS, learned, model, prompt, provider, random, router } from './samples.ts';

const runtime: Runtime = {
  now: Date.now,
  clock: () => performance.now(),
  ...createDice(),
  defer: () => {},
  lookUp: { deadlineMs: 10, ownAnswers: 0 },
  digest: sha256Hex,
  sha256Hex,
  log: { debug() {}, info() {}, warn() {}, error() {} },
};
const state = createMemoryStore(runtime);

/** A whole decision as a route makes it, with its features, its shortlist and its record. */
function choosing(learner: Learner, health: Health, limits: Limits): (i: number) => unknown {
  const refusals = createRefusals(runtime);
  const name = learner.router.name;
  return (i) => {
    const { messages } = prompt(i);
    const body: Record<string, unknown> = { model: name, messages };
    const input = { messages, tools: undefined, response_format: body.response_format };
    return choose(
      learner,
      {
        input,
        shape: { body, needs: needsOf(body, input), caller: 'app' },
        restrictions: { keyModels: null, headerModels: null, maxUsd: null },
        keyUsdLeft: 1_000_000 - limits.spentToday({ kind: 'key', name: 'app' }),
        routerUsdLeft: 1_000_000 - limits.spentToday({ kind: 'router', name }),
        health,
        refusals,
        refused: null,
        prefer: learner.router.prefer,
        spending: limits.spending(name),
        stickTo: null,
        warm: null,
        inToolLoop: false,
        key: 'app',
      },
      runtime,
    );
  };
}

/** What a request counts against its key, its router and its arm, from its coming to its end. */
function counting(arm: Model, health: Health, limits: Limits): () => unknown {
  return () => {
    limits.countRequest('app', 1e12);
    const reservation = limits.reserve({ key: 'app', router: 'auto' }, 0.001);
    health.begin(arm, health.keyFor(arm))({ kind: 'fine' });
    reservation.settle(0.0012);
  };
}

function measureArms(count: number): Measured[] {
  const arms = Array.from({ length: count }, (_, k) => model(k));
  const ids = arms.map(({ id }) => id);
  const fold = learned(ids);
  const posterior = derivePosterior(fold, arms);
  const rates = ratesFor('balanced', posterior, arms);
  const explore = { floor: 0.02, warmup: 8 };
  // As many as are folded: one that comes a second time is left out.
  const entries = Array.from({ length: 5000 }, (_, i) => evidence(2000 + i, ids)).values();
  const learner = createLearner(router(arms), arms, state, runtime, {
    fold,
    cursor: LOG_START,
    halfLifeMs: HALF_LIFE_MS,
  });
  const health = createHealth(new Map([[provider.name, provider]]), state, runtime);
  const limits = createLimits(createCounters(state, runtime), runtime);
  const weighed = arms.map(({ id, price }) => ({ id, price, eligible: true }));
  return [
    measured(`draw with features, ${count} arms`, 10_000, (i) => {
      const input = prompt(i);
      const promptTokensEstimate = estimatePromptTokens(input);
      return decide({
        policy: 'linear-thompson',
        posterior,
        arms: weighed,
        x: encoder.encode(input),
        promptTokensEstimate,
        rates,
        explore,
        uniform: random(),
      });
    }),
    measured(`whole decision, ${count} arms`, 10_000, choosing(learner, health, limits)),
    measured(`limits and health, ${count} arms`, 10_000, counting(arms[0] as Model, health, limits)),
    measured(`folding an entry, ${count} arms`, 3000, () => foldEntry(fold, entries.next().value!)),
    measured(`deriving the posterior, ${count} arms`, 100, () => derivePosterior(fold, arms), 1),
  ];
}

const results = [
  measured('features of a prompt of 1 kB', 10_000, (i) => encoder.encode(prompt(i))),
  measured('tokens of a prompt of 1 kB', 10_000, (i) => estimatePromptTokens(prompt(i))),
  ...measureArms(4),
  ...measureArms(20),
];
if (process.argv.includes('--json')) console.log(JSON.stringify({ unit: 'microseconds', timings: results }));
else {
  for (const { what, median, p95, bytes } of results) {
    const times = `median ${median.toFixed(1).padStart(8)} µs   p95 ${p95.toFixed(1).padStart(8)} µs`;
    const memory = bytes === null ? '' : `   ${Math.round(bytes).toString().padStart(8)} bytes`;
    console.log(`${what.padEnd(36)} ${times}${memory}`);
  }
}
