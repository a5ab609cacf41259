/** The state in Durable Objects, inside the real workerd: what every state store must do, and what only an object can. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { foldFromBytes } from '../../src/bandit/fold-bytes.ts';
import { type DecisionRecord, labelOf } from '../../src/stores/decision-record.ts';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import type { ObjectStore } from '../../src/stores/durable-object.ts';
import { LOG_START } from '../../src/stores/ports.ts';
import { hotStoreSuite } from '../stores/hot-store-suite.ts';
import { decision, stateStoreSuite } from '../stores/state-store-suite.ts';
import { DAY_MS, newObjects, storeOver } from './objects.ts';

stateStoreSuite({
  name: 'in Durable Objects',
  async create() {
    // By the object's own clock, which nobody moves.
    const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms + 5));
    return { store: storeOver(newObjects()), pass };
  },
});

hotStoreSuite({
  name: 'in Durable Objects',
  async create() {
    const objects = newObjects();
    return {
      store: storeOver(objects),
      other: storeOver(objects),
      emptied: async () => storeOver(newObjects()),
    };
  },
});

test('two isolates see each other’s decisions, names and feedback', async () => {
  const objects = newObjects();
  const [one, other] = [storeOver(objects), storeOver(objects)];
  const kept = decision();
  await one.remember({ decision: kept, names: ['talk'] });
  expect(await other.recall(kept.id)).toEqual(kept);
  expect(await other.lookUp(['talk'])).toEqual({ decision: kept, name: 'talk' });
  const rated = { ...kept, version: 2, reward: 1, label: labelOf(1), labelBefore: kept.label };
  expect(await other.revise(rated)).toBe('written');
  expect(await one.revise({ ...rated, reward: 0 })).toBe('changed');
  expect(await one.recall(kept.id)).toEqual(rated);
  const entries = async (store: typeof one) => (await store.readSince('auto', LOG_START, 10)).entries;
  expect(await entries(one)).toHaveLength(2);
  expect(await entries(other)).toEqual(await entries(one));
});

test('a decision that is told twice, as after an answer got lost, counts once', async () => {
  const store = storeOver(newObjects());
  const kept = decision();
  for (let i = 0; i < 2; i++) await store.remember({ decision: kept, names: [] });
  expect((await store.readSince('auto', LOG_START, 10)).entries).toHaveLength(1);
});

test('finds a name in whichever router’s log it is: the surer name first, of the same one the later decision', async () => {
  const store = storeOver(newObjects(), {
    halfLives: new Map([
      ['auto', null],
      ['fast', null],
    ]),
  });
  const [early, late] = [decision({ router: 'fast' }), decision({ created: 1_764_000_000_001 })];
  await store.remember({ decision: early, names: ['session', 'talk'] });
  await store.remember({ decision: late, names: ['session'] });
  const other = storeOver(newObjects());
  expect(await other.lookUp(['session'])).toBe(null);
  expect((await store.lookUp(['session']))?.decision.id).toBe(late.id);
  expect((await store.lookUp(['talk', 'session']))?.decision.id).toBe(early.id);
});

test('asks no further object where the first one is sure, nor one that it may not be in', async () => {
  const asked: string[] = [];
  const objects = newObjects();
  const halfLives = new Map(['auto', 'fast', 'slow'].map((router) => [router, null]));
  const store = storeOver(objects, { halfLives });
  const [near, far] = [decision(), decision({ router: 'fast' })];
  await store.remember({ decision: near, names: ['talk', 'near'] });
  await store.remember({ decision: far, names: ['surer', 'far'] });
  const getByName = (name: string) => {
    asked.push(name);
    return objects.getByName(name);
  };
  const other = storeOver({ getByName }, { halfLives });
  const lookUp = async (names: string[], sure: number | 'only', routers: string[] | null = null) => {
    asked.length = 0;
    return (await other.lookUp(names, { log: 'auto', sure, routers }))?.decision.id ?? null;
  };
  expect(await lookUp(['talk', 'far'], 1)).toBe(near.id);
  expect(asked).toEqual(['router:auto']);
  expect(await lookUp(['far'], 'only')).toBe(null);
  expect(asked).toEqual(['router:auto']);
  // What is less sure gives way to what is surer elsewhere.
  expect(await lookUp(['surer', 'near'], 1)).toBe(far.id);
  expect(asked).toEqual(['router:auto', 'router:', 'router:fast', 'router:slow']);
  expect(await lookUp(['far', 'near'], 1, ['auto'])).toBe(near.id);
  expect(asked).toEqual(['router:auto', 'router:']);
});

test('an object that is evicted has everything when it is asked again, and its log goes on', async () => {
  const objects = newObjects();
  const store = storeOver(objects);
  const [kept, rated] = [decision(), decision()];
  await store.remember({ decision: kept, names: ['talk'] });
  await store.remember({ decision: rated, names: [] });
  const next = { ...rated, version: 2, reward: 1, label: labelOf(1), labelBefore: rated.label };
  await store.revise(next);
  await store.revive({ decision: decision({ id: 'dec_revived', version: 2 }), names: ['old'] });
  const before = await store.readSince('auto', LOG_START, 10);
  await store.shared.snapshots.put('auto', { cursor: before.cursor, bytes: Uint8Array.of(1, 2, 3) });
  await store.add('usd', 0.5, 60_000);
  const health = { at: 1, until: 2, reason: 'failing', strikes: 3 } as const;
  await store.putHealth('arm:a', health, 60_000);
  expect(await store.shared.lease('drain', 60_000)).toBe(true);

  await evictDurableObject(objects.getByName('router:auto'));
  await evictDurableObject(objects.getByName('shared'));
  const other = storeOver(objects);
  expect(await other.recall(kept.id)).toEqual(kept);
  expect(await other.recall(rated.id)).toEqual(next);
  expect((await other.lookUp(['talk']))?.decision).toEqual(kept);
  expect((await other.lookUp(['old']))?.decision.version).toBe(2);
  expect(await other.readSince('auto', LOG_START, 10)).toEqual(before);
  expect(await other.shared.snapshots.read('auto')).toEqual([{ cursor: before.cursor, bytes: Uint8Array.of(1, 2, 3) }]);
  expect(await other.add('usd', 0.25, 60_000)).toBe(0.75);
  expect(await other.readHealth()).toEqual(new Map([['arm:a', health]]));
  expect(await other.shared.lease('drain', 60_000)).toBe(false);
  const later = decision();
  await other.remember({ decision: later, names: [] });
  const behind = await store.readSince('auto', before.cursor, 10);
  expect(behind).toMatchObject({ gap: null, entries: [{ decisionId: later.id }] });
});

test('a snapshot of more than a value may have comes back as it was, byte by byte', async () => {
  const objects = newObjects();
  const store = storeOver(objects);
  const sizes = [5_000_001, 1_000_000, 0];
  for (const size of sizes) {
    await store.remember({ decision: decision(), names: [] });
    const { cursor } = await store.readSince('auto', LOG_START, 100);
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) % 251);
    expect(await store.shared.snapshots.put('auto', { cursor, bytes })).toBe(true);
    await evictDurableObject(objects.getByName('router:auto'));
    const [latest] = await store.shared.snapshots.read('auto');
    expect(latest?.cursor).toBe(cursor);
    expect(latest?.bytes.length).toBe(size);
    expect(latest?.bytes.every((byte, i) => byte === bytes[i])).toBe(true);
  }
});

describe('by itself an object', () => {
  const rated = (more: Partial<DecisionRecord> = {}) =>
    decision({ created: Date.now(), reward: 1, label: labelOf(1), ...more });
  const ring = (objects: StateObjects) => runDurableObjectAlarm(objects.getByName('router:auto'));
  const latestFold = async (store: ObjectStore) => {
    const [latest] = await store.shared.snapshots.read('auto');
    return latest ? { cursor: latest.cursor, fold: foldFromBytes(latest.bytes) } : null;
  };

  test('folds what has come, and leaves a snapshot of it for those that start', async () => {
    const objects = newObjects();
    const store = storeOver(objects);
    expect(await latestFold(store)).toBe(null);
    for (let i = 0; i < 300; i++) await store.remember({ decision: rated(), names: [] });
    expect(await ring(objects)).toBe(true);
    const { cursor } = await store.readSince('auto', LOG_START, 1_000);
    expect(await latestFold(store)).toMatchObject({ cursor, fold: { entries: 300, labels: 300 } });
    await store.remember({ decision: rated(), names: [] });
    await evictDurableObject(objects.getByName('router:auto'));
    expect(await ring(objects)).toBe(true);
    expect(await latestFold(store)).toMatchObject({ fold: { entries: 301, labels: 301 } });
  });

  test('folds all anew where evidence fades otherwise from now on', async () => {
    const objects = newObjects();
    const before = storeOver(objects);
    await latestFold(before);
    for (let i = 0; i < 3; i++) await before.remember({ decision: rated(), names: [] });
    await ring(objects);
    const after = storeOver(objects, { halfLives: new Map([['auto', 7 * DAY_MS]]) });
    expect(await latestFold(after)).toMatchObject({ fold: { settings: { halfLifeMs: null } } });
    expect(await ring(objects)).toBe(true);
    expect(await latestFold(after)).toMatchObject({ fold: { entries: 3, settings: { halfLifeMs: 7 * DAY_MS } } });
  });

  test('forgets decisions when their time is over, with all that finds them, and not what they taught', async () => {
    const objects = newObjects();
    const store = storeOver(objects, { retentionMs: DAY_MS });
    await latestFold(store);
    const old = rated({ created: Date.now() - DAY_MS - 1_000 });
    const young = decision({ created: Date.now() - DAY_MS + 60_000 });
    await store.remember({ decision: old, names: ['old', 'session'] });
    await store.remember({ decision: young, names: ['session'] });
    await store.revise({ ...old, version: 2, labelBefore: old.label });
    const { cursor } = await store.readSince('auto', LOG_START, 1);
    expect(await ring(objects)).toBe(true);
    expect(await store.recall(old.id)).toBe(null);
    expect(await store.lookUp(['old'])).toBe(null);
    expect((await store.lookUp(['session']))?.decision.id).toBe(young.id);
    expect(await latestFold(store)).toMatchObject({ fold: { entries: 2, labels: 1 } });
    // Who had read only a part of it is told that something is missing, and finds it in the snapshot.
    expect(await store.readSince('auto', cursor, 10)).toMatchObject({ gap: 'trimmed' });
    const rows = await runInDurableObject(objects.getByName('router:auto'), (_, { storage }) =>
      ['log', 'decisions', 'names'].map(
        (table) => [...storage.sql.exec(`select count(*) from ${table}`).raw()][0]?.[0],
      ),
    );
    expect(rows).toEqual([1, 1, 1]);
  });

  test('looks again for what is to be forgotten, though nothing comes', async () => {
    const objects = newObjects();
    const store = storeOver(objects);
    await store.remember({ decision: decision({ created: Date.now() }), names: [] });
    expect(await ring(objects)).toBe(true);
    const next = await runInDurableObject(objects.getByName('router:auto'), (_, { storage }) => storage.getAlarm());
    expect(next).toBeGreaterThan(Date.now());
    expect(next).toBeLessThan(Date.now() + DAY_MS);
  });
});
