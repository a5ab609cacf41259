/** Inside the real workerd: what passes through it as it comes, which the suite from outside has no form for. */
import { expect, test } from 'vitest';
import { createWorkerApp, openWorker } from '../../src/worker.ts';

const CONFIG = `
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models:
  - { id: fake/small, price: { input: 1, output: 2 } }
  - { id: fake/large, price: { input: 10, output: 20 } }
routers: { auto: { models: [fake/small, fake/large] } }
`;

test('other routes are passed through: an upload up as it comes, the answer down, and the model renamed', async () => {
  const deferred: Promise<unknown>[] = [];
  let sent = { url: '', type: '', text: '' };
  const upstream = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const text = await new Response(init?.body as ReadableStream).text();
    sent = { url: String(url), type: new Headers(init?.headers).get('content-type') ?? '', text };
    return Response.json({ text: 'Hello' }, { headers: { 'set-cookie': 'a=b', 'x-request-id': 'req_1' } });
  };
  const { app } = createWorkerApp(openWorker({ CONDUIT_CONFIG_TEXT: CONFIG }), {
    secret: 's',
    fetch: upstream,
    defer: (work) => deferred.push(work),
  });
  const form = new FormData();
  form.set('model', 'fake/large');
  form.set('file', new File(['x'.repeat(200_000)], 'a.mp3', { type: 'audio/mpeg' }));
  const response = await app.request('https://conduit.example/v1/audio/transcriptions?a=b', {
    method: 'POST',
    body: form,
  });
  expect(await response.json()).toEqual({ text: 'Hello' });
  expect(response.headers.get('x-conduit-model')).toBe('fake/large');
  expect(response.headers.get('x-request-id')).toBe('req_1');
  expect(response.headers.get('set-cookie')).toBeNull();
  expect(sent.url).toBe('https://upstream.example/v1/audio/transcriptions?a=b');
  const received = await new Response(sent.text, { headers: { 'content-type': sent.type } }).formData();
  expect(received.get('model')).toBe('large');
  expect((received.get('file') as unknown as File).size).toBe(200_000);
  const refused = await app.request('https://conduit.example/v1/responses', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"auto"}',
  });
  expect(refused.status).toBe(400);
  await Promise.all(deferred);
});
