/** Learning at the edge: apps over the same Durable Objects, each as an isolate of its own has it. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import { createWorkerApp, type OpenWorker, openWorker, secretOf } from '../../src/worker.ts';
import { newObjects } from './objects.ts';

const CONFIG = `
server: { secret: s }
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models:
  - { id: fake/good, price: { input: 1, output: 2 } }
  - { id: fake/bad, price: { input: 1, output: 2 } }
routers: { auto: { models: [fake/good, fake/bad], sticky: none } }
stores: { state: durable-object }
`;

const upstream = async (_url: unknown, init?: RequestInit): Promise<Response> => {
  const { model } = (await new Response(init?.body).json()) as { model: string };
  const message = { role: 'assistant', content: `This is ${model}.` };
  return Response.json({
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
};

const openOver = (objects: StateObjects, config = CONFIG): OpenWorker =>
  openWorker({ CONDUIT_CONFIG_TEXT: config, CONDUIT_STATE: objects });

/** An isolate that starts, with its work behind answers. */
function newIsolate(objects: StateObjects, open = openOver(objects), secret = 's') {
  const deferred: Promise<unknown>[] = [];
  const { fetch } = createWorkerApp(open, {
    secret,
    fetch: upstream as typeof globalThis.fetch,
    defer: (work) => deferred.push(work),
  });
  const call = async (path: string, body?: object) =>
    fetch(
      new Request(`https://conduit.example/v1/${path}`, {
        method: body ? 'POST' : 'GET',
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    );
  const settled = async (): Promise<void> => {
    for (let work = deferred.splice(0); work.length > 0; work = deferred.splice(0)) await Promise.all(work);
  };
  return {
    settled,
    /** Gives the decision's id and who answered. */
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

test('what one isolate has learned the next one knows with its first request, and goes by', async () => {
  const objects = newObjects();
  const first = newIsolate(objects);
  const answers = [];
  for (let i = 0; i < 40; i++) answers.push(await first.ask(question(i)));
  for (const { id, model } of answers) {
    expect(await first.rate(id, model === 'fake/good' ? 1 : 0)).toMatchObject({ status: 'recorded' });
  }
  await first.settled();
  expect((await first.router()).labels).toBe(40);

  // From the log alone, and then from the snapshot that the object has made of it.
  expect((await newIsolate(objects).router()).labels).toBe(40);
  expect(await runDurableObjectAlarm(objects.getByName('router:auto'))).toBe(true);
  await evictDurableObject(objects.getByName('router:auto'));
  const next = newIsolate(objects);
  expect((await next.router()).labels).toBe(40);
  let good = 0;
  for (let i = 0; i < 40; i++) if ((await next.ask(question(100 + i))).model === 'fake/good') good++;
  await next.settled();
  expect(good).toBeGreaterThan(28);
}, 15_000);

test('an answer of one isolate is rated, followed up and explained by another', async () => {
  const objects = newObjects();
  const [one, other] = [newIsolate(objects), newIsolate(objects)];
  const { id, text } = await one.ask(question(1));
  await one.settled();
  expect(await other.rate(id, 1)).toMatchObject({ status: 'recorded' });
  expect((await one.decision(id)).reward).toBe(1);
  const going = await other.ask([...question(1), { role: 'assistant', content: text }, ...question(2)]);
  await other.settled();
  expect((await one.decision(going.id)).conversation.turn).toBe(1);
  expect((await other.report()).status).toBe(200);
});

test('without a secret in the config isolates agree on one, and know each other’s conversations', async () => {
  const objects = newObjects();
  const start = async () => {
    const open = openOver(objects, CONFIG.replace('server: { secret: s }', ''));
    const secret = await secretOf(open);
    return { secret, isolate: newIsolate(objects, open, secret) };
  };
  const [one, other] = await Promise.all([start(), start()]);
  expect(one.secret).toMatch(/^[0-9a-f]{64}$/);
  const { text } = await one.isolate.ask(question(1));
  await one.isolate.settled();
  const { id } = await other.isolate.ask([...question(1), { role: 'assistant', content: text }, ...question(2)]);
  await other.isolate.settled();
  expect((await one.isolate.decision(id)).conversation.turn).toBe(1);
});

test('what others learn meanwhile is known a little after a request', async () => {
  const objects = newObjects();
  const [one, other] = [newIsolate(objects), newIsolate(objects)];
  await other.router();
  const { id } = await one.ask(question(1));
  await one.settled();
  await one.rate(id, 1);
  await one.settled();
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await other.router();
  await other.settled();
  expect((await other.router()).labels).toBe(1);
}, 15_000);

test('without its objects an isolate still answers', async () => {
  const gone = async () => {
    throw new Error('the object is gone');
  };
  const objects = { getByName: () => new Proxy({}, { get: () => gone }) } as unknown as StateObjects;
  const isolate = newIsolate(objects);
  expect((await isolate.ask(question(1))).text).toMatch(/^This is /);
});

test('a Worker without the binding says what is missing', () => {
  expect(() => openWorker({ CONDUIT_CONFIG_TEXT: CONFIG })).toThrow(
    'stores.state: the Worker has no Durable Object (allowed: a binding CONDUIT_STATE of ConduitState)',
  );
});
