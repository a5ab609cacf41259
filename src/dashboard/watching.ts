/** Who watches a gateway: what they share, how many there may be, and the reports that are made for them. */
import type { ReportJson } from '../evaluate/report-json.ts';
import type { Gateway } from '../http/gateway.ts';
import { reportOf } from '../http/report.ts';
import type { Learner } from '../routing/learner.ts';
import { type Followed, followFromStart } from './follow-log.ts';

export interface Watched {
  followed: Followed;
  report: KeptReport;
  watchers: number;
}

interface KeptReport {
  json: ReportJson | null;
  /** When it was made, in milliseconds since 1970. */
  at: number;
  /** When another may be begun, by the steady clock. */
  due: number;
  /** What had been read of the log when it was begun, which begins anew with the log. */
  of: Followed['activity'] | null;
}

const NO_REPORT: KeptReport = { json: null, at: 0, due: 0, of: null };

/** Of one process, all routers together. */
const MOST_WATCHERS = 32;
/** What was read of a log stays for so long after the last who watched has left. */
const KEEP_MS = 5 * 60_000;
/** A report may take this share of one processor at most, and is not made more often than it is kept. */
const REPORT = { share: 0.02, leastMs: 30_000, leastDecisions: 50 };

interface Watching {
  byRouter: Map<string, Watched>;
  watchers: number;
}

/** A config that is followed makes another gateway, and whoever watches comes anew. */
const watchingOf = new WeakMap<Gateway, Watching>();

/** Null where too many watch already. What it gives back must be left by `leave`, once. */
export function join(gateway: Gateway, { router, arms }: Learner): { watched: Watched; leave: () => void } | null {
  let watching = watchingOf.get(gateway);
  if (!watching) {
    watching = { byRouter: new Map(), watchers: 0 };
    watchingOf.set(gateway, watching);
  }
  const all = watching;
  if (all.watchers >= MOST_WATCHERS) return null;
  let watched = all.byRouter.get(router.name);
  if (!watched) {
    const baseline = router.guarantee?.baseline ?? (router.models[0] as string);
    const prices = new Map(arms.map(({ id, price }) => [id, price]));
    watched = { followed: followFromStart({ baseline, prices }), report: { ...NO_REPORT }, watchers: 0 };
    all.byRouter.set(router.name, watched);
  }
  const one = watched;
  all.watchers++;
  one.watchers++;
  return {
    watched: one,
    leave() {
      all.watchers--;
      one.watchers--;
      if (one.watchers > 0 || gateway.runtime.endsTimers) return;
      const timer = setTimeout(() => {
        if (one.watchers === 0) all.byRouter.delete(router.name);
      }, KEEP_MS);
      // A process that has nothing else to do may end.
      (timer as { unref?: () => void }).unref?.();
    },
  };
}

/** Begins a report behind the scenes where one is due. One of a log that has been lost is none any more. */
export function reportWhenDue(gateway: Gateway, router: string, { followed, report }: Watched): void {
  const { now, clock, endsTimers } = gateway.runtime;
  const startedAt = clock();
  const { activity } = followed;
  if (report.of !== null && report.of !== activity) Object.assign(report, NO_REPORT);
  if (!followed.isWhole || followed.read < REPORT.leastDecisions || startedAt < report.due) return;
  Object.assign(report, { due: Number.POSITIVE_INFINITY, of: activity });
  const made = (json: ReportJson | null): void => {
    if (report.of !== activity) return;
    if (json) Object.assign(report, { json, at: now() });
    const took = clock() - startedAt;
    // Where clocks stand still while the processor works nobody knows what it took.
    report.due = clock() + (endsTimers ? 10 * REPORT.leastMs : Math.max(REPORT.leastMs, took / REPORT.share));
  };
  const making = reportOf(gateway, router).then(made, () => made(null));
  if (endsTimers) gateway.runtime.defer(making);
}
