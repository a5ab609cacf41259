/** Inside the real workerd: the same app answers there. */
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { createWorkerApp, openWorker } from '../../src/worker.ts';

const CONFIG = `
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models:
  - { id: fake/small, price: { input: 1, output: 2 } }
  - { id: fake/large, price: { input: 10, output: 20 } }
routers: { auto: { models: [fake/small, fake/large] } }
`;

const event = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** An app whose upstream streams these pieces, and the official client in front of it. */
function startApp(pieces: readonly string[], then: 'end' | 'cut' | 'hang' = 'end') {
  const deferred: Promise<unknown>[] = [];
  const seen: { url: string; authorization: string | null; cancelled: boolean } = {
    url: '',
    authorization: null,
    cancelled: false,
  };
  const upstream = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    seen.url = String(url);
    seen.authorization = new Headers(init?.headers).get('authorization');
    init?.signal?.addEventListener('abort', () => {
      seen.cancelled = true;
    });
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const piece of pieces) {
          controller.enqueue(encoder.encode(piece));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        if (then === 'end') controller.close();
        if (then === 'cut') controller.error(new Error('connection reset'));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  const { app } = createWorkerApp(openWorker({ CONDUIT_CONFIG_TEXT: CONFIG }), {
    secret: 's',
    fetch: upstream,
    defer: (work) => deferred.push(work),
  });
  const client = new OpenAI({
    baseURL: 'https://conduit.example/v1',
    apiKey: 'none',
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
    fetch: async (url, init) => app.fetch(new Request(url as string, init as RequestInit)),
  });
  const ask = () =>
    client.chat.completions
      .create({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Hi' }] })
      .withResponse();
  const decision = async (id: string | null) =>
    (await app.request(`/v1/decisions/${id}`)).json() as Promise<{
      outcome: { kind: string; completion_tokens: number };
      reward: number | null;
    }>;
  return { app, ask, decision, seen, settled: () => Promise.all(deferred) };
}

describe('inside workerd', () => {
  test('a streamed completion arrives whole and is learned from', async () => {
    const usage = `data: ${JSON.stringify({ id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\n`;
    const { app, ask, decision, seen, settled } = startApp([
      event({ content: 'Hello ' }),
      event({ content: 'edge' }),
      event({}, 'stop'),
      usage,
      'data: [DONE]\n\n',
    ]);
    const { data, response } = await ask();
    let text = '';
    const chunks = [];
    for await (const chunk of data) {
      chunks.push(chunk);
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(text).toBe('Hello edge');
    expect(chunks.some((chunk) => chunk.usage)).toBe(false);
    expect(seen).toMatchObject({
      url: 'https://upstream.example/v1/chat/completions',
      authorization: 'Bearer sk-provider',
    });
    await settled();
    const id = response.headers.get('x-conduit-decision');
    expect((await decision(id)).outcome).toMatchObject({ kind: 'completed', completion_tokens: 2 });
    const feedback = await app.request('/v1/feedback', {
      method: 'POST',
      body: JSON.stringify({ decision_id: id, signal: 'thumbs', value: 1 }),
    });
    expect(await feedback.json()).toMatchObject({ status: 'recorded', reward: 1 });
    const router = (await (await app.request('/v1/routers/auto')).json()) as { labels: number };
    expect(router.labels).toBe(1);
  });

  test('a stream that the upstream cuts off never looks whole', async () => {
    const { ask } = startApp([event({ content: 'Half an ans' })], 'cut');
    const { data } = await ask();
    await expect(async () => {
      for await (const _ of data);
    }).rejects.toThrow(/broke off/);
  });

  test('a client that leaves in mid-stream cancels the upstream request', async () => {
    const { ask, decision, seen, settled } = startApp([event({ content: 'On and on' })], 'hang');
    const { data, response } = await ask();
    for await (const _ of data) break;
    await expect.poll(() => seen.cancelled).toBe(true);
    await settled();
    expect((await decision(response.headers.get('x-conduit-decision'))).outcome).toMatchObject({
      kind: 'client_abort',
    });
  });

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
});
