/** `GET /v1/routers/{name}/report`: what other policies and preferences would have done, as the log tells. */
import type { Context } from 'hono';
import { type Asked, readAsked } from '../evaluate/asked.ts';
import { type ReportJson, reportJson } from '../evaluate/report-json.ts';
import { routerReport } from '../evaluate/router-report.ts';
import { createSignOfLife, type SignOfLife } from '../routing/sign-of-life.ts';
import { StoreUnavailable } from '../stores/ports.ts';
import { inTime } from '../within.ts';
import { ApiError, badRequest } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { learnerNamed } from './routers.ts';

const PARAMETERS = ['since', 'policy', 'usd_per_point', 'usd_per_request'];
/** For how long a report serves all who ask for it. */
const FRESH_MS = 30_000;
/** How long somebody waits for one. It goes on being made, for whoever asks again. */
const WAIT_MS = 15_000;
/** What ends with a request that is gone ends half a minute after its answer at the latest. */
const LOST_MS = 60_000;
/** Of one gateway: each asks differently. */
const MOST_KEPT = 16;

interface KeptReport {
  made: Promise<ReportJson>;
  /** Milliseconds since 1970; infinite while it is being made. */
  until: number;
}

interface Reports {
  /** By what was asked. */
  kept: Map<string, KeptReport>;
  /** Ends with the last report that was begun: one is made at a time, since each takes some seconds of this process. */
  turn: Promise<unknown>;
  /** Of the one that is being made. */
  life: SignOfLife;
}

/** A config that is followed makes another gateway, and with it other reports. */
const reportsOf = new WeakMap<Gateway, Reports>();

/** As `reportOf`; throws a 400 for a parameter that there is none of, too. */
export async function getReport(gateway: Gateway, name: string, context: Context): Promise<ReportJson> {
  const queries = context.req.queries();
  // Whoever asks for what there is none of would take the report for its answer.
  const unknown = Object.keys(queries).find((parameter) => !PARAMETERS.includes(parameter));
  if (unknown !== undefined)
    throw badRequest(`'${unknown}' is no parameter of a report. Allowed: ${PARAMETERS.join(', ')}.`, unknown);
  return await reportOf(gateway, name, queries);
}

/**
 * Throws a 404 for a router that there is none of, a 400 for a question that makes no sense, a 503 where the log cannot be read
 * or the report is not ready.
 */
export async function reportOf(
  gateway: Gateway,
  name: string,
  queries: Readonly<Record<string, string[]>> = {},
): Promise<ReportJson> {
  const { router, arms } = learnerNamed(gateway, name);
  const { now } = gateway.runtime;
  const query = (key: string): string[] => queries[key] ?? [];
  const asked = askedBy(query, now());
  const { decisions } = gateway;
  if (!decisions) throw new StoreUnavailable('this process has no log of decisions');

  let reports = reportsOf.get(gateway);
  if (!reports) {
    const life = createSignOfLife(gateway.runtime, LOST_MS);
    reports = { kept: new Map(), turn: Promise.resolve(), life };
    reportsOf.set(gateway, reports);
  }
  const { kept, life } = reports;
  if (life.isLost()) {
    reports.turn = Promise.resolve();
    for (const [other, { until }] of kept) if (!Number.isFinite(until)) kept.delete(other);
    life.give();
  }
  const key = JSON.stringify([name, ...PARAMETERS.map(query)]);
  for (const [other, { until }] of kept) if (until <= now()) kept.delete(other);
  const found = kept.get(key);
  if (found) return await inTime(found.made, WAIT_MS, notReady);

  if (kept.size >= MOST_KEPT) {
    const ready = [...kept].find(([, { until }]) => Number.isFinite(until));
    if (!ready) throw notReady();
    kept.delete(ready[0]);
  }
  const make = (): Promise<ReportJson> =>
    routerReport(decisions, router, arms, asked, () => pause().then(life.give)).then(reportJson);
  const report: KeptReport = { made: reports.turn.then(make, make), until: Number.POSITIVE_INFINITY };
  reports.turn = report.made;
  if (gateway.runtime.endsTimers) gateway.runtime.defer(report.made.catch(() => {}));
  kept.set(key, report);
  report.made.then(
    () => {
      report.until = now() + FRESH_MS;
    },
    // What failed is made anew for whoever asks next.
    () => kept.delete(key),
  );
  return await inTime(report.made, WAIT_MS, notReady);
}

/** Lets whatever else waits go first. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

const notReady = (): ApiError =>
  new ApiError({
    status: 503,
    message: 'The report is still being made; ask again.',
    code: 'report_not_ready',
    headers: { 'retry-after': '5' },
  });

function askedBy(query: (key: string) => string[], now: number): Asked {
  const read = readAsked(
    {
      since: query('since')[0],
      policy: query('policy'),
      usd_per_point: query('usd_per_point'),
      usd_per_request: query('usd_per_request'),
    },
    now,
  );
  if (!read.ok) throw badRequest(read.problem, read.field);
  return read.asked;
}
