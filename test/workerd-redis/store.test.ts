/** The store in Redis from inside the real workerd: it does what every state store must do. */
import { describe } from 'vitest';
import { hotStoreSuite } from '../stores/hot-store-suite.ts';
import { stateStoreSuite } from '../stores/state-store-suite.ts';
import { createAtEdge, request, within } from '../support/edge-redis-store.ts';
import { NO_REDIS, tell, URL_OF_REDIS } from './server.ts';

describe.skipIf(NO_REDIS)(`the store in Redis at the edge${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  // By the server's clock, which nobody moves.
  const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms + 5));

  stateStoreSuite({
    name: 'in Redis, each call in a request of its own',
    async create({ now }) {
      await tell('flush');
      return { store: within(createAtEdge(URL_OF_REDIS, { now }).store), pass };
    },
  });

  stateStoreSuite({
    name: 'in Redis, all calls in one request',
    async create({ now }) {
      await tell('flush');
      const { scope, ended } = request();
      return { store: within(createAtEdge(URL_OF_REDIS, { now }).store, () => scope), pass, close: ended };
    },
  });

  hotStoreSuite({
    name: 'in Redis, each call in a request of its own',
    async create() {
      await tell('flush');
      const open = () => within(createAtEdge(URL_OF_REDIS).store);
      return {
        store: open(),
        other: open(),
        async emptied() {
          await tell('flush');
          return open();
        },
      };
    },
  });
});
