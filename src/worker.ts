/** The gateway as a Cloudflare Worker: the same app with web streams, `fetch` and what an isolate has of the state. */
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { createDice, createDigest, type Dice, sha256Hex } from './crypto.ts';
import { configOf, type WorkerEnvironment } from './edge/config.ts';
import { consoleLog } from './edge/console-log.ts';
import { drainRedis } from './edge/drain-redis.ts';
import { createFreshness } from './edge/freshness.ts';
import { type OpenState, openRedis, openSink, openState } from './edge/open-state.ts';
import { currentScope, openScope, runInScope } from './edge/scope.ts';
import { secretWith } from './edge/secret.ts';
import { createWebExchange } from './http/exchange-web.ts';
import { createGateway } from './http/gateway.ts';
import { createFetchSender } from './upstream/send-fetch.ts';

export type { WorkerEnvironment } from './edge/config.ts';
export { ConduitState } from './edge/state-object.ts';

export interface WaitUntil {
  waitUntil(work: Promise<unknown>): void;
}

/** What an isolate has before anything is asked of it. */
export interface OpenWorker extends OpenState {
  config: ConduitConfig;
  dice: Dice;
}

export interface WorkerAppOptions {
  fetch: typeof globalThis.fetch;
  /** What keys the hashes that are kept. */
  secret: string;
  /** Keeps the request that is being answered alive until this is done. */
  defer: (work: Promise<unknown>) => void;
}

export interface WorkerApp {
  app: Hono;
  /** Answers a request, with what other isolates have learned as far as that is known. */
  fetch(request: Request): Promise<Response>;
}

/** Asks nothing of anybody yet. Throws with one line a problem where the config is not valid. */
export function openWorker(environment: WorkerEnvironment): OpenWorker {
  const { config, warnings } = configOf(environment);
  for (const warning of warnings) consoleLog.warn({ warning }, 'config warning');
  const dice = createDice();
  return { config, dice, ...openState(config, environment, dice) };
}

/** Once an isolate; what may wait is the first request alone, and only where the config names no secret. */
export const secretOf = async ({ config, state }: OpenWorker): Promise<string> =>
  config.server.secret ?? (await secretWith(state, consoleLog));

export function createWorkerApp(open: OpenWorker, options: WorkerAppOptions): WorkerApp {
  const { config, dice, state, decisions, durable, mayHaveGrown } = open;
  const gateway = createGateway({
    config,
    state,
    decisions,
    send: createFetchSender(options.fetch),
    openExchange: (context) => createWebExchange(context.req.raw),
    accepting: () => true,
    durable,
    runtime: {
      now: Date.now,
      clock,
      random: dice.random,
      randomHex: dice.randomHex,
      defer: options.defer,
      endsTimers: true,
      digest: createDigest(options.secret),
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

const clock = (): number => performance.now();

/**
 * Brings what a Redis has into the durable store, with what an isolate has for it; null where it is not for Workers to do:
 * Durable Objects do it by themselves. Throws where the config is not valid.
 */
export function createDrainer(environment: WorkerEnvironment): (() => Promise<void>) | null {
  const { config } = configOf(environment);
  const { state, retentionMs } = config.stores;
  const sink = openSink(config);
  if (!sink || state === 'durable-object' || state === 'memory') return null;
  const hot = openRedis(config, createDice());
  return () => drainRedis({ hot, sink, routers: config.routers, retentionMs, now: Date.now, log: consoleLog });
}

/** One app an isolate. Work that it defers, and what it opens, is tied to the request in which it begins. */
let opened: OpenWorker | undefined;
let worker: WorkerApp | undefined;
/** The same of what is done by the minute. */
let drainer: (() => Promise<void>) | null | undefined;
const defer = (work: Promise<unknown>): void => currentScope()?.waitUntil(work);

async function workerFor(environment: WorkerEnvironment): Promise<WorkerApp> {
  opened ??= openWorker(environment);
  // Each of the first requests asks: none may wait for what belongs to another.
  const secret = await secretOf(opened);
  worker ??= createWorkerApp(opened, { fetch: globalThis.fetch, defer, secret });
  return worker;
}

export default {
  fetch(request: Request, environment: WorkerEnvironment, context: WaitUntil): Promise<Response> {
    const scope = openScope((work) => context.waitUntil(work));
    return runInScope(scope, async () => (worker ?? (await workerFor(environment))).fetch(request));
  },

  /** Rung by the cron trigger of wrangler.toml. */
  async scheduled(_event: unknown, environment: WorkerEnvironment, context: WaitUntil): Promise<void> {
    const scope = openScope((work) => context.waitUntil(work));
    await runInScope(scope, async () => {
      if (drainer === undefined) drainer = createDrainer(environment);
      await drainer?.();
    });
  },
};
