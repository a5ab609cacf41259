/** `GET /ready`: whether requests should be sent here. */

import { within } from '../within.ts';
import type { DurablePart, Gateway } from './gateway.ts';

/** Load balancers ask every few seconds and wait for about one. */
const STORE_MS = 500;

interface Readiness {
  status: 'ready' | 'not_ready';
  accepting: boolean;
  /** Whether the state store answers. Requests are served without it too, but nothing is shared or kept. */
  state: boolean;
  /** Whether the durable store takes what it is given; null where there is none. What it misses waits. */
  durable: boolean | null;
  /**
   * Whether some arm is not misconfigured. One that rests since it fails or is limited is asked where all others rest too: to
   * take the gateway out for it would make a bad minute of a provider's an outage.
   */
  arms: boolean;
}

export async function readinessOf({ accepting, config, durable, health, state }: Gateway): Promise<Readiness> {
  const [shared, well] = await Promise.all([
    within(STORE_MS, state.readHealth()),
    durable && within(STORE_MS, toldBy(durable)),
  ]);
  const answers = shared !== null;
  const arms = [...config.models.values()].some((model) => health.restOf(model)?.reason !== 'misconfigured');
  // Where it is another process's, and that one does not say, it is not well.
  const kept = durable && (well?.isWell ?? (well ? null : false));
  const ready = accepting() && answers && arms && kept !== false;
  return {
    status: ready ? 'ready' : 'not_ready',
    accepting: accepting(),
    state: answers,
    durable: kept,
    arms,
  };
}

/** What it says may be that there is nothing to say, which is not the same as no answer. */
const toldBy = async (durable: DurablePart): Promise<{ isWell: boolean | null }> => ({
  isWell: await durable.isWell(),
});
