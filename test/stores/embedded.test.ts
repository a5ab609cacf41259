/** The embedded durable store with a real folder, and real processes that share it, are killed, or find it spoilt. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../src/stores/embedded.ts';
import { durableStoreSuite } from './durable-store-suite.ts';

durableStoreSuite({
  name: 'embedded',
  async create() {
    const folder = await mkdtemp(join(tmpdir(), 'conduit-embedded-'));
    let store = await openEmbeddedStore({ folder });
    return {
      store,
      async reopen() {
        await store.close();
        store = await openEmbeddedStore({ folder });
        return store;
      },
      async close() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
