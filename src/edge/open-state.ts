/** Opens the state that a config asks for, as an isolate has it, and puts the durable store behind it. */
import type { ConduitConfig } from '../config/resolve.ts';
import { type Dice, sha256Hex } from '../crypto.ts';
import type { DurablePart } from '../http/gateway.ts';
import { KEEP_MS } from '../routing/decision.ts';
import { mergedDecisions } from '../routing/feedback.ts';
import type { Log } from '../routing/runtime.ts';
import { createBackedStore } from '../stores/backed.ts';
import { createObjectStore } from '../stores/durable-object.ts';
import { createMemoryStore } from '../stores/memory.ts';
import type { DecisionLog, DurableStore, StateStore } from '../stores/ports.ts';
import type { EdgeRedisStore } from '../stores/redis-edge.ts';
import { createSupabaseStore } from '../stores/supabase.ts';
import type { WorkerEnvironment } from './config.ts';
import { isDrainedWell } from './drain-redis.ts';
import { createEdgeRedis } from './redis.ts';

export interface OpenState {
  state: StateStore;
  /** All decisions that are kept. */
  decisions: DecisionLog;
  /** Null where nothing is behind the state. */
  durable: DurablePart | null;
}

const clock = (): number => performance.now();

/** Throws where the Worker has no Durable Object and the config asks for it. */
export function openState(config: ConduitConfig, environment: WorkerEnvironment, dice: Dice, log: Log): OpenState {
  const { stores, routers } = config;
  if (stores.state === 'memory') {
    const state = createMemoryStore({ now: Date.now });
    return { state, decisions: state, durable: null };
  }
  const sink = openSink(config);
  if (stores.state !== 'durable-object') {
    const hot = openRedis(config, dice, log);
    if (!sink) return { state: hot, decisions: hot, durable: null };
    return {
      state: createBackedStore({ hot, durable: sink, flush: null }),
      decisions: sink,
      durable: { isWell: () => isDrainedWell(hot) },
    };
  }
  const objects = environment.CONDUIT_STATE;
  if (!objects) {
    throw new Error(
      'stores.state: the Worker has no Durable Object (allowed: a binding CONDUIT_STATE of ConduitState)',
    );
  }
  const hot = createObjectStore({
    objects,
    halfLives: new Map([...routers.values()].map(({ name, halfLifeMs }) => [name, halfLifeMs])),
    retentionMs: stores.retentionMs,
    isDrained: sink !== null,
    holder: dice.randomHex(8),
  });
  return {
    state: sink ? createBackedStore({ hot, durable: sink, flush: null }) : hot,
    // They are kept there for as long as anywhere, and nearer.
    decisions: hot,
    durable: sink && { isWell: hot.isDrainedWell },
  };
}

/** Null where nothing durable is asked for. */
export function openSink({ stores }: ConduitConfig): DurableStore | null {
  return stores.durable === 'supabase' && stores.supabase ? createSupabaseStore(stores.supabase) : null;
}

/** The config names one. */
export function openRedis({ stores }: ConduitConfig, { random }: Dice, log: Log): EdgeRedisStore {
  return createEdgeRedis({
    url: stores.state,
    now: Date.now,
    clock,
    random,
    sha256Hex,
    keepMs: KEEP_MS,
    drained: stores.durable === 'supabase',
    merge: mergedDecisions,
    notices: {
      trouble: (error) =>
        log.error({ err: error }, 'the state store fails: this isolate goes by what it knows until it is back'),
      recovered: () => log.info({}, 'the state store is back, and has what it missed'),
      unwritten: (decisions, error) =>
        log.error({ err: error, decisions }, 'decisions wait in this isolate, and are lost if it ends before'),
      lost: (decisions, error) => log.error({ err: error, decisions }, 'decisions are lost: they could not be kept'),
    },
  });
}
