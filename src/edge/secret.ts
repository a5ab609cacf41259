/** The secret that keys the hashes which are kept, where the config names none: made once, and kept with the state. */
import { randomBytes } from 'node:crypto';
import { within } from '../http/within.ts';
import type { Log } from '../routing/runtime.ts';
import type { StateStore } from '../stores/ports.ts';

/** What the first request of an isolate waits for it. */
const SECRET_MS = 1_000;

/** Never rejects: an isolate that cannot have the one that all share goes by one of its own. */
export async function secretWith({ shared }: Pick<StateStore, 'shared'>, log: Log): Promise<string> {
  const own = randomBytes(32).toString('hex');
  if (!shared) return own;
  try {
    const kept = await within(SECRET_MS, shared.secret(own));
    if (kept !== null) return kept;
    throw new Error(`no answer within ${SECRET_MS} ms`);
  } catch (error) {
    const { message } = error as Error;
    log.error(
      { problem: message },
      'the secret cannot be had from the state store: this isolate knows no conversation again that another has begun',
    );
    return own;
  }
}
