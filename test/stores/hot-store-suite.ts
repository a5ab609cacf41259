/** What every hot store must do beside what the state-store suite asks: one suite that each runs with a factory of its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { labelOf } from '../../src/stores/decision-record.ts';
import { type HotStore, LOG_START, PINNED_LOG, type SharedState } from '../../src/stores/ports.ts';
import { decision } from './state-store-suite.ts';

export interface HotStoreUnderTest {
  store: HotStore;
  /** As another process has it; left out where no other one can. */
  other?: HotStore;
  /** The same store after it has lost everything. */
  emptied(): Promise<HotStore>;
  close?(): Promise<void>;
}

export interface HotStoreSuite {
  name: string;
  /** An empty store. */
  create(): Promise<HotStoreUnderTest>;
  /** Tests that this store cannot pass, by name, and why. */
  skip?: Readonly<Record<string, string>>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (snapshots: readonly { cursor: string; bytes: Uint8Array }[]) =>
  snapshots.map((one) => ({ cursor: one.cursor, text: new TextDecoder().decode(one.bytes) }));

export function hotStoreSuite({ name, create, skip = {} }: HotStoreSuite): void {
  describe(`the hot store ${name}`, () => {
    let under: HotStoreUnderTest;
    let store: HotStore;

    beforeEach(async () => {
      under = await create();
      store = under.store;
    });
    afterEach(() => under.close?.());

    const check = (what: string, body: () => Promise<void>): void => {
      if (skip[what] === undefined) test(what, body);
      else test.skip(`${what} (${skip[what]})`, body);
    };
    const keep = async (count: number, more: Parameters<typeof decision>[0] = {}) => {
      const kept = Array.from({ length: count }, () => decision(more));
      for (const one of kept) await store.remember({ decision: one, names: [] });
      return kept;
    };

    check('gives whole decisions to who reads a log behind, also those that no router made', async () => {
      const kept = await keep(3);
      const [pinned] = await keep(1, { router: null });
      const next = { ...kept[0]!, version: 2, reward: 1 };
      expect(await store.revise(next)).toBe('written');
      const slice = await store.readKept('auto', LOG_START, 100);
      expect(slice.gap).toBe(null);
      const read = slice.kept.map((one) => one.decision);
      expect(read.map(({ id }) => id)).toEqual([...kept, next].map(({ id }) => id));
      expect(read.slice(1)).toEqual([...kept.slice(1), next]);
      expect((await store.readKept(PINNED_LOG, LOG_START, 100)).kept.map((one) => one.decision)).toEqual([pinned]);
    });

    check('misses nothing for who reads it in batches while it grows', async () => {
      const kept = await keep(7);
      const read: string[] = [];
      let cursor = LOG_START;
      for (;;) {
        const slice = await store.readKept('auto', cursor, 3);
        expect(slice.gap).toBe(null);
        if (slice.kept.length === 0) {
          expect(slice.cursor).toBe(cursor);
          break;
        }
        cursor = slice.cursor;
        read.push(...slice.kept.map((one) => one.decision.id));
        if (kept.length < 12) kept.push(...(await keep(1)));
      }
      expect(read).toEqual(kept.map(({ id }) => id));
    });

    check(
      'tells who comes back with an earlier cursor that the log is another, and reads it from its start',
      async () => {
        await keep(3);
        const { cursor } = await store.readSince('auto', LOG_START, 100);
        store = await under.emptied();
        const kept = await keep(2);
        const slice = await store.readSince('auto', cursor, 100);
        expect(slice.gap).toBe('other');
        expect(slice.entries.map(({ decisionId }) => decisionId)).toEqual(kept.map(({ id }) => id));
        const [next] = await keep(1);
        const after = await store.readKept('auto', slice.cursor, 100);
        expect(after).toMatchObject({ gap: null, kept: [{ decision: { id: next?.id } }] });
      },
    );

    check('takes a decision back that it no longer has, appends nothing, and lets it be revised', async () => {
      const lost = decision({ version: 3, reward: 0.5, label: labelOf(0.5) });
      await store.revive({ decision: lost, names: [] });
      expect(await store.recall(lost.id)).toEqual(lost);
      expect((await store.readKept('auto', LOG_START, 100)).kept).toEqual([]);
      const next = { ...lost, version: 4, reward: 1, label: labelOf(1), labelBefore: lost.label };
      expect(await store.revise({ ...next, version: 5 })).toBe('changed');
      expect(await store.revise(next)).toBe('written');
      expect(await store.recall(lost.id)).toEqual(next);
      expect((await store.readSince('auto', LOG_START, 100)).entries).toMatchObject([
        { revision: 4, quality: 1, earlier: { quality: 0.5 } },
      ]);
      await store.revive({ decision: lost, names: [] });
      expect(await store.recall(lost.id)).toEqual(next);
    });

    describe('what processes share', () => {
      const sharedOf = (one: HotStore): SharedState => one.shared as SharedState;
      const cursors = async (): Promise<string[]> => {
        await keep(3);
        const read: string[] = [];
        for (let at = LOG_START; read.length < 3; ) {
          at = (await store.readSince('auto', at, 1)).cursor;
          read.push(at);
        }
        return read;
      };

      check('keeps the latest two snapshots of a router, the latest first', async () => {
        const { snapshots } = sharedOf(store);
        const [first, second, third] = (await cursors()) as [string, string, string];
        expect(await snapshots.read('auto')).toEqual([]);
        expect(await snapshots.put('auto', { cursor: first, bytes: bytes('one') })).toBe(true);
        expect(await snapshots.put('auto', { cursor: second, bytes: bytes('two') })).toBe(true);
        expect(await snapshots.put('auto', { cursor: third, bytes: bytes('three') })).toBe(true);
        expect(texts(await snapshots.read('auto'))).toEqual([
          { cursor: third, text: 'three' },
          { cursor: second, text: 'two' },
        ]);
        expect(await snapshots.read('other')).toEqual([]);
        const other = sharedOf(under.other as HotStore);
        expect(texts(await other.snapshots.read('auto'))).toHaveLength(2);
      });

      check('keeps no snapshot that stands before the latest, nor one of another log', async () => {
        const { snapshots } = sharedOf(store);
        const [first, second] = (await cursors()) as [string, string, string];
        expect(await snapshots.put('auto', { cursor: second, bytes: bytes('two') })).toBe(true);
        expect(await snapshots.put('auto', { cursor: first, bytes: bytes('one') })).toBe(false);
        expect(await snapshots.put('auto', { cursor: 'elsewhere-7-0', bytes: bytes('x') })).toBe(false);
        expect(texts(await snapshots.read('auto'))).toEqual([{ cursor: second, text: 'two' }]);
      });

      check('begins all logs anew with the snapshots that it is given, and goes on from their cursors', async () => {
        const { snapshots, restart } = sharedOf(store);
        const [first, second, third] = (await cursors()) as [string, string, string];
        await snapshots.put('auto', { cursor: first, bytes: bytes('old') });
        await snapshots.put('auto', { cursor: third, bytes: bytes('wrong') });
        await restart(
          new Map([
            ['auto', { cursor: second, bytes: bytes('right') }],
            ['lost', { cursor: 'of-another-log-7', bytes: bytes('found') }],
          ]),
        );
        const { gap } = await store.readSince('auto', third, 10);
        expect(gap).toBe('other');
        const [right] = texts(await snapshots.read('auto')) as [{ cursor: string; text: string }];
        expect(texts(await snapshots.read('auto'))).toEqual([{ cursor: right.cursor, text: 'right' }]);
        expect(texts(await snapshots.read('lost')).map(({ text }) => text)).toEqual(['found']);
        const behind = await store.readSince('auto', right.cursor, 10);
        expect(behind).toMatchObject({ gap: null, cursor: expect.stringMatching(third.slice(third.indexOf('-'))) });
        expect(behind.entries).toHaveLength(1);
        expect(await snapshots.put('auto', { cursor: third, bytes: bytes('of before') })).toBe(false);
      });

      check('lets a fold be the start of a log that has come back empty, once', async () => {
        const [, , last] = (await cursors()) as [string, string, string];
        store = await under.emptied();
        const { snapshots } = sharedOf(store);
        expect(await snapshots.put('auto', { cursor: last, bytes: bytes('of before') })).toBe(false);
        const { cursor, gap } = await store.readSince('auto', last, 100);
        expect(gap).toBe('other');
        expect(await snapshots.put('auto', { cursor, bytes: bytes('what was learned') })).toBe(true);
        expect(texts(await snapshots.read('auto'))).toEqual([{ cursor, text: 'what was learned' }]);
        expect((await store.readSince('auto', cursor, 100)).gap).toBe(null);
      });

      check('gives a lease to one process at a time, and again to the one that has it', async () => {
        const [one, other] = [sharedOf(store), sharedOf(under.other as HotStore)];
        expect(await one.lease('drain', 200)).toBe(true);
        expect(await other.lease('drain', 200)).toBe(false);
        expect(await one.lease('drain', 50)).toBe(true);
        expect(await other.lease('something else', 200)).toBe(true);
        await expect.poll(() => other.lease('drain', 200)).toBe(true);
        expect(await one.lease('drain', 200)).toBe(false);
      });

      check('keeps the first secret that is proposed, for all', async () => {
        const [one, other] = [sharedOf(store), sharedOf(under.other as HotStore)];
        const proposed = ['of one', 'of another'];
        const [kept] = await Promise.all([one.secret('of one'), other.secret('of another')]);
        expect(proposed).toContain(kept);
        expect(await other.secret('of another')).toBe(kept);
        expect(await one.secret('a third')).toBe(kept);
      });
    });
  });
}
