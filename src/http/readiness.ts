/** `GET /ready`: whether requests should be sent here. */
import type { Gateway } from './gateway.ts';
import { within } from './within.ts';

/** Load balancers ask every few seconds and wait for about one. */
const STORE_MS = 500;

interface Readiness {
  status: 'ready' | 'not_ready';
  accepting: boolean;
  /** Whether the state store answers. Requests are served without it too, but nothing is shared or kept. */
  state: boolean;
  /** Whether an arm can be asked that does not rest. */
  arms: boolean;
}

export async function readinessOf({ accepting, config, health, state }: Gateway): Promise<Readiness> {
  const answers = (await within(STORE_MS, state.readHealth())) !== null;
  const arms = [...config.models.values()].some((model) => health.restOf(model) === null);
  const ready = accepting() && answers && arms;
  return {
    status: ready ? 'ready' : 'not_ready',
    accepting: accepting(),
    state: answers,
    arms,
  };
}
