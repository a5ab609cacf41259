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
  let problem = `no answer within ${SECRET_MS} ms`;
  const asked = shared.secret(own).catch((error: Error) => {
    problem = error.message;
    return null;
  });
  const kept = await within(SECRET_MS, asked);
  if (kept !== null) return kept;
  log.error(
    { problem },
    'the secret cannot be had from the state store: this isolate knows no conversation again that another has begun',
  );
  return own;
}
