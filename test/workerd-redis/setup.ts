/** Starts a Redis for the tests inside workerd, which can start nothing, and lets them have it do what they need. */
import type { TestProject } from 'vitest/node';
import { startControlServer } from '../support/control-server.ts';
import { open } from '../support/open-redis-store.ts';
import { NO_REDIS, startRedisServer } from '../support/redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Null where this machine has no redis-server. */
    redis: { url: string; control: string } | null;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  if (NO_REDIS !== null) {
    provide('redis', null);
    return async () => {};
  }
  const server = await startRedisServer();
  const clients = async (): Promise<number> =>
    String(await server.client.call('CLIENT', 'LIST'))
      .trim()
      .split('\n').length - 1;
  const counted = async (name: string): Promise<number> =>
    Number(new RegExp(`${name}:(\\d+)`).exec(await server.client.info('stats'))?.[1]);
  const commands: Readonly<Record<string, (body: string) => unknown>> = {
    flush: () => server.client.flushall(),
    forgetScripts: () => server.client.script('FLUSH'),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    start: () => server.start(),
    clients,
    connections: () => counted('total_connections_received'),
    turnedAway: () => counted('rejected_connections'),
    endLeases: async () => {
      const leases = (await server.client.keys('*')).filter((key) => key.includes('lease'));
      return leases.length > 0 ? await server.client.del(...leases) : 0;
    },
    keys: async () => (await server.client.keys('*')).sort(),
    configure: (body) => server.client.config('SET', ...(JSON.parse(body) as [string, string])),
    // What a gateway on Node does with the same Redis.
    async onNode(body) {
      const { verb, args } = JSON.parse(body) as { verb: 'remember' | 'recall' | 'revise'; args: unknown[] };
      const { store } = open(server.url);
      await store.tried;
      try {
        return await (store[verb] as (...all: unknown[]) => Promise<unknown>)(...args);
      } finally {
        await store.close();
      }
    },
  };
  const control = await startControlServer(commands);
  provide('redis', { url: server.url, control: control.url });
  return async () => {
    control.close();
    server.thaw();
    await server.close();
  };
}
