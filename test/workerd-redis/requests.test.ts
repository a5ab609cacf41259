/** Requests to a Worker that keeps its state in Redis: each has a connection of its own, and none waits for a Redis that is away. */
import { SELF } from 'cloudflare:test';
import { beforeEach, describe, expect, test } from 'vitest';
import { decision } from '../stores/state-store-suite.ts';
import { createAtEdge, request, within } from '../support/edge-redis-store.ts';
import { NO_REDIS, tell, URL_OF_REDIS } from './server.ts';
import { toldOf } from './worker.ts';

const ask = (path: string, body?: string) =>
  SELF.fetch(`https://conduit.example/${path}`, { method: 'POST', ...(body !== undefined && { body }) });
const PATIENCE = { timeout: 10_000, interval: 50 };
/** Those of the tests that no gateway has opened: none, once all requests have ended. */
const untilNoneIsOpen = (before: number) => expect.poll(() => tell<number>('clients'), PATIENCE).toBe(before);

describe.skipIf(NO_REDIS)(`requests that keep their state in Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  let before = 0;
  beforeEach(async () => {
    await tell('flush');
    before = await tell<number>('clients');
  });

  const remember = async () => {
    // As JSON has it: no zero below zero.
    const one = decision({ x: [1, 0.1], created: Date.now() });
    expect((await ask('remember', JSON.stringify(one))).status).toBe(200);
    return one;
  };

  test('one after another: each has its answer, and lets go of its connection', async () => {
    const opened = await tell<number>('connections');
    for (let i = 1; i <= 20; i++) expect(await (await ask('count')).json()).toBe(i);
    expect((await tell<number>('connections')) - opened).toBe(20);
    await untilNoneIsOpen(before);
  });

  test('at once: each has its answer, and lets go of its connection', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, async () => (await ask('count')).json()));
    expect([...(answers as number[])].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    await untilNoneIsOpen(before);
  });

  test('all that one request asks goes by one connection', async () => {
    const opened = await tell<number>('connections');
    const { scope, ended } = request();
    const store = within(createAtEdge(URL_OF_REDIS).store, () => scope);
    const kept = decision();
    await Promise.all([
      store.add('a', 1, 60_000),
      store.readHealth(),
      store.remember({ decision: kept, names: ['a'] }),
    ]);
    expect((await store.lookUp(['a']))?.decision.id).toBe(kept.id);
    expect((await tell<number>('connections')) - opened).toBe(1);
    await ended();
    await untilNoneIsOpen(before);
    // What comes later still, as behind a long stream, has another one.
    expect(await store.add('a', 1, 60_000)).toBe(2);
    expect((await tell<number>('connections')) - opened).toBe(2);
  });

  test('closed at once where whoever has the scope says so', async () => {
    const { scope, ended } = request();
    const store = within(createAtEdge(URL_OF_REDIS).store, () => scope);
    await store.add('a', 1, 60_000);
    scope.close();
    await ended();
    await untilNoneIsOpen(before);
  });

  test('what is remembered behind an answer is found by the next requests', async () => {
    const kept = await Promise.all(Array.from({ length: 10 }, remember));
    for (const one of kept) {
      await expect.poll(async () => (await ask('recall', one.id)).json(), PATIENCE).toEqual(one);
      expect(await (await ask('look-up', `name:${one.id}`)).json()).toEqual({ decision: one, name: `name:${one.id}` });
    }
  });

  test('a gateway on Node has what a Worker writes, and the other way round', async () => {
    const one = await remember();
    await expect.poll(() => tell('onNode', { verb: 'recall', args: [one.id] }), PATIENCE).toEqual(one);
    const next = { ...one, version: 2, reward: 1 };
    expect(await tell('onNode', { verb: 'revise', args: [next] })).toBe('written');
    expect(await (await ask('recall', one.id)).json()).toEqual(next);
    const other = decision({ x: [1, 0.1], created: Date.now() });
    await tell('onNode', { verb: 'remember', args: [{ decision: other, names: ['on node'] }] });
    expect(await (await ask('look-up', 'on node')).json()).toEqual({ decision: other, name: 'on node' });
  });

  test('outside of a request nothing is opened: the call is refused', async () => {
    await expect(createAtEdge(URL_OF_REDIS).store.add('a', 1, 60_000)).rejects.toThrow('there is none');
  });

  test('a Redis that has forgotten the scripts is told them again', async () => {
    expect(await (await ask('count')).json()).toBe(1);
    await tell('forgetScripts');
    expect(await (await ask('count')).json()).toBe(2);
  });

  describe('while Redis', () => {
    test('refuses: requests are answered, and what they decided is there once it is back, told of once', async () => {
      await remember();
      const told = toldOf()!;
      Object.assign(told, { trouble: [], recovered: 0, unwritten: 0, lost: 0 });
      await tell('kill');
      const kept = [];
      try {
        for (let i = 0; i < 5; i++) kept.push(await remember());
        const refused = await ask('count');
        expect({ status: refused.status, text: await refused.text() }).toMatchObject({ status: 503 });
        // They are found meanwhile on the isolate that has them.
        for (const one of kept) expect(await (await ask('recall', one.id)).json()).toEqual(one);
      } finally {
        await tell('start');
      }
      for (const one of kept) {
        await expect.poll(() => tell('onNode', { verb: 'recall', args: [one.id] }), PATIENCE).toEqual(one);
      }
      await expect
        .poll(() => ({ ...told, trouble: told.trouble.length }), PATIENCE)
        .toEqual({
          trouble: 1,
          recovered: 1,
          unwritten: 0,
          lost: 0,
        });
    });

    test('stays away longer than a request may try: it is told, and a later request writes what waits', async () => {
      const told = toldOf()!;
      await tell('kill');
      let one: Awaited<ReturnType<typeof remember>>;
      try {
        Object.assign(told, { trouble: [], recovered: 0, unwritten: 0, lost: 0 });
        one = await remember();
        await expect.poll(() => told.unwritten, PATIENCE).toBe(1);
      } finally {
        await tell('start');
      }
      const other = await remember();
      for (const { id } of [one, other]) {
        await expect
          .poll(() => tell<{ id: string }>('onNode', { verb: 'recall', args: [id] }), PATIENCE)
          .toMatchObject({ id });
      }
      expect(told).toMatchObject({ unwritten: 1, lost: 0 });
    });

    test('hangs: a call fails within its limit, the next ones at once, and later it is asked again', async () => {
      expect((await ask('count')).status).toBe(200);
      await tell('freeze');
      try {
        expect((await ask('count')).status).toBe(503);
        const next = await ask('count');
        expect({ status: next.status, text: await next.text() }).toEqual({
          status: 503,
          text: 'Redis could not be reached a moment ago',
        });
      } finally {
        await tell('thaw');
      }
      await expect.poll(async () => (await ask('count')).status, PATIENCE).toBe(200);
    });

    test('is full: what it refuses waits, nobody is told that it is well, and it is written when there is room', async () => {
      const { store, told } = createAtEdge(URL_OF_REDIS);
      const { scope } = request();
      const mine = within(store, () => scope);
      await tell('configure', ['maxmemory', '1']);
      const kept = decision();
      try {
        await mine.remember({ decision: kept, names: [] });
        await expect(mine.readHealth()).rejects.toThrow('Redis refuses');
        await expect(mine.confirm(kept)).rejects.toThrow('in memory alone');
      } finally {
        await tell('configure', ['maxmemory', '0']);
      }
      await mine.confirm(kept);
      expect(await within(createAtEdge(URL_OF_REDIS).store).recall(kept.id)).toEqual(kept);
      expect(told).toMatchObject({ recovered: 1, lost: 0, unwritten: 0 });
      expect(told.trouble).toHaveLength(1);
    });

    test('takes no more connections: whoever is turned away is told so, and what was decided is written in the end', async () => {
      const turnedAway = await tell<number>('turnedAway');
      await tell('configure', ['maxclients', String(before + 3)]);
      const kept: Awaited<ReturnType<typeof remember>>[] = [];
      try {
        kept.push(...(await Promise.all(Array.from({ length: 30 }, remember))));
        const counted = await Promise.all(Array.from({ length: 30 }, () => ask('count')));
        for (const { status } of counted) expect([200, 503]).toContain(status);
      } finally {
        await expect
          .poll(
            () =>
              tell('configure', ['maxclients', '10000']).then(
                () => true,
                () => false,
              ),
            PATIENCE,
          )
          .toBe(true);
      }
      expect(await tell<number>('turnedAway')).toBeGreaterThan(turnedAway);
      for (const { id } of kept) {
        await expect
          .poll(() => tell<{ id: string } | null>('onNode', { verb: 'recall', args: [id] }), PATIENCE)
          .toMatchObject({ id });
      }
    });

    test('is another one, with a password: it is told without the password', async () => {
      await tell('configure', ['requirepass', 'secret']);
      try {
        const url = new URL(URL_OF_REDIS);
        url.password = 'hunter2';
        const { store, told } = createAtEdge(url.href);
        const mine = within(store);
        await expect(mine.add('a', 1, 60_000)).rejects.toThrow('WRONGPASS');
        await expect(mine.add('a', 1, 60_000)).rejects.toThrow();
        expect(told.trouble).toHaveLength(1);
        expect(told.trouble.join()).not.toContain('hunter2');
        url.password = 'secret';
        expect(await within(createAtEdge(url.href).store).add('a', 1, 60_000)).toBe(1);
      } finally {
        await tell('configure', ['requirepass', '']);
      }
    });
  });
});
