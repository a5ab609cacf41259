/** A platform for tests of routing: a clock that stands still until it is told, and work that can be waited for. */
import { createHash } from 'node:crypto';
import type { Runtime } from '../../src/routing/runtime.ts';

export interface TestRuntime extends Runtime {
  /** Milliseconds since 1970; may be set. */
  time: number;
  /** Resolves once all deferred work has ended, with what that deferred in its turn. */
  settled(): Promise<void>;
  logged: { level: string; message: string }[];
}

export function testRuntime(): TestRuntime {
  const deferred = new Set<Promise<unknown>>();
  const logged: TestRuntime['logged'] = [];
  const note =
    (level: string) =>
    (_fields: object, message: string): void => {
      logged.push({ level, message });
    };
  let hex = 0;
  const runtime: TestRuntime = {
    time: 1_764_000_000_000,
    now: () => runtime.time,
    clock: () => performance.now(),
    random: Math.random,
    randomHex: (bytes) => (++hex).toString(16).padStart(bytes * 2, '0'),
    defer(work) {
      deferred.add(work);
      void work.finally(() => deferred.delete(work));
    },
    lookUp: { deadlineMs: 10, ownAnswers: 0 },
    digest: (text) => createHash('sha256').update(`secret${text}`).digest('base64url').slice(0, 22),
    sha256Hex: (text) => createHash('sha256').update(text).digest('hex'),
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    logged,
    async settled() {
      while (deferred.size > 0) await Promise.all(deferred);
    },
  };
  return runtime;
}
