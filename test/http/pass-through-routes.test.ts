/** Every other `/v1/*` route, as the official client and a team's security review see it. */
import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { decisionOf, startTestGateway, type TestGateway } from '../support/gateway.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

interface RawUpstream {
  url: string;
  /** What answers from now on. */
  answer: (handler: Handler) => void;
  /** The requests that have come, the latest last. */
  requests: IncomingMessage[];
  close(): Promise<void>;
}

/** A provider of whatever a test says, which reads nothing by itself. */
async function startRawUpstream(): Promise<RawUpstream> {
  const requests: IncomingMessage[] = [];
  let handler: Handler = (_, response) => response.end();
  const server = createServer(async (request, response) => {
    requests.push(request);
    request.on('error', () => {});
    await handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (next) => {
      handler = next;
    },
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const json = (response: ServerResponse, body: unknown, status = 200, headers = {}): unknown =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** Remembers each body, and answers it with this. */
const keeping =
  (bodies: Buffer[], answer: Handler): Handler =>
  async (request, response) => {
    bodies.push(await bytesOf(request));
    await answer(request, response);
  };

const config = (first: string, second: string): string => `
providers:
  first: { base_url: "${first}/v1", api_key: sk-first-secret }
  second: { base_url: "${second}/api/v1", api_key: [sk-second-a, sk-second-b] }
  own: { base_url: "${second}/own/v1", api_key: passthrough }
models:
  - { id: first/embed, upstream: text-embedding-3-small, price: { input: 2, output: 0 }, timeouts: { first_byte_ms: 400, idle_ms: 400 } }
  - { id: first/chat, upstream: gpt-big, price: { input: 1, cached_input: 0.5, output: 4 } }
  - { id: second/whisper, price: { input: 0, output: 0, request: 0.25 } }
routers: { auto: { models: [first/chat], answers_to: [gpt-4o] } }
keys:
  - { name: all, key: key-all, admin: true, routes: ["*"] }
  - { name: web, key: key-web, models: ["first/*"] }
  - { name: wide, key: key-wide, models: ["first/embed"], routes: ["*"] }
  - { name: poor, key: key-poor, routes: ["*"], usd_per_day: 0.3 }
server: { host: 127.0.0.1, port: 0, max_body_bytes: 100000 }
log: { requests: true }
`;

describe('a route that is passed through', () => {
  let first: RawUpstream;
  let second: RawUpstream;
  let gateway: TestGateway;
  let client: OpenAI;

  beforeAll(async () => {
    first = await startRawUpstream();
    second = await startRawUpstream();
    gateway = await startTestGateway(config(first.url, second.url), { key: 'key-all' });
    client = gateway.client;
  });
  afterAll(async () => {
    await gateway.close();
    await first.close();
    await second.close();
  });
  afterEach(() => {
    first.answer((_, response) => response.end());
    second.answer((_, response) => response.end());
  });

  const ask = (path: string, init: RequestInit & { key?: string } = {}): Promise<Response> => {
    const { key = 'key-all', ...rest } = init;
    const headers = { authorization: `Bearer ${key}`, ...(rest.headers as Record<string, string>) };
    return fetch(gateway.url + path, { ...rest, headers });
  };
  const askJson = (
    path: string,
    body: unknown,
    more: { key?: string; headers?: object | undefined } = {},
  ): Promise<Response> =>
    ask(path, {
      method: 'POST',
      ...more,
      headers: { 'content-type': 'application/json', ...more.headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const errorOf = async (
    response: Response,
  ): Promise<{ status: number; code: string; message: string; param?: string }> => ({
    status: response.status,
    ...((await response.json()) as { error: { code: string; message: string } }).error,
  });

  /** A request whose bytes are the test's own, on a connection of its own; gives what came back. */
  const raw = (head: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      const socket = connect(Number(port), hostname, () => {
        socket.write(`${head}\r\nhost: x\r\nauthorization: Bearer key-all\r\nconnection: close\r\n\r\n`);
      });
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text)).on('error', reject);
    });

  describe('with JSON', () => {
    test('is embeddings: the model gets its upstream name, every other byte stays, usage is priced', async () => {
      const bodies: Buffer[] = [];
      const answer = { object: 'list', data: [], usage: { prompt_tokens: 500_000, total_tokens: 500_000 } };
      first.answer(keeping(bodies, (_, response) => json(response, answer)));
      const { data, response } = await client.embeddings
        .create({ model: 'first/embed', input: 'Hi', encoding_format: 'float' })
        .withResponse();
      expect(data.usage.prompt_tokens).toBe(500_000);
      expect(response.headers.get('x-conduit-model')).toBe('first/embed');
      expect(response.headers.get('x-conduit-reason')).toBe('pinned');
      expect(response.headers.get('x-conduit-propensity')).toBe('1');
      expect(response.headers.get('x-conduit-attempts')).toBe('1');
      expect(JSON.parse(String(bodies[0]))).toEqual({
        model: 'text-embedding-3-small',
        input: 'Hi',
        encoding_format: 'float',
      });
      expect(first.requests.at(-1)).toMatchObject({ url: '/v1/embeddings', method: 'POST' });
      expect(first.requests.at(-1)?.headers.authorization).toBe('Bearer sk-first-secret');
      const decision = await decisionOf(gateway, response);
      expect(decision).toMatchObject({ router: null, chosen: 'first/embed', reason: 'pinned', propensity: 1 });
      expect(decision.outcome).toMatchObject({ kind: 'completed', prompt_tokens: 500_000, cost_usd: 1 });

      const odd = '{ "input" : [1.0, 12345678901234567890] ,\n "model":"first/embed", "x": "\\u00e9" }';
      await (await askJson('/v1/embeddings?x[]=%20y', odd)).text();
      expect(String(bodies[1])).toBe(odd.replace('first/embed', 'text-embedding-3-small'));
      expect(first.requests.at(-1)?.url).toBe('/v1/embeddings?x[]=%20y');
    });

    test('goes by a bare upstream name, by PROVIDER/NAME, and else to the first provider', async () => {
      const bodies: Buffer[] = [];
      const answer = keeping(bodies, (_, response) => json(response, { id: 'modr-1', model: 'm', results: [] }));
      first.answer(answer);
      second.answer(answer);
      const sent = async (model?: string): Promise<[string, unknown]> => {
        const from = [first.requests.length, second.requests.length];
        const { response } = await client.moderations.create({ input: 'Hi', ...(model && { model }) }).withResponse();
        const where = first.requests.length > (from[0] as number) ? 'first' : 'second';
        return [`${where} ${response.headers.get('x-conduit-model')}`, JSON.parse(String(bodies.at(-1))).model];
      };
      expect(await sent('whisper')).toEqual(['second second/whisper', 'whisper']);
      expect(await sent('second/omni')).toEqual(['second second/omni', 'omni']);
      expect(second.requests.at(-1)?.url).toBe('/api/v1/moderations');
      expect(await sent('omni')).toEqual(['first first/omni', 'omni']);
      expect(await sent('nobody/omni')).toEqual(['first first/nobody/omni', 'nobody/omni']);
      expect(await sent()).toEqual(['first first', undefined]);
    });

    test('goes to the provider that a header names, before all else', async () => {
      second.answer((_, response) => json(response, { ok: true }));
      const headers = { 'x-conduit-provider': 'second' };
      const response = await askJson('/v1/responses', { model: 'gpt-4o', input: 'Hi' }, { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-conduit-model')).toBe('second/gpt-4o');
      const unknown = await askJson('/v1/responses', {}, { headers: { 'x-conduit-provider': 'third' } });
      const { status, message } = await errorOf(unknown);
      expect(status).toBe(400);
      expect(message).toContain('first, second');
    });

    test('of a router, or of a name that one answers to, is refused and told where routers are', async () => {
      for (const model of ['auto', 'gpt-4o']) {
        const error = await client.responses.create({ model, input: 'Hi' }).catch((thrown) => thrown);
        expect(error).toBeInstanceOf(OpenAI.BadRequestError);
        expect(error).toMatchObject({ code: 'router_not_supported_here', param: 'model' });
        expect(error.message).toContain('POST /v1/chat/completions');
      }
    });

    test('that is too large is a 413, that is malformed a 400, that is left out passes', async () => {
      expect((await askJson('/v1/embeddings', { input: 'x'.repeat(100_000) })).status).toBe(413);
      expect((await askJson('/v1/embeddings', '{"input":')).status).toBe(400);
      const lengths: (string | undefined)[] = [];
      first.answer((request, response) => {
        lengths.push(request.headers['content-length']);
        json(response, { id: 'batch_1' });
      });
      expect((await askJson('/v1/batches/batch_1/cancel', '')).status).toBe(200);
      expect((await ask('/v1/batches/batch_1/cancel', { method: 'POST' })).status).toBe(200);
      expect(lengths).toEqual(['0', '0']);
    });

    test('holds no header that is not on the list, and no key of Conduit’s', async () => {
      first.answer((_, response) =>
        json(response, {}, 200, { 'set-cookie': 'a=b', 'x-request-id': 'req_1', 'openai-organization': 'org-ours' }),
      );
      const response = await askJson(
        '/v1/embeddings',
        { input: 'x' },
        {
          headers: { cookie: 'a=b', 'x-api-key': 'k', 'x-conduit-session': 's', 'openai-beta': 'x=1', 'x-other': 'y' },
        },
      );
      await response.text();
      const { headers } = first.requests.at(-1) as IncomingMessage;
      expect(Object.keys(headers).sort()).toEqual([
        'accept',
        'accept-encoding',
        'authorization',
        'connection',
        'content-length',
        'content-type',
        'host',
        'openai-beta',
      ]);
      expect(response.headers.get('x-request-id')).toBe('req_1');
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(response.headers.get('openai-organization')).toBeNull();
    });

    test('deletes and looks up by id, and a HEAD has headers alone', async () => {
      first.answer((request, response) =>
        json(response, { id: 'file-1', deleted: request.method === 'DELETE' }, 200, { etag: '"1"' }),
      );
      expect(await client.files.delete('file-1')).toMatchObject({ deleted: true });
      expect(await client.files.retrieve('file-1')).toMatchObject({ deleted: false });
      const head = await ask('/v1/files/file-1', { method: 'HEAD' });
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, '"1"', '']);
      expect(first.requests.at(-1)?.method).toBe('HEAD');
      const before = first.requests.length;
      expect((await ask('/v1/files', { method: 'OPTIONS' })).status).toBe(404);
      expect(first.requests.length).toBe(before);
    });

    test('that looks or deletes keeps no decision, so that polling pushes out none, and is logged all the same', async () => {
      first.answer((_, response) => json(response, { id: 'batch_1', usage: { input_tokens: 1, output_tokens: 1 } }));
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const before = gateway.logged.length;
        const response = await ask('/v1/batches/batch_1', { method });
        await response.text();
        expect([response.status, response.headers.get('x-conduit-decision')]).toEqual([200, null]);
        expect(response.headers.get('x-conduit-model')).toBe('first');
        await expect.poll(() => gateway.logged.slice(before).at(-1)).toContain('"outcome":"completed"');
        expect(JSON.parse(gateway.logged.at(-1) as string)).toMatchObject({ route: 'batches', decision: null });
      }
      const kept = await ask('/v1/batches/batch_1/cancel', { method: 'POST' });
      expect((await decisionOf(gateway, kept)).chosen).toBe('first');
    });

    test('of stored completions goes through, and what is Conduit’s own never does', async () => {
      first.answer((_, response) => json(response, { object: 'list', data: [] }));
      expect((await ask('/v1/chat/completions?limit=2')).status).toBe(200);
      expect(first.requests.at(-1)?.url).toBe('/v1/chat/completions?limit=2');
      expect((await ask('/v1/chat/completions/chatcmpl-1', { method: 'DELETE' })).status).toBe(200);
      const before = first.requests.length;
      for (const path of ['/v1/models', '/v1/routers/auto/x', '/v1/decisions/a/b', '/v1/feedback/x', '/v1/routers']) {
        expect((await ask(path, { method: 'DELETE' })).status).toBe(404);
      }
      expect(first.requests.length).toBe(before);
    });
  });

  describe('with files', () => {
    test('is a transcription: its model is found and renamed, and it goes up while it still comes', async () => {
      const total = 4 * 1024 * 1024;
      const sound = Buffer.alloc(total, 'sound');
      const seen = Promise.withResolvers<void>();
      let received = Buffer.alloc(0) as Buffer;
      second.answer(async (request, response) => {
        request.once('data', () => seen.resolve());
        received = await bytesOf(request);
        json(response, { text: 'Hello', usage: { type: 'duration', seconds: 3 } });
      });
      const boundary = 'xYzZY';
      const head = `--${boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nsecond/whisper\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n`;
      const tail = `\r\n--${boundary}--\r\n`;
      const { hostname, port } = new URL(gateway.url);
      const answered = Promise.withResolvers<IncomingMessage>();
      const upload = httpRequest(
        {
          hostname,
          port,
          method: 'POST',
          path: '/v1/audio/transcriptions',
          headers: {
            authorization: 'Bearer key-all',
            'content-type': `multipart/form-data; boundary=${boundary}`,
            'content-length': head.length + total + tail.length,
          },
        },
        answered.resolve,
      );
      upload.write(head);
      upload.write(sound.subarray(0, total / 2));
      await seen.promise;
      upload.end(Buffer.concat([sound.subarray(total / 2), Buffer.from(tail)]));
      const response = await answered.promise;
      expect(JSON.parse(String(await bytesOf(response)))).toMatchObject({ text: 'Hello' });
      expect(response.headers['x-conduit-model']).toBe('second/whisper');
      const expected = Buffer.concat([
        Buffer.from(head.replace('second/whisper', 'whisper')),
        sound,
        Buffer.from(tail),
      ]);
      expect(received.equals(expected)).toBe(true);
      expect(second.requests.at(-1)?.headers['content-length']).toBe(String(expected.length));
      const decision = await decisionOf(gateway, String(response.headers['x-conduit-decision']));
      expect(decision.outcome).toMatchObject({ kind: 'completed', cost_usd: 0.25 });
    });

    test('is sent by the official client, larger than any JSON may be', async () => {
      let received = Buffer.alloc(0) as Buffer;
      let type = '';
      second.answer(async (request, response) => {
        type = request.headers['content-type'] ?? '';
        received = await bytesOf(request);
        json(response, { text: 'Hello' });
      });
      const sound = Buffer.alloc(3 * 1024 * 1024, 'sound');
      const { text } = await client.audio.transcriptions.create({
        model: 'second/whisper',
        file: await toFile(sound, 'a.mp3', { type: 'audio/mpeg' }),
      });
      expect(text).toBe('Hello');
      const form = await new Response(new Uint8Array(received), { headers: { 'content-type': type } }).formData();
      expect(form.get('model')).toBe('whisper');
      expect(Buffer.from(await (form.get('file') as File).arrayBuffer()).equals(sound)).toBe(true);
    });

    test('without a model goes to the first provider, byte for byte', async () => {
      let received = Buffer.alloc(0) as Buffer;
      first.answer(async (request, response) => {
        received = await bytesOf(request);
        json(response, { id: 'file-1', object: 'file' });
      });
      const lines = Buffer.from('{"model":"auto"}\n'.repeat(20_000));
      const file = await client.files.create({ purpose: 'batch', file: await toFile(lines, 'a.jsonl') });
      expect(file.id).toBe('file-1');
      expect(received.includes(lines)).toBe(true);
      expect(first.requests.at(-1)?.url).toBe('/v1/files');
    });

    test('downloads 20 MB, every byte, with the headers that name them', async () => {
      const bytes = Buffer.alloc(20 * 1024 * 1024);
      for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
      first.answer((_, response) =>
        response
          .writeHead(200, {
            'content-type': 'application/octet-stream',
            'content-length': bytes.length,
            'content-disposition': 'attachment; filename="a.bin"',
          })
          .end(bytes),
      );
      const response = await client.files.content('file-1');
      expect(response.headers.get('content-length')).toBe(String(bytes.length));
      expect(response.headers.get('content-disposition')).toContain('a.bin');
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
      await expect.poll(() => gateway.logged.at(-1)).toContain('"outcome":"completed"');
    });

    test('honours a range and a cache', async () => {
      first.answer((request, response) => {
        if (request.headers['if-none-match'] === '"1"') response.writeHead(304, { etag: '"1"' }).end();
        else response.writeHead(206, { 'content-range': 'bytes 0-1/9', 'content-length': 2 }).end('ab');
      });
      const part = await ask('/v1/files/file-1/content', { headers: { range: 'bytes=0-1' } });
      expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 0-1/9', 'ab']);
      expect(first.requests.at(-1)?.headers.range).toBe('bytes=0-1');
      const cached = await ask('/v1/files/file-1/content', { headers: { 'if-none-match': '"1"' } });
      expect([cached.status, cached.headers.get('etag')]).toEqual([304, '"1"']);
    });

    test('that break off cut the client’s connection, so that no half file looks whole', async () => {
      for (const headers of [{ 'content-length': 1_000 }, {}]) {
        first.answer((_, response) => {
          response.writeHead(200, { 'content-type': 'application/octet-stream', ...headers });
          response.write('half of it', () => response.socket?.destroy());
        });
        const before = gateway.logged.length;
        const response = await ask('/v1/files/file-1/content');
        await expect(response.arrayBuffer()).rejects.toThrow();
        await expect.poll(() => gateway.logged.slice(before).at(-1)).toContain('"outcome":"upstream_drop"');
      }
    });
  });

  describe('that streams events', () => {
    const event = (type: string, more: object = {}): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    const STREAM = [
      event('response.created', { response: { id: 'resp_1', usage: null } }),
      event('response.output_text.delta', { delta: 'Grüße "usage"' }),
      event('response.completed', {
        response: {
          id: 'resp_1',
          usage: { input_tokens: 1_000_000, input_tokens_details: { cached_tokens: 500_000 }, output_tokens: 250_000 },
        },
      }),
    ];

    test('is responses: byte for byte, as they come, with what they used', async () => {
      first.answer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
        for (const piece of STREAM) response.write(piece);
        response.end();
      });
      const response = await askJson('/v1/responses', { model: 'first/chat', input: 'Hi', stream: true });
      expect(await response.text()).toBe(STREAM.join(''));
      expect((await decisionOf(gateway, response)).outcome).toMatchObject({
        kind: 'completed',
        prompt_tokens: 1_000_000,
        completion_tokens: 250_000,
        cost_usd: 0.5 + 0.25 + 1,
      });
      const types: string[] = [];
      for await (const one of await client.responses.create({ model: 'first/chat', input: 'Hi', stream: true })) {
        types.push(one.type);
      }
      expect(types).toEqual(['response.created', 'response.output_text.delta', 'response.completed']);
    });

    test('lets the client read its first event before the second is there', async () => {
      const go = Promise.withResolvers<void>();
      first.answer(async (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(STREAM[0]);
        await go.promise;
        response.end(STREAM.slice(1).join(''));
      });
      const response = await askJson('/v1/responses', { model: 'first/chat', stream: true });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader?.read())?.value).toBe(STREAM[0]);
      go.resolve();
      expect((await reader?.read())?.value).toContain('delta');
      await reader?.cancel();
    });

    test('tells the client where the upstream breaks off, even in the middle of a line', async () => {
      first.answer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`${STREAM[0]}data: {"type":"resp`, () => response.socket?.destroy());
      });
      const stream = await client.responses.create({ model: 'first/chat', input: 'Hi', stream: true });
      await expect(async () => {
        for await (const _ of stream);
      }).rejects.toThrow(/broke off/);
    });

    test('tells the client where a stream ends before it says that it is whole', async () => {
      first.answer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(STREAM.slice(0, -1).join(''));
      });
      const response = await askJson('/v1/responses', { model: 'first/chat', stream: true });
      expect(await response.text()).toContain('broke off');
      expect((await decisionOf(gateway, response)).outcome?.kind).toBe('upstream_drop');
    });

    test('shows no key of ours in an error of its own', async () => {
      first.answer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(STREAM[0]);
        response.end('event: error\ndata: {"type":"error","error":{"message":"you sent sk-first-secret"}}\n\n');
      });
      const text = await (await askJson('/v1/responses', { model: 'first/chat', stream: true })).text();
      expect(text).toContain('you sent [provider key]');
    });
  });

  describe('of a key', () => {
    test('that does not allow the route is a 403, with the routes that it allows', async () => {
      const before = first.requests.length;
      for (const path of ['/v1/files', '/v1/files/file-1/content', '/v1/audio/speech', '/v1/embeddings%2Fx']) {
        const { status } = await ask(path, { key: 'key-web' });
        expect([path, status]).toEqual([path, path.includes('%') ? 400 : 403]);
      }
      expect((await ask('/v1/files', { key: 'nobody' })).status).toBe(401);
      expect(first.requests.length).toBe(before);
      first.answer((_, response) => json(response, {}));
      expect((await askJson('/v1/embeddings', { model: 'first/embed' }, { key: 'key-web' })).status).toBe(200);
    });

    test('that does not allow the model is a 403, however the model is named', async () => {
      const before = [first.requests.length, second.requests.length];
      const tries: [unknown, object?][] = [
        [{ model: 'second/whisper' }],
        [{ model: 'whisper' }],
        [{ model: 'first/chat' }],
        [{ model: 'gpt-big' }],
        [{ model: 'unheard-of' }],
        [{ model: 'second/omni' }],
        [{ model: 'text-embedding-3-small' }, { 'x-conduit-provider': 'second' }],
        ['{"model":"first/embed","model":"gpt-big"}'],
      ];
      for (const [body, headers] of tries) {
        const { status, code } = await errorOf(await askJson('/v1/responses', body, { key: 'key-wide', headers }));
        expect([body, status, code]).toEqual([body, 403, 'model_not_allowed']);
      }
      expect([first.requests.length, second.requests.length]).toEqual(before);
      const bodies: Buffer[] = [];
      first.answer(keeping(bodies, (_, response) => json(response, {})));
      const twice = '{"model":"gpt-big","model":"text-embedding-3-small"}';
      expect((await askJson('/v1/embeddings', twice, { key: 'key-wide' })).status).toBe(200);
      expect(String(bodies[0])).not.toContain('gpt-big');
    });

    test('hides no model from the limits of its key', async () => {
      const before = [first.requests.length, second.requests.length];
      const text = '{"model":"gpt-big"}';
      for (const type of ['text/plain', 'application/octet-stream']) {
        const response = await ask('/v1/embeddings', {
          method: 'POST',
          key: 'key-wide',
          headers: { 'content-type': type },
          body: text,
        });
        expect(await errorOf(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
      }
      const packed = await ask('/v1/embeddings', {
        method: 'POST',
        key: 'key-wide',
        headers: { 'content-type': 'multipart/form-data; boundary=AA', 'content-encoding': 'gzip' },
        body: gzipSync('--AA\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt-big\r\n--AA--\r\n'),
      });
      expect(await errorOf(packed)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
      for (const model of [['gpt-big'], null, '', 1]) {
        const response = await askJson('/v1/embeddings', { model }, { key: 'key-wide' });
        expect(await errorOf(response)).toMatchObject({ status: 400, param: 'model' });
      }
      const part = (disposition: string, value: string): string =>
        `--AA\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
      const allowed = part('name="model"', 'text-embedding-3-small');
      const forms: [string, string?][] = [
        [allowed + part('name="model"', 'gpt-big')],
        [part('name="zz"; name="model"', 'gpt-big')],
        [part("name*=utf-8''model", 'gpt-big')],
        [allowed, 'multipart/form-data; boundary=AA; boundary=BB'],
        [part('name="x"', 'a').replaceAll('\r\n', '\n') + part('name="model"', 'gpt-big').replaceAll('\r\n', '\n')],
      ];
      for (const [form, type = 'multipart/form-data; boundary=AA'] of forms) {
        const response = await ask('/v1/embeddings', {
          method: 'POST',
          key: 'key-wide',
          headers: { 'content-type': type },
          body: `${form}--AA--\r\n`,
        });
        expect(await errorOf(response)).toMatchObject({ status: 400, code: 'invalid_multipart' });
      }
      expect([first.requests.length, second.requests.length]).toEqual(before);
    });

    test('reaches no stored completions unless they are listed', async () => {
      const before = first.requests.length;
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/chatcmpl-1'],
        ['POST', '/chatcmpl-1'],
        ['DELETE', '/chatcmpl-1'],
      ] as const) {
        const response = await ask(`/v1/chat/completions${path}`, { method, key: 'key-web' });
        expect(await errorOf(response)).toMatchObject({ status: 403, code: 'route_not_allowed' });
      }
      expect(first.requests.length).toBe(before);
    });

    test('pays for what it uses, and is refused when its money is gone', async () => {
      second.answer(async (request, response) => {
        await bytesOf(request);
        json(response, { text: 'Hi' });
      });
      const transcribe = () => {
        const form = new FormData();
        form.set('model', 'second/whisper');
        return ask('/v1/audio/transcriptions', { method: 'POST', body: form, key: 'key-poor' });
      };
      const paid = await transcribe();
      expect(paid.status).toBe(200);
      await paid.text();
      await expect.poll(async () => (await decisionOf(gateway, paid)).outcome?.cost_usd).toBe(0.25);
      const { status, code } = await errorOf(await transcribe());
      expect([status, code]).toEqual([429, 'budget_exceeded']);
    });
  });

  describe('whose provider', () => {
    test('refuses the request has its status and body passed on, without our key', async () => {
      first.answer((_, response) =>
        json(response, { error: { message: 'no such file, sk-first-secret', code: 'nope' } }, 404),
      );
      const error = await errorOf(await ask('/v1/files/file-9'));
      expect(error).toMatchObject({ status: 404, code: 'nope', message: 'no such file, [provider key]' });
      first.answer((_, response) => json(response, { error: { message: 'busy' } }, 429, { 'retry-after': '7' }));
      const busy = await ask('/v1/files/file-9');
      expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '7']);
    });

    test('limits our key in more words than are read tells how long to wait', async () => {
      const words = { error: { message: 'x'.repeat(2 * 1024 * 1024) } };
      first.answer((_, response) => json(response, words, 429, { 'retry-after': '7' }));
      const busy = await ask('/v1/files/file-9');
      expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '7']);
    });

    test('refuses our key is a 502 that shows nothing of it', async () => {
      for (const status of [401, 403]) {
        first.answer((_, response) => json(response, { error: { message: 'bad key sk-first-sec***' } }, status));
        const error = await errorOf(await ask('/v1/files'));
        expect(error.status).toBe(502);
        expect(error.message).not.toContain('sk-first');
      }
    });

    test('has several keys is asked with the next on a 401 or a 429, where the body can be sent again', async () => {
      const used: unknown[] = [];
      second.answer(async (request, response) => {
        await bytesOf(request);
        used.push(request.headers.authorization);
        const isFirst = request.headers.authorization === 'Bearer sk-second-a';
        json(response, isFirst ? { error: { message: 'limit' } } : { ok: true }, isFirst ? 429 : 200);
      });
      const headers = { 'x-conduit-provider': 'second' };
      const response = await askJson('/v1/embeddings', { input: 'Hi' }, { headers });
      expect([response.status, response.headers.get('x-conduit-attempts')]).toEqual([200, '2']);
      expect(used).toEqual(['Bearer sk-second-a', 'Bearer sk-second-b']);
      // What cannot be sent again goes with the key that did well.
      const form = new FormData();
      form.set('purpose', 'batch');
      const streamed = await ask('/v1/files', { method: 'POST', body: form, headers });
      expect([streamed.status, streamed.headers.get('x-conduit-attempts')]).toEqual([200, '1']);
    });

    test('takes the caller’s own key gets that, and its refusal is the caller’s to see', async () => {
      second.answer((_, response) => json(response, { error: { message: 'Incorrect API key' } }, 401));
      const headers = { 'x-conduit-provider': 'own', 'x-api-key': 'sk-mine' };
      const error = await errorOf(await ask('/v1/files', { headers }));
      expect(error).toMatchObject({ status: 401, message: 'Incorrect API key' });
      expect(second.requests.at(-1)).toMatchObject({ url: '/own/v1/files' });
      expect(second.requests.at(-1)?.headers.authorization).toBe('Bearer sk-mine');
    });

    test('redirects is a 502: nobody follows with our key', async () => {
      first.answer((_, response) => response.writeHead(302, { location: `${second.url}/stolen` }).end());
      const before = second.requests.length;
      expect(await errorOf(await ask('/v1/files'))).toMatchObject({ status: 502, code: 'upstream_redirect' });
      expect(second.requests.length).toBe(before);
    });

    test('is not there is a 502, and one that never answers a 504', async () => {
      first.answer((_, response) => response.socket?.destroy());
      expect(await errorOf(await ask('/v1/files'))).toMatchObject({ status: 502, code: 'upstream_error' });
      first.answer(() => {});
      const late = await askJson('/v1/embeddings', { model: 'first/embed' });
      expect(await errorOf(late)).toMatchObject({ status: 504, code: 'upstream_timeout' });
      expect((await decisionOf(gateway, late)).outcome?.kind).toBe('timeout');
    });

    test('falls silent in mid-answer times out', async () => {
      first.answer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":'));
      const response = await askJson('/v1/embeddings', { model: 'first/embed' });
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
      await expect.poll(async () => (await decisionOf(gateway, response)).outcome?.kind).toBe('timeout');
    });

    test('takes nothing of an upload times out', async () => {
      first.answer(() => {});
      const file = new Blob([new Uint8Array(64 * 1024 * 1024)]);
      const form = new FormData();
      form.set('model', 'first/embed');
      form.set('file', file);
      const response = await ask('/v1/audio/transcriptions', { method: 'POST', body: form });
      expect(await errorOf(response)).toMatchObject({ status: 504 });
    });

    test('answers before it has all of an upload: the client gets that answer', async () => {
      first.answer((_, response) => json(response, { error: { message: 'too large', code: 'x' } }, 413));
      const form = new FormData();
      form.set('file', new Blob([new Uint8Array(8 * 1024 * 1024)]));
      const response = await ask('/v1/files', { method: 'POST', body: form });
      expect(await errorOf(response)).toMatchObject({ status: 413, code: 'x' });
    });
  });

  describe('whose client leaves', () => {
    /** Resolves once the upstream's request has been closed before its answer was whole. */
    const hungUp = (response: ServerResponse): Promise<void> =>
      new Promise((resolve) => {
        response.once('close', () => {
          if (!response.writableFinished) resolve();
        });
      });

    /** A request on a connection of its own, which `destroy` closes: fetch would open another in its place. */
    const open = (method: string, path: string): ClientRequest => {
      const { hostname, port } = new URL(gateway.url);
      const headers = { authorization: 'Bearer key-all', 'content-type': 'application/octet-stream' };
      return httpRequest({ hostname, port, method, path, headers, agent: false }).on('error', () => {});
    };
    /** Its answer, once it has begun. */
    const answerTo = (request: ClientRequest): Promise<IncomingMessage> =>
      new Promise((resolve) =>
        request.once('response', (response: IncomingMessage) => resolve(response.on('error', () => {}))),
      );

    test.each([
      ['before the headers', false],
      ['in mid-download', true],
    ])('%s closes the upstream request', async (_when, begun) => {
      const closed = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      first.answer(async (_, response) => {
        asked.resolve();
        if (begun) response.writeHead(200, { 'content-type': 'application/octet-stream' }).write('some');
        await hungUp(response);
        closed.resolve();
      });
      const request = open('GET', '/v1/files/file-1/content');
      request.end();
      await asked.promise;
      if (begun) await once(await answerTo(request), 'data');
      request.destroy();
      await closed.promise;
    });

    test('in mid-upload closes the upstream request, and is recorded as such', async () => {
      const closed = Promise.withResolvers<void>();
      const seen = Promise.withResolvers<void>();
      first.answer(async (request, response) => {
        request.once('data', () => seen.resolve());
        await hungUp(response);
        closed.resolve();
      });
      const upload = open('POST', '/v1/uploads');
      upload.write('the first half');
      await seen.promise;
      upload.destroy();
      await closed.promise;
      await expect.poll(() => gateway.logged.at(-1)).toContain('"outcome":"client_abort"');
    });

    test('reading slowly holds the upstream back', async () => {
      const total = 64 * 1024 * 1024;
      let written = 0;
      const stalled = Promise.withResolvers<void>();
      first.answer(async (_, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        const piece = Buffer.alloc(256 * 1024);
        while (written < total && response.write(piece)) written += piece.length;
        stalled.resolve();
        response.on('drain', () => {
          while (written < total && response.write(piece)) written += piece.length;
          if (written >= total) response.end();
        });
      });
      const request = open('GET', '/v1/files/file-1/content');
      request.end();
      (await answerTo(request)).pause();
      await stalled.promise;
      // What fits into the sockets' buffers has been written, and nothing more until somebody reads.
      let before = -1;
      await expect
        .poll(
          () => {
            const isSteady = written === before;
            before = written;
            return isSteady;
          },
          { interval: 200 },
        )
        .toBe(true);
      expect(written).toBeLessThan(total / 2);
      request.destroy();
    });
  });

  test('with a path that two servers could read differently is a 400', async () => {
    const before = first.requests.length;
    for (const path of [
      '/v1/embeddings/../files',
      '/v1/embeddings/%2e%2e/files',
      '/v1/embeddings/%2E%2E%2ffiles',
      '/v1//files',
      '/v1/files/',
      '/v1/files/%00',
      '/v1/files/%252e%252e',
      '/v1/files/a%5cb',
      '/v1/files/a\\..\\b',
    ]) {
      expect([path, (await raw(`GET ${path} HTTP/1.1`)).split('\r\n')[0]]).toEqual([path, 'HTTP/1.1 400 Bad Request']);
    }
    expect(first.requests.length).toBe(before);
  });

  test('as a websocket is refused in OpenAI’s shape', async () => {
    const answer = await raw('GET /v1/realtime?model=gpt HTTP/1.1\r\nupgrade: websocket\r\nsec-websocket-version: 13');
    expect(answer).toMatch(/^HTTP\/1.1 400/);
    expect(answer).toContain('"code":"websockets_not_supported"');
  });
});
