/** The secret that keys the hashes which are kept, where the config names none: made once, and kept with the state. */
import { randomBytes } from 'node:crypto';
import type { StateStore } from '../stores/ports.ts';
import { within } from '../within.ts';

/** What the first request of an isolate waits for it. */
const SECRET_MS = 1_000;

/** `problem`: why the one that all isolates share cannot be had now. */
export type AskedSecret = { secret: string } | { problem: string };

export const newSecret = (): string => randomBytes(32).toString('hex');

/** Never rejects. An isolate whose memory is its own makes one for itself. */
export async function askForSecret({ shared }: Pick<StateStore, 'shared'>): Promise<AskedSecret> {
  if (!shared) return { secret: newSecret() };
  let problem = `no answer within ${SECRET_MS} ms`;
  const asked = shared.secret(newSecret()).catch((error: Error) => {
    problem = error.message;
    return null;
  });
  const secret = await within(SECRET_MS, asked);
  return secret === null ? { problem } : { secret };
}
