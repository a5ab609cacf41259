/** One line in the log for each request, with the decision's id: what went where, how it ended and what it took. */
import type { Observer } from '../routing/observer.ts';
import type { Log } from '../routing/runtime.ts';

export function requestLines(log: Log): Observer {
  return {
    began() {},
    settled({ kind, decision, isKept, model, attempts, usd, answered, totalMs, trace }) {
      const { outcome } = decision;
      const fields = {
        key: decision.key,
        route: decision.call,
        status: answered.status,
        router: decision.router,
        model,
        reason: decision.reason,
        outcome: outcome?.kind ?? 'client_abort',
        attempts: attempts.length,
        stream: kind === 'passed' ? undefined : kind === 'stream',
        prompt_tokens: outcome?.promptTokens ?? null,
        cached_tokens: outcome?.cachedTokens ?? null,
        completion_tokens: outcome?.completionTokens ?? null,
        usd,
        first_byte_ms: rounded(answered.firstByteMs),
        total_ms: rounded(totalMs),
        overhead_ms: rounded(answered.overheadMs),
        decision: isKept ? decision.id : null,
        trace: trace?.traceId ?? null,
      };
      log.info(fields, 'request');
    },
    answered({ method, traced, ...request }) {
      log.info({ method, ...request, trace: traced?.trace.traceId ?? null }, 'request');
    },
    rated() {},
    saw() {},
  };
}

/** To a microsecond. */
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 1000) / 1000);
