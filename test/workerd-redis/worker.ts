/** A Worker with nothing but the store: real requests, one after another and at once, on one isolate. */
import { openScope, runInScope } from '../../src/edge/scope.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { createAtEdge, type Told } from '../support/edge-redis-store.ts';
import { URL_OF_REDIS } from './server.ts';

let made: ReturnType<typeof createAtEdge> | undefined;

/** What the isolate's operator was told so far. */
export const toldOf = (): Told | undefined => made?.told;

export default {
  fetch(request: Request, _environment: unknown, context: { waitUntil(work: Promise<unknown>): void }) {
    made ??= createAtEdge(URL_OF_REDIS);
    const { store } = made;
    const scope = openScope((work) => context.waitUntil(work));
    return runInScope(scope, async (): Promise<Response> => {
      const { pathname } = new URL(request.url);
      try {
        // Behind the answer, as a gateway keeps what it has decided.
        if (pathname === '/remember') {
          const decision = (await request.json()) as DecisionRecord;
          scope.waitUntil(store.remember({ decision, names: [`name:${decision.id}`] }));
          return Response.json(null);
        }
        if (pathname === '/count') return Response.json(await store.add('requests', 1, 60_000));
        if (pathname === '/look-up') return Response.json(await store.lookUp([await request.text()]));
        if (pathname === '/recall') return Response.json(await store.recall(await request.text()));
        return new Response(null, { status: 404 });
      } catch (error) {
        return new Response((error as Error).message, { status: 503 });
      }
    });
  },
};
