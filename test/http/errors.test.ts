import { request as httpRequest, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { textOf } from '../support/cuts.ts';
import {
  answer,
  type FakeUpstream,
  fail,
  piece,
  type Script,
  silence,
  sse,
  startFakeUpstream,
} from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** The error that the official client raises. */
async function raised(work: Promise<unknown>): Promise<APIError> {
  const error = await work.then(
    () => new Error('nothing was raised'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw error;
  return error;
}

describe('a request that cannot be understood', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Hi'));
    const server = 'server: { host: 127.0.0.1, port: 0, max_body_bytes: 100000 }\n';
    gateway = await startTestGateway(server + simpleConfig(upstream.url));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const post = async (
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<ErrorBody['error'] & { status: number }> => {
    const response = await gateway.post('/v1/chat/completions', body, headers);
    expect(response.headers.get('content-type')).toBe('application/json');
    const { error } = (await response.json()) as ErrorBody;
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
    expect(error.message.length).toBeGreaterThan(10);
    return { status: response.status, ...error };
  };

  test('is malformed JSON, no object, or no text: 400', async () => {
    for (const body of ['{"model":"auto",', '', 'null', '[]', '"text"', '5']) {
      expect(await post(body)).toMatchObject({ status: 400, type: 'invalid_request_error', param: null });
    }
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    expect(response.status).toBe(400);
  });

  test('has missing, empty or wrong fields: 400 that names the field', async () => {
    for (const [body, param] of [
      [{ messages: MESSAGES }, 'model'],
      [{ model: '', messages: MESSAGES }, 'model'],
      [{ model: 5, messages: MESSAGES }, 'model'],
      [{ model: 'auto' }, 'messages'],
      [{ model: 'auto', messages: [] }, 'messages'],
      [{ model: 'auto', messages: null }, 'messages'],
      [{ model: 'auto', messages: 'Hi' }, 'messages'],
      [{ model: 'auto', messages: {} }, 'messages'],
      [{ model: 'auto', messages: ['Hi'] }, 'messages[0]'],
      [{ model: 'auto', messages: [...MESSAGES, null] }, 'messages[1]'],
      [{ model: 'auto', messages: [{ content: 'Hi' }] }, 'messages[0].role'],
      [{ model: 'auto', messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
      [{ model: 'auto', messages: MESSAGES, stream: 'yes' }, 'stream'],
      [{ model: 'auto', messages: MESSAGES, tools: {} }, 'tools'],
    ] as const) {
      expect(await post(body)).toMatchObject({ status: 400, type: 'invalid_request_error', param });
    }
    expect(upstream.received).toEqual([]);
  });

  test('raises the official client’s BadRequestError with its param', async () => {
    const error = await raised(gateway.client.chat.completions.create({ model: 'auto', messages: [] }));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ status: 400, param: 'messages', type: 'invalid_request_error' });
  });

  test('has a header of Conduit’s that is not understood: 400 that names it', async () => {
    for (const [name, value] of [
      ['x-conduit-feedback', 'perhaps'],
      ['x-conduit-feedback', '1.5'],
      ['x-conduit-decision', 'abc'],
      ['x-conduit-session', 'x'.repeat(600)],
      ['x-conduit-models', ' , '],
      ['x-conduit-prefer', 'cheapest'],
      ['x-conduit-max-usd', '-1'],
      ['x-conduit-max-usd', 'much'],
    ] as const) {
      expect(await post({ model: 'auto', messages: MESSAGES }, { [name]: value })).toMatchObject({
        status: 400,
        param: name,
      });
    }
  });

  test('names a model that is unknown: 404 model_not_found', async () => {
    const error = await raised(gateway.client.chat.completions.create({ model: 'gpt-nonsense', messages: MESSAGES }));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
    expect(error.message).toContain('gpt-nonsense');
  });

  test('is too large: 413, whether its length is told or not, and the client gets to read it', async () => {
    const content = 'x'.repeat(5_000_000);
    const told = await raised(
      gateway.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content }] }),
    );
    expect(told).toMatchObject({ status: 413, code: 'request_too_large' });
    const untold = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${gateway.url}/v1/chat/completions`, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      request.write(content.slice(0, 150_000));
    });
    expect(untold).toBe(413);
    expect((await gateway.get('/health')).status).toBe(200);
  });

  test('waits for “100 Continue” and is answered', async () => {
    const body = JSON.stringify({ model: 'auto', messages: MESSAGES });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(
        `${gateway.url}/v1/chat/completions`,
        { method: 'POST', headers: { expect: '100-continue', 'content-length': Buffer.byteLength(body) } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      request.once('continue', () => request.end(body));
      request.flushHeaders();
    });
    expect(status).toBe(200);
  });

  test('that breaks off in the middle of its body reaches no upstream, and the gateway goes on', async () => {
    const before = upstream.received.length;
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    await new Promise<void>((resolve) => {
      socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model":', () =>
        resolve(),
      );
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
    expect((await gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES })).object).toBe(
      'chat.completion',
    );
    expect(upstream.received.length).toBe(before + 1);
    expect(gateway.logged.filter((line) => line.includes('failed inside'))).toEqual([]);
  });

  test('goes to a route or with a method that there is not: 404 in OpenAI’s shape', async () => {
    for (const [method, path] of [
      ['POST', '/v1/models'],
      ['GET', '/v1/feedback'],
      ['GET', '/'],
      ['DELETE', '/v1/models/auto'],
      ['OPTIONS', '/v1/chat/completions'],
    ] as const) {
      const response = await fetch(gateway.url + path, { method });
      expect(response.status).toBe(404);
      expect(((await response.json()) as ErrorBody).error).toMatchObject({
        code: 'not_found',
        type: 'invalid_request_error',
      });
    }
    expect((await fetch(`${gateway.url}/v1/feedback`, { method: 'HEAD' })).status).toBe(404);
    expect((await fetch(`${gateway.url}/v1/models`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a key', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Hi'));
    const keys = [
      'keys:',
      '  - { name: all, key: key-all, admin: true }',
      '  - { name: web, key: key-web, routers: [auto], models: ["fake/small"] }',
      '  - { name: none, key: key-none, routers: [other] }',
    ].join('\n');
    const config = simpleConfig(upstream.url, ['small', 'large'], { rest: keys });
    gateway = await startTestGateway(config.replace('routers:\n', 'routers:\n  other: { models: [fake/large] }\n'));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const as = (apiKey: string): OpenAI => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
  const ask = (apiKey: string, model: string) => as(apiKey).chat.completions.create({ model, messages: MESSAGES });

  test('that is missing or wrong is refused with 401 on every route', async () => {
    const error = await raised(ask('key-wrong', 'auto'));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: 'invalid_api_key' });
    for (const [method, path] of [
      ['POST', '/v1/chat/completions'],
      ['POST', '/v1/feedback'],
      ['GET', '/v1/models'],
      ['GET', '/v1/models/auto'],
      ['GET', '/v1/decisions/dec_0'],
      ['GET', '/v1/routers/auto'],
    ] as const) {
      for (const authorization of ['', 'Bearer', 'Bearer key-wrong', 'Basic key-all', 'key-all']) {
        const response = await fetch(gateway.url + path, { method, headers: { authorization } });
        expect(response.status).toBe(401);
        expect(((await response.json()) as ErrorBody).error.type).toBe('authentication_error');
      }
    }
  });

  test('reaches the routers and models that it is allowed, and gets a 403 for the others', async () => {
    expect((await ask('key-web', 'auto')).model).toBe('small');
    expect((await ask('key-web', 'fake/small')).model).toBe('small');
    for (const [key, model] of [
      ['key-web', 'other'],
      ['key-web', 'fake/large'],
      ['key-web', 'large'],
      ['key-none', 'auto'],
    ] as const) {
      const error = await raised(ask(key, model));
      expect(error).toBeInstanceOf(PermissionDeniedError);
      expect(error).toMatchObject({ status: 403, param: 'model', code: 'model_not_allowed' });
    }
    expect((await ask('key-none', 'other')).model).toBe('large');
  });

  test('sees the routers and models that it may use, and learns of no others', async () => {
    const ids = async (key: string): Promise<string[]> => (await as(key).models.list()).data.map(({ id }) => id).sort();
    expect(await ids('key-all')).toEqual(['auto', 'fake/large', 'fake/small', 'other']);
    expect(await ids('key-web')).toEqual(['auto', 'fake/small']);
    expect((await raised(as('key-web').models.retrieve('other'))).status).toBe(403);
    expect((await raised(ask('key-web', 'nonsense'))).message).not.toContain('other');
  });

  test('that is no admin sees nothing of what was learned', async () => {
    expect((await gateway.get('/v1/routers/auto', 'key-web')).status).toBe(403);
    expect((await gateway.get('/v1/routers/auto', 'key-all')).status).toBe(200);
  });
});

describe('an upstream that fails', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    const hasty = 'price: { input: 1, output: 1 }, timeouts: { first_byte_ms: 50, idle_ms: 50 }';
    gateway = await startTestGateway(
      simpleConfig(upstream.url)
        .replace('models:\n', `models:\n  - { id: fake/hasty, ${hasty} }\n  - { id: fake/hastier, ${hasty} }\n`)
        .replace('routers:\n', 'routers:\n  hasty: { models: [fake/hasty, fake/hastier] }\n'),
    );
  });
  beforeEach(() => {
    upstream.scripts.clear();
    upstream.received.length = 0;
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const create = (streamed = false, model = 'auto') =>
    streamed
      ? gateway.client.chat.completions.create({ model, messages: MESSAGES, stream: true })
      : gateway.client.chat.completions.create({ model, messages: MESSAGES });

  /**
   * An upstream that says `so far `, waits until the client has read it, and goes on as the script says; then what the
   * client made of it, and the bytes that it got.
   */
  async function broken(then: Script): Promise<{ text: string; error: unknown; raw: string }> {
    const read = Promise.withResolvers<void>();
    upstream.scripts.set('*', async (response, received) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('so far '));
      await read.promise;
      await then(response, received);
    });
    let raw = '';
    const client = gateway.client.withOptions({
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        const watch = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            raw += textOf(chunk);
            controller.enqueue(chunk);
          },
        });
        return new Response(response.body?.pipeThrough(watch), response);
      },
    });
    let text = '';
    let raised: unknown = null;
    try {
      for await (const chunk of await client.chat.completions.create({
        model: then === silence ? 'hasty' : 'auto',
        messages: MESSAGES,
        stream: true,
      })) {
        text += chunk.choices[0]?.delta.content ?? '';
        read.resolve();
      }
    } catch (error) {
      raised = error;
    }
    return { text, error: raised, raw };
  }

  test('on account of the request passes through with its status and body, and asks no other arm', async () => {
    for (const status of [400, 413, 422]) {
      upstream.received.length = 0;
      const body = {
        error: {
          message: 'temperature is too high',
          type: 'invalid_request_error',
          param: 'temperature',
          code: 'invalid_value',
        },
      };
      upstream.scripts.set('*', fail(status, body));
      for (const streamed of [true, false]) {
        const error = await raised(create(streamed));
        expect(error.status).toBe(status);
        expect(error.error).toEqual(body.error);
        expect(error.headers?.get('x-conduit-attempts')).toBe('1');
        expect(error.headers?.get('x-conduit-decision')).toMatch(/^dec_/);
      }
      expect(upstream.received).toHaveLength(2);
    }
  });

  test('with what only that arm would refuse tells the last one’s refusal, as it came, where every arm refuses', async () => {
    upstream.scripts.set(
      '*',
      fail(400, {
        error: {
          message: 'too long',
          type: 'invalid_request_error',
          param: 'messages',
          code: 'context_length_exceeded',
        },
      }),
    );
    const error = await raised(create());
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code: 'context_length_exceeded' });
    expect(upstream.received).toHaveLength(2);
    const pinned = await raised(gateway.client.chat.completions.create({ model: 'fake/small', messages: MESSAGES }));
    expect(pinned).toMatchObject({ status: 400, code: 'context_length_exceeded' });
  });

  test('with 429 on every arm raises RateLimitError with the smallest retry-after', async () => {
    upstream.scripts.set('small', fail(429, undefined, { 'retry-after': '30' }));
    upstream.scripts.set('large', fail(429, undefined, { 'retry-after': '7' }));
    const error = await raised(create());
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error.headers?.get('retry-after')).toBe('7');
    expect(error.type).toBe('rate_limit_error');
  });

  test('on every arm is a 502 with the last error inside', async () => {
    upstream.scripts.set('*', fail(500, { error: { message: 'the GPU is on fire' } }));
    const error = await raised(create());
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error.status).toBe(502);
    expect(error.message).toContain('the GPU is on fire');
    expect(error.type).toBe('upstream_error');
    upstream.scripts.set('small', fail(429));
    expect((await raised(create())).status).toBe(502);
  });

  test('with a 401 is a 502 that shows nothing of the provider’s key', async () => {
    upstream.scripts.set('*', fail(401, { error: { message: 'Incorrect API key provided: sk-provider-secret' } }));
    const error = await raised(create());
    expect(error.status).toBe(502);
    expect(JSON.stringify(error.error)).not.toContain('sk-');
    expect(gateway.logged.join('\n')).not.toContain('sk-provider-secret');
  });

  test('by not answering in time is a 504', async () => {
    upstream.scripts.set('*', silence);
    for (const streamed of [true, false]) {
      const error = await raised(create(streamed, 'hasty'));
      expect(error.status).toBe(504);
      expect(error.type).toBe('timeout_error');
    }
  });

  test('in mid-stream raises an APIError in the client’s loop, after what had come, and never looks whole', async () => {
    const cut = (response: ServerResponse): unknown => response.socket?.destroy();
    for (const then of [
      (response) => response.end(sse({ error: { message: 'the GPU is on fire', type: 'server_error' } })),
      cut,
      (response) => response.write('data: {"id":"x","choices":[{"delta":{"conte', () => cut(response)),
      (response) => response.end(),
      silence,
    ] satisfies Script[]) {
      const { text, error, raw } = await broken(then);
      expect(text).toBe('so far ');
      expect(error).toBeInstanceOf(APIError);
      expect(raw).not.toContain('[DONE]');
      expect(raw.match(/"error":/g)).toHaveLength(1);
    }
  });
});
