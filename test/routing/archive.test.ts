/** What an archive keeps, in which order, how often, and what a start finds of it. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { foldToBytes } from '../../src/bandit/fold-bytes.ts';
import type { Router } from '../../src/config/resolve.ts';
import { encoder } from '../../src/context/encoder.ts';
import { type Archive, createArchive } from '../../src/routing/archive.ts';
import { learnOn, nothingLearned } from '../../src/routing/learner.ts';
import { type DecisionRecord, labelOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { type Batch, type DurableStore, type HotStore, LOG_START, RejectedBatch } from '../../src/stores/ports.ts';
import { decision } from '../stores/state-store-suite.ts';
import { embeddedStore, folderOfTheTest } from '../support/embedded-store.ts';
import { testRuntime } from './runtime.ts';

const HOUR = 3_600_000;
const router = (more: Partial<Router> = {}): Router =>
  ({ name: 'auto', models: ['fake/small'], halfLifeMs: 24 * HOUR, ...more }) as Router;
const ROUTERS = new Map([['auto', router()]]);

const X = encoder.encode({ messages: [{ role: 'user', content: 'Hi' }], tools: undefined, response_format: undefined });

function prepare(sink: DurableStore, source = createMemoryStore({ now: Date.now, epoch: 'one' })) {
  const runtime = testRuntime();
  const archive = createArchive({ source, sink, routers: ROUTERS, retentionMs: 30 * 24 * HOUR, runtime });
  onTestFinished(() => archive.close());
  archive.begin();
  return { source, archive, runtime };
}

async function answer(source: HotStore, times = 1, more: Partial<DecisionRecord> = {}): Promise<DecisionRecord[]> {
  const made = Array.from({ length: times }, () => decision({ encoder: encoder.id, x: X, ...more }));
  for (const one of made) await source.remember({ decision: one, names: [`talk:${one.id}`] });
  return made;
}

async function rate(source: HotStore, { id }: DecisionRecord, reward: number): Promise<void> {
  const present = (await source.recall(id)) as DecisionRecord;
  const changed = {
    ...present,
    version: present.version + 1,
    reward,
    label: labelOf(reward),
    labelBefore: present.label,
  };
  expect(await source.revise(changed)).toBe('written');
}

const bytesOf = async (archive: Archive, of = router()) => foldToBytes((await archive.learned(of)).fold);
const keptIn = async (sink: DurableStore, log = 'auto') => (await sink.readKept(log, LOG_START, 100_000)).kept;

/** A sink that answers as long as it is told to. */
function fallible(sink: DurableStore) {
  const state = { broken: false, batches: [] as Batch[] };
  const fails = (): void => {
    if (state.broken) throw new Error('out of order');
  };
  const wrapped: DurableStore = {
    ...sink,
    async ingest(batch) {
      fails();
      state.batches.push(batch);
      return await sink.ingest(batch);
    },
    async cursorOf(log) {
      fails();
      return await sink.cursorOf(log);
    },
  };
  return { state, sink: wrapped };
}

describe('an archive', () => {
  test('keeps every decision as it is now, those of pinned models too, with its names', async () => {
    const sink = await embeddedStore();
    const { source, archive } = prepare(sink);
    const made = await answer(source, 350);
    const [pinned] = await answer(source, 1, { router: null });
    await rate(source, made[7] as DecisionRecord, 1);
    await archive.flush();
    expect((await keptIn(sink)).map((kept) => kept.decision.id).sort()).toEqual(made.map(({ id }) => id).sort());
    expect((await keptIn(sink, '')).map((kept) => kept.decision.id)).toEqual([pinned?.id]);
    expect((await sink.recall(made[7]?.id as string))?.reward).toBe(1);
    const named = new Map((await sink.readLatest(1_000)).map(({ decision, names }) => [decision.id, names]));
    for (const { id } of made) expect(named.get(id)).toEqual([`talk:${id}`]);
  });

  test('has learned what folding the log itself gives, byte by byte', async () => {
    const { source, archive, runtime } = prepare(await embeddedStore());
    const made = await answer(source, 20);
    await archive.flush();
    for (const one of made) await rate(source, one, 1);
    await answer(source, 20);
    const learned = nothingLearned(router());
    await learnOn(learned, 'auto', source, runtime.log);
    expect(await bytesOf(archive)).toEqual(foldToBytes(learned.fold));
    expect((await archive.learned(router())).cursor).toBe(learned.cursor);
  });

  test('after a restart goes on with all that was kept, from a snapshot or without one', async () => {
    const folder = folderOfTheTest();
    const sink = await embeddedStore(folder);
    const first = prepare(sink);
    const made = await answer(first.source, 300);
    await rate(first.source, made[5] as DecisionRecord, 1);
    await first.archive.close();
    const before = await bytesOf(first.archive);
    expect(await sink.snapshots.read('auto')).toHaveLength(1);
    await sink.close();

    const again = await embeddedStore(folder);
    const second = prepare(again, createMemoryStore({ now: Date.now, epoch: 'two' }));
    expect(await bytesOf(second.archive)).toEqual(before);
    await answer(second.source, 3);
    await second.archive.flush();
    // As after a SIGKILL: three came behind the snapshot.
    const third = prepare(again, createMemoryStore({ now: Date.now, epoch: 'three' }));
    expect((await third.archive.learned(router())).fold.entries).toBe(303);
    // Where evidence fades otherwise no snapshot is of use.
    const slower = router({ halfLifeMs: 48 * HOUR });
    third.archive.follow(new Map([['auto', slower]]));
    const { fold } = await third.archive.learned(slower);
    expect(fold).toMatchObject({ entries: 303, labels: 1, settings: { halfLifeMs: 48 * HOUR } });
  });

  test('takes the snapshot before where the latest is damaged, and says so', async () => {
    const sink = await embeddedStore();
    const { source, archive } = prepare(sink);
    await answer(source, 10);
    await archive.close();
    const [good] = await sink.snapshots.read('auto');
    await answer(source, 10);
    await archive.flush();
    const { cursor } = await sink.readKept('auto', LOG_START, 1_000);
    const damaged = Uint8Array.from(good?.bytes as Uint8Array);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
    expect(await sink.snapshots.put('auto', { cursor, bytes: damaged })).toBe(true);

    const next = prepare(sink, createMemoryStore({ now: Date.now, epoch: 'two' }));
    expect((await next.archive.learned(router())).fold.entries).toBe(20);
    expect(next.runtime.logged.map(({ message }) => message)).toEqual([
      'a snapshot of what was learned is damaged: an older one is taken, or the log itself',
    ]);
  });

  test('waits out a sink that fails, says so once, and then keeps everything, in order, once', async () => {
    const { state, sink } = fallible(await embeddedStore());
    const { source, archive, runtime } = prepare(sink);
    await answer(source, 1);
    await archive.flush();
    state.broken = true;
    const made = await answer(source, 250);
    archive.grown('auto');
    for (let i = 0; i < 3; i++) await expect(archive.flush()).rejects.toThrow('out of order');
    expect(archive.isWell()).toBe(false);
    runtime.time += 90_000;
    expect(archive.lagMs()).toBe(90_000);
    state.broken = false;
    await archive.flush();
    expect(archive.isWell()).toBe(true);
    expect(archive.lagMs()).toBe(0);
    expect((await keptIn(sink)).slice(1).map(({ decision }) => decision.id)).toEqual(made.map(({ id }) => id));
    expect(state.batches.flatMap(({ kept }) => kept)).toHaveLength(251);
    expect(runtime.logged.map(({ level }) => level)).toEqual(['error', 'info']);
  });

  test('keeps what it can of a batch in which something can never be kept', async () => {
    const real = await embeddedStore();
    let poisoned = '';
    const sink: DurableStore = {
      ...real,
      async ingest(batch) {
        if (batch.kept.some(({ decision }) => decision.id === poisoned)) throw new RejectedBatch('no such number');
        return await real.ingest(batch);
      },
    };
    const { source, archive, runtime } = prepare(sink);
    const made = await answer(source, 30);
    poisoned = made[11]?.id as string;
    await archive.flush();
    const kept = (await keptIn(real)).map(({ decision }) => decision.id);
    expect(kept).toEqual(made.map(({ id }) => id).filter((id) => id !== poisoned));
    expect(runtime.logged).toEqual([{ level: 'error', message: 'a decision cannot be kept in the durable store' }]);
  });

  test('leaves to another what that one was faster with, and learns it nevertheless', async () => {
    const sink = await embeddedStore();
    const source = createMemoryStore({ now: Date.now, epoch: 'one' });
    const [one, other] = [prepare(sink, source), prepare(sink, source)];
    await answer(source, 10);
    await one.archive.flush();
    await other.archive.flush();
    await answer(source, 10);
    await other.archive.flush();
    await answer(source, 10);
    await one.archive.flush();
    await other.archive.flush();
    expect(await keptIn(sink)).toHaveLength(30);
    expect((await one.archive.learned(router())).fold.entries).toBe(30);
    expect(await bytesOf(one.archive)).toEqual(await bytesOf(other.archive));
  });

  test('adds what came by another way into the same sink', async () => {
    const sink = await embeddedStore();
    const { source, archive } = prepare(sink);
    await answer(source, 5);
    await archive.flush();
    const elsewhere = Array.from({ length: 4 }, () => ({
      decision: decision({ encoder: encoder.id, x: X }),
      names: [],
    }));
    await sink.ingest({ log: 'import', after: null, cursor: '4', kept: elsewhere });
    await answer(source, 5);
    expect((await archive.learned(router())).fold.entries).toBe(14);
  });

  test('forgets what is older than it shall keep', async () => {
    const sink = await embeddedStore();
    const { source, archive, runtime } = prepare(sink);
    const [old] = await answer(source, 1, { created: runtime.time - 31 * 24 * HOUR });
    const [young] = await answer(source, 1, { created: runtime.time });
    await archive.flush();
    runtime.time += 2 * HOUR;
    await archive.flush();
    expect(await sink.recall(old?.id as string)).toBe(null);
    expect((await sink.recall(young?.id as string))?.id).toBe(young?.id);
  });

  test('after a crash takes nothing out of what was learned that had not gone in: old decisions rated twice behind a snapshot', async () => {
    const folder = folderOfTheTest();
    const sink = await embeddedStore(folder);
    // More than a fold keeps open, so that the first are closed by then.
    const hot = createMemoryStore({ now: Date.now, epoch: 'one', maxDecisions: 20_000, maxEntries: 20_000 });
    const first = prepare(sink, hot);
    const made = await answer(hot, 10_050);
    for (const one of made.slice(-5)) await rate(hot, one, 1);
    await first.archive.close();
    for (const one of made.slice(0, 3)) {
      await rate(hot, one, 1);
      await first.archive.flush();
      await rate(hot, one, 0.75);
      await first.archive.flush();
    }
    const before = (await first.archive.learned(router())).fold;
    await sink.close();
    const second = prepare(await embeddedStore(folder), createMemoryStore({ now: Date.now, epoch: 'two' }));
    const { fold } = await second.archive.learned(router());
    expect([fold.entries, fold.labels]).toEqual([10_050, 8]);
    const sums = (of: typeof fold) => of.arms.get('fake/small')?.quality.xy[0] as number;
    expect(sums(fold)).toBeCloseTo(sums(before), 9);
    // Both at once, between two looks of the archive.
    const twice = made[7] as DecisionRecord;
    await rate(hot, twice, 1);
    await rate(hot, twice, 0);
    const third = prepare(await embeddedStore(), hot);
    expect((await third.archive.learned(router())).fold.labels).toBe(9);
  });

  test('keeps of a log that never ends, and of the others beside it', async () => {
    const real = await embeddedStore();
    const source = createMemoryStore({ now: Date.now, epoch: 'one' });
    let busy = true;
    // As one that is far away: more comes while a batch is on its way than is in it.
    const sink: DurableStore = {
      ...real,
      async ingest(batch) {
        if (busy && batch.log === 'auto') await answer(source, 200);
        return await real.ingest(batch);
      },
    };
    const { archive } = prepare(sink, source);
    await answer(source, 200);
    const [pinned] = await answer(source, 1, { router: null });
    const flushed = archive.flush();
    await expect.poll(() => keptIn(real, ''), { timeout: 10_000 }).toMatchObject([{ decision: { id: pinned?.id } }]);
    busy = false;
    await flushed;
    expect((await keptIn(real)).length).toBeGreaterThan(1_200);
  });

  test('keeps what is said of answers of a router that the config no longer has', async () => {
    const sink = await embeddedStore();
    const { source, archive } = prepare(sink);
    const [one] = await answer(source, 1, { router: 'gone' });
    archive.grown('gone');
    await archive.flush();
    archive.follow(new Map());
    await rate(source, one as DecisionRecord, 1);
    archive.grown('gone');
    await archive.flush();
    expect((await sink.recall(one?.id as string))?.reward).toBe(1);
  });

  test('still knows what it forgets the decisions of, also where they came by another way', async () => {
    const folder = folderOfTheTest();
    const sink = await embeddedStore(folder);
    const runtime = testRuntime();
    const old = Array.from({ length: 5 }, (_, i) => ({
      decision: decision({ encoder: encoder.id, x: X, created: runtime.time - 31 * 24 * HOUR + i }),
      names: [],
    }));
    await sink.ingest({ log: '(import)', after: null, cursor: '1', kept: old });
    const { archive } = prepare(sink);
    await archive.flush();
    await expect.poll(() => keptIn(sink), { timeout: 10_000 }).toEqual([]);
    await archive.close();
    const next = prepare(sink, createMemoryStore({ now: Date.now, epoch: 'two' }));
    expect((await next.archive.learned(router())).fold.entries).toBe(5);
  });

  test('ends in time however much is left to be sent from a disk', async () => {
    const real = await embeddedStore();
    const far: DurableStore = {
      ...real,
      isShared: true,
      async ingest(batch) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return await real.ingest(batch);
      },
    };
    const source = createMemoryStore({ now: Date.now, epoch: 'one' });
    await answer(source, 9_000);
    const runtime = { ...testRuntime(), now: () => performance.now() };
    const archive = createArchive({ source, sink: far, routers: ROUTERS, retentionMs: 864e5, runtime });
    await archive.close();
    const kept = (await keptIn(real)).length;
    expect(kept).toBeGreaterThan(0);
  });
});
