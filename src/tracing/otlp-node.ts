/** Sends traces from a Node process, in the background: a collector that is away costs spans, and nothing else. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Observer } from '../routing/observer.ts';
import type { Log } from '../routing/runtime.ts';
import { createTracer, lossNotice, type TracerOptions } from './tracer.ts';

export interface NodeTracer {
  observer: Observer;
  /** Sends what still waits, for a few seconds at most. Never rejects. */
  close(): Promise<void>;
}

/** Of spans: what waits beyond is dropped. */
const QUEUE = 4_096;
const BATCH = 512;
const EVERY_MS = 2_000;
const TIMEOUT_MS = 5_000;

export function openNodeTracer(options: Omit<TracerOptions, 'take'> & { log: Log }): NodeTracer {
  const { tracesUrl, headers } = options.telemetry;
  const exporter = new OTLPTraceExporter({ url: tracesUrl, headers: { ...headers }, timeoutMillis: TIMEOUT_MS });
  const processor = new BatchSpanProcessor({
    exporter: told(exporter, lossNotice(options.log)),
    maxQueueSize: QUEUE,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: EVERY_MS,
    exportTimeoutMillis: TIMEOUT_MS,
  });
  return {
    observer: createTracer({
      ...options,
      take(spans) {
        for (const span of spans) processor.onEnd(span);
      },
    }),
    async close() {
      await processor.shutdown().catch(() => {});
    },
  };
}

/** The same exporter, which tells how it fares. */
function told(exporter: OTLPTraceExporter, notice: ReturnType<typeof lossNotice>): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code === 0) notice.sent();
        else notice.lost(result.error);
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
