import { MessageChannel } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type Channel,
  createRemoteStore,
  type RemoteStoreOptions,
  type ServedStore,
  serveStore,
} from '../../src/stores/channel.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { type HotStore, LOG_START, StoreUnavailable, UncertainWrite } from '../../src/stores/ports.ts';
import { decision, stateStoreSuite } from './state-store-suite.ts';

interface End extends Channel {
  /** Messages that went out here. */
  sent: unknown[];
}

/** Two ends of a real message channel: what passes is cloned as it is between processes. */
function channelPair(): { near: End; far: End; close(): void } {
  const { port1, port2 } = new MessageChannel();
  const end = (port: typeof port1): End => {
    const sent: unknown[] = [];
    return {
      sent,
      send(message) {
        sent.push(message);
        port.postMessage(message);
      },
      onMessage: (listener) => void port.on('message', listener),
      onClose: (listener) => void port.on('close', listener),
    };
  };
  return { near: end(port1), far: end(port2), close: () => port1.close() };
}

const served = (store: HotStore): ServedStore => ({
  isKept: async () => true,
  countedByAll: async () => [],
  ...store,
});

/** A store behind a channel, closed after the test. */
function remote(store: HotStore, options: RemoteStoreOptions = {}) {
  const pair = channelPair();
  serveStore(served(store), pair.far);
  onTestFinished(pair.close);
  return { ...pair, store: createRemoteStore(pair.near, options) };
}

stateStoreSuite({
  name: 'of another process, over a channel',
  create: async (options) => {
    const { near, far, close } = channelPair();
    serveStore(served(createMemoryStore(options)), far);
    return { store: createRemoteStore(near), close: async () => close() };
  },
});

/** A store in which one call never comes to an end. */
const hanging = (): HotStore => ({
  ...createMemoryStore({ now: Date.now }),
  recall: () => new Promise<never>(() => {}),
});

describe('a store over a channel', () => {
  test('sends the calls of one turn in one message, and keeps their order', async () => {
    const { store, near, far } = remote(createMemoryStore({ now: Date.now }));
    const first = decision();
    const next = { ...first, version: 2 };
    const all = await Promise.all([
      store.remember({ decision: first, names: ['a'] }),
      store.revise(next),
      store.lookUp(['a']),
      store.add('n', 2, 1_000),
    ]);
    expect(all).toEqual([undefined, 'written', { decision: next, name: 'a' }, 2]);
    expect(near.sent).toHaveLength(1);
    expect(far.sent).toHaveLength(1);
  });

  test('serves several at once from one store', async () => {
    const shared = createMemoryStore({ now: Date.now });
    const [one, other] = [remote(shared).store, remote(shared).store];
    const kept = decision();
    await one.remember({ decision: kept, names: ['talk'] });
    expect(await other.lookUp(['talk'])).toEqual({ decision: kept, name: 'talk' });
    const health = { at: 1, until: Date.now() + 60_000, reason: 'failing' as const, strikes: 1 };
    await one.putHealth('arm:a', health, 60_000);
    expect(await other.readHealth()).toEqual(new Map([['arm:a', health]]));
    await Promise.all([one, other, one].map((store) => store.add('n', 1, 60_000)));
    expect(await other.add('n', 0, 60_000)).toBe(3);
  });

  test('tells every watcher at every end that a log has grown, until the watch is called off', async () => {
    const shared = createMemoryStore({ now: Date.now });
    const [one, other] = [remote(shared).store, remote(shared).store];
    const heard: string[] = [];
    const unwatch = other.watch((router) => heard.push(`off:${router}`));
    const grown = new Promise<string>((resolve) => other.watch(resolve));
    unwatch();
    const kept = decision();
    await one.remember({ decision: kept, names: [] });
    expect(await grown).toBe('auto');
    expect((await other.readSince('auto', LOG_START, 10)).entries).toHaveLength(1);
    expect(heard).toEqual([]);
  });

  test('says what the store said where a call fails, and goes on', async () => {
    const broken = { ...createMemoryStore({ now: Date.now }), recall: () => Promise.reject(new Error('disk full')) };
    const { store } = remote(broken);
    await expect(store.recall('x')).rejects.toThrow('disk full');
    expect(await store.add('n', 1, 1_000)).toBe(1);
  });

  test.each([
    ['may go well later', StoreUnavailable],
    ['may have been done all the same', UncertainWrite],
    ['is a fault', Error],
  ])('lets whoever asked tell that what failed %s', async (_, Kind) => {
    const broken = { ...createMemoryStore({ now: Date.now }), confirm: () => Promise.reject(new Kind('not now')) };
    const failure = await remote(broken)
      .store.confirm()
      .catch((error) => error);
    expect(failure).toMatchObject({ message: 'not now', constructor: Kind });
  });

  test('tells whether the durable store behind it takes what it is given', async () => {
    let isWell = false;
    const { store } = remote({ ...createMemoryStore({ now: Date.now }), isKept: async () => isWell } as HotStore);
    expect(await store.isKept()).toBe(false);
    isWell = true;
    expect(await store.isKept()).toBe(true);
  });

  test('refuses what cannot be passed to another process, and goes on', async () => {
    const { store } = remote(createMemoryStore({ now: Date.now }));
    const odd = { ...decision(), x: (() => 1) as unknown as number[] };
    const failure = await store.remember({ decision: odd, names: [] }).catch((error) => error);
    expect(failure.message).toContain('could not be cloned');
    // It never goes better.
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(await store.add('n', 1, 1_000)).toBe(1);
  });

  test('waits for no answer longer than its limit, and answers that came in time stay as they were', async () => {
    const { store } = remote(hanging(), { timeoutMs: 20 });
    const [late, fine] = await Promise.allSettled([store.recall('x'), store.add('n', 1, 1_000)]);
    expect(late).toMatchObject({ status: 'rejected', reason: { message: 'the store did not answer within 20 ms' } });
    expect(fine).toEqual({ status: 'fulfilled', value: 1 });
  });

  test('refuses more calls at once than it may hold, and takes them again when there is room', async () => {
    const { store } = remote(createMemoryStore({ now: Date.now }), { maxPending: 3 });
    const calls = await Promise.allSettled([1, 2, 3, 4].map(() => store.add('n', 1, 1_000)));
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect((calls[3] as PromiseRejectedResult).reason).toBeInstanceOf(StoreUnavailable);
    expect(await store.add('n', 1, 1_000)).toBe(4);
  });

  test('refuses all that waits when the channel closes, and all that is asked afterwards', async () => {
    const { store, close } = remote(hanging());
    const waiting = store.recall('x');
    setImmediate(close);
    await expect(waiting).rejects.toThrow('the store is gone');
    await expect(store.add('n', 1, 1_000)).rejects.toThrow(new StoreUnavailable('the store is gone'));
  });

  test('no longer watches the store for an end that has gone', async () => {
    const shared = createMemoryStore({ now: Date.now });
    const unwatch = vi.fn();
    const { far, close } = remote({ ...shared, watch: () => unwatch });
    const closed = new Promise<void>((resolve) => far.onClose(resolve));
    close();
    await closed;
    expect(unwatch).toHaveBeenCalledOnce();
  });

  test('does without messages that are not its own', async () => {
    const { store, near, far } = remote(createMemoryStore({ now: Date.now }));
    for (const message of [null, 'text', { kind: 'other' }, { calls: [] }]) {
      near.send(message);
      far.send(message);
    }
    expect(await store.add('n', 1, 1_000)).toBe(1);
  });
});
