/** Stores over a Redis of a test's own. */
import { expect, onTestFinished } from 'vitest';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { LOG_START, type StateStore } from '../../src/stores/ports.ts';
import { decision } from '../stores/state-store-suite.ts';
import { open } from './open-redis-store.ts';
import type { RedisServer } from './redis-server.ts';
import { startRelay } from './relay.ts';

export { DAY_MS, open, type Told } from './open-redis-store.ts';

export const PATIENCE = { timeout: 10_000, interval: 20 };

/** Resolves once the store can be asked, and hears of growth where so many stores listen on the server. */
export async function connected(store: StateStore, server: RedisServer, listening = 1): Promise<void> {
  await expect
    .poll(
      () =>
        store.readHealth().then(
          () => true,
          () => false,
        ),
      PATIENCE,
    )
    .toBe(true);
  const channel = 'conduit:1:grown';
  const listeners = async () => Number((await server.client.pubsub('NUMSUB', channel))[1]);
  await expect.poll(listeners, PATIENCE).toBeGreaterThanOrEqual(listening);
}

/** A connected store that reaches the server through a relay; both are closed after the test. */
export async function openOverRelay(server: RedisServer) {
  const relay = await startRelay(server.port);
  onTestFinished(() => relay.close());
  const { store, told } = open(`redis://127.0.0.1:${relay.port}`);
  onTestFinished(() => store.close());
  await connected(store, server);
  return { relay, store, told };
}

export const entriesOf = async (store: StateStore, router = 'auto') =>
  (await store.readSince(router, LOG_START, 100_000)).entries;

export const rememberNew = async (store: StateStore, more: Partial<DecisionRecord> = {}, names: string[] = []) => {
  const one = decision(more);
  await store.remember({ decision: one, names });
  return one;
};
