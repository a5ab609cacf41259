/** The gateway as a Cloudflare Worker: the same app with web streams, `fetch` and an isolate's memory. */
import { randomBytes } from 'node:crypto';
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { loadConfig, problemLine } from './config/load.ts';
import { createDice, createDigest, sha256Hex } from './crypto.ts';
import { createWebExchange } from './http/exchange-web.ts';
import { createGateway } from './http/gateway.ts';
import type { Log } from './routing/runtime.ts';
import { createMemoryStore } from './stores/memory.ts';
import { createFetchSender } from './upstream/send-fetch.ts';

/** Variables and secrets of the Worker; the config may refer to each as `${NAME}`. */
export interface WorkerEnvironment {
  /** The text of a conduit.yaml. */
  CONDUIT_CONFIG_TEXT?: string;
  [name: string]: unknown;
}

export interface WaitUntil {
  waitUntil(work: Promise<unknown>): void;
}

export interface WorkerAppOptions {
  fetch: typeof globalThis.fetch;
  defer: (work: Promise<unknown>) => void;
}

/** Throws with one line a problem where the config is not valid. */
export function createWorkerApp(environment: WorkerEnvironment, options: WorkerAppOptions): Hono {
  const env = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const loaded = loadConfig({ text: environment.CONDUIT_CONFIG_TEXT ?? '', env, sha256Hex });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemLine).join('\n'));
  const { config } = loaded;
  if (config.stores.state !== 'memory') {
    throw new Error('stores.state: Redis is not supported on Cloudflare Workers yet (allowed: memory)');
  }
  if (config.stores.asked && config.stores.durable !== 'none') {
    throw new Error('stores.durable: not supported on Cloudflare Workers yet (allowed: none)');
  }
  const secret = config.server.secret ?? randomBytes(32).toString('hex');
  const dice = createDice();
  const state = createMemoryStore({ now: Date.now });
  const gateway = createGateway({
    config,
    state,
    decisions: state,
    send: createFetchSender(options.fetch),
    openExchange: (context) => createWebExchange(context.req.raw),
    accepting: () => true,
    durable: null,
    runtime: {
      now: Date.now,
      clock: () => performance.now(),
      random: dice.random,
      randomHex: dice.randomHex,
      defer: options.defer,
      digest: createDigest(secret),
      sha256Hex,
      log: consoleLog,
    },
  });
  return createApp(gateway);
}

/** One app an isolate. Its deferred work is tied to the request that is being answered when it starts. */
let app: Hono | undefined;
let current: WaitUntil | undefined;

export default {
  fetch(request: Request, environment: WorkerEnvironment, context: WaitUntil): Response | Promise<Response> {
    current = context;
    app ??= createWorkerApp(environment, { fetch: globalThis.fetch, defer: (work) => current?.waitUntil(work) });
    return app.fetch(request);
  },
};

const line = (level: string) => (fields: object, message: string) =>
  console.log(JSON.stringify({ level, message, ...fields }));
const consoleLog: Log = { debug: () => {}, info: line('info'), warn: line('warn'), error: line('error') };
