/** The parts that the routes work with, put together from a config and a platform. */
import type { Context } from 'hono';
import type { ConduitConfig, Model, Router } from '../config/resolve.ts';
import { createRequestMetrics, type MetricFamily, type RequestMetrics } from '../metrics/request-metrics.ts';
import { createCounters } from '../routing/counters.ts';
import { createFollowUps, type FollowUps } from '../routing/follow-ups.ts';
import { createHealth, type Health } from '../routing/health.ts';
import { createLearner, type Learned, type Learner } from '../routing/learner.ts';
import { createLedger, type Ledger } from '../routing/ledger.ts';
import { createLimits, type Limits } from '../routing/limits.ts';
import { createLookUps, type LookUps } from '../routing/look-ups.ts';
import { type Observer, toldToAll } from '../routing/observer.ts';
import { createRefusals, type Refusals } from '../routing/refusals.ts';
import type { Runtime } from '../routing/runtime.ts';
import type { DecisionLog, StateStore } from '../stores/ports.ts';
import type { Send } from '../upstream/port.ts';
import type { TraceTerms } from '../upstream/trace-context.ts';
import type { ClientExchange } from './exchange.ts';
import type { PageFiles } from './page-files.ts';
import { requestLines } from './request-lines.ts';

export interface GatewayParts {
  config: ConduitConfig;
  runtime: Runtime;
  state: StateStore;
  /** Every decision that can still be read, for whoever judges them anew; null where this process has none to read. */
  decisions: DecisionLog | null;
  send: Send;
  /** The client's side of a request, on this platform. */
  openExchange: (context: Context) => ClientExchange;
  /** False once the process is shutting down. */
  accepting: () => boolean;
  /** The files of the dashboard's page, by their names; read when they are first asked for. */
  page: () => Promise<PageFiles>;
  /** What outlives the state store; null where nothing does. */
  durable: DurablePart | null;
  /**
   * Asked before a router's learning is gone by; it never rejects. Left out where this process learns by itself what others add
   * to the logs.
   */
  freshen?: (learner: Learner) => Promise<void>;
  /** What the process itself tells beside; left out where the platform tells nothing of it. */
  processFamilies?: () => Promise<MetricFamily[]>;
  /** What all processes that serve this port have counted, this one among them; left out where it is the only one. */
  countedByAll?: () => Promise<MetricFamily[][]>;
  /** Takes the spans of requests that are traced; left out where none are. */
  tracer?: Observer;
}

export interface DurablePart {
  /** Whether it takes what it is given; null where it is not there yet, and nobody has asked for it. */
  isWell(): Promise<boolean | null>;
  /**
   * For how long it has not had everything, in milliseconds: 0 while it has; null where another process keeps it. Left out where the
   * store is another process's.
   */
  lagMs?(): number | null;
  /**
   * All that a router's decisions have taught, as one needs it whose evidence fades otherwise now. Left out where it is
   * another process's store, which tells of it by `adopt`.
   */
  learned?(router: Router): Promise<Learned>;
}

/** By the name of the router. */
export type LearnedByRouter = ReadonlyMap<string, Learned>;

/** The parts in use, and what they share from one config to the next. */
export interface Gateway extends GatewayParts, Shared {
  learners: ReadonlyMap<string, Learner>;
  /** Told of each request. */
  observer: Observer;
  /** Null where no spans are made. */
  tracing: TraceTerms | null;
  /** False once another config was taken: what goes on for long is to begin anew with that one's gateway. */
  isCurrent(): boolean;
  /** Takes another config; this gateway goes on with the requests that it has begun. Only the newest may be followed. */
  follow(config: ConduitConfig): Promise<Gateway>;
  /** Takes what was learned before this gateway began, where that was found only now. */
  adopt(learned: LearnedByRouter): Promise<void>;
  /** Tells the other replicas what they have not been told yet, as when the process ends. Never rejects. */
  flush(): Promise<void>;
}

/** What lives on when the config changes. */
interface Shared {
  ledger: Ledger;
  followUps: FollowUps;
  lookUps: LookUps;
  limits: Limits;
  health: Health;
  refusals: Refusals;
  metrics: RequestMetrics;
}

/** `learned` is what others have learned already; the rest of what they share comes with the state store. */
export function createGateway(parts: GatewayParts, learned: LearnedByRouter = new Map()): Gateway {
  const { config, state, runtime } = parts;
  const ledger = createLedger(state, runtime);
  const metrics = createRequestMetrics();
  const shared: Shared = {
    ledger,
    metrics,
    followUps: createFollowUps(ledger, runtime, metrics),
    lookUps: createLookUps(),
    limits: createLimits(createCounters(state, runtime), runtime),
    health: createHealth(config.providers, state, runtime),
    refusals: createRefusals(runtime),
  };
  const gateway = build(parts, shared, learned);
  // The same of keys.
  for (const { name, usdPerDay } of config.keys) {
    if (usdPerDay !== null) shared.limits.spentToday({ kind: 'key', name });
  }
  // What others have put in the logs meanwhile: nobody tells of it until they grow again.
  if (!parts.freshen) for (const learner of gateway.learners.values()) learner.grown();
  return gateway;
}

function build(parts: GatewayParts, shared: Shared, earlier: LearnedByRouter): Gateway {
  const { config, state, runtime, tracer } = parts;
  const observers: Observer[] = [shared.metrics];
  if (config.log.requests) observers.push(requestLines(runtime.log));
  if (tracer) observers.push(tracer);
  const { random, randomHex } = runtime;
  const learners = new Map<string, Learner>();
  for (const router of config.routers.values()) {
    const arms = router.models.map((id) => config.models.get(id) as Model);
    const learner = createLearner(router, arms, state, runtime, earlier.get(router.name));
    learners.set(router.name, learner);
    // What was spent before this process, and by others: the first requests are to know of it.
    if (learner.pacer) shared.limits.spending(router.name);
  }
  const unwatch = state.watch((router) => learners.get(router)?.grown());
  let current = true;
  return {
    ...parts,
    ...shared,
    learners,
    observer: toldToAll(observers),
    tracing: tracer && config.telemetry ? { share: config.telemetry.share, random, randomHex } : null,
    isCurrent: () => current,
    async follow(next) {
      const learned = await Promise.all(
        [...learners].map(async ([name, learner]) => [name, await learner.handOver()] as const),
      );
      const changed = [...next.routers.values()].filter(
        (router) => learners.get(router.name)?.router.halfLifeMs !== router.halfLifeMs,
      );
      unwatch();
      current = false;
      shared.health.follow(next.providers);
      shared.refusals.forget();
      const successor = build({ ...parts, config: next }, shared, new Map(learned));
      // What came in between, or what is folded anew because evidence fades otherwise now.
      for (const learner of successor.learners.values()) learner.grown();
      if (parts.durable?.learned) void recover(parts.durable.learned, changed, successor);
      return successor;
    },
    async adopt(all) {
      const wanted = [...all].map(([name, learned]) => {
        const learner = learners.get(name);
        // It may be of a config before this one.
        return learner?.router.halfLifeMs === learned.halfLifeMs ? learner.adopt(learned) : undefined;
      });
      await Promise.all(wanted);
    },
    async flush() {
      await Promise.all([shared.limits.flush(), shared.health.flush()]);
    },
  };
}

/** Behind the scenes: requests go by what is known meanwhile. Never rejects. */
async function recover(
  learned: NonNullable<DurablePart['learned']>,
  routers: readonly Router[],
  gateway: Gateway,
): Promise<void> {
  for (const router of routers) {
    try {
      await gateway.adopt(new Map([[router.name, await learned(router)]]));
    } catch (error) {
      gateway.runtime.log.error({ err: error, router: router.name }, 'what was learned before cannot be read');
    }
  }
}
