/** What is refused, by whom, and how an upstream that fails looks to a client. */
import {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { piece, sse } from '../support/events.ts';
import { type Gateway, type Platform, simpleConfig, startGateway } from './gateway.ts';
import { answer, fail, silence, stream, type Told } from './scripts.ts';

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

export function refusalsSuite(platform: Platform): void {
  describe('a request that cannot be understood', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      gateway = await startGateway(platform, simpleConfig(), { server: 'max_body_bytes: 100000' });
    });
    afterAll(() => gateway.close());

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
      const noText = { method: 'POST', body: new Uint8Array([0x7b, 0xff, 0x7d]) };
      expect((await gateway.fetch('/v1/chat/completions', noText)).status).toBe(400);
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
      expect(await gateway.provider.received()).toEqual([]);
    });

    test('raises the official client’s BadRequestError with its param', async () => {
      const error = await raised(gateway.client().chat.completions.create({ model: 'auto', messages: [] }));
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
      const error = await raised(
        gateway.client().chat.completions.create({ model: 'gpt-nonsense', messages: MESSAGES }),
      );
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
      expect(error.message).toContain('gpt-nonsense');
    });

    test('is too large: 413', async () => {
      const content = 'x'.repeat(5_000_000);
      const error = await raised(
        gateway.client().chat.completions.create({ model: 'auto', messages: [{ role: 'user', content }] }),
      );
      expect(error).toMatchObject({ status: 413, code: 'request_too_large' });
    });

    test('goes to a route or with a method that there is not: 404 in OpenAI’s shape', async () => {
      for (const [method, path] of [
        ['POST', '/v1/models'],
        ['GET', '/v1/feedback'],
        ['GET', '/'],
        ['DELETE', '/v1/models/auto'],
        ['OPTIONS', '/v1/chat/completions'],
      ] as const) {
        const response = await gateway.fetch(path, { method });
        expect(response.status).toBe(404);
        expect(((await response.json()) as ErrorBody).error).toMatchObject({
          code: 'not_found',
          type: 'invalid_request_error',
        });
      }
      expect((await gateway.fetch('/v1/feedback', { method: 'HEAD' })).status).toBe(404);
      expect((await gateway.fetch('/v1/models', { method: 'HEAD' })).status).toBe(200);
    });
  });

  describe('a key', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      const keys = [
        'keys:',
        '  - { name: all, key: key-all, admin: true }',
        '  - { name: web, key: key-web, routers: [auto], models: ["fake/small"] }',
        '  - { name: none, key: key-none, routers: [other] }',
      ].join('\n');
      const config = simpleConfig(undefined, { rest: keys, routers: 'other: { models: [fake/large] }' });
      gateway = await startGateway(platform, config);
    });
    afterAll(() => gateway.close());

    const ask = (key: string, model: string) =>
      gateway.client(key).chat.completions.create({ model, messages: MESSAGES });

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
          const response = await gateway.fetch(path, { method, headers: { authorization } });
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
      const ids = async (key: string): Promise<string[]> =>
        (await gateway.client(key).models.list()).data.map(({ id }) => id).sort();
      expect(await ids('key-all')).toEqual(['auto', 'fake/large', 'fake/small', 'other']);
      expect(await ids('key-web')).toEqual(['auto', 'fake/small']);
      expect((await raised(gateway.client('key-web').models.retrieve('other'))).status).toBe(403);
      expect((await raised(ask('key-web', 'nonsense'))).message).not.toContain('other');
    });

    test('that is no admin sees nothing of what was learned', async () => {
      expect((await gateway.get('/v1/routers/auto', 'key-web')).status).toBe(403);
      expect((await gateway.get('/v1/routers/auto', 'key-all')).status).toBe(200);
    });
  });

  describe('an upstream that fails', () => {
    let gateway: Gateway;
    // A gateway for each test: an arm that has failed in one may rest in the next.
    beforeEach(async () => {
      const hasty = 'price: { input: 1, output: 1 }, timeouts: { first_byte_ms: 50, idle_ms: 50 }';
      const config = simpleConfig(undefined, {
        models: [`{ id: fake/hasty, ${hasty} }`, `{ id: fake/hastier, ${hasty} }`],
        routers: 'hasty: { models: [fake/hasty, fake/hastier] }',
      });
      gateway = await startGateway(platform, config);
      return () => gateway.close();
    });
    const tell = (told: Told, model = '*') => gateway.provider.tell(model, told);
    const create = (streamed = false, model = 'auto') =>
      streamed
        ? gateway.client().chat.completions.create({ model, messages: MESSAGES, stream: true })
        : gateway.client().chat.completions.create({ model, messages: MESSAGES });

    test('on account of the request passes through with its status and body, and asks no other arm', async () => {
      const error = { message: 'too high', type: 'invalid_request_error', param: 'temperature', code: 'invalid_value' };
      for (const status of [400, 413, 422]) {
        await gateway.provider.reset();
        await tell(fail(status, { error }));
        for (const streamed of [true, false]) {
          const seen = await raised(create(streamed));
          expect(seen.status).toBe(status);
          expect(seen.error).toEqual(error);
          expect(seen.headers?.get('x-conduit-attempts')).toBe('1');
          expect(seen.headers?.get('x-conduit-decision')).toMatch(/^dec_/);
        }
        expect(await gateway.provider.received()).toHaveLength(2);
      }
    });

    test('with 429 on every arm raises RateLimitError with the smallest retry-after', async () => {
      await tell(fail(429, undefined, { 'retry-after': '30' }), 'small');
      await tell(fail(429, undefined, { 'retry-after': '7' }), 'large');
      const error = await raised(create());
      expect(error).toBeInstanceOf(RateLimitError);
      expect(error.headers?.get('retry-after')).toBe('7');
      expect(error.type).toBe('rate_limit_error');
    });

    test('on every arm is a 502 with the last error inside', async () => {
      await tell(fail(500, { error: { message: 'the GPU is on fire' } }));
      const error = await raised(create());
      expect(error).toBeInstanceOf(InternalServerError);
      expect(error.status).toBe(502);
      expect(error.message).toContain('the GPU is on fire');
      expect(error.type).toBe('upstream_error');
      await tell(fail(429), 'small');
      expect((await raised(create())).status).toBe(502);
    });

    test('by not answering in time is a 504', async () => {
      await tell(silence);
      for (const streamed of [true, false]) {
        const error = await raised(create(streamed, 'hasty'));
        expect(error.status).toBe(504);
        expect(error.type).toBe('timeout_error');
      }
    });

    test('in mid-stream raises an APIError in the client’s loop, after what had come, and never looks whole', async () => {
      const said = [piece('so far '), 30];
      for (const [model, told] of [
        ['auto', stream([...said, sse({ error: { message: 'the GPU is on fire', type: 'server_error' } })])],
        ['auto', stream(said, 'cut')],
        ['auto', stream([...said, 'data: {"id":"x","choices":[{"delta":{"conte', 10], 'cut')],
        ['auto', stream(said)],
        ['hasty', stream(said, 'hang')],
      ] satisfies [string, Told][]) {
        await tell(told);
        const raw = await (await gateway.complete({ model, messages: MESSAGES, stream: true })).text();
        expect(raw).toContain('so far ');
        expect(raw).not.toContain('[DONE]');
        expect(raw.match(/"error":/g)).toHaveLength(1);
        let text = '';
        const read = async (): Promise<void> => {
          const streamed = await gateway.client().chat.completions.create({ model, messages: MESSAGES, stream: true });
          for await (const chunk of streamed) text += chunk.choices[0]?.delta.content ?? '';
        };
        expect(await raised(read())).toBeInstanceOf(APIError);
        expect(text).toBe('so far ');
      }
    });
  });

  describe('a fallback', () => {
    let gateway: Gateway;
    // A gateway for each test, as above. `fixed` takes the first arm, so that each test knows which one fails.
    beforeEach(async () => {
      const config = simpleConfig(['first', 'second', 'third'], {
        router: 'policy: fixed',
        models: ['{ id: fake/hasty, price: { input: 1, output: 1 }, timeouts: { first_byte_ms: 50 } }'],
        routers: 'hasty: { models: [fake/hasty, fake/second], policy: fixed }',
      });
      gateway = await startGateway(platform, config);
      await gateway.provider.tell('*', answer('the next arm'));
      return () => gateway.close();
    });
    const ask = (model: string, streamed = true) => gateway.complete({ model, messages: MESSAGES, stream: streamed });

    test.each([
      ['a server error', 'first', fail(500), 'upstream_error', 500],
      ['a rate limit', 'first', fail(429), 'upstream_error', 429],
      ['a wrong key', 'first', fail(401), 'upstream_error', 401],
      ['an HTML page with status 200', 'first', fail(200, '<html>Welcome</html>'), 'upstream_error', 200],
      ['a stream of [DONE] alone', 'first', stream(['data: [DONE]\n\n']), 'upstream_drop', 200],
      ['no answer in time', 'hasty', silence, 'timeout', null],
    ] satisfies [string, string, Told, string, number | null][])(
      'answers after %s, and the headers and the decision say so',
      async (_, model, told, outcome, status) => {
        await gateway.provider.tell(model, told);
        const response = await ask(model === 'hasty' ? 'hasty' : 'auto');
        const text = await response.text();
        expect(text).toContain('data: [DONE]');
        expect(text).not.toContain('error');
        expect(response.headers.get('x-conduit-reason')).toBe('fallback');
        expect(response.headers.get('x-conduit-attempts')).toBe('2');
        expect(await gateway.decisionOf(response)).toMatchObject({
          chosen: `fake/${model}`,
          attempts: [
            { outcome, status },
            { outcome: 'completed', status: 200 },
          ],
          outcome: { kind: 'completed', finish_reason: 'stop' },
        });
      },
    );

    test('goes through all arms once and no more, and a pinned model has none', async () => {
      await gateway.provider.tell('*', fail(500));
      const models = async (): Promise<string[]> => (await gateway.provider.received()).map(({ body }) => body.model);
      expect((await ask('auto', false)).status).toBe(502);
      expect((await models()).sort()).toEqual(['first', 'second', 'third']);
      await gateway.provider.reset();
      await gateway.provider.tell('*', fail(500));
      expect((await ask('fake/first', false)).status).toBe(502);
      expect(await models()).toEqual(['first']);
    });
  });
}
