import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { withSignals } from '../../src/routing/label.ts';
import { createLedger, type Ledger } from '../../src/routing/ledger.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { LOG_START, type StateStore, StoreUnavailable } from '../../src/stores/ports.ts';
import { decision } from '../stores/state-store-suite.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

const UP = { signal: 'thumbs', value: 1 } as const;
const DOWN = { signal: 'thumbs', value: 0 } as const;

describe('the ledger', () => {
  let runtime: TestRuntime;
  let state: StateStore;
  let grown: string[];
  let ledger: Ledger;

  beforeEach(() => {
    runtime = testRuntime();
    state = createMemoryStore({ now: runtime.now });
    grown = [];
    ledger = createLedger(state, runtime);
    state.watch((router) => grown.push(router));
  });

  const fresh = (more: Partial<DecisionRecord> = {}): DecisionRecord =>
    decision({ created: runtime.time, outcome: null, attempts: [], ...more });
  const finished = (from: DecisionRecord): DecisionRecord => {
    const { outcome, attempts } = decision();
    return { ...from, outcome, attempts };
  };
  const settle = (id: string): void =>
    ledger.settle(id, (open) => ({ decision: finished(open), names: [`talk:${id}`] }));
  const evidence = async () => (await state.readSince('auto', LOG_START, 100)).entries;

  test('finds a decision while its answer is on its way, and after', async () => {
    const one = fresh();
    ledger.open(one);
    expect(await ledger.find(one.id)).toEqual(one);
    settle(one.id);
    expect((await ledger.find(one.id))?.outcome?.kind).toBe('completed');
    await runtime.settled();
    expect((await ledger.find(one.id))?.outcome?.kind).toBe('completed');
    expect((await ledger.findByName([`talk:${one.id}`]))?.id).toBe(one.id);
    expect(grown).toEqual(['auto']);
  });

  test('at the edge gives up what a request that never came to its end has left open, some hours later', async () => {
    ledger = createLedger(state, { ...runtime, endsTimers: true });
    const lost = fresh();
    ledger.open(lost, { name: 'a question', isWhole: () => false });
    const changed = ledger.change(lost, (one) => one);
    runtime.time += 5 * 3_600_000;
    ledger.open(fresh());
    expect(ledger.findOpen('a question')?.id).toBe(lost.id);
    runtime.time += 2 * 3_600_000;
    ledger.open(fresh());
    expect(ledger.findOpen('a question')).toBe(null);
    expect(ledger.stateOf(lost.id)).toBe(null);
    await changed;
  });

  test('has the decision confirmed that somebody is told of, as it is told, a repeat of what was said too', async () => {
    const confirmed: (DecisionRecord | undefined)[] = [];
    const confirm = async (one?: DecisionRecord) => void confirmed.push(one);
    ledger = createLedger({ ...state, confirm }, runtime);
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    for (const status of ['recorded', 'duplicate']) {
      expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status });
    }
    expect(confirmed.map((each) => [each?.id, each?.version, each?.reward])).toEqual([
      [one.id, 2, 1],
      [one.id, 2, 1],
    ]);
  });

  test('settles a decision once, however often it is told', async () => {
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    settle(one.id);
    await runtime.settled();
    settle(one.id);
    settle('dec_unknown');
    await runtime.settled();
    expect(await evidence()).toHaveLength(1);
  });

  test('puts what is said before the end into the first revision', async () => {
    const one = fresh();
    ledger.open(one);
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'recorded' });
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'duplicate' });
    expect(await ledger.giveFeedback(one.id, DOWN)).toMatchObject({ status: 'revised', decision: { reward: 0 } });
    settle(one.id);
    await runtime.settled();
    expect((await evidence()).map(({ revision, quality }) => ({ revision, quality }))).toEqual([
      { revision: 1, quality: 0 },
    ]);
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'revised' });
    expect((await evidence()).at(-1)).toMatchObject({ revision: 2, quality: 1 });
    expect(grown).toEqual(['auto', 'auto']);
  });

  test('keeps what is said just as the answer ends, while the store is slow', async () => {
    const release = Promise.withResolvers<void>();
    const slow: StateStore = {
      ...state,
      async remember(remembered) {
        await release.promise;
        return state.remember(remembered);
      },
    };
    ledger = createLedger(slow, runtime);
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    const given = ledger.giveFeedback(one.id, UP);
    release.resolve();
    expect(await given).toMatchObject({ status: 'recorded', decision: { reward: 1 } });
    expect((await evidence()).map(({ quality }) => quality)).toEqual([null, 1]);
  });

  test('says that feedback to an answer which has just ended is kept only once it is, confirmed as any other', async () => {
    const confirmed: (DecisionRecord | undefined)[] = [];
    const confirm = async (one?: DecisionRecord) => void confirmed.push(one);
    ledger = createLedger({ ...state, confirm }, runtime);
    const one = fresh();
    ledger.open(one);
    // What is known of its conversation is waited for before it is kept.
    ledger.end(one.id, 'completed');
    let told = false;
    const given = ledger.giveFeedback(one.id, UP).finally(() => {
      told = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect({ told, kept: await evidence() }).toEqual({ told: false, kept: [] });
    settle(one.id);
    expect(await given).toMatchObject({ status: 'recorded', decision: { reward: 1 } });
    expect((await evidence()).at(-1)).toMatchObject({ quality: 1 });
    expect((await state.recall(one.id))?.reward).toBe(1);
    expect(confirmed.map((each) => [each?.id, each?.reward])).toEqual([[one.id, 1]]);
  });

  test('takes all that is said at once of an answer that has just ended', async () => {
    const one = fresh();
    ledger.open(one);
    ledger.end(one.id, 'completed');
    const said = Array.from({ length: 40 }, (_, i) =>
      ledger.giveFeedback(one.id, { signal: 'rating', value: (i + 1) / 40 }),
    );
    settle(one.id);
    for (const { status } of await Promise.all(said)) expect(['recorded', 'revised']).toContain(status);
    expect((await state.recall(one.id))?.reward).toBe(1);
  });

  test('keeps a decision that cannot be finished, and takes what is said of it', async () => {
    const one = fresh();
    ledger.open(one);
    ledger.end(one.id, 'completed');
    ledger.settle(one.id, () => {
      throw new Error('a flaw');
    });
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'recorded' });
    expect(runtime.logged.some(({ message }) => message === 'a decision could not be finished')).toBe(true);
  });

  test.each([
    ['is not settled', () => {}],
    ['is being written by a store that does not answer', (id: string) => settle(id)],
  ])('lets feedback wait a few seconds at most for an ended answer that %s, and then has taken none', async (_, go) => {
    const away: StateStore = { ...state, remember: () => new Promise(() => {}) };
    ledger = createLedger(away, runtime);
    const one = fresh();
    ledger.open(one);
    ledger.end(one.id, 'completed');
    go(one.id);
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const given = expect(ledger.giveFeedback(one.id, UP)).rejects.toThrow(StoreUnavailable);
    await vi.advanceTimersByTimeAsync(10_000);
    await given;
    expect((await ledger.find(one.id))?.signals).toEqual([]);
  });

  test('says of feedback to an answer that the store would not take that there is none', async () => {
    const broken: StateStore = {
      ...state,
      async remember() {
        throw new Error('no store');
      },
    };
    ledger = createLedger(broken, runtime);
    const one = fresh();
    ledger.open(one);
    ledger.end(one.id, 'completed');
    const given = ledger.giveFeedback(one.id, UP);
    settle(one.id);
    expect(await given).toEqual({ status: 'not_found' });
  });

  test('gives feedback again where somebody else was faster', async () => {
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    await runtime.settled();
    let first = true;
    const contested: StateStore = {
      ...state,
      async revise(changed) {
        if (first) {
          first = false;
          const present = (await state.recall(one.id)) as DecisionRecord;
          const other = { signal: 'score', source: 'explicit' as const, value: 0, weight: 1, at: 1 };
          await state.revise(withSignals(present, [other]));
        }
        return state.revise(changed);
      },
    };
    ledger = createLedger(contested, runtime);
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'recorded', decision: { reward: 0.5 } });
    expect((await state.recall(one.id))?.signals.map(({ signal }) => signal)).toEqual(['score', 'thumbs']);
  });

  test('gives up where others are always faster', async () => {
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    await runtime.settled();
    let tries = 0;
    const busy: StateStore = {
      ...state,
      async revise() {
        tries++;
        return 'changed';
      },
    };
    expect(await createLedger(busy, runtime).giveFeedback(one.id, UP)).toEqual({ status: 'busy' });
    expect(tries).toBeLessThan(100);
  });

  test('takes feedback for a day', async () => {
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    await runtime.settled();
    runtime.time += 24 * 60 * 60 * 1000;
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'recorded' });
    runtime.time += 1;
    expect(await ledger.giveFeedback(one.id, DOWN)).toEqual({ status: 'too_old' });
    expect(await ledger.giveFeedback('nonsense', UP)).toEqual({ status: 'not_found' });
  });

  test('of a pinned model’s answer keeps the decision, and has no evidence of it', async () => {
    const one = fresh({ router: null });
    ledger.open(one);
    settle(one.id);
    await runtime.settled();
    expect(await ledger.giveFeedback(one.id, UP)).toMatchObject({ status: 'recorded', decision: { reward: 1 } });
    expect(await evidence()).toEqual([]);
    expect(grown).toEqual(['', '']);
  });

  test('logs a store that fails, and holds nothing of the decision that was lost', async () => {
    const broken: StateStore = {
      ...state,
      async remember() {
        throw new Error('no store');
      },
    };
    ledger = createLedger(broken, runtime);
    const one = fresh();
    ledger.open(one);
    settle(one.id);
    await runtime.settled();
    expect(runtime.logged).toEqual([{ level: 'error', message: 'a decision could not be kept' }]);
    expect(await ledger.find(one.id)).toBe(null);
  });

  test('logs an outage once, and once that it is over', async () => {
    let away = true;
    const broken: StateStore = {
      ...state,
      async remember(remembered) {
        if (away) throw new Error('no store');
        await state.remember(remembered);
      },
    };
    ledger = createLedger(broken, runtime);
    const settleOne = async (): Promise<void> => {
      const one = fresh();
      ledger.open(one);
      settle(one.id);
      await runtime.settled();
    };
    for (let i = 0; i < 3; i++) await settleOne();
    away = false;
    for (let i = 0; i < 3; i++) await settleOne();
    expect(runtime.logged).toEqual([
      { level: 'error', message: 'a decision could not be kept' },
      { level: 'info', message: 'decisions are kept again' },
    ]);
  });
});
