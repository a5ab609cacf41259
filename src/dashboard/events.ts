/** What is told to a page that watches a router: everything first, then what changes, at most once a second. */
import type { SSEStreamingApi } from 'hono/streaming';
import type { Gateway } from '../http/gateway.ts';
import type { Learner } from '../routing/learner.ts';
import { followOn } from './follow-log.ts';
import type { RangeName } from './ranges.ts';
import { snapshotOf } from './snapshot.ts';
import { reportWhenDue, type Watched } from './watching.ts';

export interface Watcher {
  gateway: Gateway;
  learner: Learner;
  watched: Watched;
  range: RangeName;
  signedInAs: string | null;
  /** When the session ends, in milliseconds since 1970. */
  until: number;
}

/** Milliseconds between two looks at what is new, and for how long one request goes on with it: the page asks again then. */
const PACE = { turnMs: 1_000, endMs: 10 * 60_000, catchUpTurns: Number.POSITIVE_INFINITY };
/** Where each look is a request of its own that is counted, fifty of which a request may make. */
const EDGE_PACE = { turnMs: 3_000, endMs: 45_000, catchUpTurns: 4 };
/** What keeps a silent connection from being taken for dead. */
const COMMENT_MS = 15_000;
/** All of it again: labels are worth something else by then, and who has missed something has it. */
const WHOLE_MS = 60_000;
/** A client that takes nothing for so long is not waited for. */
const STALLED_MS = 30_000;
/** What the page waits before it asks again. */
const RETRY_MS = 1_000;

/** Ends with the client, the session, the config, the process or its time. Never rejects. */
export async function sendEvents(stream: SSEStreamingApi, watcher: Watcher): Promise<void> {
  const { gateway, learner, watched } = watcher;
  const { runtime, decisions } = gateway;
  const { clock, now } = runtime;
  const pace = runtime.endsTimers ? EDGE_PACE : PACE;
  const startedAt = clock();
  let since = 0;
  /** What the page was told of last. */
  let shown = watched.followed.activity;
  let wholeAt = Number.NEGATIVE_INFINITY;
  let saidAt = startedAt;
  let said = '';
  let reportAt = 0;
  let trouble: string | null = null;

  let wake = (): void => {};
  stream.onAbort(() => wake());
  const send = async (event: string, data: string): Promise<void> => {
    saidAt = clock();
    await inTime(stream, stream.writeSSE({ event, data, retry: RETRY_MS }));
  };
  for (let turn = 0; !stream.aborted; turn++) {
    try {
      if (decisions) await followOn(watched.followed, decisions, learner.router.name, runtime);
      if (turn % pace.catchUpTurns === 0 && runtime.endsTimers) await learner.catchUp();
      trouble = decisions ? null : 'This process has no log of decisions.';
    } catch (error) {
      runtime.log.debug({ err: error }, 'the dashboard cannot read the log');
      trouble = 'The log of decisions cannot be read now; it is tried again.';
    }
    if (stream.aborted) return;
    if (now() >= watcher.until) return await send('signed-out', '{}');
    if (!gateway.isCurrent() || !gateway.accepting()) return;

    const { activity } = watched.followed;
    const { changes } = activity;
    // Begun anew, it has less than the page was told of.
    const isWhole = activity !== shown || clock() - wholeAt >= WHOLE_MS;
    shown = activity;
    const told = snapshotOf({ ...watcher, followed: watched.followed, trouble }, isWhole ? 0 : since, now());
    const standing = JSON.stringify({ ...told, now: 0, activity: { ...told.activity, points: [], decisions: [] } });
    const isNews = changes !== since || standing !== said;
    if (isWhole || isNews) await send(isWhole ? 'snapshot' : 'change', JSON.stringify(told));
    if (isWhole) wholeAt = clock();
    since = changes;
    said = standing;

    reportWhenDue(gateway, learner.router.name, watched);
    const { report } = watched;
    if (report.at !== reportAt) {
      reportAt = report.at;
      await send('report', JSON.stringify(report.json && { at: report.at, report: report.json }));
    }
    if (clock() - saidAt >= COMMENT_MS) {
      saidAt = clock();
      await inTime(stream, stream.write(': still here\n\n'));
    }
    // Another request may ask anew as often as one may.
    if (clock() - startedAt >= pace.endMs || (trouble !== null && runtime.endsTimers)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pace.turnMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function inTime(stream: SSEStreamingApi, written: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => stream.abort(), STALLED_MS);
  try {
    await written;
  } finally {
    clearTimeout(timer);
  }
}
