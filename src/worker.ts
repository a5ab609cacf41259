/** The gateway as a Cloudflare Worker: the same app with web streams, `fetch` and what an isolate has of the state. */
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { FOLD_VERSION } from './bandit/fold-bytes.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { encoder } from './context/encoder.ts';
import { createDice, createDigest, type Dice, sha256Hex } from './crypto.ts';
import { configOf, loadedConfig, type WorkerEnvironment } from './edge/config.ts';
import { createConsoleLog } from './edge/console-log.ts';
import { drainRedis } from './edge/drain-redis.ts';
import { createFreshness } from './edge/freshness.ts';
import { type OpenState, openRedis, openSink, openState } from './edge/open-state.ts';
import { type Assets, bundledPage } from './edge/page.ts';
import { currentScope, openScope, runInScope } from './edge/scope.ts';
import { askForSecret, newSecret } from './edge/secret.ts';
import { type DataCentreCache, withSnapshotCache } from './edge/snapshot-cache.ts';
import { createWebExchange } from './http/exchange-web.ts';
import { createGateway } from './http/gateway.ts';
import type { Digest } from './routing/digest.ts';
import { READ_AT_ONCE } from './routing/learner.ts';
import type { Log, Runtime } from './routing/runtime.ts';
import type { StateStore } from './stores/ports.ts';
import { createFetchTracer } from './tracing/otlp-fetch.ts';
import { createFetchSender } from './upstream/send-fetch.ts';

export type { WorkerEnvironment } from './edge/config.ts';
export { ConduitState } from './edge/state-object.ts';

/** For how long a request waits for what the state has of its conversation: an object may be some way off. */
const LOOK_UP_MS = 40;
/** Of which an isolate knows by itself: measured, some 4 kB of its memory each. */
const OWN_ANSWERS = 1_000;

export interface WaitUntil {
  waitUntil(work: Promise<unknown>): void;
}

/** What an isolate has before anything is asked of it. */
export interface OpenWorker extends OpenState {
  config: ConduitConfig;
  dice: Dice;
  log: Log;
}

export interface WorkerAppOptions {
  fetch: typeof globalThis.fetch;
  /** What keys the hashes that are kept; null where that is not known yet, and the app makes one of its own until then. */
  secret: string | null;
  /** How long after that it is asked for again; a minute unless told. */
  askAgainMs?: number;
  /** What draws the dashboard's charts; left out: it says that it cannot. */
  uplot?: Assets;
  /** Keeps the request that is being answered alive until this is done. */
  defer: (work: Promise<unknown>) => void;
  /** Where what was learned is kept near by; left out where it is not. */
  cache?: NearCache;
}

export interface NearCache {
  open: () => Promise<DataCentreCache>;
  /** Of an address of the gateway's own, so that the cache need not look for another host. */
  origin: string;
}

export interface WorkerApp {
  app: Hono;
  /** Answers a request, with what other isolates have learned as far as that is known. */
  fetch(request: Request): Promise<Response>;
}

/** Asks nothing of anybody yet. Throws with one line a problem where the config is not valid. */
export function openWorker(environment: WorkerEnvironment): OpenWorker {
  const { config, warnings } = loadedConfig(environment);
  const log = createConsoleLog(() => config.log.level);
  for (const warning of warnings) log.warn({ warning }, 'config warning');
  const dice = createDice();
  return { config, dice, log, ...openState(config, environment, dice, log) };
}

/**
 * Once an isolate; what may wait is the first request alone, and only where the config names no secret. Null where the one that all
 * isolates share cannot be had now.
 */
export async function secretOf({ config, state, log }: OpenWorker): Promise<string | null> {
  if (config.server.secret !== null) return config.server.secret;
  const asked = await askForSecret(state);
  if ('secret' in asked) return asked.secret;
  log.error(
    asked,
    'the secret cannot be had from the state store: no conversation is known again that another has begun',
  );
  return null;
}

export function createWorkerApp(open: OpenWorker, options: WorkerAppOptions): WorkerApp {
  const { config, dice, decisions, durable, log } = open;
  const runtime: Runtime = {
    now: Date.now,
    clock,
    random: dice.random,
    randomHex: dice.randomHex,
    defer: options.defer,
    endsTimers: true,
    lookUp: { deadlineMs: LOOK_UP_MS, ownAnswers: open.state.shared ? OWN_ANSWERS : 0 },
    digest: createDigest(options.secret ?? newSecret()),
    stepsARequest: STEPS_A_REQUEST,
    sha256Hex,
    log,
  };
  const state = nearer(open.state, config, (text) => runtime.digest(text), options);
  const { telemetry, providers } = config;
  const gateway = createGateway({
    config,
    state,
    decisions,
    send: createFetchSender(options.fetch),
    openExchange: (context) => createWebExchange(context.req.raw),
    accepting: () => true,
    page: bundledPage(options.uplot ?? null, sha256Hex),
    durable,
    // What is in this isolate's own memory is known.
    ...(state.shared && { freshen: createFreshness({ defer: options.defer, clock }) }),
    ...(telemetry && {
      tracer: createFetchTracer({
        telemetry,
        providers: () => providers,
        now: Date.now,
        clock,
        fetch: options.fetch,
        defer: options.defer,
        log,
      }),
    }),
    runtime,
  });
  const app = createApp(gateway);
  const { askAgainMs = ASK_AGAIN_MS } = options;
  /** When the secret that all isolates share is asked for once more. */
  let askAt = options.secret === null ? clock() + askAgainMs : Number.POSITIVE_INFINITY;
  const askAgain = async (): Promise<void> => {
    const asked = await askForSecret(open.state);
    if (!('secret' in asked)) return;
    askAt = Number.POSITIVE_INFINITY;
    runtime.digest = createDigest(asked.secret);
    log.info({}, 'the secret that all isolates share is known by now');
  };
  return {
    app,
    async fetch(request) {
      if (clock() >= askAt) {
        askAt = clock() + askAgainMs;
        options.defer(askAgain());
      }
      return await app.fetch(request);
    },
  };
}

/** The same state, with what isolates begin with in the cache of their data centre, where there is one. */
function nearer(
  state: StateStore,
  { routers }: ConduitConfig,
  digest: Digest,
  { cache, defer }: WorkerAppOptions,
): StateStore {
  const { shared } = state;
  if (!cache || !shared) return state;
  const addressOf = (router: string): string => {
    const terms = [router, routers.get(router)?.halfLifeMs ?? null, encoder.id, FOLD_VERSION];
    // Nobody can name it who does not know the secret.
    return `${cache.origin}/learned/${encodeURIComponent(digest(`learned ${JSON.stringify(terms)}`))}`;
  };
  const options = { open: cache.open, addressOf, readAtOnce: READ_AT_ONCE, now: Date.now, defer };
  return withSnapshotCache({ ...state, shared }, options);
}

const clock = (): number => performance.now();

/**
 * Brings what a Redis has into the durable store, with what an isolate has for it; null where it is not for Workers to do:
 * Durable Objects do it by themselves. Throws where the config is not valid.
 */
export function createDrainer(environment: WorkerEnvironment): (() => Promise<void>) | null {
  const config = configOf(environment);
  const { state, retentionMs } = config.stores;
  const sink = openSink(config);
  if (!sink || state === 'durable-object' || state === 'memory') return null;
  const log = createConsoleLog(() => config.log.level);
  const hot = openRedis(config, createDice(), log);
  return () => drainRedis({ hot, sink, routers: config.routers, retentionMs, now: Date.now, log });
}

/** Behind an answer. */
const ASK_AGAIN_MS = 60_000;

/** Apart from what answers to requests are kept in: nothing of it is ever served. */
const CACHE = 'conduit';
/** About two milliseconds; a whole derivation has 24 for each model of a router. */
const STEPS_A_REQUEST = 16;

/** One app an isolate. Work that it defers, and what it opens, is tied to the request in which it begins. */
let opened: OpenWorker | undefined;
let worker: WorkerApp | undefined;
/** The same of what is done by the minute. */
let drainer: (() => Promise<void>) | null | undefined;
const defer = (work: Promise<unknown>): void => currentScope()?.waitUntil(work);

async function workerFor(environment: WorkerEnvironment, request: Request): Promise<WorkerApp> {
  opened ??= openWorker(environment);
  // Each of the first requests asks: none may wait for what belongs to another.
  const secret = await secretOf(opened);
  worker ??= createWorkerApp(opened, {
    fetch: globalThis.fetch,
    secret,
    defer,
    cache: { open: () => caches.open(CACHE), origin: new URL(request.url).origin },
    ...(environment.UPLOT && { uplot: environment.UPLOT }),
  });
  return worker;
}

export default {
  fetch(request: Request, environment: WorkerEnvironment, context: WaitUntil): Promise<Response> {
    const scope = openScope((work) => context.waitUntil(work));
    return runInScope(scope, async () => (worker ?? (await workerFor(environment, request))).fetch(request));
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
