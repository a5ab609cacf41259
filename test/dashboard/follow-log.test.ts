/** What is shown of a router is what its log holds, also of one that has come back empty. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { noRatedSigns } from '../../src/bandit/sign-sums.ts';
import { activityJson } from '../../src/dashboard/activity-json.ts';
import { followFromStart, followOn } from '../../src/dashboard/follow-log.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { type DecisionLog, LOG_START } from '../../src/stores/ports.ts';
import { finishedDecision } from '../stores/finished-decision.ts';
import { eventsOf } from '../support/dashboard.ts';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway } from '../support/gateway.ts';
import { NO_REDIS, startRedisServer } from '../support/redis-server.ts';

/** A log that can come back empty: cursors are of the epoch in which they were given. */
function logThatLoses(): DecisionLog & { add(decision: DecisionRecord): void; lose(): void } {
  let epoch = 1;
  let decisions: DecisionRecord[] = [];
  return {
    add: (decision) => void decisions.push(decision),
    lose() {
      epoch++;
      decisions = [];
    },
    async readKept(_log, cursor, limit) {
      const [ofEpoch, place] = cursor === LOG_START ? [epoch, 0] : (cursor.split('-').map(Number) as [number, number]);
      const isOther = ofEpoch !== epoch;
      const from = isOther ? 0 : place;
      const kept = decisions.slice(from, from + limit).map((decision) => ({ decision, names: [] }));
      const to = from + kept.length;
      return { kept, cursor: to === 0 && !isOther ? cursor : `${epoch}-${to}`, gap: isOther ? 'other' : null };
    },
  };
}

describe('what is shown after a store has come back empty', () => {
  test('is what its log has then, and nothing twice, of more decisions than are kept open too', async () => {
    const now = Date.now();
    const log = logThatLoses();
    const followed = followFromStart({ baseline: 'local/tiny', prices: new Map() });
    const readAll = async (): Promise<void> => {
      do await followOn(followed, log, 'auto', { now: () => now, clock: () => performance.now() });
      while (!followed.isWhole);
    };
    const shown = () =>
      activityJson(
        followed.activity,
        'hour',
        0,
        calibrate({ rated: noRatedSigns(), said: { good: 0, weight: 0 }, pairs: new Map() }),
        now,
      );
    const some = Array.from({ length: 300 }, () => finishedDecision({ created: now - 60_000 }));
    for (const decision of some) log.add(decision);
    const one = finishedDecision({ created: now - 1_000 });
    for (let i = 0; i < 50_000; i++)
      log.add({ ...one, id: one.id.slice(0, 16) + i.toString(16).padStart(20, '0'), created: now - 1_000 });
    await readAll();
    expect(shown().summary.requests).toBe(50_300);
    expect(followed.activity.open.size).toBe(50_000);

    log.lose();
    // Whoever sent them has these still.
    for (const decision of some) log.add(decision);
    followed.readAt = Number.NEGATIVE_INFINITY;
    await readAll();
    expect(shown().summary.requests).toBe(300);
    expect(shown().decisions).toHaveLength(100);
    expect(followed.read).toBe(300);
  });

  test.skipIf(NO_REDIS)('is told to a page that is open, in the place of all that it was told', async () => {
    const upstream = await startFakeUpstream(answer('Hi'));
    onTestFinished(() => upstream.close());
    const redis = await startRedisServer();
    onTestFinished(() => redis.close());
    const rest = `server: { host: 127.0.0.1, port: 0, secret: shared }\nstores: { state: "${redis.url}", durable: none }`;
    const open = async () => {
      const gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest }));
      const ask = async (content: string): Promise<string> => {
        const body = { model: 'auto', messages: [{ role: 'user', content }] };
        const response = await gateway.post('/v1/chat/completions', body);
        await response.text();
        return response.headers.get('x-conduit-decision') as string;
      };
      return { gateway, ask };
    };
    // What this one has sent nobody has any more once it has ended and Redis has lost it.
    const gone = await open();
    for (let i = 0; i < 50; i++) await gone.ask(`Where is Rome, and where ${i}?`);
    await gone.gateway.close();
    const { gateway, ask } = await open();
    onTestFinished(() => gateway.close());
    const here = await ask('What is a prime number?');

    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const response = await fetch(`${gateway.url}/dashboard/events`, { signal: leaving.signal });
    const events = eventsOf(response, () => leaving.abort());
    let requests = 0;
    for (let isReported = false; !isReported || requests < 51; ) {
      const told = await events.nextOf(['snapshot', 'change', 'report']);
      if ('activity' in told) requests = told.activity.summary.requests;
      else isReported = true;
    }

    await redis.client.flushall();
    const later = await ask('Write me a limerick about tea.');
    let told = await events.next('snapshot');
    expect(await events.next('report')).toBeNull();
    const ids = told.activity.decisions.map(({ id }) => id);
    while (told.activity.summary.requests < 2) {
      told = await events.nextOf(['change', 'snapshot']);
      ids.push(...told.activity.decisions.map(({ id }) => id));
    }
    expect(new Set(ids)).toEqual(new Set([here, later]));
  });
});
