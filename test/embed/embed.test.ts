/** A gateway inside another program: what `createConduit` gives, asked with requests as any server would hand them in. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import OpenAI from 'openai';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Conduit,
  type ConduitConfig,
  type ConduitOptions,
  createConduit,
  InvalidConfig,
} from '../../src/embed.ts';
import { answer, type FakeUpstream, piece, type Script, startFakeUpstream, stream } from '../support/fake-upstream.ts';

interface Embedded {
  conduit: Conduit;
  upstream: FakeUpstream;
  config: ConduitConfig;
  logged: string[];
}

async function embed(
  script: Script = answer(),
  more: Partial<ConduitConfig> = {},
  options: ConduitOptions = {},
): Promise<Embedded> {
  const upstream = await startFakeUpstream(script);
  onTestFinished(() => upstream.close());
  const config: ConduitConfig = {
    providers: { fake: { base_url: upstream.url, api_key: '${FAKE_KEY}' } },
    models: [
      { id: 'fake/small', price: { input: 1, output: 2 } },
      { id: 'fake/large', price: { input: 4, output: 8 } },
    ],
    stores: { durable: 'none' },
    ...more,
  };
  const logged: string[] = [];
  const write = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: write, info: write, warn: write, error: write };
  const conduit = createConduit(config, { env: { FAKE_KEY: 'sk-of-the-provider' }, log, ...options });
  onTestFinished(() => conduit.close());
  return { conduit, upstream, config, logged };
}

const chat = (more: object = {}, init: RequestInit = {}): Request =>
  new Request('http://anything.example/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...more }),
    ...init,
  });

/** As a program would serve it: on a port, with the adapter of its choice. */
async function serve(listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const listenerOf = ({ fetch }: { fetch: (request: Request) => Response | Promise<Response> }) =>
  getRequestListener(fetch, { overrideGlobalObjects: false });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'conduit-embed-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('a conduit', () => {
  test('answers a completion, with the key that the environment given to it has', async () => {
    const { conduit, upstream } = await embed();
    const response = await conduit.fetch(chat());
    expect(response.status).toBe(200);
    expect(response.headers.get('x-conduit-model')).toMatch(/^fake\//);
    expect(await response.json()).toMatchObject({ object: 'chat.completion' });
    expect(upstream.received[0]?.headers.authorization).toBe('Bearer sk-of-the-provider');
  });

  test('serves feedback, decisions, models, metrics and the dashboard too', async () => {
    const { conduit } = await embed();
    const id = (await conduit.fetch(chat())).headers.get('x-conduit-decision');
    const get = (path: string): Promise<Response> => conduit.fetch(new Request(`http://x.example${path}`));
    const rated = await conduit.fetch(
      new Request('http://x.example/v1/feedback', {
        method: 'POST',
        body: JSON.stringify({ decision_id: id, signal: 'thumbs', value: 1 }),
      }),
    );
    expect(await rated.json()).toMatchObject({ decision_id: id });
    expect(await (await get(`/v1/decisions/${id}`)).json()).toMatchObject({ id });
    expect(await (await get('/v1/models')).json()).toMatchObject({ object: 'list' });
    expect(await (await get('/metrics')).text()).toContain('conduit_requests_total');
    expect((await get('/dashboard')).status).toBe(200);
  });

  test('opens nothing before the first request or `ready`', async () => {
    const inside = join(folder(), 'state');
    const { conduit } = await embed(answer(), { stores: { folder: inside } });
    expect(existsSync(inside)).toBe(false);
    await conduit.ready();
    expect(existsSync(join(inside, 'conduit.sqlite'))).toBe(true);
  });

  test('keeps what was learned and fed back for the next one in the same folder', async () => {
    const stores = { folder: join(folder(), 'state') };
    const first = await embed(answer(), { stores });
    const id = (await first.conduit.fetch(chat())).headers.get('x-conduit-decision');
    await first.conduit.close();
    const second = await embed(answer(), { stores });
    const decision = await second.conduit.fetch(new Request(`http://x.example/v1/decisions/${id}`));
    expect(await decision.json()).toMatchObject({ id, outcome: { kind: 'completed' } });
  });

  test('says in the log why it cannot be opened, answers 503 meanwhile, and opens once it can be', async () => {
    const inside = join(folder(), 'state');
    writeFileSync(inside, 'a file where the folder should be');
    const { conduit, logged } = await embed(answer(), { stores: { folder: inside } });
    const refused = await conduit.fetch(chat());
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'starting' } });
    await expect(conduit.ready()).rejects.toThrow(inside);
    expect(logged.filter((line) => line.includes('cannot be opened'))).toHaveLength(1);
    rmSync(inside);
    await expect.poll(async () => (await conduit.fetch(chat())).status, { timeout: 10_000 }).toBe(200);
  });

  test('is one of several in a process, each with what it has learned itself', async () => {
    const one = await embed(answer('from the first'));
    const other = await embed(answer('from the second'));
    const [first, second] = await Promise.all([one.conduit.fetch(chat()), other.conduit.fetch(chat())]);
    expect(await first.text()).toContain('from the first');
    expect(await second.text()).toContain('from the second');
    const seen = new Request(`http://x.example/v1/decisions/${first.headers.get('x-conduit-decision')}`);
    expect((await other.conduit.fetch(seen)).status).toBe(404);
  });

  test('rejects what is no request, and answers what it cannot read', async () => {
    const { conduit } = await embed();
    await expect(conduit.fetch('http://x.example/v1/models' as never)).rejects.toThrow('fetch takes a Request');
    await expect(conduit.fetch(undefined as never)).rejects.toThrow('fetch takes a Request');
    const read = chat();
    await read.text();
    const held = chat();
    held.body?.getReader();
    const passed = new Request('http://x.example/v1/files', {
      method: 'POST',
      body: new FormData(),
    });
    await passed.arrayBuffer();
    for (const request of [read, held, passed]) {
      const response = await conduit.fetch(request);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('was read before') } });
    }
  });

  test('says so to a server that has read the body before', async () => {
    const { conduit } = await embed();
    const listener = listenerOf(conduit);
    const url = await serve((incoming, outgoing) => {
      incoming.resume().once('end', () => void listener(incoming, outgoing));
    });
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: '{ "model": "auto" }' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('was read before') } });
  });

  test('touches nothing of the process that it is in', async () => {
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
    const before = { fetch: globalThis.fetch, Request: globalThis.Request, Response: globalThis.Response };
    const listeners = signals.map((signal) => process.listenerCount(signal));
    const { conduit } = await embed();
    await (await conduit.fetch(chat())).text();
    await conduit.close();
    expect({ fetch: globalThis.fetch, Request: globalThis.Request, Response: globalThis.Response }).toEqual(before);
    expect(signals.map((signal) => process.listenerCount(signal))).toEqual(listeners);
  });

  test('asks for a key where the config has keys, and warns where it has none', async () => {
    const closed = await embed(answer(), { keys: [{ name: 'web', key: 'sk-web' }] });
    expect((await closed.conduit.fetch(chat())).status).toBe(401);
    const withKey = chat({}, { headers: { authorization: 'Bearer sk-web' } });
    expect((await closed.conduit.fetch(withKey)).status).toBe(200);
    expect(closed.logged.join()).not.toContain('keys: none');
    const open = await embed();
    await open.conduit.ready();
    expect(open.logged.join()).toContain('whoever reaches the server that it is embedded in can use your providers');
  });
});

describe('a config that is not valid', () => {
  test('is refused at once, with every problem by its path, in the words of `conduit check`', () => {
    const wrong = { providers: {}, models: [{ id: 'nowhere/small', price: { input: '${PRICE}' } }], colour: 'blue' };
    const attempt = (): unknown => createConduit(wrong as never, { env: {} });
    expect(attempt).toThrow(InvalidConfig);
    let problems: InvalidConfig['problems'] = [];
    try {
      attempt();
    } catch (error) {
      ({ problems } = error as InvalidConfig);
    }
    expect(problems.map(({ path }) => path)).toEqual(expect.arrayContaining(['providers', 'colour']));
    expect(attempt).toThrow('models[0].price.input: the environment variable PRICE is not set');
  });

  test.each([null, undefined, 'conduit.yaml', []])('such as %j says what belongs there', (nothing) => {
    expect(() => createConduit(nothing as never)).toThrow('a mapping with providers and models');
  });
});

describe('a client that leaves', () => {
  test('by its signal has its upstream request closed', async () => {
    const { conduit, upstream } = await embed(stream([piece('on and on')], 'hang'));
    const leaving = new AbortController();
    const response = await conduit.fetch(chat({ stream: true }, { signal: leaving.signal }));
    await response.body?.getReader().read();
    leaving.abort();
    await upstream.received[0]?.hungUpAt;
  });

  test('by its signal reads no further: the rest of the answer fails with the signal’s reason', async () => {
    const { conduit } = await embed(stream([piece('on and on')], 'hang'));
    const leaving = new AbortController();
    const reader = (await conduit.fetch(chat({ stream: true }, { signal: leaving.signal }))).body?.getReader();
    await reader?.read();
    const rest = expect(reader?.read()).rejects.toThrow('enough');
    leaving.abort(new Error('enough'));
    await rest;
  });

  test('by its signal before anything came has its upstream request closed', async () => {
    const { conduit, upstream } = await embed(() => {});
    const leaving = new AbortController();
    const answered = conduit.fetch(chat({ stream: true }, { signal: leaving.signal }));
    await expect.poll(() => upstream.received.length).toBe(1);
    leaving.abort();
    await upstream.received[0]?.hungUpAt;
    expect((await answered).status).toBe(499);
  });

  test('by cancelling the answer’s stream has its upstream request closed', async () => {
    const { conduit, upstream } = await embed(stream([piece('on and on')], 'hang'));
    const response = await conduit.fetch(chat({ stream: true }));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await upstream.received[0]?.hungUpAt;
  });

  test('by its connection to the server around it has its upstream request closed', async () => {
    const { conduit, upstream } = await embed(stream([piece('on and on')], 'hang'));
    const url = await serve(listenerOf(conduit));
    const leaving = new AbortController();
    const body = JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Hi' }] });
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body, signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await upstream.received[0]?.hungUpAt;
  });
});

describe('another config', () => {
  test('counts from the next request on', async () => {
    const { conduit, config, upstream } = await embed();
    await conduit.fetch(chat());
    await conduit.reload({ ...config, models: [{ id: 'fake/newest', price: { input: 1, output: 1 } }] });
    await conduit.fetch(chat());
    expect(upstream.received.at(-1)?.body.model).toBe('newest');
  });

  test('that is not valid changes nothing', async () => {
    const { conduit, config } = await embed();
    await expect(conduit.reload({ ...config, models: [] })).rejects.toThrow(InvalidConfig);
    expect((await conduit.fetch(chat())).status).toBe(200);
  });

  test('is taken over in the order in which it came, however many come at once', async () => {
    const { conduit, config, upstream } = await embed();
    await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        conduit.reload({ ...config, models: [{ id: `fake/${name}`, price: { input: 1, output: 1 } }] }),
      ),
    );
    await conduit.fetch(chat());
    expect(upstream.received.at(-1)?.body.model).toBe('three');
  });

  test('of which a part needs a restart is logged by path, but for what means nothing where it is embedded', async () => {
    const { conduit, config, logged } = await embed();
    await conduit.reload({ ...config, server: { port: 9_999, workers: 4, secret: 'another' } });
    expect(logged.filter((line) => line.startsWith('config changed'))).toEqual([
      'config changed where only a restart takes it over {"path":"server.secret"}',
    ]);
  });
});

describe('close', () => {
  test('lets an answer in flight finish, and takes no more requests', async () => {
    let finish = (): void => {};
    const { conduit } = await embed((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('first'));
      finish = () => void response.end(`${piece(' and last')}data: [DONE]\n\n`);
    });
    const response = await conduit.fetch(chat({ stream: true }));
    const closed = conduit.close();
    const refused = await conduit.fetch(chat());
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } });
    finish();
    expect(await response.text()).toContain('[DONE]');
    await closed;
  });

  test('waits for a whole answer that has not begun yet', async () => {
    let finish = (): void => {};
    const { conduit, upstream } = await embed((response, received) => {
      finish = () => void answer('at last')(response, received);
    });
    const answered = conduit.fetch(chat());
    await expect.poll(() => upstream.received.length).toBe(1);
    const closed = conduit.close();
    finish();
    expect(await (await answered).text()).toContain('at last');
    await closed;
  });

  test('cuts off what goes on for longer than it waits, and its upstream request', async () => {
    const options = { drainMs: 50 };
    const { conduit, upstream, logged } = await embed(stream([piece('on and on')], 'hang'), {}, options);
    const reader = (await conduit.fetch(chat({ stream: true }))).body?.getReader();
    await reader?.read();
    const cut = expect(reader?.read()).rejects.toThrow('the gateway was closed');
    await conduit.close();
    await cut;
    await upstream.received[0]?.hungUpAt;
    expect(logged.join()).toContain('answers still in flight were cut off');
  });

  test('answers what has not begun by then as one that shuts down', async () => {
    const { conduit, upstream } = await embed(() => {}, {}, { drainMs: 50 });
    const answered = conduit.fetch(chat());
    await expect.poll(() => upstream.received.length).toBe(1);
    await conduit.close();
    expect((await answered).status).toBe(503);
    await upstream.received[0]?.hungUpAt;
  });

  test('is over at once where nothing was ever opened, and may be called again', async () => {
    const { conduit } = await embed();
    await Promise.all([conduit.close(), conduit.close()]);
    await expect(conduit.ready()).rejects.toThrow('closed');
    expect((await conduit.fetch(chat())).status).toBe(503);
  });

  test('ends a dashboard that is being watched', async () => {
    const { conduit } = await embed();
    const events = await conduit.fetch(new Request('http://x.example/dashboard/events?router=auto'));
    expect(events.headers.get('content-type')).toContain('text/event-stream');
    const text = events.text();
    await conduit.close();
    expect(await text).toContain('event: snapshot');
  });
});

describe('mounted below a path', () => {
  test('of a hono app it answers the official client', async () => {
    const { conduit } = await embed(answer('from below'));
    const app = new Hono().get('/', (context) => context.text('mine')).mount('/llm', conduit.fetch);
    const url = await serve(listenerOf(app));
    const client = new OpenAI({ baseURL: `${url}/llm/v1`, apiKey: 'none', maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const whole = await client.chat.completions.create({ model: 'auto', messages });
    expect(whole.choices[0]?.message.content).toBe('from below');
    let streamed = '';
    for await (const chunk of await client.chat.completions.create({ model: 'auto', messages, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    expect(streamed).toBe('from below');
    expect(await (await fetch(url)).text()).toBe('mine');
    expect((await fetch(`${url}/llm/dashboard`)).status).toBe(200);
  });
});
