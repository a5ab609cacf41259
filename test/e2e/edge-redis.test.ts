/** A workerd of its own, whole requests and a Redis: clients that leave, and a Redis that hangs meanwhile, leave nothing stuck. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_REDIS, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { PATIENCE } from '../support/redis-store.ts';
import { startWorkerd, type Workerd } from '../support/workerd.ts';

describe.skipIf(NO_REDIS)(`a Worker over Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  let redis: RedisServer;
  let workerd: Workerd;
  beforeAll(async () => {
    redis = await startRedisServer();
    const entry = join(import.meta.dirname, '../../bench/edge-redis-worker.ts');
    workerd = await startWorkerd({ entry, bindings: { REDIS_URL: redis.url } });
  }, 60_000);
  afterAll(async () => {
    redis?.thaw();
    await workerd?.close();
    await redis?.close();
  });

  const ask = (signal?: AbortSignal) =>
    fetch(`${workerd.url}/${encodeURIComponent('all behind an answer')}`, signal && { signal });

  test('clients that leave while Redis hangs hold up nobody after them, and no connection is left', async () => {
    for (let round = 0; round < 2; round++) {
      expect((await ask()).status).toBe(200);
      redis.freeze();
      const leaving = Array.from({ length: 20 }, (_, i) => ask(AbortSignal.timeout(10 + 10 * i)));
      const left = await Promise.allSettled(leaving);
      expect(left.every(({ status }) => status === 'rejected')).toBe(true);
      redis.thaw();
      await expect.poll(async () => (await ask()).status, PATIENCE).toBe(200);
      // Without a rest before it, too.
      for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(200);
    }
    const clients = async () =>
      String(await redis.client.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    await expect.poll(clients, PATIENCE).toBe(1);
  });
});
