/** People behind a load balancer: who finds a gateway dead is sent to the other one, and feedback is sent until it is taken. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../dice.ts';

export interface Answered {
  id: string;
  /** By which gateway. */
  by: string;
}

export interface Tally {
  answered: Answered[];
  /** Answers that were no 200, by status, and requests that no gateway answered. */
  failures: Map<string, number>;
  /** Requests that were sent again since the process that had them was killed. */
  sentAgain: number;
  slowestMs: number;
  /** By decision, the value that was last answered with 200. */
  rated: Map<string, number>;
  feedbackSent: number;
  feedbackTaken: number;
  /** Feedback that was refused for now, by status. */
  refusals: Map<string, number>;
  /** Decisions that nobody knows: the process that made them was killed before anybody else could have heard of them. */
  unknown: Set<string>;
}

export const emptyTally = (): Tally => ({
  answered: [],
  failures: new Map(),
  sentAgain: 0,
  slowestMs: 0,
  rated: new Map(),
  feedbackSent: 0,
  feedbackTaken: 0,
  refusals: new Map(),
  unknown: new Set(),
});

export interface Clients {
  gateways: readonly { url: string; isUp(): boolean }[];
  dice: Dice;
  tally: Tally;
}

const TOPICS = [
  'an invoice',
  'a poem on rain',
  'a regular expression',
  'the roots of x² − 5x + 6',
  'a letter to a landlord',
];
/** A load balancer tries for about so long. */
const TRY_MS = 10_000;
/** Longer than any of the outages here. */
const FEEDBACK_MS = 60_000;
/** What a load balancer waits before it asks the next one. */
const AGAIN_MS = 20;

const count = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};

export async function ask({ gateways, dice, tally }: Clients, n: number): Promise<string | null> {
  const started = performance.now();
  const body = JSON.stringify({
    model: 'auto',
    messages: [{ role: 'user', content: `Write ${TOPICS[n % TOPICS.length]}, please. (${n})` }],
  });
  let first = dice.whole(0, gateways.length - 1);
  while (performance.now() - started < TRY_MS) {
    const gateway = gateways[first++ % gateways.length] as Clients['gateways'][number];
    if (!gateway.isUp()) {
      await sleep(AGAIN_MS);
      continue;
    }
    try {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body });
      await response.arrayBuffer();
      tally.slowestMs = Math.max(tally.slowestMs, performance.now() - started);
      if (response.status !== 200) {
        count(tally.failures, String(response.status));
        return null;
      }
      const id = response.headers.get('x-conduit-decision') as string;
      tally.answered.push({ id, by: gateway.url });
      return id;
    } catch {
      // Killed with the request in it: the other one is asked.
      tally.sentAgain++;
      await sleep(AGAIN_MS);
    }
  }
  count(tally.failures, 'nobody answered');
  return null;
}

/** Sends the same feedback until it is taken, wherever. */
export async function rate({ gateways, dice, tally }: Clients, id: string, value: number): Promise<void> {
  const until = performance.now() + FEEDBACK_MS;
  const key = `${id}-${dice.whole(0, 1e9)}`;
  const body = JSON.stringify({ decision_id: id, signal: 'score', value, idempotency_key: key });
  tally.feedbackSent++;
  let waitMs = 50;
  let lastStatus = 'no answer';
  while (performance.now() < until) {
    const gateway = gateways[dice.whole(0, gateways.length - 1)] as Clients['gateways'][number];
    try {
      const response = await fetch(`${gateway.url}/v1/feedback`, { method: 'POST', body });
      await response.arrayBuffer();
      if (response.status === 200) {
        tally.rated.set(id, value);
        tally.feedbackTaken++;
        return;
      }
      lastStatus = String(response.status);
      count(tally.refusals, lastStatus);
    } catch {
      count(tally.refusals, 'no answer');
    }
    await sleep(waitMs);
    waitMs = Math.min(1_000, waitMs * 2);
  }
  if (lastStatus === '404') tally.unknown.add(id);
}
