/** Sends traces by `fetch`, those of each request behind its answer: what an isolate keeps for later it may never send. */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Observer } from '../routing/observer.ts';
import type { Log } from '../routing/runtime.ts';
import { createTracer, lossNotice, type TracerOptions } from './tracer.ts';

export interface FetchTracerOptions extends Omit<TracerOptions, 'take'> {
  fetch: typeof globalThis.fetch;
  /** Keeps the request that is being answered alive until this is done. */
  defer: (work: Promise<unknown>) => void;
  log: Log;
}

const TIMEOUT_MS = 5_000;
/** Requests whose traces may be on their way at once: beyond that they are dropped. */
const MOST_AT_ONCE = 50;

export function createFetchTracer(options: FetchTracerOptions): Observer {
  const { telemetry, fetch, defer, log } = options;
  const notice = lossNotice(log);
  let sending = 0;

  const send = async (body: Uint8Array): Promise<void> => {
    sending++;
    try {
      const response = await fetch(telemetry.tracesUrl, {
        method: 'POST',
        headers: { ...telemetry.headers, 'content-type': 'application/json' },
        body: body as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.ok) notice.sent();
      else notice.lost(`the collector answered ${response.status}`);
    } catch (error) {
      notice.lost(error);
    } finally {
      sending--;
    }
  };

  return createTracer({
    ...options,
    take(spans) {
      const body = sending < MOST_AT_ONCE ? JsonTraceSerializer.serializeRequest([...spans]) : undefined;
      if (body) defer(send(body));
      else notice.lost('too many are on their way');
    },
  });
}
