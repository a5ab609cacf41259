/** Makes spans of each traced request once it has ended, and hands them to whoever sends them. */
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Provider, Telemetry } from '../config/resolve.ts';
import type { Observer } from '../routing/observer.ts';
import { refusalSpanOf, spansOf } from './spans.ts';

export interface TracerOptions {
  telemetry: Telemetry;
  providers: () => ReadonlyMap<string, Provider>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds on a steady clock. */
  clock: () => number;
  /** Never throws. */
  take: (spans: readonly ReadableSpan[]) => void;
}

export function createTracer({ telemetry, providers, now, clock, take }: TracerOptions): Observer {
  const resource = resourceFromAttributes({ 'service.name': telemetry.service });
  const terms = { resource, providers, origin: () => now() - clock() };
  return {
    began() {},
    settled(request) {
      const spans = spansOf(request, terms);
      if (spans.length > 0) take(spans);
    },
    answered(request) {
      const span = refusalSpanOf(request, terms);
      if (span) take([span]);
    },
    rated() {},
    saw() {},
  };
}

/** Says once that spans are lost, and once that they go out again. */
export function lossNotice(log: { warn: Tell; info: Tell }): { lost(error: unknown): void; sent(): void } {
  let isLosing = false;
  return {
    lost(error) {
      const said = error instanceof Error ? error.message : String(error ?? 'no reason was given');
      if (!isLosing) log.warn({ said }, 'traces are lost: the collector does not take them');
      isLosing = true;
    },
    sent() {
      if (isLosing) log.info({}, 'traces go out again');
      isLosing = false;
    },
  };
}

type Tell = (fields: object, message: string) => void;
