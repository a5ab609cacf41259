/** The gateway over Redis inside workerd: apps that share one, each as an isolate of its own has it, each call a request. */
import { beforeEach, describe, expect, test } from 'vitest';
import { currentScope, runInScope } from '../../src/edge/scope.ts';
import { createWorkerApp, openWorker, type WorkerApp } from '../../src/worker.ts';
import { request } from '../support/edge-redis-store.ts';
import { NO_REDIS, tell, URL_OF_REDIS } from './server.ts';

const CONFIG = `
server: { secret: s }
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models:
  - { id: fake/good, price: { input: 1, output: 2 } }
  - { id: fake/bad, price: { input: 1, output: 2 } }
routers: { auto: { models: [fake/good, fake/bad], sticky: none } }
stores: { state: "\${REDIS_URL}" }
`;

const upstream = async (_url: unknown, init?: RequestInit): Promise<Response> => {
  const { model } = (await new Response(init?.body).json()) as { model: string };
  return Response.json({
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: `This is ${model}.` }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
};

/** An isolate that starts, with its work behind answers. */
function newIsolate() {
  const ends: (() => Promise<void>)[] = [];
  // In its first request, as an isolate makes it.
  let worker: WorkerApp | undefined;
  const start = (): WorkerApp =>
    createWorkerApp(openWorker({ CONDUIT_CONFIG_TEXT: CONFIG, REDIS_URL: URL_OF_REDIS }), {
      secret: 's',
      fetch: upstream as typeof globalThis.fetch,
      defer: (work) => currentScope()?.waitUntil(work),
    });
  const call = (path: string, body?: object) => {
    const { scope, ended } = request();
    ends.push(ended);
    return runInScope(scope, () => {
      worker ??= start();
      return worker.fetch(
        new Request(`https://conduit.example/v1/${path}`, {
          method: body ? 'POST' : 'GET',
          ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }),
      );
    });
  };
  return {
    async settled() {
      for (let end = ends.shift(); end; end = ends.shift()) await end();
    },
    async ask(messages: readonly object[]) {
      const response = await call('chat/completions', { model: 'auto', messages });
      expect(response.status).toBe(200);
      const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
      return {
        id: response.headers.get('x-conduit-decision') as string,
        model: response.headers.get('x-conduit-model') as string,
        text: choices[0]?.message.content as string,
      };
    },
    rate: async (id: string, value: number) =>
      (await call('feedback', { decision_id: id, signal: 'thumbs', value })).json() as Promise<{ status: string }>,
    decision: async (id: string) =>
      (await call(`decisions/${id}`)).json() as Promise<{ reward: number | null; conversation: { turn: number } }>,
    router: async () => (await call('routers/auto')).json() as Promise<{ decisions: number; labels: number }>,
    report: async () => call('routers/auto/report'),
  };
}

const question = (i: number) => [{ role: 'user', content: `What is number ${i} called?` }];

describe.skipIf(NO_REDIS)(`a gateway at the edge over Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  beforeEach(() => tell('flush'));

  test('what one isolate has learned the next one knows with its first request, and goes by', async () => {
    const first = newIsolate();
    const answers = [];
    for (let i = 0; i < 40; i++) answers.push(await first.ask(question(i)));
    for (const { id, model } of answers) {
      expect(await first.rate(id, model === 'fake/good' ? 1 : 0)).toMatchObject({ status: 'recorded' });
    }
    await first.settled();
    expect((await first.router()).labels).toBe(40);
    const next = newIsolate();
    expect((await next.router()).labels).toBe(40);
    let good = 0;
    for (let i = 0; i < 40; i++) if ((await next.ask(question(100 + i))).model === 'fake/good') good++;
    await next.settled();
    expect(good).toBeGreaterThan(28);
  });

  test('an answer of one isolate is rated, followed up and explained by another', async () => {
    const [one, other] = [newIsolate(), newIsolate()];
    const { id, text } = await one.ask(question(1));
    await one.settled();
    expect(await other.rate(id, 1)).toMatchObject({ status: 'recorded' });
    expect((await one.decision(id)).reward).toBe(1);
    const going = await other.ask([...question(1), { role: 'assistant', content: text }, ...question(2)]);
    await other.settled();
    expect((await one.decision(going.id)).conversation.turn).toBe(1);
    expect((await other.report()).status).toBe(200);
  });

  test('while Redis is away answers are given, and rated once it is back', async () => {
    const isolate = newIsolate();
    await isolate.ask(question(1));
    await isolate.settled();
    const before = await tell<number>('clients');
    await tell('kill');
    const kept = [];
    try {
      for (let i = 0; i < 3; i++) kept.push(await isolate.ask(question(2 + i)));
    } finally {
      await tell('start');
    }
    await isolate.settled();
    const other = newIsolate();
    for (const { id } of kept) expect(await other.rate(id, 1)).toMatchObject({ status: 'recorded' });
    await other.settled();
    await expect.poll(() => tell<number>('clients'), { timeout: 5_000 }).toBe(before);
  });
});
