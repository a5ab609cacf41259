/** The parts that the routes work with, put together once from a config and a platform. */

import type { Context } from 'hono';
import type { ConduitConfig, Model } from '../config/resolve.ts';
import { createLearner, type Learner } from '../routing/learner.ts';
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

export interface Gateway extends GatewayParts {
  learners: ReadonlyMap<string, Learner>;
  ledger: Ledger;
}

export function createGateway(parts: GatewayParts): Gateway {
  const { config, state, runtime } = parts;
  const learners = new Map<string, Learner>();
  for (const router of config.routers.values()) {
    const arms = router.models.map((id) => config.models.get(id) as Model);
    learners.set(router.name, createLearner(router, arms, state, runtime));
  }
  const ledger = createLedger(state, runtime, (router) => learners.get(router)?.grown());
  return { ...parts, learners, ledger };
}
