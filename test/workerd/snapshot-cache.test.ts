/** What isolates begin with, in workerd's own cache: near by, fresh, and nobody else's. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { emptyFold, OPEN } from '../../src/bandit/fold.ts';
import { foldToBytes } from '../../src/bandit/fold-bytes.ts';
import { type DataCentreCache, withSnapshotCache } from '../../src/edge/snapshot-cache.ts';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import worker from '../../src/worker.ts';
import { decision } from '../stores/state-store-suite.ts';
import { type Isolate, learningConfig, newIsolate, question } from '../support/isolate.ts';
import { newObjects, noted, storeOver } from './objects.ts';

const CONFIG = learningConfig('durable-object');
let origins = 0;
const newOrigin = (): string => `https://gateway-${++origins}.example`;

/** The platform's cache, with the addresses that were asked for. */
function noting() {
  const addresses: string[] = [];
  const open = async (): Promise<DataCentreCache> => {
    const cache = await caches.open('conduit');
    return {
      match(address) {
        addresses.push(address);
        return cache.match(address);
      },
      put: (address, response) => cache.put(address, response),
    };
  };
  return { open, addresses };
}

const isolateOf = (objects: StateObjects, origin: string, config = CONFIG, open = noting().open): Isolate =>
  newIsolate({ CONDUIT_CONFIG_TEXT: config, CONDUIT_STATE: objects }, { open, origin });

/** Has so much asked and rated, folds it, and has it read. */
async function learned(objects: StateObjects, origin: string, labels: number): Promise<Isolate> {
  const isolate = isolateOf(objects, origin);
  for (let i = 0; i < labels; i++) await isolate.rate((await isolate.ask(question(i))).id, 1);
  await isolate.settled();
  await runDurableObjectAlarm(objects.getByName('router:auto'));
  const reader = isolateOf(objects, origin);
  expect((await reader.router()).labels).toBe(labels);
  await reader.settled();
  return isolate;
}

test('an isolate that starts takes it from the cache of its data centre, and what came since from the log', async () => {
  const objects = newObjects();
  const origin = newOrigin();
  const first = await learned(objects, origin, 3);
  await first.rate((await first.ask(question(9))).id, 1);
  await first.settled();
  const { objects: asked, taken } = noted(objects);
  const next = isolateOf(asked, origin);
  expect((await next.router()).labels).toBe(4);
  const calls = taken();
  expect(calls.filter((call) => call.endsWith('readSnapshots'))).toEqual([]);
  expect(calls.filter((call) => call.endsWith('readSince'))).toHaveLength(1);
  await next.settled();
});

test('what is of another router, secret or half-life is never taken for its own', async () => {
  const origin = newOrigin();
  await learned(newObjects(), origin, 2);
  const { open, addresses } = noting();
  const configs = [
    CONFIG,
    CONFIG.replace('secret: s', 'secret: another'),
    CONFIG.replace('sticky: none', 'sticky: none, half_life: 9d'),
    CONFIG.replace('routers: { auto:', 'routers: { other: { models: [fake/good] }, auto:'),
  ];
  for (const config of configs) {
    const isolate = isolateOf(newObjects(), origin, config, open);
    // Of other objects than those that it was read from it is nobody's either.
    expect((await isolate.router()).labels).toBe(0);
    if (config.includes('other:')) expect((await isolate.router('other')).labels).toBe(0);
    await isolate.settled();
  }
  const [own, secret, halfLife, same, other] = addresses;
  expect(addresses).toHaveLength(5);
  expect(same).toBe(own);
  expect(new Set([own, secret, halfLife, other]).size).toBe(4);
});

test('nothing of it is served, not even at its own address', async () => {
  const origin = newOrigin();
  const objects = newObjects();
  await learned(objects, origin, 2);
  const { open, addresses } = noting();
  const isolate = isolateOf(objects, origin, CONFIG, open);
  await isolate.router();
  await isolate.settled();
  const [address] = addresses as [string];
  expect(await (await caches.open('conduit')).match(address)).toBeDefined();
  const environment = { CONDUIT_CONFIG_TEXT: CONFIG, CONDUIT_STATE: objects };
  const response = await worker.fetch(new Request(address), environment, { waitUntil() {} });
  expect(response.status).toBe(404);
});

/** A store of its own with one snapshot, whose cache is as old as the test has it. */
async function prepare(open = noting().open) {
  const store = storeOver(newObjects());
  const time = { now: 1_764_000_000_000 };
  const deferred: Promise<unknown>[] = [];
  const address = `${newOrigin()}/learned/one`;
  const cached = () =>
    withSnapshotCache(store, {
      open,
      addressOf: () => address,
      readAtOnce: 250,
      now: () => time.now,
      defer: (work) => deferred.push(work),
    });
  const keep = async () => {
    await store.remember({ decision: decision(), names: [] });
    const { cursor } = await store.readSince('auto', '0', 10);
    const fold = emptyFold({ encoder: 'e', dimensions: 2, halfLifeMs: null, ...OPEN });
    await store.shared.snapshots.put('auto', { cursor, bytes: foldToBytes(fold) });
    return cursor;
  };
  const begun = async () => {
    const [snapshot] = await cached().shared.snapshots.read('auto');
    await Promise.all(deferred.splice(0));
    return snapshot?.cursor;
  };
  return { store, time, cached, keep, begun };
}

test('it is a minute old at most', async () => {
  const { time, keep, begun } = await prepare();
  const old = await keep();
  expect(await begun()).toBe(old);
  const latest = await keep();
  time.now += 60_000;
  expect(await begun()).toBe(old);
  time.now += 1;
  expect(await begun()).toBe(latest);
});

test('of a log that has begun anew the latest is taken', async () => {
  const { store, keep, begun } = await prepare();
  const old = await keep();
  expect(await begun()).toBe(old);
  const [latest] = await store.shared.snapshots.read('auto');
  await store.shared.restart(new Map([['auto', latest as NonNullable<typeof latest>]]));
  const cursor = await begun();
  expect(cursor).not.toBe(old);
  expect(cursor).toBe((await store.shared.snapshots.read('auto'))[0]?.cursor);
});

test('who asks again, since something is missing, is given the store’s own', async () => {
  const { keep, begun, cached } = await prepare();
  await keep();
  await begun();
  const store = cached();
  const [first] = await store.shared.snapshots.read('auto');
  const latest = await keep();
  const [again] = await store.shared.snapshots.read('auto');
  expect([first?.cursor, again?.cursor]).toEqual([expect.not.stringMatching(latest), latest]);
});

test('a cache that fails costs nobody anything', async () => {
  const { keep, begun } = await prepare(() => Promise.reject(new Error('no cache here')));
  expect(await keep()).toBe(await begun());
});
