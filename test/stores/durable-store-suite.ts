/** What every durable store must do, whichever it is: one suite that each runs with a factory of its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Label } from '../../src/bandit/evidence.ts';
import { type DecidedSignal, type DecisionRecord, labelOf } from '../../src/stores/decision-record.ts';
import { type DurableStore, type Ingested, type Kept, LOG_START, PINNED_LOG } from '../../src/stores/ports.ts';
import { ARMS, finishedDecision, START } from './finished-decision.ts';

export interface DurableStoreUnderTest {
  store: DurableStore;
  /** The same data, as another start of the process finds it; the store from before is closed. */
  reopen?(): Promise<DurableStore>;
  close(): Promise<void>;
}

export interface DurableStoreSuite {
  name: string;
  /** Opens an empty store. */
  create(): Promise<DurableStoreUnderTest>;
}

const signal = (more: Partial<DecidedSignal> = {}): DecidedSignal => ({
  signal: 'thumbs',
  source: 'explicit',
  value: 1,
  weight: 1,
  at: START + 60_000,
  ...more,
});

const kept = (...decisions: DecisionRecord[]): Kept[] => decisions.map((decision) => ({ decision, names: [] }));
const many = (count: number, more: Partial<DecisionRecord> = {}): DecisionRecord[] =>
  Array.from({ length: count }, () => finishedDecision(more));
const idsOf = (list: readonly Kept[]): string[] => list.map(({ decision }) => decision.id);
const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 256);

export function durableStoreSuite({ name, create }: DurableStoreSuite): void {
  describe(`the durable store ${name}`, () => {
    let under: DurableStoreUnderTest;
    let store: DurableStore;
    /** Where each log of the hot store is. */
    let cursors: Map<string, string>;

    beforeEach(async () => {
      under = await create();
      store = under.store;
      cursors = new Map();
    });
    afterEach(() => under.close());

    /** The next batch of its log, whose cursor counts on. Gives the cursor in the store's own log. */
    const ingest = async (batch: readonly Kept[], log = 'auto'): Promise<string> => {
      const after = cursors.get(log) ?? null;
      const cursor = `hot-${Number(after?.slice(4) ?? 0) + batch.length}`;
      const ingested = await store.ingest({ log, after, cursor, kept: batch });
      cursors.set(log, cursor);
      expect(ingested.outcome).toBe('ingested');
      return (ingested as Extract<Ingested, { outcome: 'ingested' }>).at;
    };
    /** Without what has been counted of each, which most do not look at. */
    const read = async (log = 'auto', cursor = LOG_START, limit = 1_000) => {
      const { kept, ...rest } = await store.readKept(log, cursor, limit);
      return { kept: kept.map(({ counted: _, ...one }) => one), ...rest };
    };

    test('gives a decision back as it was given', async () => {
      const one = finishedDecision({
        signals: [
          signal({ signal: 'continued', source: 'implicit', value: 0.7, weight: 0.25 }),
          signal({ comment: 'Größer als erwartet 👍🏽\n“très bien” \\ \'; drop table queries; -- 木\t"{}' }),
          signal({ signal: 'rephrased', source: 'implicit', value: 0.2, weight: 1 / 3, comment: '' }),
          signal({ signal: 'rating', value: 0.75, at: START + 90_000 }),
          signal({ signal: 'continued', source: 'implicit', value: 0.6, weight: 0.5 }),
        ],
        version: 4,
        reward: 0.8123456789,
        label: { quality: 0.8123456789, weight: 1 / 3, shown: 8, next: 255, share: 2 ** -20 },
        labelBefore: { quality: null, weight: 0, shown: 3, next: 0, share: 1 / 3 },
        turn: 30_000,
        retry: 4,
        prefixTokens: 123_456,
        worthBefore: 1 / 3,
        idempotencyKeys: ['key-1', 'ключ “2” 🙂'],
      });
      await ingest(kept(one));
      expect(await store.recall(one.id)).toEqual(one);
      expect(await store.recall(finishedDecision().id)).toBe(null);
    });

    test('keeps no sketch, which is asked for within minutes', async () => {
      const one = finishedDecision({ sketch: 'AAECAwQFBgcICQoLDA0ODw' });
      await ingest(kept(one));
      expect(await store.recall(one.id)).toEqual({ ...one, sketch: null });
      expect((await read()).kept).toEqual(kept({ ...one, sketch: null }));
    });

    test('gives back a decision of which little is known', async () => {
      const bare = finishedDecision({
        router: null,
        key: null,
        reason: 'pinned',
        candidates: [],
        x: [],
        attempts: [],
        outcome: null,
        completionId: null,
        cursor: LOG_START,
      });
      const unanswered = finishedDecision({
        router: null,
        key: null,
        attempts: [{ model: ARMS[0]!, outcome: 'timeout', status: null, firstByteMs: null, totalMs: 60_000 }],
        outcome: {
          kind: 'timeout',
          finishReason: null,
          promptTokens: null,
          completionTokens: null,
          cachedTokens: null,
          costUsd: 0,
          estimated: true,
        },
        completionId: null,
      });
      await ingest(kept(bare, unanswered), PINNED_LOG);
      expect(await store.recall(bare.id)).toEqual(bare);
      expect(await store.recall(unanswered.id)).toEqual(unanswered);
      expect(idsOf((await read(PINNED_LOG)).kept)).toEqual([bare.id, unanswered.id]);
    });

    test('keeps of a decision the latest version, whole', async () => {
      const first = finishedDecision({
        signals: [signal({ comment: 'bad' }), signal({ signal: 'continued', source: 'implicit' })],
        outcome: null,
        attempts: [],
        completionId: null,
      });
      const second = finishedDecision({
        ...first,
        version: 2,
        signals: [signal({ signal: 'rating', value: 0.5 })],
        reward: 0.5,
        idempotencyKeys: ['a'],
      });
      const fourth = {
        ...finishedDecision({ ...second, version: 4 }),
        signals: [],
        reward: null,
        labelBefore: labelOf(0.5),
      };
      await ingest(kept(first));
      await ingest(kept(second));
      expect(await store.recall(first.id)).toEqual(second);
      await ingest(kept(fourth));
      expect(await store.recall(first.id)).toEqual(fourth);
    });

    test('changes nothing for a version that is earlier, or the same', async () => {
      const third = finishedDecision({ version: 3, signals: [signal()], reward: 1 });
      await ingest(kept(third));
      const { cursor } = await read();
      await ingest(kept({ ...third, version: 2, signals: [], reward: 0 }, { ...third, reward: 0.25 }));
      expect(await store.recall(third.id)).toEqual(third);
      expect((await read('auto', cursor)).kept).toEqual([]);
    });

    test('takes the latest of versions that come in one batch, in any order', async () => {
      const [one, two, three] = [1, 2, 3].map((version) => ({ ...finishedDecision({ version }), id: 'dec_several' }));
      await ingest(kept(one!, three!, two!, one!));
      expect(await store.recall('dec_several')).toEqual(three);
      expect((await read()).kept).toHaveLength(1);
    });

    test('keeps a cursor for each log, null before its first batch', async () => {
      expect(await store.cursorOf('auto')).toBe(null);
      expect(await store.cursorOf(PINNED_LOG)).toBe(null);
      await ingest(kept(finishedDecision()));
      await ingest(kept(finishedDecision({ router: null }), finishedDecision({ router: null })), PINNED_LOG);
      expect(await store.cursorOf('auto')).toBe('hot-1');
      expect(await store.cursorOf(PINNED_LOG)).toBe('hot-2');
      expect(await store.cursorOf('other')).toBe(null);
    });

    test('moves a cursor on with a batch in which there is nothing', async () => {
      await ingest(kept(finishedDecision()));
      expect(await store.ingest({ log: 'auto', after: 'hot-1', cursor: 'hot-9', kept: [] })).toMatchObject({
        outcome: 'ingested',
      });
      expect(await store.cursorOf('auto')).toBe('hot-9');
    });

    test('takes nothing of a batch that goes on from elsewhere, and tells how far it is', async () => {
      const [first, late] = many(2) as [DecisionRecord, DecisionRecord];
      expect(await store.ingest({ log: 'auto', after: 'hot-1', cursor: 'hot-2', kept: kept(late) })).toEqual({
        outcome: 'moved',
        cursor: null,
      });
      await ingest(kept(first));
      for (const after of [null, 'hot-0', 'hot-2']) {
        expect(await store.ingest({ log: 'auto', after, cursor: 'hot-3', kept: kept(late) })).toEqual({
          outcome: 'moved',
          cursor: 'hot-1',
        });
      }
      expect(await store.recall(late.id)).toBe(null);
      expect(await store.cursorOf('auto')).toBe('hot-1');
    });

    test('counts a batch once that is sent twice', async () => {
      const batch = { log: 'auto', after: null, cursor: 'hot-3', kept: kept(...many(3)) };
      expect((await store.ingest(batch)).outcome).toBe('ingested');
      expect(await store.ingest(batch)).toEqual({ outcome: 'moved', cursor: 'hot-3' });
      expect((await read()).kept).toEqual(batch.kept);
    });

    test('takes one of two batches that are sent at once for the same place', async () => {
      const sent = [many(20), many(20)].map((decisions) => ({
        log: 'auto',
        after: null,
        cursor: 'hot-20',
        kept: kept(...decisions),
      }));
      const outcomes = await Promise.all(sent.map((batch) => store.ingest(batch)));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['ingested', 'moved']);
      const taken = sent[outcomes.findIndex(({ outcome }) => outcome === 'ingested')];
      expect((await read()).kept).toEqual(taken?.kept);
    });

    test('takes all of a batch or nothing', async () => {
      const fine = finishedDecision();
      const broken = { ...finishedDecision(), id: null as unknown as string };
      await expect(
        store.ingest({ log: 'auto', after: null, cursor: 'hot-2', kept: kept(fine, broken) }),
      ).rejects.toThrow();
      expect(await store.recall(fine.id)).toBe(null);
      expect(await store.cursorOf('auto')).toBe(null);
      await ingest(kept(fine));
      expect((await read()).kept).toEqual(kept(fine));
    });

    test('takes a large batch', async () => {
      const decisions = many(500, { signals: [signal(), signal({ signal: 'continued', source: 'implicit' })] });
      await ingest(kept(...decisions));
      expect((await read('auto', LOG_START, 500)).kept).toEqual(kept(...decisions));
    });

    test('reads a log in the order in which it came, page by page', async () => {
      const decisions = many(25);
      for (let i = 0; i < 25; i += 5) await ingest(kept(...decisions.slice(i, i + 5)));
      const found: string[] = [];
      let cursor = LOG_START;
      for (const expected of [10, 10, 5, 0, 0]) {
        const slice = await read('auto', cursor, 10);
        expect(slice.kept).toHaveLength(expected);
        expect(slice.gap).toBe(null);
        found.push(...idsOf(slice.kept));
        cursor = slice.cursor;
      }
      expect(found).toEqual(decisions.map(({ id }) => id));
      const [next] = many(1) as [DecisionRecord];
      await ingest(kept(next));
      expect(idsOf((await read('auto', cursor)).kept)).toEqual([next.id]);
    });

    test('reads each log for itself', async () => {
      const mine = many(3);
      const others = many(3, { router: 'größe “x”' });
      for (let i = 0; i < 3; i++) {
        await ingest(kept(mine[i]!));
        await ingest(kept(others[i]!), 'größe “x”');
      }
      expect((await read()).kept).toEqual(kept(...mine));
      expect((await read('größe “x”')).kept).toEqual(kept(...others));
      expect((await read('unknown')).kept).toEqual([]);
      expect((await read(PINNED_LOG)).kept).toEqual([]);
      expect((await store.logs()).sort()).toEqual(['auto', 'größe “x”']);
      await ingest(kept(finishedDecision({ router: null })), PINNED_LOG);
      expect((await store.logs()).sort()).toEqual([PINNED_LOG, 'auto', 'größe “x”']);
    });

    test('tells which decisions came to be behind a cursor, and which only changed since', async () => {
      const [one, two, three] = many(3) as [DecisionRecord, DecisionRecord, DecisionRecord];
      await ingest(kept(one, two));
      const { cursor } = await read();
      await ingest(kept({ ...one, version: 2, reward: 1, signals: [signal()] }, three));
      await ingest(kept({ ...three, version: 2, reward: 0, signals: [signal()] }));
      const news = async (from: string) =>
        (await store.readKept('auto', from, 10)).kept.map(({ decision, counted }) => [decision.id, counted]);
      expect(await news(cursor)).toEqual([
        [one.id, { label: one.label }],
        [three.id, 'nothing'],
      ]);
      expect((await news(LOG_START)).map(([, counted]) => counted)).toEqual(['nothing', 'nothing', 'nothing']);
    });

    test('tells so of a reading in several steps too, however a decision has moved on in the meantime', async () => {
      const [one, two, three] = many(3) as [DecisionRecord, DecisionRecord, DecisionRecord];
      await ingest(kept(one, two, three));
      await ingest(kept({ ...one, version: 2, reward: 1, signals: [signal()] }));
      const news: unknown[] = [];
      for (let cursor = LOG_START; ; ) {
        const slice = await store.readKept('auto', cursor, 1, LOG_START);
        if (slice.cursor === cursor) break;
        news.push(...slice.kept.map(({ decision, counted }) => [decision.id, counted]));
        cursor = slice.cursor;
      }
      expect(news).toEqual([two, three, one].map(({ id }) => [id, 'nothing']));
    });

    test('tells the label that whoever read up to a cursor has counted, however often it was changed since', async () => {
      const labels = [0.5, 1, 0, 0.25].map(
        (quality, i): Label => ({ quality, weight: 1 / (i + 1), shown: i, next: 9 - i, share: 2 ** -i }),
      );
      const one = finishedDecision({ label: labels[0]! });
      const cursors: string[] = [];
      const counted: unknown[] = [];
      let present = one;
      for (const label of labels.slice(1)) {
        const ingested = await store.ingest({
          log: 'auto',
          after: await store.cursorOf('auto'),
          cursor: String(present.version),
          kept: kept(present, finishedDecision()),
        });
        counted.push((ingested as { counted: unknown }).counted);
        cursors.push((await read()).cursor);
        present = {
          ...present,
          version: present.version + 1,
          label,
          labelBefore: present.label,
          signals: [signal()],
        };
      }
      expect(counted).toEqual([
        ['nothing', 'nothing'],
        [{ label: labels[0] }, 'nothing'],
        [{ label: labels[1] }, 'nothing'],
      ]);
      await store.ingest({ log: 'auto', after: '3', cursor: '4', kept: kept(present) });
      const known = async (cursor: string) =>
        (await store.readKept('auto', cursor, 10)).kept.find(({ decision }) => decision.id === one.id)?.counted;
      expect(await known(LOG_START)).toBe('nothing');
      expect(await Promise.all(cursors.map(known))).toEqual(labels.slice(0, 3).map((label) => ({ label })));
      const again = await store.ingest({ log: 'auto', after: '4', cursor: '5', kept: kept(present, one) });
      expect(again).toMatchObject({ counted: ['all', 'all'] });
    });

    test('keeps the cursors of several that feed it apart, each with a log of one name', async () => {
      const from = (feed: string, after: string | null, cursor: string) =>
        store.ingest({ log: 'auto', feed, after, cursor, kept: kept(finishedDecision()) });
      expect(await from('here/', null, '1')).toMatchObject({ outcome: 'ingested' });
      expect(await from('there/', null, '7')).toMatchObject({ outcome: 'ingested' });
      expect(await from('here/', '1', '2')).toMatchObject({ outcome: 'ingested' });
      expect(await store.cursorOf('auto', 'here/')).toBe('2');
      expect(await store.cursorOf('auto', 'there/')).toBe('7');
      expect(await store.cursorOf('auto')).toBe(null);
      expect((await read()).kept).toHaveLength(3);
    });

    test('forgets the snapshots of a router when it is told to', async () => {
      await ingest(kept(finishedDecision()));
      const { cursor } = await read();
      await store.snapshots.put('auto', { cursor, bytes: new Uint8Array([1]) });
      await store.snapshots.put('other', { cursor: LOG_START, bytes: new Uint8Array([2]) });
      await store.snapshots.drop('auto');
      expect(await store.snapshots.read('auto')).toEqual([]);
      expect(await store.snapshots.read('other')).toHaveLength(1);
      expect(await store.snapshots.put('auto', { cursor: LOG_START, bytes: new Uint8Array([3]) })).toBe(true);
    });

    test('tells where its own log of a name ended before a batch and where it does now, whoever else adds to it', async () => {
      const take = (log: string, after: string | null, ...batch: DecisionRecord[]) =>
        store.ingest({ log, after, cursor: `${after}+`, kept: kept(...batch) });
      const first = await take('auto', null, ...many(2));
      expect(first).toMatchObject({ outcome: 'ingested', before: LOG_START, at: (await read()).cursor });
      await take(PINNED_LOG, null, finishedDecision({ router: null }));
      const second = await take('auto', 'null+', finishedDecision());
      expect(second).toMatchObject({ before: (first as { at: string }).at, at: (await read()).cursor });
      // Into the same log by another way.
      await take('import', null, finishedDecision());
      const third = await take('auto', 'null++');
      expect(third).toMatchObject({ before: (await read()).cursor, at: (await read()).cursor });
      expect((third as { before: string }).before).not.toBe((second as { at: string }).at);
    });

    test('shows a decision that was changed once, at the end', async () => {
      const [one, two, three] = many(3) as [DecisionRecord, DecisionRecord, DecisionRecord];
      await ingest(kept(one, two, three));
      const { cursor } = await read();
      const changed = { ...one, version: 2, reward: 1, signals: [signal()] };
      await ingest(kept(changed));
      expect((await read('auto', cursor)).kept).toEqual(kept(changed));
      expect((await read()).kept).toEqual(kept(two, three, changed));
      // Also for whoever was in the middle.
      const { cursor: middle } = await read('auto', LOG_START, 1);
      expect((await read('auto', middle)).kept).toEqual(kept(three, changed));
    });

    test('tells with a batch where it ends in the own log', async () => {
      await ingest(kept(...many(3)), 'auto');
      const at = await ingest(kept(...many(2)), 'auto');
      expect((await read('auto', at)).kept).toEqual([]);
      const [later] = many(1) as [DecisionRecord];
      await ingest(kept(later));
      expect((await read('auto', at)).kept).toEqual(kept(later));
    });

    test('reads from the start, and says so, for a cursor of another log', async () => {
      const decisions = many(3);
      await ingest(kept(...decisions));
      for (const cursor of ['0123456789ab-2', 'nonsense', '1764000000000-7', '2']) {
        const slice = await read('auto', cursor, 2);
        expect(slice.gap).toBe('other');
        expect(slice.kept).toEqual(kept(decisions[0]!, decisions[1]!));
        const rest = await read('auto', slice.cursor);
        expect(rest.gap).toBe(null);
        expect(rest.kept).toEqual(kept(decisions[2]!));
      }
      expect((await read('auto', LOG_START)).gap).toBe(null);
    });

    test('keeps the two latest snapshots of each router, the latest first, byte for byte', async () => {
      expect(await store.snapshots.read('auto')).toEqual([]);
      const cursors = [];
      for (let i = 0; i < 3; i++) cursors.push(await ingest(kept(...many(2))));
      const snapshots = cursors.map((cursor, i) => ({ cursor, bytes: bytes(1_000 + i, i) }));
      for (const snapshot of snapshots) expect(await store.snapshots.put('auto', snapshot)).toBe(true);
      const found = await store.snapshots.read('auto');
      expect(found.map(({ cursor }) => cursor)).toEqual([cursors[2], cursors[1]]);
      for (const [i, place] of [2, 1].entries()) {
        expect(Buffer.compare(found[i]!.bytes, snapshots[place]!.bytes)).toBe(0);
      }
      expect(await store.snapshots.read('other')).toEqual([]);
    });

    test('keeps no snapshot behind a later one, and none of another log', async () => {
      const earlier = await ingest(kept(...many(2)));
      const later = await ingest(kept(...many(2)));
      const [one, other] = [bytes(10, 1), bytes(10, 2)];
      expect(await store.snapshots.put('auto', { cursor: later, bytes: one })).toBe(true);
      expect(await store.snapshots.put('auto', { cursor: earlier, bytes: other })).toBe(false);
      expect(await store.snapshots.put('auto', { cursor: '0123456789ab-9', bytes: other })).toBe(false);
      expect(await store.snapshots.read('auto')).toEqual([{ cursor: later, bytes: new Uint8Array(one) }]);
      // Each router has its own.
      expect(await store.snapshots.put('other', { cursor: earlier, bytes: other })).toBe(true);
    });

    test('keeps a snapshot of three megabytes', async () => {
      const cursor = await ingest(kept(...many(1)));
      // A part of something larger, as a reader of a file would have it.
      const large = bytes(3 * 2 ** 20 + 20, 5).subarray(10, 10 + 3 * 2 ** 20);
      expect(await store.snapshots.put('auto', { cursor, bytes: large })).toBe(true);
      const [found] = await store.snapshots.read('auto');
      expect(Buffer.compare(found!.bytes, large)).toBe(0);
    });

    test('forgets decisions made before a time, and everything of theirs', async () => {
      const old = many(30, { created: START - 1_000, signals: [signal()], version: 2 });
      const young = many(5);
      await ingest(kept(...old, ...young));
      let forgotten = 0;
      for (let count = 1; count > 0; forgotten += count) count = await store.forget(START);
      expect(forgotten).toBe(30);
      expect(await store.recall(old[0]!.id)).toBe(null);
      expect((await read()).kept).toEqual(kept(...young));
      expect(await store.forget(START)).toBe(0);
      // Nothing of it was left that would come back with the decision.
      const again = { ...old[0]!, version: 1, signals: [], outcome: null, attempts: [], completionId: null };
      await ingest(kept(again));
      expect(await store.recall(again.id)).toEqual(again);
    });

    test('never uses a place in its log again, whatever was forgotten', async () => {
      const at = await ingest(kept(...many(3, { created: START - 1_000 })));
      while ((await store.forget(START)) > 0);
      const [next] = many(1) as [DecisionRecord];
      await ingest(kept(next));
      const slice = await read('auto', at);
      expect(slice.kept).toEqual(kept(next));
      expect(slice.gap).toBe(null);
    });

    test('has everything after a restart', async () => {
      if (!under.reopen) return;
      const decisions = many(10, { signals: [signal()] });
      const at = await ingest(kept(...decisions));
      await store.snapshots.put('auto', { cursor: at, bytes: bytes(100, 1) });
      store = await under.reopen();
      expect(await store.cursorOf('auto')).toBe('hot-10');
      expect((await read()).kept).toEqual(kept(...decisions));
      expect(await read('auto', at)).toEqual({ kept: [], cursor: at, gap: null });
      expect(await store.snapshots.read('auto')).toEqual([{ cursor: at, bytes: bytes(100, 1) }]);
      const [next] = many(1) as [DecisionRecord];
      await ingest(kept(next));
      expect((await read('auto', at)).kept).toEqual(kept(next));
    });
  });
}
