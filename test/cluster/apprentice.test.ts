import { expect, onTestFinished, test } from 'vitest';
import { createApprentice } from '../../src/cluster/apprentice.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ConduitConfig } from '../../src/config/resolve.ts';
import { startGateway } from '../../src/node.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { StateStore } from '../../src/stores/ports.ts';
import { decision } from '../stores/state-store-suite.ts';
import { sha256Hex, simpleConfig } from '../support/gateway.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function config(router = ''): ConduitConfig {
  const text = `server: { port: 0 }\n${simpleConfig('http://127.0.0.1:1/v1', ['small', 'large'], { router })}`;
  const loaded = loadConfig({ text, env: {}, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const lessons = (state: StateStore) => ({ state, durable: null, learned: new Map(), late: Promise.resolve(new Map()) });

async function decide(store: StateStore, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const one = decision();
    await store.remember({ decision: one, names: [] });
  }
}

test('who takes a dead worker’s place knows what the log no longer has', async () => {
  const store = createMemoryStore({ now: Date.now, maxEntries: 10 });
  const apprentice = createApprentice(() => config(), lessons(store), silent);
  onTestFinished(() => apprentice.end());
  for (let i = 0; i < 10; i++) {
    await decide(store, 10);
    await apprentice.learned(config());
  }
  await decide(store, 5);
  // As it goes to another process.
  const learned = structuredClone(await apprentice.learned(config()));
  await decide(store, 3);
  const gateway = await startGateway(config(), { log: silent, state: store, learned });
  onTestFinished(() => gateway.close());
  const view = (await (await fetch(`${gateway.url}/v1/routers/auto`)).json()) as { observations: number };
  expect(view.observations).toBe(108);
});

test('where evidence fades otherwise now, what is left of the log is folded anew', async () => {
  const store = createMemoryStore({ now: Date.now });
  const apprentice = createApprentice(() => config(), lessons(store), silent);
  onTestFinished(() => apprentice.end());
  await decide(store, 4);
  await apprentice.learned(config());
  const faster = config('half_life: 1h');
  const learned = (await apprentice.learned(faster)).get('auto');
  expect(learned).toMatchObject({ halfLifeMs: 3_600_000, fold: { entries: 4 } });
});
