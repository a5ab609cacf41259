/** The parts of prom-client that are used by themselves: all of it together needs what workerd has not. */
declare module 'prom-client/lib/registry.js' {
  import { Registry } from 'prom-client';
  export default Registry;
}
declare module 'prom-client/lib/counter.js' {
  import { Counter } from 'prom-client';
  export default Counter;
}
declare module 'prom-client/lib/gauge.js' {
  import { Gauge } from 'prom-client';
  export default Gauge;
}
declare module 'prom-client/lib/histogram.js' {
  import { Histogram } from 'prom-client';
  export default Histogram;
}
declare module 'prom-client/lib/metricAggregators.js' {
  import type { Aggregator, MetricObjectWithValues, MetricValue } from 'prom-client';

  type Family = MetricObjectWithValues<MetricValue<string>>;
  const parts: { aggregators: Record<Aggregator, (families: readonly Family[]) => Family | undefined> };
  export default parts;
}
declare module 'prom-client/lib/defaultMetrics.js' {
  import { collectDefaultMetrics } from 'prom-client';
  export default collectDefaultMetrics;
}
