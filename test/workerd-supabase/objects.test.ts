/** Supabase behind Durable Objects, inside the real workerd: what is decided gets there, once, whatever fails on the way. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foldFromBytes } from '../../src/bandit/fold-bytes.ts';
import { nothingLearned } from '../../src/routing/learner.ts';
import { recoverFold } from '../../src/routing/recovery.ts';
import { type DecisionRecord, labelOf } from '../../src/stores/decision-record.ts';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import type { ObjectStore } from '../../src/stores/durable-object.ts';
import { LOG_START } from '../../src/stores/ports.ts';
import { createSupabaseStore } from '../../src/stores/supabase.ts';
import { createWorkerApp, openWorker } from '../../src/worker.ts';
import { decision } from '../stores/state-store-suite.ts';
import { DAY_MS, newObjects, storeOver } from '../workerd/objects.ts';
import { calls, configOver, failing, keptOf, rows, SUPABASE, upstream } from './project.ts';

const sink = createSupabaseStore(SUPABASE);
/** Of each test another: what it decides is told from what others do by that. */
let router: string;
let tests = 0;
beforeEach(() => {
  router = `objects-${++tests}`;
});
afterEach(() => failing());

const open = (objects: StateObjects, retentionMs = 2 * DAY_MS): ObjectStore =>
  storeOver(objects, { halfLives: new Map([[router, null]]), retentionMs, isDrained: true });

const objectOf = (objects: StateObjects) => objects.getByName(`router:${router}`);

/** Lets the object's alarms ring until it is done with all that there is to do now. */
async function ring(objects: StateObjects, times = 3): Promise<void> {
  for (let i = 0; i < times; i++) await runDurableObjectAlarm(objectOf(objects));
}

async function answer(store: ObjectStore, times: number, more: Partial<DecisionRecord> = {}) {
  const made = Array.from({ length: times }, () => decision({ router, created: Date.now(), ...more }));
  await Promise.all(made.map((one) => store.remember({ decision: one, names: [`talk:${one.id}`] })));
  return made;
}

async function rate(store: ObjectStore, { id }: DecisionRecord): Promise<void> {
  const present = (await store.recall(id)) as DecisionRecord;
  const label = labelOf(1);
  const next = { ...present, version: present.version + 1, reward: 1, label, labelBefore: present.label };
  expect(await store.revise(next)).toBe('written');
}

describe('with Supabase behind it an object', () => {
  test('keeps every decision there, as it is now, and each once', async () => {
    const objects = newObjects();
    const store = open(objects);
    const made = await answer(store, 300);
    await rate(store, made[7] as DecisionRecord);
    await ring(objects);
    expect(await keptOf(router)).toEqual({ decisions: 300, changes: 1 });
    expect(await sink.recall(made[7]?.id as string)).toMatchObject({ reward: 1, version: 2 });
    // What is said later follows, also after the object was evicted.
    await evictDurableObject(objectOf(objects));
    await rate(store, made[8] as DecisionRecord);
    await answer(store, 1);
    await ring(objects);
    expect(await keptOf(router)).toEqual({ decisions: 301, changes: 2 });
    expect(await store.isDrainedWell()).toBe(true);
  });

  test('asks Supabase nothing where nothing has come', async () => {
    const objects = newObjects();
    await answer(open(objects), 1);
    await ring(objects);
    const before = await calls('conduit_ingest');
    await ring(objects);
    expect(await calls('conduit_ingest')).toBe(before);
  });

  test('keeps what Supabase misses while that is away, and sends it once, in spite of an eviction', async () => {
    const objects = newObjects();
    const store = open(objects);
    await answer(store, 2);
    await ring(objects);
    await failing({ status: 503 });
    const [late] = await answer(store, 300);
    await rate(store, late as DecisionRecord);
    await ring(objects);
    expect(await store.isDrainedWell()).toBe(false);
    await evictDurableObject(objectOf(objects));
    expect(await store.isDrainedWell()).toBe(false);
    await failing();
    await ring(objects);
    expect(await store.isDrainedWell()).toBe(true);
    expect(await keptOf(router)).toEqual({ decisions: 302, changes: 1 });
  });

  test('sends nothing twice where Supabase took a batch and the object never heard of it', async () => {
    const objects = newObjects();
    const store = open(objects);
    const made = await answer(store, 600);
    for (const one of made.slice(0, 5)) await rate(store, one);
    await failing({ cutOff: 2, cutOffOf: 'conduit_ingest' });
    await ring(objects, 1);
    expect((await keptOf(router)).decisions).toBeGreaterThan(0);
    await evictDurableObject(objectOf(objects));
    await answer(store, 300);
    await ring(objects, 4);
    expect(await keptOf(router)).toEqual({ decisions: 900, changes: 5 });
    const { fold } = await recoverFold(sink, router, () => nothingLearned({ halfLifeMs: null }).fold);
    expect(fold).toMatchObject({ entries: 900, labels: 5 });
  });

  test('sends all of it, and nothing twice, where it dies between two batches', async () => {
    const objects = newObjects();
    const store = open(objects);
    await answer(store, 1_000);
    await failing({ slowMs: 150 });
    const ringing = ring(objects, 1).catch(() => {});
    await expect.poll(async () => (await keptOf(router)).decisions, { timeout: 10_000 }).toBeGreaterThan(0);
    await runInDurableObject(objectOf(objects), (_, state) => state.abort('it dies')).catch(() => {});
    await ringing;
    const { decisions } = await keptOf(router);
    expect(decisions).toBeLessThan(1_000);
    await failing();
    await answer(store, 1);
    await ring(objects);
    expect(await keptOf(router)).toEqual({ decisions: 1_001, changes: 0 });
  });

  test('answers at once while Supabase takes its time', async () => {
    const objects = newObjects();
    const store = open(objects);
    await answer(store, 2);
    await failing({ slowMs: 3_000 });
    const ringing = ring(objects, 1);
    const began = Date.now();
    const [during] = await answer(store, 1);
    await rate(store, during as DecisionRecord);
    expect((await store.recall(during?.id as string))?.reward).toBe(1);
    expect(Date.now() - began).toBeLessThan(2_000);
    await failing();
    await ringing;
  });

  test('forgets no decision that Supabase has not got, however old it is', async () => {
    const objects = newObjects();
    const store = open(objects, DAY_MS);
    await store.shared.snapshots.read(router);
    await failing({ status: 503 });
    const [old] = await answer(store, 1, { created: Date.now() - DAY_MS - 60_000 });
    await ring(objects);
    expect(await store.recall(old?.id as string)).not.toBe(null);
    await failing();
    await ring(objects);
    expect(await store.recall(old?.id as string)).toBe(null);
    expect(await sink.recall(old?.id as string)).toMatchObject({ id: old?.id });
  });

  test('leaves snapshots there of what was learned', async () => {
    const objects = newObjects();
    const store = open(objects);
    await store.shared.snapshots.read(router);
    const made = await answer(store, 20);
    for (const one of made) await rate(store, one);
    await ring(objects);
    expect(await keptEntries()).toMatchObject({ entries: 20, labels: 20 });
  });

  test('that is new begins with what Supabase knows, and isolates that have begun without it take it over', async () => {
    const before = newObjects();
    const made = await answer(open(before), 30);
    for (const one of made) await rate(open(before), one);
    await ring(before);
    expect(await keptOf(router)).toEqual({ decisions: 30, changes: 30 });

    const objects = newObjects();
    const store = open(objects);
    expect(await store.shared.snapshots.read(router)).toEqual([]);
    const { cursor } = await store.readSince(router, LOG_START, 10);
    await answer(store, 2);
    const later = (await store.readSince(router, cursor, 10)).cursor;
    await ring(objects);
    const [latest] = await store.shared.snapshots.read(router);
    expect(foldFromBytes(latest?.bytes as Uint8Array)).toMatchObject({ entries: 32, labels: 30 });
    // Whoever has read on in the log as it was is told that it is another one now.
    expect((await store.readSince(router, later, 10)).gap).toBe('other');
    await ring(objects);
    expect(await keptOf(router)).toEqual({ decisions: 32, changes: 30 });
  });

  test('has the decisions of requests that name their model kept, too', async () => {
    const objects = newObjects();
    const store = open(objects);
    const pinned = decision({ router: null, created: Date.now() });
    await store.remember({ decision: pinned, names: [] });
    expect(await runDurableObjectAlarm(objects.getByName('router:'))).toBe(true);
    expect(await sink.recall(pinned.id)).toMatchObject({ id: pinned.id, router: null });
  });

  test('and a config that no longer names a durable store goes on as one that never had one', async () => {
    const objects = newObjects();
    await answer(open(objects), 1);
    const store = storeOver(objects, { halfLives: new Map([[router, null]]), isDrained: false });
    await answer(store, 1);
    await ring(objects);
    expect(await keptOf(router)).toEqual({ decisions: 0, changes: 0 });
    const facts = await runInDurableObject(objectOf(objects), (_, { storage }) => [
      ...storage.sql.exec("select value from facts where name = 'is_drained'").raw(),
    ]);
    expect(facts).toEqual([[0]]);
  });

  /** What a start elsewhere would find in the latest snapshot. */
  async function keptEntries() {
    const [latest] = await sink.snapshots.read(router);
    return latest ? foldFromBytes(latest.bytes) : null;
  }
});

describe('a gateway over objects with Supabase behind them', () => {
  function newIsolate(objects: StateObjects) {
    const deferred: Promise<unknown>[] = [];
    const open = openWorker({ CONDUIT_CONFIG_TEXT: configOver('durable-object', router), CONDUIT_STATE: objects });
    const { fetch } = createWorkerApp(open, {
      fetch: upstream as typeof globalThis.fetch,
      secret: 's',
      defer: (work) => deferred.push(work),
    });
    const call = (path: string, body?: object) =>
      fetch(
        new Request(`https://conduit.example/${path}`, {
          method: body ? 'POST' : 'GET',
          ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }),
      );
    return {
      call,
      async ask(): Promise<string> {
        const messages = [{ role: 'user', content: `What is ${crypto.randomUUID()}?` }];
        const response = await call('v1/chat/completions', { model: router, messages });
        expect(response.status).toBe(200);
        await response.text();
        return response.headers.get('x-conduit-decision') as string;
      },
      rate: (id: string) => call('v1/feedback', { decision_id: id, signal: 'thumbs', value: 1 }),
      async settled(): Promise<void> {
        for (let work = deferred.splice(0); work.length > 0; work = deferred.splice(0)) await Promise.all(work);
      },
    };
  }

  test('takes feedback to an answer that only Supabase still has, and tells of it', async () => {
    const before = newObjects();
    const first = newIsolate(before);
    const id = await first.ask();
    await first.settled();
    await ring(before);

    const objects = newObjects();
    const isolate = newIsolate(objects);
    expect(await (await isolate.call(`v1/decisions/${id}`)).json()).toMatchObject({ id, reward: null });
    expect(await (await isolate.rate(id)).json()).toMatchObject({ status: 'recorded', reward: 1 });
    expect(await (await isolate.rate(id)).json()).toMatchObject({ status: 'duplicate' });
    await isolate.settled();
    await ring(objects);
    expect(await rows(`select version, reward from routing_decisions where decision_id = '${id}'`)).toEqual([
      { version: 2, reward: 1 },
    ]);
    expect(await keptOf(router)).toEqual({ decisions: 1, changes: 1 });
  });

  test('answers as ever while Supabase does not, and says so where it is asked whether it is ready', async () => {
    const objects = newObjects();
    const isolate = newIsolate(objects);
    await isolate.ask();
    await isolate.settled();
    await ring(objects);
    expect(await (await isolate.call('ready')).json()).toMatchObject({ status: 'ready', durable: true });
    await failing({ status: 503 });
    const id = await isolate.ask();
    await isolate.settled();
    await ring(objects);
    expect(await (await isolate.rate(id)).json()).toMatchObject({ status: 'recorded' });
    expect((await isolate.call('v1/decisions/dec_01a217a4613272755e113088bfb103d2')).status).toBe(503);
    const ready = await isolate.call('ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'not_ready', state: true, durable: false });
    await failing();
    await ring(objects);
    expect(await (await isolate.call('ready')).json()).toMatchObject({ status: 'ready', durable: true });
    expect(await keptOf(router)).toEqual({ decisions: 2, changes: 1 });
  });
});
