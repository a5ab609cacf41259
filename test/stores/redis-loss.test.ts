/** A Redis that comes back without the end of what it had, or without any of it: what this process sent it is there again, once. */

import { describe, expect, onTestFinished, test } from 'vitest';
import { createDice } from '../../bench/dice.ts';
import type { DecidedSignal, DecisionRecord } from '../../src/stores/decision-record.ts';
import { LOG_START } from '../../src/stores/ports.ts';
import type { RedisStore } from '../../src/stores/redis.ts';
import { NO_REDIS, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { connected, entriesOf, open, openOverRelay, PATIENCE, rememberNew, type Told } from '../support/redis-store.ts';
import { startRelay } from '../support/relay.ts';
import { decision } from './state-store-suite.ts';

const said = (signal: string, value: number, at: number): DecidedSignal => ({
  signal,
  source: 'explicit',
  value,
  weight: 1,
  at,
});

/** The next version, in which something was said. */
const rated = (one: DecisionRecord, ...signals: DecidedSignal[]): DecisionRecord => ({
  ...one,
  version: one.version + 1,
  signals: [...one.signals, ...signals],
  reward: 1,
  label: { ...one.label, quality: 1, weight: 1 },
  labelBefore: one.label,
});

interface Member {
  store: RedisStore;
  told: Told;
}

/** So many processes that share a Redis. */
async function together(count: number): Promise<{ server: RedisServer; members: Member[] }> {
  const server = await startRedisServer();
  onTestFinished(() => server.close());
  const members = Array.from({ length: count }, () => open(server.url));
  for (const { store } of members) {
    onTestFinished(() => store.close());
    await connected(store, server, count);
  }
  return { server, members };
}

/** Kills it, and starts it again without what was done to its files meanwhile. */
async function restart(server: RedisServer, members: readonly Member[], meanwhile: () => void): Promise<void> {
  const before = members.map(({ told }) => told.recovered);
  await server.kill();
  for (const { told } of members) await expect.poll(() => told.trouble.length, PATIENCE).toBeGreaterThan(0);
  meanwhile();
  await server.start();
  for (const [i, { told }] of members.entries()) {
    await expect.poll(() => told.recovered, PATIENCE).toBe((before[i] as number) + 1);
  }
}

describe.skipIf(NO_REDIS)(`a Redis that has lost something${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  test('everything: all that was sent is there again, in order and once, with its names', async () => {
    const { server, members } = await together(2);
    const [one, other] = members as [Member, Member];
    const kept: DecisionRecord[] = [];
    for (let i = 0; i < 250; i++) kept.push(await rememberNew(one.store, {}, [`talk:${i}`, 'session']));
    const theirs = await rememberNew(other.store, { router: 'other' }, ['theirs']);
    const revised = rated(kept[3] as DecisionRecord, said('thumbs', 1, 5));
    expect(await other.store.revise(revised)).toBe('written');
    const pinned = await rememberNew(one.store, { router: null });
    const { cursor } = await one.store.readSince('auto', LOG_START, 1_000);
    await restart(server, members, server.loseAll);

    const slice = await other.store.readSince('auto', cursor, 1_000);
    expect(slice.gap).toBe('other');
    const latest = new Map(slice.entries.map((entry) => [entry.decisionId, entry.revision]));
    expect(latest).toEqual(new Map(kept.map(({ id }) => [id, id === revised.id ? 2 : 1])));
    expect(slice.entries.length).toBeLessThanOrEqual(251);
    const order = slice.entries.map(({ decisionId }) => decisionId).filter((id) => id !== revised.id);
    expect(order).toEqual(kept.map(({ id }) => id).filter((id) => id !== revised.id));
    expect(await one.store.recall(revised.id)).toEqual(revised);
    expect(await one.store.recall(theirs.id)).toEqual(theirs);
    expect(await one.store.lookUp(['theirs'])).toEqual({ decision: theirs, name: 'theirs' });
    expect(await one.store.recall(pinned.id)).toEqual(pinned);
    expect((await other.store.lookUp(['session']))?.decision.id).toBe(kept.at(-1)?.id);
    expect((await other.store.lookUp(['talk:7']))?.decision.id).toBe(kept[7]?.id);
    expect(one.told.lost + other.told.lost).toBe(0);
  });

  test('everything: what is written again says so, for whoever has learned from it, and what is new does not', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    const kept = [await rememberNew(store), await rememberNew(store)];
    expect((await entriesOf(store)).map(({ again }) => again)).toEqual([undefined, undefined]);
    await restart(server, members, server.loseAll);
    expect(await store.revise(rated(kept[0] as DecisionRecord, said('thumbs', 1, 5)))).toBe('written');
    await rememberNew(store);
    expect((await entriesOf(store)).map(({ again }) => again)).toEqual([true, true, undefined, undefined]);
    expect((await store.readKept('auto', LOG_START, 10)).kept.map(({ decision }) => decision.version)).toEqual([
      1, 1, 2, 1,
    ]);
  });

  test('everything, while nobody noticed: the next write tells, and the rest is written again', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    const kept = [await rememberNew(store), await rememberNew(store)];
    await server.client.flushall();
    kept.push(await rememberNew(store));
    await expect.poll(async () => (await entriesOf(store)).length, PATIENCE).toBe(3);
    for (const one of kept) expect(await store.recall(one.id)).toEqual(one);
  });

  test('the end of it: what is missing is there again, and nothing twice', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    const kept: DecisionRecord[] = [];
    for (let i = 0; i < 10; i++) kept.push(await rememberNew(store));
    const before = server.written();
    for (let i = 0; i < 10; i++) kept.push(await rememberNew(store, {}, [`talk:${i}`]));
    const first = kept[0] as DecisionRecord;
    const revised = rated(first, said('thumbs', 1, 5));
    expect(await store.revise(revised)).toBe('written');
    const lost = server.written() - before;
    const { cursor } = await store.readSince('auto', LOG_START, 1_000);
    await restart(server, members, () => server.loseLast(lost - 20));

    expect(await store.recall(first.id)).toEqual(revised);
    const entries = await entriesOf(store);
    expect(entries).toHaveLength(21);
    expect(new Set(entries.map(({ decisionId, revision }) => `${decisionId} ${revision}`)).size).toBe(21);
    expect((await store.lookUp(['talk:9']))?.decision.id).toBe(kept.at(-1)?.id);
    // Whoever had read to the end before goes on behind it.
    expect((await store.readSince('auto', cursor, 100)).gap).toBe(null);
  });

  test('the end of it, and then takes nothing for a while: what is missing is not forgotten over that', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const { relay, store, told } = await openOverRelay(server);
    const kept: DecisionRecord[] = [];
    for (let i = 0; i < 10; i++) kept.push(await rememberNew(store, {}, [`talk:${i}`, 'session']));
    const before = server.written();
    const revised = kept.slice(0, 5).map((one) => rated(one, said('thumbs', 1, 5)));
    for (const one of revised) expect(await store.revise(one)).toBe('written');
    const lost = server.written() - before;
    relay.cut();
    await server.kill();
    server.loseLast(lost);
    await server.start();
    await server.client.config('SET', 'maxmemory', '1');
    relay.mend();
    // It has found what is there and failed at the rest, and once more.
    const errors = async () =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await server.client.info('errorstats'))?.[1] ?? 0);
    await expect.poll(errors, PATIENCE).toBeGreaterThanOrEqual(6);
    await server.client.config('SET', 'maxmemory', '0');
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    for (const one of revised) expect(await store.recall(one.id)).toEqual(one);
    expect((await store.lookUp(['session']))?.decision.id).toBe(kept.at(-1)?.id);
  });

  test('nothing: nothing is written again', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    for (let i = 0; i < 5; i++) await rememberNew(store);
    await restart(server, members, () => {});
    await rememberNew(store);
    expect(await server.client.xlen('{conduit:1}log:auto')).toBe(6);
  });

  test('a rating, and was rated by others before this process came back: what both were told counts, once', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const { relay, store, told } = await openOverRelay(server);
    const first = await rememberNew(store);
    const before = server.written();
    const mine = { ...rated(first, said('thumbs', 1, 5), said('rating', 0.25, 5)), idempotencyKeys: ['mine'] };
    expect(await store.revise(mine)).toBe('written');
    const lost = server.written() - before;
    relay.cut();
    await server.kill();
    server.loseLast(lost);
    await server.start();
    const other = open(server.url).store;
    onTestFinished(() => other.close());
    await connected(other, server);
    expect(await other.recall(first.id)).toEqual(first);
    const theirs = { ...rated(first, said('rating', 0.75, 6)), idempotencyKeys: ['theirs'] };
    expect(await other.revise(theirs)).toBe('written');
    relay.mend();
    await expect.poll(() => told.recovered, PATIENCE).toBe(1);
    const united = await store.recall(first.id);
    expect(united).toMatchObject({ version: 3, labelBefore: { quality: 1 }, reward: 0.875 });
    expect(united?.signals.map(({ signal, value }) => ({ signal, value }))).toEqual([
      { signal: 'thumbs', value: 1 },
      { signal: 'rating', value: 0.75 },
    ]);
    expect([...(united?.idempotencyKeys ?? [])].sort()).toEqual(['mine', 'theirs']);
    expect((await entriesOf(store)).map(({ revision }) => revision)).toEqual([1, 2, 3]);
  });

  test('everything, and who rated it is back before who made it: it is still found by its names', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const relay = await startRelay(server.port);
    onTestFinished(() => relay.close());
    const maker = open(`redis://127.0.0.1:${relay.port}`);
    const rater = open(server.url);
    for (const { store } of [maker, rater]) onTestFinished(() => store.close());
    await connected(maker.store, server, 1);
    await connected(rater.store, server, 2);
    const one = await rememberNew(maker.store, {}, ['talk:a', 'session']);
    const revised = rated(one, said('thumbs', 1, 5));
    expect(await rater.store.revise(revised)).toBe('written');
    await server.kill();
    for (const { told } of [maker, rater]) await expect.poll(() => told.trouble.length, PATIENCE).toBeGreaterThan(0);
    server.loseAll();
    relay.cut();
    await server.start();
    await expect.poll(() => rater.told.recovered, PATIENCE).toBe(1);
    const later = await rememberNew(rater.store, {}, ['session']);
    relay.mend();
    await expect.poll(() => maker.told.recovered, PATIENCE).toBe(1);
    expect(await rater.store.lookUp(['talk:a'])).toEqual({ decision: revised, name: 'talk:a' });
    expect((await rater.store.lookUp(['session']))?.decision.id).toBe(later.id);
  });

  test('everything, and the process that took a rating is gone: who said that it counts has it', async () => {
    const { server, members } = await together(2);
    const [one, other] = members as [Member, Member];
    const first = await rememberNew(one.store);
    const revised = rated(first, said('thumbs', 1, 5));
    expect(await one.store.revise(revised)).toBe('written');
    const found = (await other.store.recall(first.id)) as DecisionRecord;
    await other.store.confirm(found);
    await one.store.close();
    await restart(server, [other], server.loseAll);
    expect(await other.store.recall(first.id)).toEqual(revised);
    await other.store.confirm(found);
    expect(await entriesOf(other.store)).toHaveLength(1);
  });

  test('nothing, but trimmed what this process has sent: it can be taken back and rated', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    const first = await rememberNew(store);
    await rememberNew(store);
    const log = '{conduit:1}log:auto';
    const [entry] = await server.client.xrange(log, '-', '+');
    await server.client.hset('{conduit:1}marks:auto', 'trimmed', entry?.[0] ?? '');
    await server.client.xtrim(log, 'MAXLEN', 1);
    const revised = rated(first, said('thumbs', 1, 5));
    expect(await store.revise(revised)).toBe('changed');
    expect(await store.recall(first.id)).toBe(null);
    await store.revive({ decision: first, names: [] });
    expect(await store.revise(revised)).toBe('written');
    expect(await store.recall(first.id)).toEqual(revised);
  });

  test('nothing, after a decision was taken back and then remembered: it is in the log, and the store goes on', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    const one = decision();
    await store.revive({ decision: one, names: [] });
    await store.remember({ decision: one, names: [] });
    expect(await entriesOf(store)).toHaveLength(1);
    await restart(server, members, () => {});
    await rememberNew(store);
    expect(await entriesOf(store)).toHaveLength(2);
  });

  test('what an older snapshot covers is not written again', async () => {
    const { server, members } = await together(1);
    const { store } = members[0] as Member;
    const cursors: string[] = [];
    const kept: DecisionRecord[] = [];
    for (let i = 0; i < 3; i++) {
      kept.push(await rememberNew(store));
      cursors.push((await store.readSince('auto', cursors.at(-1) ?? LOG_START, 10)).cursor);
    }
    const { snapshots } = store.shared;
    for (const cursor of cursors.slice(0, 2)) {
      expect(await snapshots.put('auto', { cursor, bytes: Buffer.from(cursor) })).toBe(true);
    }
    // What they cover is asked for right then, and has been answered before this.
    await store.readHealth();
    await new Promise((resolve) => setImmediate(resolve));
    await restart(server, members, server.loseAll);
    expect((await entriesOf(store)).map(({ decisionId }) => decisionId)).toEqual(kept.slice(1).map(({ id }) => id));
  });

  test('again and again, of whatever length: each rating that was taken counts once', async () => {
    const { server, members } = await together(2);
    const kept: string[] = [];
    const taken = new Map<string, number>();
    const dice = createDice(11);
    const any = (below: number): number => Math.floor(dice.random() * below);
    for (let round = 0; round < 6; round++) {
      const before = server.written();
      for (let i = 0; i < 40; i++) {
        const { store } = members[any(2)] as Member;
        if (kept.length < 5 || any(2) === 0) kept.push((await rememberNew(store)).id);
        else {
          const id = kept[any(kept.length)] as string;
          const found = (await store.recall(id)) as DecisionRecord;
          const signal = said(`in round ${round}, ${i}`, 1, round * 100 + i);
          expect(await store.revise(rated(found, signal))).toBe('written');
          taken.set(id, (taken.get(id) ?? 0) + 1);
        }
      }
      // The end alone or all of it, in the middle of a step or between two.
      const lost = round === 3 ? server.loseAll : () => server.loseLast(any(server.written() - before));
      await restart(server, members, lost);
    }
    const [{ store }] = members as [Member, Member];
    const slice = await store.readKept('auto', LOG_START, 10_000);
    const latest = new Map(slice.kept.map(({ decision }) => [decision.id, decision]));
    expect(latest.size).toBe(kept.length);
    for (const id of kept) {
      const names = latest.get(id)?.signals.map(({ signal }) => signal) ?? [];
      expect(new Set(names).size).toBe(names.length);
      expect(names).toHaveLength(taken.get(id) ?? 0);
      expect(await store.recall(id)).toEqual(latest.get(id));
    }
  });
});
