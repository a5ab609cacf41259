import { Agent, request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, piece, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const BODY = { model: 'auto', messages: [{ role: 'user', content: 'Hi' }] };

describe('a gateway on a port', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Hi'));
    gateway = await startTestGateway(simpleConfig(upstream.url));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  test('serves request after request on one connection, errors and streams between', async () => {
    const port = Number(new URL(gateway.url).port);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (body: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpRequest(
          { port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', agent },
          (response) => {
            response.resume().once('end', () => resolve(response.statusCode));
          },
        );
        request.on('error', reject).end(body);
      });
    for (let i = 0; i < 3; i++) {
      expect(await ask(JSON.stringify(BODY))).toBe(200);
      expect(await ask('{')).toBe(400);
      expect(await ask(JSON.stringify({ ...BODY, stream: true }))).toBe(200);
      expect(await ask(JSON.stringify({ ...BODY, model: 'nonsense' }))).toBe(404);
    }
    agent.destroy();
  });

  test('sends no CORS header where no origin is configured', async () => {
    const response = await gateway.post('/v1/chat/completions', BODY, { origin: 'https://app.example' });
    await response.text();
    expect(response.headers.get('access-control-allow-origin')).toBe(null);
  });
});

describe('a gateway for browsers', () => {
  for (const [cors, allowed, other] of [
    ['["https://app.example"]', 'https://app.example', null],
    ['["*"]', '*', '*'],
  ] as const) {
    test(`lets scripts of ${cors} read its answers, streamed, whole and failed`, async () => {
      const upstream = await startFakeUpstream(answer('Hi'));
      const server = `server: { host: 127.0.0.1, port: 0, cors: ${cors} }\n`;
      const gateway = await startTestGateway(server + simpleConfig(upstream.url));
      for (const body of [BODY, { ...BODY, stream: true }, { ...BODY, model: 'nonsense' }]) {
        const response = await gateway.post('/v1/chat/completions', body, { origin: 'https://app.example' });
        await response.text();
        expect(response.headers.get('access-control-allow-origin')).toBe(allowed);
        expect(response.headers.get('access-control-expose-headers')).toContain('x-conduit-decision');
        // Else a cache may show one origin's answer to another.
        expect(response.headers.get('vary')).toBe(allowed === '*' ? null : 'Origin');
        const stranger = await gateway.post('/v1/chat/completions', body, { origin: 'https://evil.example' });
        await stranger.text();
        expect(stranger.headers.get('access-control-allow-origin')).toBe(other);
      }
      const preflight = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, x-conduit-feedback',
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe(allowed);
      expect(preflight.headers.get('access-control-allow-headers')).toContain('x-conduit-feedback');
      await gateway.close();
      await upstream.close();
    });
  }
});

describe('a gateway that shuts down', () => {
  test('lets a stream in flight finish, and accepts nothing new', async () => {
    const go = Promise.withResolvers<void>();
    const upstream = await startFakeUpstream(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('first '));
      await go.promise;
      response.end(`${piece('last')}${piece('', 'stop')}data: [DONE]\n\n`);
    });
    const gateway = await startTestGateway(simpleConfig(upstream.url));
    const response = await gateway.post('/v1/chat/completions', { ...BODY, stream: true });
    const closed = gateway.close();
    // The port is closed: a new connection is refused.
    await expect(gateway.get('/health')).rejects.toThrow();
    go.resolve();
    expect(await response.text()).toContain('last');
    await closed;
    await upstream.close();
  });
});
