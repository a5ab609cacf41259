/** The Worker's own entry: what a request leaves to be done is done in that request. */
import { expect, test, vi } from 'vitest';
import worker, { createWorkerApp, openWorker } from '../../src/worker.ts';
import { newObjects, storeOver } from './objects.ts';

const CONFIG = `
server: { secret: s }
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models: [{ id: fake/small, price: { input: 1, output: 2 } }]
stores: { state: durable-object }
`;

test('of two requests at once each keeps its own decision, in its own time', async () => {
  const waiting: (() => void)[] = [];
  vi.stubGlobal('fetch', async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    const message = { role: 'assistant', content: 'Hello' };
    return Response.json({ id: 'chatcmpl-1', choices: [{ index: 0, message, finish_reason: 'stop' }] });
  });
  const objects = newObjects();
  const begin = (content: string) => {
    const deferred: Promise<unknown>[] = [];
    const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] });
    const request = new Request('https://conduit.example/v1/chat/completions', { method: 'POST', body });
    const environment = { CONDUIT_CONFIG_TEXT: CONFIG, CONDUIT_STATE: objects };
    const answer = worker.fetch(request, environment, { waitUntil: (work) => deferred.push(work) });
    return { answer, deferred };
  };
  const one = begin('What is one?');
  const other = begin('What is two?');
  await expect.poll(() => waiting.length).toBe(2);
  const store = storeOver(objects);
  const keptBy = async ({ answer, deferred }: ReturnType<typeof begin>) => {
    const response = await answer;
    await response.text();
    for (let work = deferred.splice(0); work.length > 0; work = deferred.splice(0)) await Promise.all(work);
    return await store.recall(response.headers.get('x-conduit-decision') as string);
  };
  // The later one ends first, and what it has left is done though the earlier one goes on.
  waiting[1]?.();
  expect((await keptBy(other))?.outcome?.kind).toBe('completed');
  waiting[0]?.();
  expect((await keptBy(one))?.outcome?.kind).toBe('completed');
});

test('without a text in its variables the Worker goes by the config that is bundled', async () => {
  const environment = {
    CONDUIT_KEY: 'key-me',
    OPENAI_API_KEY: 'sk-o',
    CONDUIT_STATE: newObjects(),
  };
  const { app } = createWorkerApp(openWorker(environment), { secret: 's', fetch, defer: () => {} });
  const models = (key: string) => app.request('/v1/models', { headers: { authorization: `Bearer ${key}` } });
  expect((await models('another')).status).toBe(401);
  const { data } = (await (await models('key-me')).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(['auto', 'openai/gpt-5-mini', 'openai/gpt-5-nano']);
});
