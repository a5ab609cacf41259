/** Clients that send what no honest client sends, byte by byte: refused, told why, cut off, and never a second request. */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from '../../src/node.ts';
import { answer, type FakeUpstream, piece, silence, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { sha256Hex, simpleConfig } from '../support/gateway.ts';

const KEY = 'a-key-of-conduit-for-hostile-tests';
const MAX_BODY = 1_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

async function start(upstreamUrl: string, limits: GatewayOptions['limits'] = {}): Promise<RunningGateway> {
  const text = simpleConfig(upstreamUrl, ['small'], {
    rest: `server: { port: 0, max_body_bytes: ${MAX_BODY} }\nkeys: [{ name: k, key: ${KEY} }]`,
  });
  const loaded = loadConfig({ text, env: {}, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return startGateway(loaded.config, { log: SILENT, limits });
}

interface Wire {
  socket: Socket;
  /** What has come so far. */
  said: () => string;
  /** Resolves with all that came, once the gateway has closed the connection. */
  closed: Promise<string>;
  /** Resolves when what has come so far matches. */
  until(what: RegExp): Promise<string>;
}

/** With `stubborn` it may go on sending after the gateway has said its last word. */
function dial({ url }: RunningGateway, stubborn = false): Wire {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: stubborn });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  // A reset is one way of closing.
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  return {
    socket,
    said: () => text,
    closed,
    until: (what) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (what.test(text)) resolve(text);
        };
        look();
        socket.on('data', look);
        socket.once('close', () => reject(new Error(`closed after: ${text}`)));
      }),
  };
}

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** The body of the only answer, which must be whole and in OpenAI's shape. */
function errorOf(text: string): { message: string; type: string; param: null; code: string } {
  const [head, body] = text.split('\r\n\r\n') as [string, string];
  expect(head.toLowerCase()).toContain('connection: close');
  expect(head.toLowerCase()).toContain('content-type: application/json');
  expect(head.toLowerCase()).toContain(`content-length: ${body.length}`);
  return (JSON.parse(body) as { error: ReturnType<typeof errorOf> }).error;
}

const HOST = 'host: gateway\r\n';
const AUTHORIZATION = `authorization: Bearer ${KEY}\r\n`;
/** A request that would be answered if anybody took it for one. */
const SMUGGLED = `GET /v1/models HTTP/1.1\r\n${HOST}${AUTHORIZATION}\r\n`;
const BODY = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] });

const get = (lines: string): string => `GET /health HTTP/1.1\r\n${lines}\r\n`;
const post = (lines: string, body: string, path = '/v1/chat/completions'): string =>
  `POST ${path} HTTP/1.1\r\n${HOST}${AUTHORIZATION}${lines}\r\n${body}`;
const chunked = (body: string): string => post('transfer-encoding: chunked\r\n', body);

describe('a gateway', () => {
  let upstream: FakeUpstream;
  let gateway: RunningGateway;
  beforeAll(async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await start(upstream.url);
  });
  afterEach(() => {
    upstream.received.length = 0;
    upstream.scripts.set('*', answer());
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const send = (bytes: string): Wire => {
    const wire = dial(gateway);
    wire.socket.write(bytes, 'latin1');
    return wire;
  };

  describe('refuses what two parsers could read differently, and closes the connection:', () => {
    test.each<[string, string]>([
      [
        'content-length and transfer-encoding',
        post('content-length: 4\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
      ],
      [
        'transfer-encoding and content-length',
        post('transfer-encoding: chunked\r\ncontent-length: 4\r\n', '0\r\n\r\n'),
      ],
      ['two different content-lengths', post('content-length: 4\r\ncontent-length: 5\r\n', 'abcde')],
      ['the same content-length twice', post('content-length: 4\r\ncontent-length: 4\r\n', 'abcd')],
      ['a list of content-lengths', post('content-length: 4, 4\r\n', 'abcd')],
      ['a content-length with a sign', post('content-length: +4\r\n', 'abcd')],
      ['a negative content-length', post('content-length: -4\r\n', 'abcd')],
      ['a content-length in hex', post('content-length: 0x4\r\n', 'abcd')],
      ['a content-length beyond all numbers', post('content-length: 99999999999999999999999\r\n', 'abcd')],
      ['a folded header', get(`${HOST}x-a: 1\r\n 2\r\n`)],
      ['a folded content-length', post('content-length:\r\n 4\r\n', 'abcd')],
      ['transfer-encoding twice', post('transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n', '0\r\n\r\n')],
      ['a transfer-encoding hidden behind a tab', post('transfer-encoding: \x0bchunked\r\n', '0\r\n\r\n')],
      ['a space before the colon', post('transfer-encoding : chunked\r\n', '0\r\n\r\n')],
      ['a chunk size that is no number', chunked('zz\r\nabc\r\n0\r\n\r\n')],
      ['a negative chunk size', chunked('-1\r\nabc\r\n0\r\n\r\n')],
      ['a chunk size beyond all numbers', chunked('fffffffffffffffff\r\nabc\r\n0\r\n\r\n')],
      ['a chunk that is longer than its size', chunked('3\r\nabcd\r\n0\r\n\r\n')],
      ['a chunk size that ends with a bare LF', chunked('3\nabc\r\n0\r\n\r\n')],
      ['a chunk extension that ends with a bare LF', chunked('3;a\nabc\r\n0\r\n\r\n')],
      ['a space behind a chunk size', chunked('3 \r\nabc\r\n0\r\n\r\n')],
      ['a content-length among the trailers', chunked('0\r\ncontent-length: 5\r\n\r\n')],
      ['lines that end with a bare LF', get(HOST).replaceAll('\r\n', '\n')],
      ['one header that ends with a bare LF', get('host: gateway\nx-a: b\r\n')],
      ['headers that end with a bare LF', `GET /health HTTP/1.1\r\n${HOST}\n`],
      ['a bare CR', get('host: gateway\rx-a: b\r\n')],
      ['NUL in a header', get(`${HOST}x-a: a\0b\r\n`)],
      ["NUL in a header's name", get(`${HOST}x\0a: b\r\n`)],
      ['NUL in the target', `GET /hea\0lth HTTP/1.1\r\n${HOST}\r\n`],
      ['no host', get('')],
      ['two hosts', get(HOST + HOST)],
      ['a host that is none', get('host: a/b@c\r\n')],
      ['a target that is no path', `GET ftp://gateway/health HTTP/1.1\r\n${HOST}\r\n`],
      ['a target for the whole server', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
      ['a method in lower case', `get /health HTTP/1.1\r\n${HOST}\r\n`],
      ['HTTP/1.0 with a transfer-encoding', chunked('0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
      ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ])('%s', async (_what, bytes) => {
      const said = await send(bytes + SMUGGLED).closed;
      expect(statuses(said)).toEqual([400]);
      expect(errorOf(said)).toMatchObject({ type: 'invalid_request_error', code: 'invalid_http_request' });
      expect(upstream.received).toEqual([]);
    });

    test.each<[string, number, string, string]>([
      ['CONNECT', 405, 'method_not_allowed', 'CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n'],
      [
        'an expectation it does not know',
        417,
        'expectation_failed',
        post('expect: a miracle\r\ncontent-length: 2\r\n', '{}'),
      ],
      [
        'a transfer-encoding that hides the body',
        501,
        'not_implemented',
        post('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n'),
      ],
      [
        'a transfer-encoding that does not exist',
        501,
        'not_implemented',
        post('transfer-encoding: xchunked\r\n', '0\r\n\r\n'),
      ],
      ['HTTP/2 without its preface', 505, 'http_version_not_supported', `GET /health HTTP/2.0\r\n${HOST}\r\n`],
      ['HTTP/0.9', 505, 'http_version_not_supported', 'GET /health\r\n\r\n'],
    ])('%s with %i', async (_what, status, code, bytes) => {
      const said = await send(bytes + SMUGGLED).closed;
      expect(statuses(said)).toEqual([status]);
      expect(errorOf(said).code).toBe(code);
      expect(upstream.received).toEqual([]);
    });
  });

  describe('refuses with 431', () => {
    test.each<[string, string]>([
      ['a header of 20 kB', get(`${HOST}x: ${'a'.repeat(20_000)}\r\n`)],
      ['a target of 20 kB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`],
      ['101 headers', get(HOST + 'a: b\r\n'.repeat(100))],
    ])('%s', async (_what, bytes) => {
      const said = await send(bytes).closed;
      expect(statuses(said)).toEqual([431]);
      expect(errorOf(said).code).toBe('headers_too_large');
    });

    test('but takes 100 headers and 12 kB', async () => {
      const wire = send(get(`${HOST}${'a: b\r\n'.repeat(98)}x: ${'a'.repeat(12_000)}\r\n`));
      await wire.until(/HTTP\/1\.1 200 /);
    });
  });

  describe('never takes the body of a request that it refused for another request:', () => {
    test.each<[string, string, number]>([
      ['401', `POST /v1/chat/completions HTTP/1.1\r\n${HOST}`, 401],
      ['404', `POST /nothing HTTP/1.1\r\n${HOST}`, 404],
      ['413', `POST /v1/chat/completions HTTP/1.1\r\n${HOST}${AUTHORIZATION}`, 413],
      ['413 for feedback', `POST /v1/feedback HTTP/1.1\r\n${HOST}${AUTHORIZATION}`, 413],
    ])('%s', async (_what, head, status) => {
      for (const coding of ['content-length', 'chunked']) {
        const body = SMUGGLED.repeat(1_000);
        const framed =
          coding === 'chunked'
            ? `transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
            : `content-length: ${body.length}\r\n\r\n${body}`;
        const wire = send(head + framed);
        await wire.until(/HTTP\/1\.1 \d{3} [\s\S]*\}$/);
        // What stands behind the body may be answered, where the connection is kept. What stood in it is not.
        wire.socket.end(`GET /behind HTTP/1.1\r\n${HOST}\r\n`);
        expect(statuses(await wire.closed)).toEqual([status, 404]);
      }
    });

    test('413 leaves the connection of use, though more of the body came after it', async () => {
      const wire = send(
        `POST /v1/chat/completions HTTP/1.1\r\n${HOST}${AUTHORIZATION}transfer-encoding: chunked\r\n\r\n`,
      );
      const piece = 'x'.repeat(MAX_BODY / 2);
      for (let i = 0; i < 6; i++) {
        wire.socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      wire.socket.write('0\r\n\r\n');
      await wire.until(/HTTP\/1\.1 413 [\s\S]*\}$/);
      wire.socket.write(get(HOST));
      await wire.until(/"status":"ok"/);
      expect(statuses(wire.said())).toEqual([413, 200]);
    });

    test.each([
      ['401', 900, ''],
      ['413', MAX_BODY + 1, AUTHORIZATION],
    ])('%s is said before any of the body has come', async (status, length, authorization) => {
      const wire = send(
        `POST /v1/chat/completions HTTP/1.1\r\n${HOST}${authorization}content-length: ${length}\r\n\r\n`,
      );
      await wire.until(/HTTP\/1\.1 \d{3} [\s\S]*\}$/);
      expect(statuses(wire.said())).toEqual([Number(status)]);
    });

    test('the connection of a client that goes on sending is closed', async () => {
      const wire = send(`POST /nothing HTTP/1.1\r\n${HOST}content-length: 100000000000\r\n\r\n`);
      const more = setInterval(() => wire.socket.write('x'.repeat(1_000)), 5);
      wire.closed.finally(() => clearInterval(more));
      expect(statuses(await wire.closed)).toEqual([404]);
    });
  });

  test('answers requests sent in one go in their order', async () => {
    const one = post(`content-length: ${BODY.length}\r\n`, BODY);
    const wire = send(one + get(HOST) + SMUGGLED);
    await wire.until(/"object":"list"/);
    const said = wire.said();
    expect(statuses(said)).toEqual([200, 200, 200]);
    expect(said.indexOf('chat.completion')).toBeLessThan(said.indexOf('"status":"ok"'));
  });

  test('does not write a refusal into an answer that has begun', async () => {
    upstream.scripts.set('*', stream([piece('so far')], 'hang'));
    const body = JSON.stringify({ ...JSON.parse(BODY), stream: true });
    const wire = send(post(`content-length: ${body.length}\r\n`, body));
    await wire.until(/so far/);
    wire.socket.write('what is this\r\n\r\n');
    const said = await wire.closed;
    expect(statuses(said)).toEqual([200]);
    expect(said).not.toContain('invalid_http_request');
    await upstream.received[0]?.hungUpAt;
  });

  test('does not write a refusal in the place of an answer that is still being made', async () => {
    upstream.scripts.set('*', silence);
    const wire = send(post(`content-length: ${BODY.length}\r\n`, BODY));
    await expect.poll(() => upstream.received.length).toBe(1);
    wire.socket.write('what is this\r\n\r\n');
    expect(await wire.closed).toBe('');
    await upstream.received[0]?.hungUpAt;
  });

  test('goes on in HTTP/1.1 with a client that offers to upgrade', async () => {
    const offer = 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n';
    const wire = send(post(`${offer}content-length: ${BODY.length}\r\n`, BODY));
    await wire.until(/chat\.completion/);
    wire.socket.write(get(HOST));
    await wire.until(/"status":"ok"/);
    expect(statuses(wire.said())).toEqual([200, 200]);
    expect(upstream.received).toHaveLength(1);
    expect(upstream.received[0]?.headers).not.toHaveProperty('upgrade');
    expect(upstream.received[0]?.headers).not.toHaveProperty('http2-settings');
  });

  test('is no forward proxy: the host in an absolute target is not gone to', async () => {
    const wire = send(
      `GET ${upstream.url}/models HTTP/1.1\r\nhost: ${new URL(upstream.url).host}\r\n${AUTHORIZATION}\r\n`,
    );
    await wire.until(/"object":"list"/);
    expect(wire.said()).toContain('"id":"auto"');
    expect(upstream.received).toEqual([]);
  });

  test('answers HTTP/1.0 without a host, as load balancers ask for its health, and closes', async () => {
    expect(statuses(await send('GET /health HTTP/1.0\r\n\r\n').closed)).toEqual([200]);
  });

  test('waits with a body for the client that asks first', async () => {
    const wire = send(post(`expect: 100-continue\r\ncontent-length: ${BODY.length}\r\n`, ''));
    await wire.until(/HTTP\/1\.1 100 Continue/);
    wire.socket.write(BODY);
    await wire.until(/chat\.completion/);
    expect(statuses(wire.said())).toEqual([100, 200]);
  });
});

describe('a slow client is cut off', () => {
  let upstream: FakeUpstream;
  let gateway: RunningGateway;
  beforeAll(async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await start(upstream.url, { headersMs: 200, requestMs: 400, checkMs: 50, keepAliveMs: 100 });
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  /** One byte after the other for as long as the gateway listens. */
  const drip = async (begin: string, byte: string): Promise<string> => {
    const wire = dial(gateway);
    wire.socket.write(begin);
    const more = setInterval(() => wire.socket.write(byte), 20);
    try {
      return await wire.closed;
    } finally {
      clearInterval(more);
    }
  };

  test('with 408 while its headers drip', async () => {
    const said = await drip(`GET /health HTTP/1.1\r\n${HOST}x-slow: `, 'a');
    expect(statuses(said)).toEqual([408]);
    expect(errorOf(said)).toMatchObject({ type: 'timeout_error', code: 'request_timeout' });
  });

  test('with 408 while its body drips, and the model is not asked', async () => {
    const said = await drip(post('content-length: 900\r\n', ''), ' ');
    expect(statuses(said)).toEqual([408]);
    expect(upstream.received).toEqual([]);
  });

  test.each([30, 150])('though the rest comes at the very end: after %i bytes', async (bytes) => {
    const whole = post(`content-length: ${BODY.length}\r\n`, BODY);
    const wire = dial(gateway, true);
    wire.socket.write(whole.slice(0, bytes));
    await wire.until(/HTTP\/1\.1 408 /);
    wire.socket.write(whole.slice(bytes) + SMUGGLED);
    // An honest client after it: whatever was to become of the rest has become of it by then.
    const honest = dial(gateway);
    honest.socket.write(whole);
    await honest.until(/chat\.completion/);
    expect(upstream.received).toHaveLength(1);
    expect(statuses(wire.said())).toEqual([408]);
  });

  test('when it connects and says nothing', async () => {
    const said = await dial(gateway).closed;
    expect(statuses(said).every((status) => status === 408)).toBe(true);
  });

  test('when it has been answered and keeps the connection for nothing', async () => {
    const wire = dial(gateway);
    wire.socket.write(get(HOST));
    expect(statuses(await wire.closed)).toEqual([200]);
  });

  test('but an answer may take longer than a request', async () => {
    upstream.scripts.set('*', stream([piece('slow '), 600, piece('answer'), piece('', 'stop'), 'data: [DONE]\n\n']));
    const body = JSON.stringify({ ...JSON.parse(BODY), stream: true });
    const wire = dial(gateway);
    wire.socket.write(post(`content-length: ${body.length}\r\n`, body));
    expect(await wire.closed).toContain('[DONE]');
  });
});
