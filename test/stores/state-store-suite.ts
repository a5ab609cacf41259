/** What every state store must do, whichever it is: one suite that each runs with a factory of its own. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DecisionRecord, evidenceOf, labelOf } from '../../src/stores/decision-record.ts';
import { LOG_START, PINNED_LOG, type StateStore } from '../../src/stores/ports.ts';

export interface StoreUnderTest {
  store: StateStore;
  /** Lets so much time pass where the store goes by a clock of its own; left out where it goes by `now`. */
  pass?(ms: number): Promise<void>;
  close?(): Promise<void>;
}

export interface StateStoreSuite {
  name: string;
  /** An empty store whose clock is `now`. */
  create(options: { now: () => number }): Promise<StoreUnderTest>;
  /** Tests that this store cannot pass, by name, and why. */
  skip?: Readonly<Record<string, string>>;
}

let made = 0;

/** A finished decision that teaches something. */
export function decision(more: Partial<DecisionRecord> = {}): DecisionRecord {
  const { created = 1_764_000_000_000 } = more;
  return {
    // It begins with its time.
    id: `dec_${created.toString(16).padStart(12, '0')}${(++made).toString(16).padStart(20, '0')}`,
    version: 1,
    router: 'auto',
    created,
    call: 'chat/completions',
    key: 'web',
    chosen: 'fake/small',
    model: 'fake/small',
    reason: 'explore',
    propensity: 0.1 + 0.2,
    candidates: [],
    encoder: 'v1',
    x: [1, 0.1, -0],
    uniform: 0.123456789012345,
    cursor: '7',
    promptTokensEstimate: 12,
    attempts: [{ model: 'fake/small', outcome: 'completed', status: 200, firstByteMs: null, totalMs: 12.5 }],
    outcome: {
      kind: 'completed',
      finishReason: 'stop',
      promptTokens: 3,
      completionTokens: 2,
      cachedTokens: null,
      costUsd: 1e-7,
      estimated: false,
    },
    signals: [],
    reward: null,
    label: { quality: null, weight: 0, shown: 0, next: 0, share: 1 },
    labelBefore: null,
    turn: 0,
    retry: 0,
    prefixTokens: null,
    worthBefore: null,
    sketch: null,
    completionId: 'chatcmpl-1',
    idempotencyKeys: [],
    ...more,
  };
}

export function stateStoreSuite({ name, create, skip = {} }: StateStoreSuite): void {
  describe(`the state store ${name}`, () => {
    let now = 1_764_000_000_000;
    let under: StoreUnderTest;
    let store: StateStore;

    beforeEach(async () => {
      now = 1_764_000_000_000;
      under = await create({ now: () => now });
      store = under.store;
    });
    afterEach(() => under.close?.());

    const pass = async (ms: number): Promise<void> => {
      now += ms;
      await under.pass?.(ms);
    };
    const check = (what: string, body: () => Promise<void>): void => {
      if (skip[what] === undefined) test(what, body);
      else test.skip(`${what} (${skip[what]})`, body);
    };
    const read = async (router = 'auto', cursor = LOG_START, limit = 1_000) => store.readSince(router, cursor, limit);

    check('gives a decision back as it was kept, by its id and by each of its names', async () => {
      const kept = decision();
      await store.remember({ decision: kept, names: ['talk:a', 'completion:b'] });
      expect(await store.recall(kept.id)).toEqual(kept);
      expect(await store.lookUp(['talk:a'])).toEqual({ decision: kept, name: 'talk:a' });
      expect(await store.lookUp(['completion:b'])).toEqual({ decision: kept, name: 'completion:b' });
      expect(await store.recall('dec_unknown')).toBe(null);
      expect(await store.lookUp(['talk:unknown'])).toBe(null);
      expect(await store.lookUp([])).toBe(null);
    });

    check('looks names up in their order, and the first that is known counts', async () => {
      const [one, other] = [decision(), decision()];
      await store.remember({ decision: one, names: ['one'] });
      await store.remember({ decision: other, names: ['other'] });
      expect((await store.lookUp(['unknown', 'other', 'one']))?.decision.id).toBe(other.id);
      expect((await store.lookUp(['one', 'other']))?.decision.id).toBe(one.id);
    });

    check('moves a name that is given again to the later decision', async () => {
      const [one, other] = [decision(), decision()];
      await store.remember({ decision: one, names: ['session', 'mine'] });
      await store.remember({ decision: other, names: ['session'] });
      expect((await store.lookUp(['session']))?.decision.id).toBe(other.id);
      expect((await store.lookUp(['mine']))?.decision.id).toBe(one.id);
    });

    check('appends the first evidence as revision 1, in order, with every number as it was', async () => {
      const kept = [decision(), decision(), decision()];
      for (const one of kept) await store.remember({ decision: one, names: [] });
      const { entries } = await read();
      expect(entries).toEqual(kept.map(evidenceOf));
      expect(entries.map(({ revision }) => revision)).toEqual([1, 1, 1]);
    });

    check('appends nothing where there is no evidence', async () => {
      const pinned = decision({ router: null });
      await store.remember({ decision: pinned, names: [] });
      expect((await read()).entries).toEqual([]);
      expect(await store.recall(pinned.id)).toEqual(pinned);
    });

    check('revises a decision and appends the next revision of its whole evidence', async () => {
      const first = decision();
      await store.remember({ decision: first, names: ['talk'] });
      for (const version of [2, 3]) {
        const next = decision({ ...first, version, reward: version / 4, label: labelOf(version / 4) });
        expect(await store.revise(next)).toBe('written');
        expect(await store.recall(first.id)).toEqual(next);
        expect(await store.lookUp(['talk'])).toEqual({ decision: next, name: 'talk' });
      }
      expect((await read()).entries.map(({ revision, quality }) => ({ revision, quality }))).toEqual([
        { revision: 1, quality: null },
        { revision: 2, quality: 0.5 },
        { revision: 3, quality: 0.75 },
      ]);
    });

    check('says with a revision what the one before had said', async () => {
      const first = decision();
      await store.remember({ decision: first, names: [] });
      const labelBefore = { quality: 0.5, weight: 0.25, shown: 3, next: 4, share: 0.125 };
      const next = decision({ ...first, version: 2, reward: 1, labelBefore });
      expect(await store.revise(next)).toBe('written');
      expect((await read()).entries.map(({ revision, earlier }) => ({ revision, earlier }))).toEqual([
        { revision: 1, earlier: null },
        { revision: 2, earlier: { quality: 0.5, weight: 0.25, shown: 3, next: 4, share: 0.125 } },
      ]);
    });

    check('revises without evidence and appends nothing', async () => {
      const first = decision({ router: null });
      await store.remember({ decision: first, names: [] });
      expect(await store.revise(decision({ ...first, version: 2, reward: 1 }))).toBe('written');
      expect((await store.recall(first.id))?.reward).toBe(1);
      expect((await read()).entries).toEqual([]);
    });

    check(
      'refuses a revision of a decision that has changed meanwhile, or that it does not know, and writes nothing of it',
      async () => {
        const first = decision();
        await store.remember({ decision: first, names: [] });
        const next = decision({ ...first, version: 2, reward: 1 });
        expect(await store.revise(next)).toBe('written');
        for (const version of [1, 2, 4]) {
          const late = decision({ ...first, version, reward: 0 });
          expect(await store.revise(late)).toBe('changed');
        }
        const unknown = decision({ version: 2 });
        expect(await store.revise(unknown)).toBe('changed');
        expect(await store.recall(first.id)).toEqual(next);
        expect(await store.recall(unknown.id)).toBe(null);
        expect((await read()).entries).toHaveLength(2);
      },
    );

    check('lets exactly one of many revisions at once win, and loses none that try again', async () => {
      const first = decision();
      await store.remember({ decision: first, names: [] });
      const people = Array.from({ length: 20 }, (_, i) => i);
      let refused = 0;
      await Promise.all(
        people.map(async (person) => {
          for (;;) {
            const present = (await store.recall(first.id)) as DecisionRecord;
            const signal = { signal: `s${person}`, source: 'explicit' as const, value: 1, weight: 1, at: now };
            const next = {
              ...present,
              version: present.version + 1,
              signals: [...present.signals, signal],
              reward: person / 20,
              label: labelOf(person / 20),
              labelBefore: present.label,
            };
            if ((await store.revise(next)) === 'written') return;
            refused++;
          }
        }),
      );
      const last = (await store.recall(first.id)) as DecisionRecord;
      expect(last.version).toBe(1 + people.length);
      expect(new Set(last.signals.map(({ signal }) => signal)).size).toBe(people.length);
      expect(refused).toBeGreaterThan(0);
      const { entries } = await read();
      expect(entries.map(({ revision }) => revision)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
      expect(entries.at(-1)?.quality).toBe(last.reward);
    });

    check('is changed by nobody who changes what it gave or what it was given', async () => {
      const kept = decision();
      const given = structuredClone(kept);
      await store.remember({ decision: given, names: ['a'] });
      const { entries } = await read();
      entries.pop();
      expect((await read()).entries).toHaveLength(1);
      expect(await store.recall(kept.id)).toEqual(kept);
    });

    check('reads each router’s log on its own, in batches, from any cursor on', async () => {
      const routers = ['auto', 'fast'];
      for (let i = 0; i < 25; i++) {
        const one = decision({ router: routers[i % 2] as string, promptTokensEstimate: i });
        await store.remember({ decision: one, names: [] });
      }
      for (const [start, router] of routers.entries()) {
        const expected = Array.from({ length: 25 }, (_, i) => i).filter((i) => i % 2 === start);
        const seen: number[] = [];
        let cursor = LOG_START;
        for (;;) {
          const slice = await read(router, cursor, 4);
          expect(slice.entries.length).toBeLessThanOrEqual(4);
          if (slice.entries.length === 0) {
            expect(slice.cursor).toBe(cursor);
            break;
          }
          seen.push(...slice.entries.map(({ promptTokensEstimate }) => promptTokensEstimate));
          cursor = slice.cursor;
          // A store that says where its log ends says so with the last of it.
          if (slice.isEnd !== undefined) expect(slice.isEnd).toBe(seen.length === expected.length);
        }
        expect(seen).toEqual(expected);
      }
      const { isEnd = true, ...nothing } = await read('nobody');
      expect({ isEnd, ...nothing }).toEqual({ isEnd: true, entries: [], cursor: LOG_START, gap: null });
    });

    check('gives what has been appended since, however reads and writes are mixed', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(fc.constant('write' as const), fc.integer({ min: 1, max: 5 })), { maxLength: 40 }),
          async (steps) => {
            const router = `mixed-${made}`;
            let cursor = LOG_START;
            const written: string[] = [];
            const seen: string[] = [];
            const readOn = async (limit: number): Promise<number> => {
              const slice = await read(router, cursor, limit);
              cursor = slice.cursor;
              seen.push(...slice.entries.map(({ decisionId }) => decisionId));
              return slice.entries.length;
            };
            for (const step of steps) {
              if (step === 'write') {
                const one = decision({ router });
                written.push(one.id);
                await store.remember({ decision: one, names: [] });
              } else await readOn(step);
            }
            while ((await readOn(3)) > 0);
            expect(seen).toEqual(written);
          },
        ),
        { numRuns: 30 },
      );
    });

    check('counts, and forgets a counter when its time has come, counted from its first addition', async () => {
      expect(await store.add('usd:auto', 0, 2_000)).toBe(0);
      expect(await store.add('usd:auto', 0.5, 2_000)).toBe(0.5);
      await pass(1_000);
      expect(await store.add('usd:auto', 0.25, 2_000)).toBe(0.75);
      expect(await store.add('usd:other', 1e-7, 2_000)).toBe(1e-7);
      await pass(500);
      expect(await store.add('usd:auto', 0, 2_000)).toBe(0.75);
      await pass(500);
      expect(await store.add('usd:auto', 0.1, 2_000)).toBe(0.1);
    });

    check('counts several at once as one after another, where it can', async () => {
      if (!store.addAll) return;
      const additions = [
        { counter: 'usd', amount: 0.5, ttlMs: 60_000 },
        { counter: 'requests', amount: 0, ttlMs: 60_000 },
        { counter: 'usd', amount: 0.25, ttlMs: 60_000 },
      ];
      expect(await store.addAll(additions)).toEqual([0.5, 0, 0.75]);
      expect(await store.addAll([])).toEqual([]);
      expect(await store.add('usd', 0, 60_000)).toBe(0.75);
    });

    check('counts every one of many additions at once', async () => {
      await Promise.all(Array.from({ length: 100 }, () => store.add('n', 1, 60_000)));
      expect(await store.add('n', 0, 60_000)).toBe(100);
    });

    check('keeps the latest knowledge of who rests, whoever is told first, and forgets it in time', async () => {
      const known = (at: number, strikes = 1) => ({ at, until: at + 5_000, reason: 'failing' as const, strikes });
      expect((await store.readHealth()).size).toBe(0);
      await store.putHealth('arm:a', known(20), 1_000);
      await store.putHealth('arm:a', known(10), 1_000);
      await store.putHealth('arm:a', known(20, 9), 1_000);
      await store.putHealth('arm:b', { ...known(5), reason: 'misconfigured' }, 2_000);
      expect(await store.readHealth()).toEqual(
        new Map([
          ['arm:a', known(20)],
          ['arm:b', { ...known(5), reason: 'misconfigured' }],
        ]),
      );
      await store.putHealth('arm:a', known(21, 0), 1_000);
      expect((await store.readHealth()).get('arm:a')).toEqual(known(21, 0));
      await pass(1_000);
      expect([...(await store.readHealth()).keys()]).toEqual(['arm:b']);
      await store.putHealth('arm:a', known(1), 1_000);
      expect((await store.readHealth()).get('arm:a')).toEqual(known(1));
    });

    check('tells who watches which router’s log has grown, until it is called off', async () => {
      const grown: string[] = [];
      const unwatch = store.watch((router) => grown.push(router));
      const one = decision({ router: 'one' });
      const pinned = decision({ router: null });
      await store.remember({ decision: one, names: [] });
      await store.remember({ decision: pinned, names: [] });
      await expect.poll(() => grown).toEqual(['one', PINNED_LOG]);
      await store.revise({ ...one, version: 2 });
      await expect.poll(() => grown).toEqual(['one', PINNED_LOG, 'one']);
      unwatch();
      const other = decision({ router: 'other' });
      await store.remember({ decision: other, names: [] });
      await read('other');
      expect(grown).toEqual(['one', PINNED_LOG, 'one']);
    });
  });
}
