/** What the primary and its workers say to one another, beside the calls to the store. */
import type { ConduitConfig } from '../config/resolve.ts';
import type { LearnedByRouter } from '../http/gateway.ts';
import type { MetricFamily } from '../metrics/request-metrics.ts';

/** Null where a worker reaches all stores by itself. */
export interface FromPrimary {
  learned: LearnedByRouter;
  /** Whether the primary has a durable store. */
  durable: boolean;
}

/** From the primary to a worker. The config goes this way and not by file, so that all of them serve the same one. */
export type Order =
  | { kind: 'serve'; config: ConduitConfig; shared: FromPrimary | null }
  /** `learned`: of the routers that are new, or whose evidence fades otherwise now. */
  | { kind: 'reload'; config: ConduitConfig; learned: LearnedByRouter }
  /** What came before, where that was found only now. */
  | { kind: 'adopt'; learned: LearnedByRouter }
  /** Tell what was counted since it began. */
  | { kind: 'count' }
  /** Finish what is in flight, tell what has not been told, and exit. */
  | { kind: 'end' };

/** From a worker to the primary. */
export type Report =
  /** It hears now: an order given before might find nobody who listens. */
  | { kind: 'ready' }
  | { kind: 'listening'; url: string }
  | { kind: 'failed'; code: string | null; message: string }
  | { kind: 'reloaded'; failure: string | null }
  | { kind: 'counted'; families: MetricFamily[] };
