/** The trace of a request that Conduit refuses or fails at itself: what goes upstream has its own. */
import type { Context } from 'hono';
import type { TracedAnswer } from '../routing/observer.ts';
import { traceOf } from '../upstream/trace-context.ts';
import type { Gateway } from './gateway.ts';

export interface FailureTraces {
  /** Tells that a request has come; left out, what it took until it failed is not known. */
  came(context: Context): void;
  /** Null for what is not behind `/v1/`, and for what is in no trace. `isKnown`: whether it came with a valid key, where there are any. */
  traceOf(context: Context, isKnown: boolean): TracedAnswer | null;
}

export function createFailureTraces({ tracing, runtime }: Pick<Gateway, 'tracing' | 'runtime'>): FailureTraces {
  const cameAt = new WeakMap<Request, number>();
  return {
    came: ({ req }) => void cameAt.set(req.raw, runtime.clock()),
    traceOf({ req }, isKnown) {
      if (!req.path.startsWith('/v1/')) return null;
      const trace = traceOf((name) => req.header(name), tracing);
      // Whoever has no key does not say what is traced.
      if (!isKnown && trace?.parent && tracing && tracing.random() >= tracing.share) return null;
      const now = runtime.clock();
      const startedAt = cameAt.get(req.raw) ?? now;
      return trace && { trace, startedAt, totalMs: now - startedAt };
    },
  };
}
