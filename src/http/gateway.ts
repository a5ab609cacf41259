/** The parts that the routes work with, put together from a config and a platform. */
import type { Context } from 'hono';
import type { ConduitConfig, Model } from '../config/resolve.ts';
import { createLearner, type Learned, type Learner } from '../routing/learner.ts';
import { createLedger, type Ledger } from '../routing/ledger.ts';
import type { Runtime } from '../routing/runtime.ts';
import type { StateStore } from '../stores/ports.ts';
import type { Send } from '../upstream/port.ts';
import type { ClientExchange } from './exchange.ts';

export interface GatewayParts {
  config: ConduitConfig;
  runtime: Runtime;
  state: StateStore;
  send: Send;
  /** The client's side of a request, on this platform. */
  openExchange: (context: Context) => ClientExchange;
  /** False once the process is shutting down. */
  accepting: () => boolean;
}

/** The parts in use, and what they share from one config to the next. */
export interface Gateway extends GatewayParts {
  learners: ReadonlyMap<string, Learner>;
  ledger: Ledger;
  /** Takes another config; this gateway goes on with the requests that it has begun. Only the newest may be followed. */
  follow(config: ConduitConfig): Promise<Gateway>;
}

export function createGateway(parts: GatewayParts): Gateway {
  return build(parts, createLedger(parts.state, parts.runtime), new Map());
}

function build(parts: GatewayParts, ledger: Ledger, earlier: ReadonlyMap<string, Learned>): Gateway {
  const { config, state, runtime } = parts;
  const learners = new Map<string, Learner>();
  for (const router of config.routers.values()) {
    const arms = router.models.map((id) => config.models.get(id) as Model);
    learners.set(router.name, createLearner(router, arms, state, runtime, earlier.get(router.name)));
  }
  const unwatch = state.watch((router) => learners.get(router)?.grown());
  return {
    ...parts,
    learners,
    ledger,
    async follow(next) {
      const learned = await Promise.all(
        [...learners].map(async ([name, learner]) => [name, await learner.handOver()] as const),
      );
      unwatch();
      const successor = build({ ...parts, config: next }, ledger, new Map(learned));
      // What came in between, or what is folded anew because evidence fades otherwise now.
      for (const learner of successor.learners.values()) learner.grown();
      return successor;
    },
  };
}
