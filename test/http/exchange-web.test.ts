import { describe, expect, test } from 'vitest';
import { createWebExchange } from '../../src/http/exchange-web.ts';
import { bytesOf } from '../support/cuts.ts';

const post = (body: string | ReadableStream | null, init: RequestInit = {}): Request =>
  new Request('http://gateway/', { method: 'POST', body, duplex: 'half', ...init });

/** A body that comes in pieces, without a length. */
const pieces = (...parts: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(bytesOf(part));
      controller.close();
    },
  });

describe('an exchange through web streams', () => {
  test('reads a body up to its limit, whether its length is told or not', async () => {
    expect(await createWebExchange(post('12345')).readBody(5)).toEqual(bytesOf('12345'));
    expect(await createWebExchange(post(pieces('12', '345'))).readBody(5)).toEqual(bytesOf('12345'));
    expect(await createWebExchange(post('123456')).readBody(5)).toBe('too_large');
    expect(await createWebExchange(post(pieces('123', '456'))).readBody(5)).toBe('too_large');
    expect(await createWebExchange(post(null)).readBody(5)).toEqual(new Uint8Array());
  });

  test('tells that the client went before its body was whole', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
    expect(await createWebExchange(post(body)).readBody(5)).toBe('gone');
  });

  test('answers once it has begun, and passes on what is written', async () => {
    const exchange = createWebExchange(post('x'));
    exchange.begin(201, { 'x-test': 'a' });
    exchange.write(bytesOf('one '));
    exchange.write(bytesOf('two'));
    exchange.end();
    const response = await exchange.response;
    expect(response.status).toBe(201);
    expect(response.headers.get('x-test')).toBe('a');
    expect(await response.text()).toBe('one two');
  });

  const watched = () => {
    const { signal } = new AbortController();
    const request = post('x', { signal });
    const listening = new Set<unknown>();
    Object.defineProperty(request, 'signal', {
      value: Object.assign(signal, {
        addEventListener: (_: string, listener: unknown) => void listening.add(listener),
        removeEventListener: (_: string, listener: unknown) => void listening.delete(listener),
      }),
    });
    return { request, listening };
  };

  test('holds no request that is refused, or answered by others, once its body is read', async () => {
    const { request, listening } = watched();
    expect(await createWebExchange(request).readBody(5)).toEqual(bytesOf('x'));
    expect(listening.size).toBe(0);
  });

  test.each(['answered', 'ended', 'aborted', 'left'])('lets go of a request that is %s', async (how) => {
    const { request, listening } = watched();
    const exchange = createWebExchange(request);
    exchange.onLeave(() => {});
    expect(listening.size).toBe(1);
    if (how === 'answered') exchange.answer(200, {}, bytesOf('x'));
    else {
      exchange.begin(200, {});
      exchange.write(bytesOf('x'));
      if (how === 'ended') exchange.end();
      else if (how === 'aborted') exchange.abort();
      else await (await exchange.response).body?.cancel();
    }
    expect(listening.size).toBe(0);
  });

  test('answers without a body where the status has none', async () => {
    const exchange = createWebExchange(post('x'));
    exchange.begin(304, { etag: '"1"' });
    exchange.end();
    const response = await exchange.response;
    expect([response.status, response.headers.get('etag'), response.body]).toEqual([304, '"1"', null]);
  });

  test('gives a body piece by piece, tells that its client went, and can be left in the middle', async () => {
    const exchange = createWebExchange(new Request('http://gateway/v1/a%20b?c=d', { method: 'POST' }));
    expect(exchange.target).toBe('/v1/a%20b?c=d');
    const read = [];
    for await (const piece of createWebExchange(post(pieces('12', '345'))).readPieces()) read.push(piece);
    expect(read).toEqual([bytesOf('12'), bytesOf('345')]);
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
    await expect(createWebExchange(post(broken)).readPieces().next()).rejects.toThrow('gone');
    const endless = createWebExchange(post(new ReadableStream({ pull: () => new Promise(() => {}) }))).readPieces();
    const waiting = endless.next();
    await endless.return();
    expect(await waiting).toMatchObject({ done: true });
  });

  test('asks to wait while the client does not read, and tells when it does', async () => {
    const exchange = createWebExchange(post('x'));
    exchange.begin(200, {});
    const reader = (await exchange.response).body!.getReader();
    let writable = true;
    let writes = 0;
    while (writable && writes < 100) {
      writable = exchange.write(bytesOf('x'));
      writes++;
    }
    expect(writes).toBeLessThan(100);
    const drained = new Promise<void>((resolve) => exchange.onDrain(resolve));
    for (let i = 0; i < writes; i++) await reader.read();
    await drained;
  });

  test('tells once that the client has left, by its signal or by the stream', async () => {
    const aborter = new AbortController();
    const bySignal = createWebExchange(post('x', { signal: aborter.signal }));
    let left = 0;
    bySignal.onLeave(() => left++);
    bySignal.begin(200, {});
    const response = await bySignal.response;
    aborter.abort();
    await response.body!.cancel().catch(() => {});
    expect(left).toBe(1);
    expect(bySignal.write(bytesOf('late'))).toBe(true);
    bySignal.end();

    const byStream = createWebExchange(post('x'));
    byStream.onLeave(() => left++);
    byStream.begin(200, {});
    await (await byStream.response).body!.cancel();
    expect(left).toBe(2);
    byStream.end();
  });

  test('ends the body with the reason of the client’s signal, for whoever still reads it', async () => {
    const aborter = new AbortController();
    const exchange = createWebExchange(post('x', { signal: aborter.signal }));
    exchange.onLeave(() => {});
    exchange.begin(200, {});
    exchange.write(bytesOf('first'));
    const reader = (await exchange.response).body!.getReader();
    await reader.read();
    const read = expect(reader.read()).rejects.toThrow('enough');
    aborter.abort(new Error('enough'));
    await read;
    expect(exchange.write(bytesOf('late'))).toBe(true);
    exchange.end();
  });

  test('tells at once that the client has left already, and leaves nobody waiting for an answer', async () => {
    const aborter = new AbortController();
    const exchange = createWebExchange(post('x', { signal: aborter.signal }));
    aborter.abort();
    let left = 0;
    exchange.onLeave(() => left++);
    expect(left).toBe(1);
    await exchange.response;
  });

  test('says nothing of a client that leaves after the end', async () => {
    const aborter = new AbortController();
    const exchange = createWebExchange(post('x', { signal: aborter.signal }));
    let left = 0;
    exchange.onLeave(() => left++);
    exchange.begin(200, {});
    exchange.end();
    aborter.abort();
    await (await exchange.response).text().catch(() => {});
    expect(left).toBe(0);
  });

  test('of a client that was gone before is told so too', async () => {
    const exchange = createWebExchange(post('x', { signal: AbortSignal.abort() }));
    let left = 0;
    exchange.onLeave(() => left++);
    expect(left).toBe(1);
    await exchange.response;
  });
});
