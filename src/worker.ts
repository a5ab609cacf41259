/** The gateway as a Cloudflare Worker: the same app with web streams, `fetch` and what an isolate has of the state. */
import type { Hono } from 'hono';
import bundledConfig from '../conduit.worker.yaml';
import { createApp } from './app.ts';
import { loadConfig, problemLine } from './config/load.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { createDice, createDigest, type Dice, sha256Hex } from './crypto.ts';
import { consoleLog } from './edge/console-log.ts';
import { createFreshness } from './edge/freshness.ts';
import { type Assets, bundledPage } from './edge/page.ts';
import { createEdgeRedis } from './edge/redis.ts';
import { currentScope, openScope, runInScope } from './edge/scope.ts';
import { secretWith } from './edge/secret.ts';
import { createWebExchange } from './http/exchange-web.ts';
import { createGateway } from './http/gateway.ts';
import { KEEP_MS } from './routing/decision.ts';
import { mergedDecisions } from './routing/feedback.ts';
import type { StateObjects } from './stores/durable-object/verbs.ts';
import { createObjectStore } from './stores/durable-object.ts';
import { createMemoryStore } from './stores/memory.ts';
import type { HotStore } from './stores/ports.ts';
import { createFetchSender } from './upstream/send-fetch.ts';

export { ConduitState } from './edge/state-object.ts';

/** Variables, secrets and bindings of the Worker; the config may refer to each that is a text as `${NAME}`. */
export interface WorkerEnvironment {
  /** A config's text in the place of the one that is bundled, conduit.worker.yaml. */
  CONDUIT_CONFIG_TEXT?: string;
  /** The namespace of `ConduitState`. */
  CONDUIT_STATE?: StateObjects;
  /** What draws the dashboard's charts. */
  UPLOT?: Assets;
  [name: string]: unknown;
}

export interface WaitUntil {
  waitUntil(work: Promise<unknown>): void;
}

/** What an isolate has before anything is asked of it. */
export interface OpenWorker {
  config: ConduitConfig;
  dice: Dice;
  state: HotStore;
  /** Tells that others may have added to the logs. */
  mayHaveGrown: () => void;
}

export interface WorkerAppOptions {
  fetch: typeof globalThis.fetch;
  /** What keys the hashes that are kept. */
  secret: string;
  /** What draws the dashboard's charts; left out: it says that it cannot. */
  uplot?: Assets;
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
  const env = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const text = environment.CONDUIT_CONFIG_TEXT || bundledConfig;
  const loaded = loadConfig({ text, env, sha256Hex, platform: 'workers' });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemLine).join('\n'));
  for (const warning of loaded.warnings) consoleLog.warn({ warning }, 'config warning');
  const { config } = loaded;
  if (config.stores.asked && config.stores.durable !== 'none') {
    throw new Error('stores.durable: not supported on Cloudflare Workers yet (allowed: none)');
  }
  const dice = createDice();
  return { config, dice, ...openState(config, environment, dice) };
}

/** Once an isolate; what may wait is the first request alone, and only where the config names no secret. */
export const secretOf = async ({ config, state }: OpenWorker): Promise<string> =>
  config.server.secret ?? (await secretWith(state, consoleLog));

export function createWorkerApp(open: OpenWorker, options: WorkerAppOptions): WorkerApp {
  const { config, dice, state, mayHaveGrown } = open;
  const gateway = createGateway({
    config,
    state,
    decisions: state,
    send: createFetchSender(options.fetch),
    openExchange: (context) => createWebExchange(context.req.raw),
    accepting: () => true,
    page: bundledPage(options.uplot ?? null, sha256Hex),
    durable: null,
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

function openState(
  { stores, routers }: ConduitConfig,
  environment: WorkerEnvironment,
  { random, randomHex }: Dice,
): Pick<OpenWorker, 'state' | 'mayHaveGrown'> {
  if (stores.state === 'memory') return { state: createMemoryStore({ now: Date.now }), mayHaveGrown() {} };
  if (stores.state !== 'durable-object') {
    const state = createEdgeRedis({
      url: stores.state,
      now: Date.now,
      clock,
      random,
      sha256Hex,
      keepMs: KEEP_MS,
      drained: false,
      merge: mergedDecisions,
      notices: {
        trouble: (error) =>
          consoleLog.error(
            { err: error },
            'the state store fails: this isolate goes by what it knows until it is back',
          ),
        recovered: () => consoleLog.info({}, 'the state store is back, and has what it missed'),
        unwritten: (decisions, error) =>
          consoleLog.error({ err: error, decisions }, 'decisions wait in this isolate, and are lost if it ends before'),
        lost: (decisions, error) =>
          consoleLog.error({ err: error, decisions }, 'decisions are lost: they could not be kept'),
      },
    });
    return { state, mayHaveGrown: state.mayHaveGrown };
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

const clock = (): number => performance.now();

/** One app an isolate. Work that it defers, and what it opens, is tied to the request in which it begins. */
let opened: OpenWorker | undefined;
let worker: WorkerApp | undefined;
const defer = (work: Promise<unknown>): void => currentScope()?.waitUntil(work);

async function workerFor(environment: WorkerEnvironment): Promise<WorkerApp> {
  opened ??= openWorker(environment);
  // Each of the first requests asks: none may wait for what belongs to another.
  const secret = await secretOf(opened);
  worker ??= createWorkerApp(opened, {
    fetch: globalThis.fetch,
    defer,
    secret,
    ...(environment.UPLOT && { uplot: environment.UPLOT }),
  });
  return worker;
}

export default {
  fetch(request: Request, environment: WorkerEnvironment, context: WaitUntil): Promise<Response> {
    const scope = openScope((work) => context.waitUntil(work));
    return runInScope(scope, async () => (worker ?? (await workerFor(environment))).fetch(request));
  },
};
