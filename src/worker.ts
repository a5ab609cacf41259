/** The gateway as a Cloudflare Worker: the same app with web streams, `fetch` and what an isolate has of the state. */
import { randomBytes } from 'node:crypto';
import type { Hono } from 'hono';
import bundledConfig from '../conduit.worker.yaml';
import { createApp } from './app.ts';
import { FOLD_VERSION } from './bandit/fold-bytes.ts';
import { loadConfig, problemLine } from './config/load.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { encoder } from './context/encoder.ts';
import { createDice, createDigest, type Dice, sha256Hex } from './crypto.ts';
import { consoleLog } from './edge/console-log.ts';
import { createFreshness } from './edge/freshness.ts';
import { createEdgeRedis } from './edge/redis.ts';
import { currentScope, openScope, runInScope } from './edge/scope.ts';
import { type DataCentreCache, withSnapshotCache } from './edge/snapshot-cache.ts';
import { createWebExchange } from './http/exchange-web.ts';
import { createGateway } from './http/gateway.ts';
import { KEEP_MS } from './routing/decision.ts';
import type { Digest } from './routing/digest.ts';
import { mergedDecisions } from './routing/feedback.ts';
import { READ_AT_ONCE } from './routing/learner.ts';
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
  [name: string]: unknown;
}

/** For how long a request waits for what the state has of its conversation: an object may be some way off. */
const LOOK_UP_MS = 40;
/** Of which an isolate knows by itself: some megabytes of its memory. */
const OWN_ANSWERS = 1_000;

export interface WaitUntil {
  waitUntil(work: Promise<unknown>): void;
}

export interface WorkerAppOptions {
  fetch: typeof globalThis.fetch;
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

/** Throws with one line a problem where the config is not valid. */
export function createWorkerApp(environment: WorkerEnvironment, options: WorkerAppOptions): WorkerApp {
  const env = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const text = environment.CONDUIT_CONFIG_TEXT || bundledConfig;
  const loaded = loadConfig({ text, env, sha256Hex, platform: 'workers' });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemLine).join('\n'));
  const { config } = loaded;
  if (config.stores.asked && config.stores.durable !== 'none') {
    throw new Error('stores.durable: not supported on Cloudflare Workers yet (allowed: none)');
  }
  const secret = config.server.secret ?? randomBytes(32).toString('hex');
  const dice = createDice();
  const digest = createDigest(secret);
  const state = nearer(openState(config, environment, dice), config, digest, options);
  const gateway = createGateway({
    config,
    state,
    decisions: state,
    send: createFetchSender(options.fetch),
    openExchange: (context) => createWebExchange(context.req.raw),
    accepting: () => true,
    durable: null,
    // What is in this isolate's own memory is known.
    ...(state.shared && { freshen: createFreshness({ defer: options.defer, clock }) }),
    runtime: {
      now: Date.now,
      clock,
      random: dice.random,
      randomHex: dice.randomHex,
      defer: options.defer,
      endsTimers: true,
      lookUp: { deadlineMs: LOOK_UP_MS, ownAnswers: state.shared ? OWN_ANSWERS : 0 },
      digest,
      sha256Hex,
      log: consoleLog,
    },
  });
  const app = createApp(gateway);
  return { app, fetch: async (request) => await app.fetch(request) };
}

/** The same state, with what isolates begin with in the cache of their data centre, where there is one. */
function nearer(
  state: HotStore,
  { routers }: ConduitConfig,
  digest: Digest,
  { cache, defer }: WorkerAppOptions,
): HotStore {
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

function openState(
  { stores, routers }: ConduitConfig,
  environment: WorkerEnvironment,
  { random, randomHex }: Dice,
): HotStore {
  if (stores.state === 'memory') return createMemoryStore({ now: Date.now });
  if (stores.state !== 'durable-object') {
    return createEdgeRedis({
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
  }
  const objects = environment.CONDUIT_STATE;
  if (!objects) {
    throw new Error(
      'stores.state: the Worker has no Durable Object (allowed: a binding CONDUIT_STATE of ConduitState)',
    );
  }
  return createObjectStore({
    objects,
    halfLives: new Map([...routers.values()].map(({ name, halfLifeMs }) => [name, halfLifeMs])),
    retentionMs: stores.retentionMs,
    holder: randomHex(8),
  });
}

const clock = (): number => performance.now();

/** Apart from what answers to requests are kept in: nothing of it is ever served. */
const CACHE = 'conduit';

/** One app an isolate. Work that it defers, and what it opens, is tied to the request in which it begins. */
let worker: WorkerApp | undefined;
const defer = (work: Promise<unknown>): void => currentScope()?.waitUntil(work);

export default {
  fetch(request: Request, environment: WorkerEnvironment, context: WaitUntil): Promise<Response> {
    const scope = openScope((work) => context.waitUntil(work));
    return runInScope(scope, () => {
      worker ??= createWorkerApp(environment, {
        fetch: globalThis.fetch,
        defer,
        cache: { open: () => caches.open(CACHE), origin: new URL(request.url).origin },
      });
      return worker.fetch(request);
    });
  },
};
