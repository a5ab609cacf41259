/** What Node hands in to everything below: clocks, dice, hashes, and who waits for work behind answers. */
import type { ConduitConfig } from '../config/resolve.ts';
import { createDice, createDigest, sha256Hex } from '../crypto.ts';
import { createDeferred, type Deferred } from '../routing/deferred.ts';
import type { Log, Runtime } from '../routing/runtime.ts';
import { secretFor } from '../storage/secret.ts';

/** A look-up in shared state may take this long before a request goes on without it. */
const LOOK_UP_MS = 10;

export function nodeRuntime(
  config: ConduitConfig,
  log: Log,
  deferred: Pick<Deferred, 'add'>,
  random?: () => number,
): Runtime {
  const secret = config.server.secret ?? secretFor(config.stores, log);
  const dice = createDice();
  return {
    now: Date.now,
    clock: () => performance.now(),
    random: random ?? dice.random,
    randomHex: dice.randomHex,
    defer: deferred.add,
    lookUp: { deadlineMs: LOOK_UP_MS, ownAnswers: 0 },
    digest: createDigest(secret),
    sha256Hex,
    log,
  };
}

/** For a command that ends by itself: what goes wrong is told on stderr, in words. */
export function commandRuntime(config: ConduitConfig): Runtime {
  const tell = (fields: object, message: string): void => {
    const { err } = fields as { err?: Error };
    process.stderr.write(`${message}${err ? `: ${err.message}` : ''}\n`);
  };
  const log: Log = { debug() {}, info() {}, warn: tell, error: tell };
  return nodeRuntime(
    config,
    log,
    createDeferred((err) => tell({ err }, 'deferred work failed')),
  );
}
