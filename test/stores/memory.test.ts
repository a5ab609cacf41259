import { describe, expect, test } from 'vitest';
import { type DecidedSignal, type DecisionRecord, evidenceOf } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { type HotStore, type Kept, LOG_START, type StateStore } from '../../src/stores/ports.ts';
import { hotStoreSuite } from './hot-store-suite.ts';
import { decision, stateStoreSuite } from './state-store-suite.ts';

stateStoreSuite({ name: 'in memory', create: async (options) => ({ store: createMemoryStore(options) }) });

const ALONE = 'one process has it to itself';
hotStoreSuite({
  name: 'in memory',
  create: async () => ({
    store: createMemoryStore({ now: Date.now, epoch: 'before' }),
    emptied: async () => createMemoryStore({ now: Date.now, epoch: 'after' }),
  }),
  skip: {
    'keeps the latest two snapshots of a router, the latest first': ALONE,
    'keeps no snapshot that stands before the latest, nor one of another log': ALONE,
    'begins all logs anew with the snapshots that it is given, and goes on from their cursors': ALONE,
    'lets a fold be the start of a log that has come back empty, once': ALONE,
    'gives a lease to one process at a time, and again to the one that has it': ALONE,
    'keeps the first secret that is proposed, for all': ALONE,
  },
});

/** Keeps so many decisions, each with two names and its evidence; gives their ids. */
async function fill(store: StateStore, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const one = decision();
    ids.push(one.id);
    await store.remember({ decision: one, names: [`talk:${one.id}`, 'session'] });
  }
  return ids;
}

describe('memory stays bounded', () => {
  test('ten thousand decisions are kept at least and a quarter more at most, the oldest go first, and their names too', async () => {
    const store = createMemoryStore({ now: Date.now });
    const ids = await fill(store, 25_001);
    const known: string[] = [];
    for (const id of ids) {
      const decision = await store.recall(id);
      if (decision) known.push(decision.id);
      expect((await store.lookUp([`talk:${id}`]))?.decision.id).toBe(decision?.id);
    }
    expect(known.length).toBeGreaterThanOrEqual(10_000);
    expect(known.length).toBeLessThanOrEqual(12_500);
    expect(known).toEqual(ids.slice(-known.length));
  });

  test.each([1, 2, 3, 4, 5, 9, 10, 402])('however few are asked for, %i are kept at every moment', async (atLeast) => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: atLeast });
    const ids: string[] = [];
    for (let i = 0; i < 3 * atLeast + 2; i++) {
      ids.push(...(await fill(store, 1)));
      const oldest = ids.at(-Math.min(atLeast, ids.length)) as string;
      expect((await store.recall(oldest))?.id).toBe(oldest);
    }
    const known = await Promise.all(ids.map((id) => store.recall(id)));
    expect(known.filter(Boolean).length).toBeLessThanOrEqual(Math.ceil(1.25 * atLeast) + 1);
  });

  test('a name that has moved on does not go with the decision that had it first', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 3 });
    const ids = await fill(store, 10);
    expect((await store.lookUp(['session']))?.decision.id).toBe(ids.at(-1));
  });

  test('a decision that is revised keeps its place in the queue', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 3 });
    const [first] = await fill(store, 3);
    const kept = await store.recall(first as string);
    expect(await store.revise({ ...kept!, version: 2 })).toBe('written');
    await fill(store, 1);
    expect(await store.recall(first as string)).toBe(null);
  });

  test('a decision that has gone takes no revision', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 2 });
    const [first] = await fill(store, 1);
    const kept = await store.recall(first as string);
    await fill(store, 2);
    expect(await store.revise({ ...kept!, version: 2 })).toBe('changed');
  });

  test('a log keeps its latest entries, and a reader who is behind goes on with the oldest that is left', async () => {
    const store = createMemoryStore({ now: Date.now, maxEntries: 10 });
    await fill(store, 5);
    const { cursor } = await store.readSince('auto', LOG_START, 5);
    const ids = await fill(store, 100);
    const kept: string[] = [];
    let at = cursor;
    for (;;) {
      const slice = await store.readSince('auto', at, 7);
      if (slice.entries.length === 0) break;
      kept.push(...slice.entries.map(({ decisionId }) => decisionId));
      at = slice.cursor;
    }
    expect(kept.length).toBeGreaterThanOrEqual(10);
    expect(kept.length).toBeLessThanOrEqual(20);
    expect(kept).toEqual(ids.slice(-kept.length));
  });

  test('counters whose time has come are dropped', async () => {
    let now = 0;
    const store = createMemoryStore({ now: () => now });
    for (let i = 0; i < 10_000; i++) await store.add(`old-${i}`, 1, 1_000);
    now = 5_000;
    await store.add('new', 1, 1_000);
    expect(await store.add('old-5', 1, 1_000)).toBe(1);
    expect(await store.add('new', 1, 1_000)).toBe(2);
  });

  test('a decision that is revised without end takes the place of one', async () => {
    const store = createMemoryStore({ now: Date.now });
    const ids = await fill(store, 3);
    let latest = (await store.recall(ids[1] as string)) as DecisionRecord;
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 300; i++) {
      const comment = `${i} `.repeat(5_000 * (1 + (i % 7)));
      const signal = { signal: 'rating', source: 'explicit', value: 0.5, weight: 1, at: i, comment } as const;
      latest = { ...latest, version: latest.version + 1, signals: [signal] };
      expect(await store.revise(latest)).toBe('written');
      expect(await store.recall(latest.id)).toEqual(latest);
    }
    for (const id of ids) expect((await store.recall(id))?.id).toBe(id);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  });

  test('nobody changes what is kept by changing what was given or what was got', async () => {
    const store = createMemoryStore({ now: Date.now });
    const scribble = (record: DecisionRecord): void => {
      (record.x as number[])[0] = 99;
      (record.signals as DecidedSignal[]).push({ signal: 'x', source: 'implicit', value: 0, weight: 1, at: 0 });
      record.outcome!.costUsd = 99;
    };
    const first = decision({ x: [1, 0.5] });
    const second = { ...structuredClone(first), version: 2, reward: 1 };
    const entries = [evidenceOf(structuredClone(first))!, evidenceOf(structuredClone(second))!];
    const given = [structuredClone(first), structuredClone(second)] as const;
    await store.remember({ decision: given[0], names: [] });
    scribble(given[0]);
    expect(await store.recall(first.id)).toEqual(first);
    await store.revise(given[1]);
    scribble(given[1]);
    scribble((await store.recall(first.id)) as DecisionRecord);
    expect(await store.recall(first.id)).toEqual(second);
    const read = async () => (await store.readSince('auto', LOG_START, 10)).entries;
    const [got] = await read();
    (got?.x as number[])[0] = 99;
    expect(await read()).toEqual(entries);
  });
});

describe('decisions that are taken back', () => {
  /** The latest first, as a start takes them back. */
  const revive = async (store: HotStore, kept: readonly Kept[]): Promise<void> => {
    for (const one of kept.toReversed()) await store.revive(one);
  };
  const named = (...names: string[]): Kept => ({ decision: decision(), names });

  test('are found by id and by name, and are in no log until they change', async () => {
    const store = createMemoryStore({ now: Date.now });
    const [one, two] = [named('talk', 'session'), named('session')];
    await revive(store, [one, two]);
    expect(await store.recall(one.decision.id)).toEqual(one.decision);
    expect(await store.lookUp(['talk'])).toEqual({ decision: one.decision, name: 'talk' });
    expect(await store.lookUp(['session'])).toEqual({ decision: two.decision, name: 'session' });
    expect((await store.readSince('auto', LOG_START, 10)).entries).toEqual([]);
    expect((await store.readKept('auto', LOG_START, 10)).kept).toEqual([]);
    const changed = { ...one.decision, version: 2, reward: 1 };
    expect(await store.revise(changed)).toBe('written');
    expect(await store.lookUp(['talk'])).toEqual({ decision: changed, name: 'talk' });
    expect((await store.readKept('auto', LOG_START, 10)).kept).toEqual([{ decision: changed, names: one.names }]);
  });

  test('take no name from a decision that was made meanwhile', async () => {
    const store = createMemoryStore({ now: Date.now });
    const [old, next] = [named('session', 'mine'), named('session')];
    await store.remember(next);
    await store.revive(old);
    expect(await store.lookUp(['session'])).toEqual({ decision: next.decision, name: 'session' });
    expect(await store.lookUp(['mine'])).toEqual({ decision: old.decision, name: 'mine' });
  });

  test('stay as they are where they were there already, and get their names', async () => {
    const store = createMemoryStore({ now: Date.now });
    const { decision: one, names } = named('talk');
    await store.revive({ decision: one, names: [] });
    const changed = { ...one, version: 2, reward: 1 };
    await store.revise(changed);
    await store.revive({ decision: one, names });
    expect(await store.lookUp(['talk'])).toEqual({ decision: changed, name: 'talk' });
  });

  test.each([1, 2, 3, 5, 10, 402])(
    'go before later ones, the oldest first, with %i kept at every moment',
    async (atLeast) => {
      const store = createMemoryStore({ now: Date.now, maxDecisions: atLeast });
      const old = Array.from({ length: atLeast - 1 }, () => decision());
      const made = Array.from({ length: 3 * atLeast }, () => decision());
      const kept = (one: DecisionRecord): Kept => ({ decision: one, names: [`talk:${one.id}`] });
      const half = old.length >> 1;
      await revive(store, old.slice(half).map(kept));
      await store.remember(kept(made[0]!));
      await revive(store, old.slice(0, half).map(kept));
      const all = [...old, ...made];
      for (let latest = old.length + 1; latest <= all.length; latest++) {
        const present = await Promise.all(
          all.map(
            async ({ id }) =>
              (await store.recall(id))?.id === id && (await store.lookUp([`talk:${id}`]))?.decision.id === id,
          ),
        );
        const first = present.indexOf(true);
        expect(first).toBeLessThanOrEqual(Math.max(0, latest - atLeast));
        expect(present.slice(first, latest).every(Boolean)).toBe(true);
        expect(present.slice(latest).some(Boolean)).toBe(false);
        if (latest < all.length) await store.remember(kept(all[latest]!));
      }
    },
  );

  test('are bounded, however many there are', async () => {
    const store = createMemoryStore({ now: Date.now, maxDecisions: 10 });
    const old = Array.from({ length: 100 }, () => named());
    await revive(store, old);
    const known = await Promise.all(old.map(({ decision: { id } }) => store.recall(id)));
    expect(known.filter(Boolean).length).toBeLessThanOrEqual(13);
  });
});
