import { describe, expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createWebExchange } from '../../src/http/exchange-web.ts';
import { createGateway } from '../../src/http/gateway.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import type { StateStore } from '../../src/stores/ports.ts';
import type { Send } from '../../src/upstream/port.ts';
import { testRuntime } from '../routing/runtime.ts';
import { bytesOf } from '../support/cuts.ts';
import { piece } from '../support/fake-upstream.ts';
import { sha256Hex, simpleConfig } from '../support/gateway.ts';

const HELD = { pause: () => {}, resume: () => {}, cancel: () => {} };

/** An upstream that answers by itself, without any network. */
const answering: Send = (request, events) => {
  queueMicrotask(() => {
    if (JSON.parse(request.body as string).stream) {
      events.headers(200, { 'content-type': 'text/event-stream' });
      events.data(bytesOf(piece('Hi')));
      events.data(bytesOf(piece('', 'stop')));
    } else {
      events.headers(200, { 'content-type': 'application/json' });
      events.data(bytesOf('{"id":"c","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'));
    }
    events.end();
  });
  return HELD;
};

/** A gateway whose parts may be faulty, without any network. */
function gateway(parts: { send?: Send; state?: (store: StateStore) => StateStore; accepting?: () => boolean }) {
  const runtime = testRuntime();
  const loaded = loadConfig({ text: simpleConfig('http://upstream.invalid/v1'), env: {}, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const store = createMemoryStore({ now: runtime.now });
  const app = createApp(
    createGateway({
      config: loaded.config,
      runtime,
      state: parts.state?.(store) ?? store,
      send: parts.send ?? answering,
      openExchange: (context) => createWebExchange(context.req.raw),
      accepting: parts.accepting ?? (() => true),
      decisions: null,
      page: async () => new Map(),
      durable: null,
    }),
  );
  const ask = async (body: object = {}, headers: Record<string, string> = {}): Promise<Response> =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...body }),
    });
  return { app, runtime, ask };
}

describe('a fault of Conduit’s own', () => {
  test('before anything was sent is a 500 in OpenAI’s shape, and no request hangs', async () => {
    const { ask, runtime } = gateway({
      send: () => {
        throw new Error('a bug');
      },
    });
    for (const stream of [true, false]) {
      const response = await ask({ stream });
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'internal_error' } });
    }
    await runtime.settled();
    expect(runtime.logged.filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  test('at the second arm ends the request all the same', async () => {
    let calls = 0;
    const { ask, runtime } = gateway({
      send: (_request, events) => {
        if (++calls > 1) throw new Error('a bug');
        queueMicrotask(() => events.failed({ kind: 'connect', message: 'refused' }));
        return HELD;
      },
    });
    expect((await ask()).status).toBe(500);
    await runtime.settled();
  });
});

test('a gateway that is shutting down says so with a 503, is not ready any more, and still alive', async () => {
  let accepting = true;
  const { app, ask } = gateway({ accepting: () => accepting });
  expect((await app.request('/ready')).status).toBe(200);
  accepting = false;
  const response = await ask();
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'shutting_down' } });
  expect((await app.request('/ready')).status).toBe(503);
  expect((await app.request('/health')).status).toBe(200);
});

describe('a state store that fails or hangs', () => {
  const failing = (store: StateStore): StateStore =>
    Object.fromEntries(
      Object.keys(store).map((name) => [
        name,
        () => (name === 'watch' ? () => {} : Promise.reject(new Error('no store'))),
      ]),
    ) as unknown as StateStore;
  const hanging = (store: StateStore): StateStore =>
    Object.fromEntries(
      Object.keys(store).map((name) => [name, () => (name === 'watch' ? () => {} : new Promise(() => {}))]),
    ) as unknown as StateStore;
  const talk = {
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hi' },
      { role: 'user', content: 'And?' },
    ],
  };

  for (const [what, state] of Object.entries({ failing, hanging })) {
    test(`(${what}) neither fails nor holds up a completion, nor the feedback that comes with it`, async () => {
      const { ask } = gateway({ state });
      for (const stream of [true, false]) {
        for (const body of [{}, talk]) {
          const response = await ask({ ...body, stream }, { 'x-conduit-feedback': 'up' });
          expect(response.status).toBe(200);
          expect(await response.text()).toContain('Hi');
        }
      }
    });
  }
});

test('routes are found by one regular expression, which ambiguous ones among them would forbid: ten times as slowly', async () => {
  const { app, ask } = gateway({});
  await ask();
  expect(app.router.name).toBe('SmartRouter + RegExpRouter');
});
