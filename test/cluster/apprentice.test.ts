import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Apprentice,
  type ApprenticeOptions,
  createApprentice,
  type Lessons,
} from '../../src/cluster/apprentice.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ConduitConfig, Router } from '../../src/config/resolve.ts';
import { startGateway } from '../../src/node.ts';
import { type Learned, learnOn, nothingLearned } from '../../src/routing/learner.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { LOG_START, type StateStore } from '../../src/stores/ports.ts';
import { decision } from '../stores/state-store-suite.ts';
import { sha256Hex, simpleConfig } from '../support/gateway.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function config(router = ''): ConduitConfig {
  const text = `server: { port: 0 }\n${simpleConfig('http://127.0.0.1:1/v1', ['small', 'large'], { router })}`;
  const loaded = loadConfig({ text, env: {}, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

interface Setting {
  config?: () => ConduitConfig;
  durable?: Lessons['durable'];
  late?: Lessons['late'];
  more?: Partial<ApprenticeOptions>;
}

function apprenticeOf(
  state: StateStore,
  { config: now = () => config(), durable = null, late, more }: Setting = {},
): Apprentice {
  const lessons = { state, durable, learned: new Map(), late: late ?? Promise.resolve(new Map()) };
  const apprentice = createApprentice({ config: now, lessons, log: silent, ...more });
  onTestFinished(() => apprentice.end());
  return apprentice;
}

async function decide(store: StateStore, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const one = decision();
    await store.remember({ decision: one, names: [] });
  }
}

/** As if the durable store had so many decisions, none of which is in the log of now. */
async function learnedBefore(router: Router, times: number): Promise<Learned> {
  const before = createMemoryStore({ now: Date.now });
  await decide(before, times);
  const learned = nothingLearned(router);
  await learnOn(learned, router.name, before, silent);
  return { ...learned, cursor: LOG_START };
}

const entries = (apprentice: Apprentice): number | undefined => apprentice.learned().get('auto')?.fold.entries;

test('who takes a dead worker’s place knows what the log no longer has', async () => {
  const store = createMemoryStore({ now: Date.now, maxEntries: 10 });
  const apprentice = apprenticeOf(store);
  for (let i = 0; i < 10; i++) {
    await decide(store, 10);
    await apprentice.catchUp();
  }
  await decide(store, 5);
  await apprentice.catchUp();
  // As it goes to another process.
  const learned = structuredClone(apprentice.learned());
  await decide(store, 3);
  const gateway = await startGateway(config(), { log: silent, state: store, learned });
  onTestFinished(() => gateway.close());
  const view = (await (await fetch(`${gateway.url}/v1/routers/auto`)).json()) as { observations: number };
  expect(view.observations).toBe(108);
});

describe('where evidence fades otherwise now', () => {
  test('what is left of the log is folded anew', async () => {
    const store = createMemoryStore({ now: Date.now });
    let now = config();
    const apprentice = apprenticeOf(store, { config: () => now });
    await decide(store, 4);
    await apprentice.catchUp();
    now = config('half_life: 1h');
    await apprentice.catchUp();
    expect(apprentice.learned().get('auto')).toMatchObject({ halfLifeMs: 3_600_000, fold: { entries: 4 } });
  });

  test('the durable store is asked for what the log no longer has', async () => {
    const store = createMemoryStore({ now: Date.now });
    let now = config('half_life: 2h');
    const durable = { isWell: async () => true, learned: (router: Router) => learnedBefore(router, 3) };
    const apprentice = apprenticeOf(store, { config: () => now, durable });
    await apprentice.catchUp();
    await decide(store, 2);
    now = config('half_life: 1h');
    await apprentice.catchUp();
    expect(apprentice.learned().get('auto')).toMatchObject({ halfLifeMs: 3_600_000, fold: { entries: 5 } });
  });
});

describe('a durable store that cannot be read', () => {
  test('is waited for no longer than a moment, and is heard when it answers', async () => {
    const store = createMemoryStore({ now: Date.now });
    await decide(store, 2);
    const now = config('half_life: 1h');
    const answer = Promise.withResolvers<Learned>();
    const found = Promise.withResolvers<unknown>();
    const apprentice = apprenticeOf(store, {
      config: () => now,
      durable: { isWell: async () => false, learned: () => answer.promise },
      more: { patienceMs: 1, onFound: found.resolve },
    });
    await apprentice.catchUp();
    expect(entries(apprentice)).toBe(2);
    answer.resolve(await learnedBefore(now.routers.get('auto') as Router, 7));
    expect(await found.promise).toEqual(new Map([['auto', expect.objectContaining({ fold: expect.anything() })]]));
    await apprentice.catchUp();
    expect(entries(apprentice)).toBe(9);
  });

  test('that fails is asked again until it tells, and the log says so once', async () => {
    const store = createMemoryStore({ now: Date.now });
    const now = config('half_life: 1h');
    const said: string[] = [];
    let tries = 0;
    const found = Promise.withResolvers<unknown>();
    const apprentice = apprenticeOf(store, {
      config: () => now,
      durable: {
        isWell: async () => false,
        learned: (router) => (++tries < 3 ? Promise.reject(new Error('no')) : learnedBefore(router, 7)),
      },
      more: {
        patienceMs: 1,
        onFound: found.resolve,
        log: { ...silent, error: (_, message) => void said.push(message) },
      },
    });
    await apprentice.catchUp();
    await apprentice.catchUp();
    expect(entries(apprentice)).toBe(0);
    await found.promise;
    expect(entries(apprentice)).toBe(7);
    expect(said).toEqual(['what was learned before cannot be read: workers serve without it, and it is tried again']);
  });

  test('that answers a start late is heard too, unless evidence fades otherwise by then', async () => {
    const store = createMemoryStore({ now: Date.now });
    const [now, other] = [config('half_life: 1h'), config('half_life: 2h')];
    const late = await learnedBefore(now.routers.get('auto') as Router, 7);
    const never = { isWell: async () => false, learned: () => new Promise<never>(() => {}) };
    for (const [current, known] of [
      [now, 7],
      [other, 0],
    ] as const) {
      const apprentice = apprenticeOf(store, {
        config: () => current,
        durable: never,
        late: Promise.resolve(new Map([['auto', late]])),
        more: { patienceMs: 1 },
      });
      await apprentice.catchUp();
      expect(entries(apprentice)).toBe(known);
    }
  });
});

test('a store that fails while what was learned before is taken in ends nobody', async () => {
  const store = createMemoryStore({ now: Date.now });
  const said: string[] = [];
  const broken = { ...store, readSince: () => Promise.reject(new Error('not now')) };
  const log = { ...silent, error: (_: object, message: string) => void said.push(message) };
  const now = config('half_life: 1h');
  const gateway = await startGateway(now, { log, state: broken });
  onTestFinished(() => gateway.close());
  await gateway.adopt(new Map([['auto', await learnedBefore(now.routers.get('auto') as Router, 7)]]));
  expect(said).toContain('what was learned before could not be brought up to date');
});
