/** The store in Redis from inside the real workerd: it does what every state store must do. */
import { describe } from 'vitest';
import { hotStoreSuite } from '../stores/hot-store-suite.ts';
import { stateStoreSuite } from '../stores/state-store-suite.ts';
import { NO_REDIS, tell } from './server.ts';
import { create, request, within } from './store.ts';

describe.skipIf(NO_REDIS)(`the store in Redis at the edge${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  // By the server's clock, which nobody moves.
  const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms + 5));

  stateStoreSuite({
    name: 'in Redis, each call in a request of its own',
    async create({ now }) {
      await tell('flush');
      return { store: within(create({ now }).store, () => request().scope), pass };
    },
  });

  stateStoreSuite({
    name: 'in Redis, all calls in one request',
    async create({ now }) {
      await tell('flush');
      const { scope, ended } = request();
      return { store: within(create({ now }).store, () => scope), pass, close: ended };
    },
  });

  hotStoreSuite({
    name: 'in Redis, each call in a request of its own',
    async create() {
      await tell('flush');
      const open = () => within(create().store, () => request().scope);
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
