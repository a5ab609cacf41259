import { beforeEach, describe, expect, test } from 'vitest';
import type { Model, Router } from '../../src/config/resolve.ts';
import { type Choice, type ChoiceRequest, choose } from '../../src/routing/choose.ts';
import { createCounters } from '../../src/routing/counters.ts';
import { createHealth } from '../../src/routing/health.ts';
import { createLearner, type Learned, type Learner } from '../../src/routing/learner.ts';
import { createLimits, type Limits } from '../../src/routing/limits.ts';
import { needsOf } from '../../src/routing/needs.ts';
import { createRefusals } from '../../src/routing/refusals.ts';
import { labelOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { StateStore } from '../../src/stores/ports.ts';
import { seeded } from '../bandit/evidence.ts';
import { questionNumber } from '../support/questions.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

const DAY_MS = 864e5;
const HOUR_MS = 36e5;
const OUTPUT_TOKENS = 1_000;
const CHEAP = 'fake/cheap';
const DEAR = 'fake/dear';
/** USD of an answer. */
const USD = { [CHEAP]: 0.0001, [DEAR]: 0.002 };

let runtime: TestRuntime;
let state: StateStore;
beforeEach(() => {
  runtime = testRuntime();
  runtime.time = Math.floor(runtime.time / DAY_MS) * DAY_MS;
  runtime.clock = () => runtime.time;
  runtime.random = seeded(1);
  state = createMemoryStore({ now: () => runtime.time });
});

const provider = { name: 'fake' };
const arm = (id: string, usd: number): Model =>
  ({
    id,
    provider: 'fake',
    price: { input: 0, output: (usd / OUTPUT_TOKENS) * 1e6 },
    priceSource: 'config',
    supports: new Set(),
    context: null,
    maxOutput: null,
    was: [],
  }) as unknown as Model;

const routerOf = (more: Partial<Router>): Router =>
  ({
    name: 'auto',
    models: [CHEAP, DEAR],
    policy: 'linear-thompson',
    prefer: 'quality',
    explore: { floor: 0.02, warmup: 8 },
    guarantee: null,
    halfLifeMs: null,
    signalsOff: new Set(),
    usdPerRequest: null,
    usdPerDay: null,
    onBudget: 'cheapest',
    ...more,
  }) as unknown as Router;

interface Process {
  learner: Learner;
  limits: Limits;
  choose(text: string, more?: Partial<ChoiceRequest>): Choice;
  /** Asks, and gives the arm that answered, whose answer is rated; what it cost is in `spent`. */
  ask(text: string, quality: (arm: string) => number): Promise<string>;
  spent: number[];
}

/** One of the processes that serve: what it needs of a gateway to choose, to count and to learn. */
function processOf(
  router: Router,
  prices: Record<string, number> = USD,
  learned?: Learned,
  limits = createLimits(createCounters(state, runtime), runtime),
): Process {
  const arms = router.models.map((id) => arm(id, prices[id] as number));
  const learner = createLearner(router, arms, state, runtime, learned);
  const health = createHealth(new Map([[provider.name, provider]]) as never, state, runtime);
  const refusals = createRefusals(runtime);
  const process: Process = {
    learner,
    limits,
    spent: [],
    choose(text, more = {}) {
      const body = { model: 'auto', messages: [{ role: 'user', content: text }] };
      const input = { messages: body.messages, tools: undefined, response_format: undefined };
      const spending = limits.spending('auto');
      return choose(
        learner,
        {
          input: input as ChoiceRequest['input'],
          shape: { body, needs: needsOf(body, input as ChoiceRequest['input']), caller: null },
          restrictions: { keyModels: null, headerModels: null, maxUsd: null },
          keyUsdLeft: null,
          routerUsdLeft: router.usdPerDay === null ? null : router.usdPerDay - spending.today.usd,
          health,
          refusals,
          refused: null,
          prefer: router.prefer,
          spending: learner.pacer ? spending : null,
          stickTo: null,
          warm: null,
          inToolLoop: false,
          key: null,
          ...more,
        },
        runtime,
      );
    },
    async ask(text, quality) {
      const choice = process.choose(text);
      if (choice.kind !== 'decided') throw new Error(choice.kind);
      const { decision } = choice;
      const usd = prices[decision.chosen] as number;
      limits.reserve({ key: null, router: 'auto' }, choice.expectedUsd).settle(usd);
      process.spent.push(usd);
      const outcome = {
        kind: 'completed' as const,
        finishReason: 'stop',
        promptTokens: decision.promptTokensEstimate,
        completionTokens: OUTPUT_TOKENS,
        cachedTokens: null,
        costUsd: usd,
        estimated: false,
      };
      const label = labelOf(runtime.random() < quality(decision.chosen) ? 1 : 0);
      const attempts = [
        { model: decision.chosen, outcome: outcome.kind, status: 200, firstByteMs: null, totalMs: 1_000 },
      ];
      await state.remember({ decision: { ...decision, outcome, attempts, label }, names: [] });
      if (process.spent.length % 4 === 0) await learner.catchUp();
      return decision.chosen;
    },
  };
  return process;
}

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** A third of what is asked is code, which the dear model is so much better at that it pays. */
const isCode = (i: number): boolean => i % 3 === 0;
const prompt = (i: number): string =>
  isCode(i)
    ? `Fix this function:\n\`\`\`python\ndef f_${i}(x):\n    return x[${i}] + {"a": 1}\n\`\`\``
    : questionNumber(i);
const quality =
  (i: number) =>
  (model: string): number =>
    !isCode(i) ? 0.9 : model === DEAR ? 0.95 : 0.3;

/** Counted by the time that the process was told, as when a second goes by. */
const share = async (...processes: Process[]): Promise<void> => {
  for (const { limits } of processes) await limits.flush();
};

describe('a router that may spend so much a request on average', () => {
  test('spends that, and where the dear model pays', async () => {
    const ceiling = 0.0008;
    const one = processOf(routerOf({ usdPerRequest: ceiling }));
    const models: string[] = [];
    for (let i = 0; i < 400; i++) models.push(await one.ask(prompt(i), quality(i)));
    expect(sum(one.spent)).toBeLessThan(ceiling * 400 * 1.02 + USD[DEAR]);
    expect(mean(one.spent)).toBeGreaterThan(ceiling * 0.8);
    const late = models.map((model, i) => ({ model, i })).slice(200);
    const shareOfDear = (rows: typeof late) => mean(rows.map(({ model }) => (model === DEAR ? 1 : 0)));
    expect(shareOfDear(late.filter(({ i }) => isCode(i)))).toBeGreaterThan(0.8);
    expect(shareOfDear(late.filter(({ i }) => !isCode(i)))).toBeLessThan(0.5);
  });

  test('is bound by it together with its replicas', async () => {
    const ceiling = 0.0006;
    const replicas = [1, 2, 3].map(() => processOf(routerOf({ usdPerRequest: ceiling })));
    for (let i = 0; i < 450; i++) {
      await replicas[i % 3]?.ask(prompt(i), quality(i));
      if (i % 6 === 0) await share(...replicas);
    }
    await share(...replicas);
    for (const { limits } of replicas) limits.spending('auto');
    await share(...replicas);
    const spent = replicas.flatMap((one) => one.spent);
    // What the others spend within a second is not known yet: here six requests.
    expect(sum(spent)).toBeLessThan(ceiling * 450 * 1.02 + 6 * USD[DEAR]);
    expect(mean(spent)).toBeGreaterThan(ceiling * 0.8);
    for (const { limits } of replicas) {
      const { today } = limits.spending('auto');
      expect(today.requests).toBe(450);
      expect(today.usd).toBeCloseTo(sum(spent), 9);
    }
  });

  test('keeps to it when prices change while it serves, from the next request on', async () => {
    const ceiling = 0.0008;
    const router = routerOf({ usdPerRequest: ceiling });
    let one = processOf(router);
    let spent = 0;
    for (let i = 0; i < 300; i++) await one.ask(prompt(i), quality(i));
    spent += sum(one.spent);
    const before = costsOf(one);
    const dearer = { [CHEAP]: 0.0002, [DEAR]: 0.006 };
    one = processOf(router, dearer, await one.learner.handOver(), one.limits);
    const after = costsOf(one);
    expect(after[CHEAP]).toBeCloseTo(2 * (before[CHEAP] as number), 12);
    expect(after[DEAR]).toBeCloseTo(3 * (before[DEAR] as number), 12);
    for (let i = 300; i < 700; i++) await one.ask(prompt(i), quality(i));
    spent += sum(one.spent);
    expect(spent).toBeLessThan(ceiling * 700 * 1.02 + dearer[DEAR]);
    expect(mean(one.spent.slice(-200))).toBeGreaterThan(ceiling * 0.8);
  });

  /** What the models are expected to cost. */
  const costsOf = (one: Process): Record<string, number> => {
    const choice = one.choose('Hi');
    if (choice.kind !== 'decided') throw new Error(choice.kind);
    return Object.fromEntries(choice.decision.candidates.map(({ model, costUsd }) => [model, costUsd]));
  };

  /** After 500 requests that have saved $0.05 together, and one of this cost. */
  const having = (usd: number, more: Partial<Router> = {}): Process => {
    const one = processOf(routerOf({ usdPerRequest: 0.001, ...more }));
    for (let i = 0; i < 500; i++) one.limits.reserve({ key: null, router: 'auto' }, 0.001).settle(0.0009);
    one.limits.reserve({ key: null, router: 'auto' }, 0.001).settle(usd);
    return one;
  };
  const onlyCheap = (one: Process): boolean => {
    const choice = one.choose('Hi');
    if (choice.kind !== 'decided') throw new Error(choice.kind);
    const { chosen, reason, candidates } = choice.decision;
    if (reason !== 'budget') return false;
    expect(chosen).toBe(CHEAP);
    // A new day may pay for trying little yet, but owes nothing.
    if (!/more than the router has to spare/.test(candidates.find(({ model }) => model === DEAR)?.ruledOut ?? ''))
      return false;
    // Who could not be afforded is still asked when all others fail.
    expect(choice.order.map(({ id }) => id)).toEqual([CHEAP, DEAR]);
    return true;
  };

  test('makes up on the next day for what it spent too much, and not for what is older', () => {
    const one = having(0.2);
    expect(onlyCheap(one)).toBe(true);
    runtime.time += DAY_MS;
    expect(onlyCheap(one)).toBe(true);
    runtime.time += DAY_MS;
    expect(onlyCheap(one)).toBe(false);
  });

  test('counts what is billed late on the day on which it was asked', () => {
    const one = having(0.001);
    const late = one.limits.reserve({ key: null, router: 'auto' }, 0.001);
    runtime.time += DAY_MS;
    expect(onlyCheap(one)).toBe(false);
    late.settle(0.2);
    expect(one.limits.spending('auto').today).toEqual({ requests: 0, usd: 0, arrivals: 0 });
    expect(onlyCheap(one)).toBe(true);
  });

  test('stays with a conversation’s model until there is a debt, and within a tool loop even then', () => {
    const chosenIn = (one: Process, inToolLoop: boolean): string => {
      const choice = one.choose('Hi', { stickTo: DEAR, inToolLoop });
      return choice.kind === 'decided' ? `${choice.decision.chosen} ${choice.decision.reason}` : choice.kind;
    };
    const even = having(0.05);
    expect(onlyCheap(even)).toBe(true);
    expect(chosenIn(even, false)).toBe(`${DEAR} sticky`);
    const one = having(0.2);
    expect(chosenIn(one, false)).toBe(`${CHEAP} budget`);
    expect(chosenIn(one, true)).toBe(`${DEAR} sticky`);
  });

  test('keeps its guarantee, debt or not', () => {
    const one = having(0.2, { guarantee: { baseline: DEAR, quality: 0.9, confidence: 0.9 } });
    expect(one.choose('Hi')).toMatchObject({ kind: 'decided', decision: { chosen: DEAR, reason: 'guarantee' } });
  });

  test('does not save up by requests that nobody answers', () => {
    const one = processOf(routerOf({ usdPerRequest: 0.001 }));
    one.limits.reserve({ key: null, router: 'auto' }, 0.001).settle(0, false);
    one.limits.reserve({ key: null, router: 'auto' }, 0.001).settle(0.0004, true);
    expect(one.limits.spending('auto').today).toMatchObject({ requests: 1, usd: expect.closeTo(0.0004) });
  });
});

describe('a router that may spend so much a day', () => {
  /** USD spent in each hour, and the last hour's models, on a day of these many requests in each hour. */
  const liveThrough = async (one: Process, perHour: readonly number[]): Promise<number[]> => {
    const byHour: number[] = [];
    const start = runtime.time;
    let i = 0;
    for (const [hour, count] of perHour.entries()) {
      const before = sum(one.spent);
      for (let k = 0; k < count; k++) {
        runtime.time = start + (hour + k / count) * HOUR_MS;
        await one.ask(prompt(i), quality(i++));
      }
      byHour.push(sum(one.spent) - before);
    }
    runtime.time = start + DAY_MS;
    return byHour;
  };
  const evenly = new Array<number>(24).fill(60);
  /** Nobody asks at night. */
  const officeHours = evenly.map((_, hour) => (hour >= 8 && hour < 18 ? 58 : 0));

  test('has money left until midnight, and spends it', async () => {
    // Half of what the dear model would cost where it pays.
    const usdPerDay = 24 * 60 * 0.0005;
    const one = processOf(routerOf({ usdPerDay }));
    const byHour = await liveThrough(one, evenly);
    expect(sum(byHour)).toBeLessThanOrEqual(usdPerDay);
    expect(sum(byHour)).toBeGreaterThan(usdPerDay * 0.85);
    expect(sum(byHour.slice(0, 12))).toBeLessThan(usdPerDay * 0.65);
    // The dear model answers some at any hour, once it is known what it is for.
    for (const usd of byHour.slice(8)) expect(usd).toBeGreaterThan(60 * USD[CHEAP] * 1.5);
  });

  test('spends neither all of it nor none where people come in the daytime alone', async () => {
    const usdPerDay = 580 * 0.0005;
    const one = processOf(routerOf({ usdPerDay }));
    await liveThrough(one, officeHours);
    const second = await liveThrough(one, officeHours);
    expect(sum(second)).toBeLessThanOrEqual(usdPerDay);
    expect(sum(second)).toBeGreaterThan(usdPerDay * 0.65);
    // In the last hour there is still some for the dear model.
    expect(second[17]).toBeGreaterThan(58 * USD[CHEAP] * 1.5);
  });

  test('leaves its cheapest model when all of it is gone', async () => {
    const one = processOf(routerOf({ usdPerDay: 1 }));
    one.limits.reserve({ key: null, router: 'auto' }, 1).settle(1);
    const choice = one.choose('Hi');
    expect(choice).toMatchObject({ kind: 'decided', decision: { chosen: CHEAP, reason: 'budget' } });
    runtime.time += DAY_MS;
    expect(one.choose('Hi')).not.toMatchObject({ decision: { reason: 'budget' } });
  });
});
