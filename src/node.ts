/** The gateway as a Node process: chooses Node's implementations of every part and serves the app on a port. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { pino } from 'pino';
import { createApp } from './app.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { createDice, createDigest, sha256Hex } from './crypto.ts';
import { createNodeExchange } from './http/exchange-node.ts';
import { createGateway } from './http/gateway.ts';
import type { Log, Runtime } from './routing/runtime.ts';
import { createMemoryStore } from './stores/memory.ts';
import type { StateStore } from './stores/ports.ts';
import { createUndiciSender } from './upstream/send-undici.ts';

export interface GatewayOptions {
  /** Left out: JSON lines on stderr at the config's level. */
  log?: Log;
  /** Left out: the system's. For tests that need the same dice each time. */
  random?: () => number;
  /** Left out: the process's own memory. */
  state?: StateStore;
}

export interface RunningGateway {
  url: string;
  /** Takes another config from the next request on. Host, port and secret stay as they are until a restart. */
  reload(config: ConduitConfig): Promise<void>;
  /** Stops accepting, lets answers in flight finish for at most 30 s, and then ends. */
  close(): Promise<void>;
}

const DRAIN_MS = 30_000;
const KEEP_ALIVE_MS = 75_000;

/** Resolves once the port is open; rejects where it cannot be. */
export async function startGateway(config: ConduitConfig, options: GatewayOptions = {}): Promise<RunningGateway> {
  const { host, port } = config.server;
  const log = options.log ?? pino({ level: config.log.level }, pino.destination({ dest: 2, sync: true }));
  const deferred = new Set<Promise<unknown>>();
  const runtime = nodeRuntime(config, log, deferred, options.random);
  const sender = createUndiciSender();
  let accepting = true;

  let gateway = createGateway({
    config,
    runtime,
    state: options.state ?? createMemoryStore({ now: runtime.now }),
    send: sender.send,
    openExchange: (context) => {
      const { incoming, outgoing } = context.env as { incoming: IncomingMessage; outgoing: ServerResponse };
      // What a middleware has set so far, which is CORS; hono adds it to its own responses alone.
      return createNodeExchange(
        incoming,
        outgoing,
        gateway.config.server.cors.length > 0 ? context.res.headers : undefined,
      );
    },
    accepting: () => accepting,
  });
  let app = createApp(gateway);

  // hono's Request and Response stay out of the global scope: a program that embeds the gateway keeps its own.
  const server = createServer(
    getRequestListener((request, bindings) => app.fetch(request, bindings), { overrideGlobalObjects: false }),
  );
  // Longer than the keep-alive of the proxies that commonly stand in front: whoever closes first causes sporadic 502s.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`,
    async reload(next) {
      gateway = await gateway.follow(next);
      app = createApp(gateway);
    },
    async close() {
      accepting = false;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection that falls idle after its last answer would else be waited for until its keep-alive ends.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearInterval(idle);
      clearTimeout(timer);
      await Promise.allSettled(deferred);
      await sender.close();
    },
  };
}

function nodeRuntime(
  config: ConduitConfig,
  log: Log,
  deferred: Set<Promise<unknown>>,
  random: (() => number) | undefined,
): Runtime {
  // With the memory store nothing outlives the process, so that a secret of the process's own is enough.
  const secret = config.server.secret ?? randomBytes(32).toString('hex');
  const dice = createDice();
  return {
    now: Date.now,
    clock: () => performance.now(),
    random: random ?? dice.random,
    randomHex: dice.randomHex,
    defer(work) {
      const tracked = work
        .catch((error) => log.error({ err: error }, 'deferred work failed'))
        .finally(() => deferred.delete(tracked));
      deferred.add(tracked);
    },
    digest: createDigest(secret),
    sha256Hex,
    log,
  };
}
