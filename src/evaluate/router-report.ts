/** The report on one router, from the store in which its decisions are. */
import type { Model, Router } from '../config/resolve.ts';
import { encoder } from '../context/encoder.ts';
import { calibrate } from '../signals/calibration.ts';
import { type DecisionLog, LOG_START, PINNED_LOG } from '../stores/ports.ts';
import type { Asked } from './asked.ts';
import { EXCLUSIONS, type Exclusion, type LoggedDecision, loggedOf } from './logged.ts';
import { type Report, reportOn } from './report.ts';
import { AS_LOGGED, always, by, isArm, preferring, type Target, within } from './targets.ts';

export interface RouterReport extends Report {
  router: Router;
  baseline: string;
  /** Decisions that were read: those that count, and the others by why they do not. */
  read: number;
  excluded: Record<Exclusion, number>;
  /** Whether there are earlier decisions, beyond those that one report goes by. */
  isCut: boolean;
}

/** Decisions that one report goes by: the latest. */
export const MOST_DECISIONS = 20_000;
/** Decisions that are read at once. */
const BATCH = 250;

/** Rejects where the store fails. */
export async function routerReport(
  log: DecisionLog,
  router: Router,
  models: readonly Model[],
  asked: Asked,
  pause: () => Promise<void>,
): Promise<RouterReport> {
  const arms = models.map(({ id, price, was }) => ({ id, price, was }));
  const baseline = router.guarantee?.baseline ?? (router.models[0] as string);
  const own = await latestOf(log, router.name, asked.since, pause);
  const from = own.latest[0]?.at ?? asked.since;
  const pinned = await latestOf(log, PINNED_LOG, from, pause);

  const excluded = Object.fromEntries(EXCLUSIONS.map((reason) => [reason, 0])) as Record<Exclusion, number>;
  const counted: LoggedDecision[] = [];
  for (const { what } of [...own.latest, ...pinned.latest]) {
    if (typeof what === 'string') excluded[what]++;
    else if (!what.eligible.some(({ model }) => arms.some((arm) => isArm(arm, model)))) excluded.other_arms++;
    else counted.push(what);
  }
  const report = await reportOn(
    counted,
    {
      arms,
      baseline,
      explore: router.explore,
      halfLifeMs: router.halfLifeMs,
      calibrate: (seen) => calibrate(seen, router.signalsOff),
      targets: targetsFor(baseline, router, asked),
    },
    pause,
  );
  return { ...report, router, baseline, read: own.latest.length + pinned.latest.length, excluded, isCut: own.isCut };
}

function targetsFor(baseline: string, router: Router, { policies, usdPerPoint, usdPerRequest }: Asked): Target[] {
  const targets = [
    AS_LOGGED,
    always(baseline),
    ...router.models.filter((id) => id !== baseline).map(always),
    by('cheapest', router.prefer),
    ...(['cost', 'balanced', 'quality', 'speed'] as const).map((prefer) => preferring(prefer)),
    ...policies.map((policy) => by(policy, router.prefer)),
    ...(typeof router.prefer === 'string' ? [] : [preferring(router.prefer, "the router's own preference")]),
    ...usdPerPoint.map((usd) => preferring({ usd_per_point: usd }, `usd_per_point: ${usd}`)),
    ...usdPerRequest.map(within),
  ];
  // What was asked for may be there already.
  return targets.filter(({ name }, i) => targets.findIndex((target) => target.name === name) === i);
}

interface Read {
  id: string;
  version: number;
  /** Milliseconds since 1970. */
  at: number;
  what: LoggedDecision | Exclusion;
}

/** The latest of a log's decisions, each as it is now, oldest first. A log is read from its start: it has no other end. */
async function latestOf(
  log: DecisionLog,
  name: string,
  since: number | null,
  pause: () => Promise<void>,
): Promise<{ latest: Read[]; isCut: boolean }> {
  const byId = new Map<string, Read>();
  let isCut = false;
  const cut = (): Read[] => {
    const inOrder = [...byId.values()].sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
    const surplus = inOrder.splice(0, Math.max(0, inOrder.length - MOST_DECISIONS));
    for (const { id } of surplus) byId.delete(id);
    isCut ||= surplus.length > 0;
    return inOrder;
  };
  let cursor = LOG_START;
  for (;;) {
    const slice = await log.readKept(name, cursor, BATCH);
    for (const { decision } of slice.kept) {
      const { id, version, created } = decision;
      if ((since !== null && created < since) || (byId.get(id)?.version ?? 0) >= version) continue;
      byId.set(id, { id, version, at: created, what: loggedOf(decision, encoder) });
    }
    if (byId.size > 2 * MOST_DECISIONS) cut();
    if (slice.cursor === cursor) return { latest: cut(), isCut };
    cursor = slice.cursor;
    await pause();
  }
}
