/** The gateway from outside, on Node: over real connections to a port. */
import { afterAll, beforeAll } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { type RunningProvider, startProvider } from './provider.ts';
import { outsideSuite } from './suite.ts';

let provider: RunningProvider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.close());

outsideSuite({
  provider: () => provider.urls,
  async serve(yaml, server) {
    const { url, close } = await startTestGateway(`${yaml}\nserver: { host: 127.0.0.1, port: 0, ${server} }`);
    return { url, close, fetch: (...asked) => fetch(...asked) };
  },
});
