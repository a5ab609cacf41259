/** Writes metrics down as Prometheus reads them, those of several processes as one. */
import type { RegistryContentType } from 'prom-client';
import metricAggregators from 'prom-client/lib/metricAggregators.js';
import Registry from 'prom-client/lib/registry.js';
import type { MetricFamily } from './request-metrics.ts';

export interface Exposition {
  contentType: string;
  text: string;
}

/** `accept`: what whoever asks can read; the older format where it says nothing. */
export async function exposed(
  processes: readonly (readonly MetricFamily[])[],
  accept: string | undefined,
): Promise<Exposition> {
  const contentType: RegistryContentType = /\bapplication\/openmetrics-text\b/i.test(accept ?? '')
    ? Registry.OPENMETRICS_CONTENT_TYPE
    : Registry.PROMETHEUS_CONTENT_TYPE;
  const registry: Registry<RegistryContentType> = new Registry<RegistryContentType>();
  registry.setContentType(contentType);
  // Its own merging of processes, without the part that would talk to them.
  for (const family of added(processes)) registry.registerMetric(plain(family));
  return { contentType, text: await registry.metrics() };
}

/** One family for each name, with the processes' series put together as the family says. */
export function added(processes: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const byName = new Map<string, MetricFamily[]>();
  for (const family of processes.flat()) {
    const same = byName.get(family.name);
    if (same) same.push(family);
    else byName.set(family.name, [family]);
  }
  return [...byName.values()].flatMap((same) => {
    const { aggregator } = same[0] as MetricFamily;
    return metricAggregators.aggregators[aggregator](same) ?? [];
  });
}

/** What goes on counting after its process is gone: a sum must not become smaller for that. */
export const lasting = (families: readonly MetricFamily[]): MetricFamily[] =>
  // As prom-client writes a type in its JSON, whatever its declarations say.
  families.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));

/** A registry asks each of its metrics for its values, and in OpenMetrics calls a counter by another name before. */
function plain(family: MetricFamily): Parameters<Registry['registerMetric']>[0] {
  const metric = { ...family, get: async () => metric };
  return metric as unknown as ReturnType<typeof plain>;
}
