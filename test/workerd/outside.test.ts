/** The gateway from outside, inside workerd: the Worker's app over Durable Objects, with a provider on a real port. */
import { inject } from 'vitest';
import { createWorkerApp, openWorker } from '../../src/worker.ts';
import { outsideSuite } from '../outside/suite.ts';
import { newObjects } from './objects.ts';

outsideSuite({
  provider: () => inject('provider'),
  async serve(yaml, server) {
    const deferred: Promise<unknown>[] = [];
    const text = `${yaml}\nserver: { secret: s, ${server} }\nstores: { state: durable-object }\n`;
    const worker = createWorkerApp(openWorker({ CONDUIT_CONFIG_TEXT: text, CONDUIT_STATE: newObjects() }), {
      secret: 's',
      fetch: (...asked) => fetch(...asked),
      defer: (work) => deferred.push(work),
    });
    return {
      url: 'https://conduit.example',
      fetch: (...asked) => answered(worker.fetch(new Request(...asked)), asked[1]?.signal),
      async close() {
        for (let work = deferred.splice(0); work.length > 0; work = deferred.splice(0)) await Promise.allSettled(work);
      },
    };
  },
});

/** As a client's `fetch` does, it is over for the client when it leaves. */
function answered(answer: Promise<Response>, signal: AbortSignal | null | undefined): Promise<Response> {
  if (!signal) return answer;
  return Promise.race([
    answer,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('This was aborted', 'AbortError')));
    }),
  ]);
}
