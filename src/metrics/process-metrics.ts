/** prom-client's own metrics of a Node process: memory, processor time, event loop, garbage collection. */
import collectDefaultMetrics from 'prom-client/lib/defaultMetrics.js';
import Registry from 'prom-client/lib/registry.js';
import type { MetricFamily } from './request-metrics.ts';

/** A process is one, however many gateways are in it. */
let registry: Registry | null = null;

/** How often the event loop is looked at: it wakes the process. */
const PRECISION_MS = 20;

/** Watches the process from the first call on: whoever never asks pays nothing for it. */
export async function processFamilies(): Promise<MetricFamily[]> {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: PRECISION_MS });
    // The event loop's delay is no number before it has been looked at.
    await new Promise((resolve) => setTimeout(resolve, 3 * PRECISION_MS));
  }
  const families = await registry.getMetricsAsJSON();
  // Gauges with a counter's name: each is there by its right one too.
  return families.filter(({ name, type }) => !(String(type) === 'gauge' && name.endsWith('_total')));
}
