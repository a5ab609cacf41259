/** What is refused or fails, as only a socket or the log can tell; the rest is in test/outside/refusals.ts. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { APIError, BadRequestError } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];

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
});

describe('an upstream that fails', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    gateway = await startTestGateway(simpleConfig(upstream.url));
  });
  beforeEach(() => {
    upstream.scripts.clear();
    upstream.received.length = 0;
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const create = (model = 'auto') => gateway.client.chat.completions.create({ model, messages: MESSAGES });

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
    const pinned = await raised(create('fake/small'));
    expect(pinned).toMatchObject({ status: 400, code: 'context_length_exceeded' });
  });

  test('with a 401 is a 502 that shows nothing of the provider’s key', async () => {
    upstream.scripts.set('*', fail(401, { error: { message: 'Incorrect API key provided: sk-provider-secret' } }));
    const error = await raised(create());
    expect(error.status).toBe(502);
    expect(JSON.stringify(error.error)).not.toContain('sk-');
    expect(gateway.logged.join('\n')).not.toContain('sk-provider-secret');
  });
});
