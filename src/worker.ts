/** The gateway as a Cloudflare Worker: the same app with web streams, `fetch` and what an isolate has of the state. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { loadConfig, problemLine } from './config/load.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { createDice, createDigest, sha256Hex } from './crypto.ts';
import { consoleLog } from './edge/console-log.ts';
import { createFreshness } from './edge/freshness.ts';
import { createWebExchange } from './http/exchange-web.ts';
import { createGateway } from './http/gateway.ts';
import type { StateObjects } from './stores/durable-object/verbs.ts';
import { createObjectStore } from './stores/durable-object.ts';
import { createMemoryStore } from './stores/memory.ts';
import type { HotStore } from './stores/ports.ts';
import { createFetchSender } from './upstream/send-fetch.ts';

export { ConduitState } from './edge/state-object.ts';

/** Variables, secrets and bindings of the Worker; the config may refer to each that is a text as `${NAME}`. */
export interface WorkerEnvironment {
  /** The text of a conduit.yaml. */
  CONDUIT_CONFIG_TEXT?: string;
  /** The namespace of `ConduitState`. */
  CONDUIT_STATE?: StateObjects;
  [name: string]: unknown;
}

export interface WaitUntil {
  waitUntil(work: Promise<unknown>): void;
}

export interface WorkerAppOptions {
  fetch: typeof globalThis.fetch;
  /** Keeps the request that is being answered alive until this is done. */
  defer: (work: Promise<unknown>) => void;
}

export interface WorkerApp {
  app: Hono;
  /** Answers a request, with what other isolates have learned as far as that is known. */
  fetch(request: Request): Promise<Response>;
}

/** Throws with one line a problem where the config is not valid. */
export function createWorkerApp(environment: WorkerEnvironment, options: WorkerAppOptions): WorkerApp {
  const env = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const text = environment.CONDUIT_CONFIG_TEXT ?? '';
  const loaded = loadConfig({ text, env, sha256Hex, platform: 'workers' });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemLine).join('\n'));
  const { config } = loaded;
  if (config.stores.asked && config.stores.durable !== 'none') {
    throw new Error('stores.durable: not supported on Cloudflare Workers yet (allowed: none)');
  }
  const secret = config.server.secret ?? randomBytes(32).toString('hex');
  const dice = createDice();
  const { state, mayHaveGrown } = openState(config, environment, dice.randomHex);
  const clock = (): number => performance.now();
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
      clock,
      random: dice.random,
      randomHex: dice.randomHex,
      defer: options.defer,
      endsTimers: true,
      digest: createDigest(secret),
      sha256Hex,
      log: consoleLog,
    },
  });
  const app = createApp(gateway);
  const learners = [...gateway.learners.values()];
  const freshness = createFreshness({
    catchUp: () => Promise.all(learners.map((learner) => learner.catchUp())),
    mayHaveGrown,
    defer: options.defer,
    clock,
  });
  return {
    app,
    async fetch(request) {
      // What is in this isolate's own memory is known.
      if (state.shared) await freshness.ask();
      return app.fetch(request);
    },
  };
}

interface OpenState {
  state: HotStore;
  /** Tells that others may have added to the logs. */
  mayHaveGrown: () => void;
}

function openState(
  { stores, routers }: ConduitConfig,
  environment: WorkerEnvironment,
  randomHex: (bytes: number) => string,
): OpenState {
  if (stores.state === 'memory') return { state: createMemoryStore({ now: Date.now }), mayHaveGrown() {} };
  if (stores.state !== 'durable-object') {
    throw new Error('stores.state: Redis is not supported on Cloudflare Workers yet (allowed: memory, durable-object)');
  }
  const objects = environment.CONDUIT_STATE;
  if (!objects) {
    throw new Error(
      'stores.state: the Worker has no Durable Object (allowed: a binding CONDUIT_STATE of ConduitState)',
    );
  }
  const state = createObjectStore({
    objects,
    halfLives: new Map([...routers.values()].map(({ name, halfLifeMs }) => [name, halfLifeMs])),
    retentionMs: stores.retentionMs,
    holder: randomHex(8),
  });
  return { state, mayHaveGrown: state.mayHaveGrown };
}

/** One app an isolate. Work that it defers is tied to the request in which it begins. */
let worker: WorkerApp | undefined;
const requests = new AsyncLocalStorage<WaitUntil>();
const defer = (work: Promise<unknown>): void => requests.getStore()?.waitUntil(work);

export default {
  fetch(request: Request, environment: WorkerEnvironment, context: WaitUntil): Promise<Response> {
    return requests.run(context, () => {
      worker ??= createWorkerApp(environment, { fetch: globalThis.fetch, defer });
      return worker.fetch(request);
    });
  },
};
