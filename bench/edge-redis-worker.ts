/** A Worker that does what one request of a gateway asks of Redis, and nothing else. What it measures is what it waits. */
import { createHash } from 'node:crypto';
import { createEdgeRedis } from '../src/edge/redis.ts';
import { openScope, runInScope } from '../src/edge/scope.ts';
import { mergedDecisions } from '../src/routing/feedback.ts';
import { LOG_START } from '../src/stores/ports.ts';
import type { EdgeRedisStore } from '../src/stores/redis-edge.ts';
import { finished } from './finished.ts';

interface Environment {
  REDIS_URL: string;
}

let store: EdgeRedisStore | undefined;
let cursor = LOG_START;

export default {
  async fetch(request: Request, { REDIS_URL }: Environment, context: { waitUntil(work: Promise<unknown>): void }) {
    const kept = finished();
    if (!store) {
      store = createEdgeRedis({
        url: REDIS_URL,
        now: Date.now,
        clock: () => performance.now(),
        random: Math.random,
        sha256Hex: (text) => createHash('sha256').update(text).digest('hex'),
        keepMs: 25 * 60 * 60 * 1_000,
        drained: false,
        merge: mergedDecisions,
        notices: {
          trouble: (error) => console.log(error.message),
          recovered() {},
          unwritten() {},
          lost() {},
        },
      });
    }
    const state = store;
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      nothing: async () => {},
      // Follow-up that nobody here knows.
      'a look-up': () => state.lookUp(['talk:unknown', 'asked:unknown', 'session:unknown']),
      'two look-ups': async () => {
        await state.lookUp(['talk:unknown']);
        await state.lookUp(['talk:unknown']);
      },
      // What is behind one answer: the decision, two counters, and what the log has new.
      'all behind an answer': async () => {
        await Promise.all([state.remember(kept), state.add('usd', 0.001, 60_000), state.add('asked', 1, 60_000)]);
        const slice = await state.readSince('auto', cursor, 250);
        cursor = slice.cursor;
      },
    };
    const step = steps[decodeURIComponent(new URL(request.url).pathname.slice(1))] ?? (async () => {});
    const scope = openScope((work) => context.waitUntil(work));
    const began = performance.now();
    await runInScope(scope, step);
    return Response.json(performance.now() - began);
  },
};
