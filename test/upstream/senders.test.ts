import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Send, UpstreamCall } from '../../src/upstream/port.ts';
import { createFetchSender } from '../../src/upstream/send-fetch.ts';
import { createUndiciSender } from '../../src/upstream/send-undici.ts';

/** Both ways of sending promise the same. */
function senderSuite(name: string, create: () => { send: Send; close: () => Promise<void> }): void {
  describe(name, () => {
    let server: Server;
    let url: string;
    let script: (response: ServerResponse, path: string) => unknown = () => {};
    const { send, close } = create();

    beforeAll(async () => {
      server = createServer((request, response) => {
        request.resume();
        script(response, request.url ?? '');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(async () => {
      await close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    /** What happened, in order, once the call is over. `step` is told of each piece of data. */
    const run = (to: string, step: (call: UpstreamCall, text: string) => void = () => {}): Promise<string[]> =>
      new Promise((resolve) => {
        const events: string[] = [];
        const over = (event: string): void => {
          events.push(event);
          // A turn of the loop in which nothing more may come.
          setImmediate(() => resolve(events));
        };
        const call = send(
          {
            method: 'POST',
            url: to,
            headers: { 'content-type': 'application/json', 'accept-encoding': 'identity' },
            body: '{}',
            connectMs: 1_000,
          },
          {
            headers: (status, headers) => events.push(`${status} ${headers['x-test'] ?? ''}`.trim()),
            data: (chunk) => {
              events.push(new TextDecoder().decode(chunk));
              step(call, new TextDecoder().decode(chunk));
            },
            end: () => over('end'),
            failed: ({ kind }) => over(`failed: ${kind}`),
          },
        );
      });

    test('gives status, headers in lower case, data and the end', async () => {
      script = (response, path) =>
        response.writeHead(201, { 'X-Test': 'é', 'content-type': 'text/plain' }).end(`you asked ${path}`);
      expect(await run(`${url}/v1/a?b=c`)).toEqual(['201 é', 'you asked /v1/a?b=c', 'end']);
    });

    test('passes over what a server says before its answer', async () => {
      script = (response) => {
        response.writeProcessing();
        response.writeEarlyHints({ link: '</x>; rel=preload' });
        response.writeHead(200).end('the answer');
      };
      expect(await run(url)).toEqual(['200', 'the answer', 'end']);
    });

    test('tells a refused connection', async () => {
      const unused = createTcpServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => unused.once('listening', resolve));
      const { port } = unused.address() as AddressInfo;
      await new Promise((resolve) => unused.close(resolve));
      expect(await run(`http://127.0.0.1:${port}/`)).toEqual(['failed: connect']);
    });

    test('tells a connection that is cut in the middle of the answer', async () => {
      script = (response) => {
        response.writeHead(200).write('half');
      };
      expect(await run(url, () => server.closeAllConnections())).toEqual(['200', 'half', 'failed: reset']);
    });

    test('does not follow a redirect, which could carry the key elsewhere', async () => {
      script = (response, path) => response.writeHead(path === '/' ? 307 : 200, { location: '/elsewhere' }).end();
      expect(await run(`${url}/`)).toEqual(['307', 'end']);
    });

    test('closes the upstream’s connection on cancel, and tells nothing more', async () => {
      const closed = Promise.withResolvers<void>();
      script = (response) => {
        response.writeHead(200).write('first');
        response.once('close', () => closed.resolve());
      };
      const first = Promise.withResolvers<void>();
      const events: string[] = [];
      const call = send(
        { method: 'POST', url, headers: {}, body: '{}', connectMs: 1_000 },
        {
          headers: () => events.push('headers'),
          data: () => {
            events.push('data');
            first.resolve();
          },
          end: () => events.push('end'),
          failed: () => events.push('failed'),
        },
      );
      await first.promise;
      call.cancel();
      call.cancel();
      await closed.promise;
      expect(events).toEqual(['headers', 'data']);
    });

    test('sends nothing that was cancelled before it had a connection, or lets it go at once', async () => {
      const events: string[] = [];
      const note = (event: string) => () => events.push(event);
      const call = send(
        { method: 'POST', url, headers: {}, body: '{}', connectMs: 1_000 },
        { headers: note('headers'), data: note('data'), end: note('end'), failed: note('failed') },
      );
      call.cancel();
      script = (response) => response.end('another');
      expect(await run(url)).toEqual(['200', 'another', 'end']);
      expect(events).toEqual([]);
    });

    test('holds the upstream back while it is paused', async () => {
      const mebibyte = new Uint8Array(1024 * 1024).fill(0x78);
      let sent = 0;
      script = (response, path) => {
        if (path !== '/large') return response.end();
        const more = (): void => {
          while (sent++ < 64) if (!response.write(mebibyte)) return void response.once('drain', more);
          response.end();
        };
        more();
      };
      let received = 0;
      const done = Promise.withResolvers<void>();
      let paused = false;
      const pausing = Promise.withResolvers<void>();
      const call = send(
        { method: 'POST', url: `${url}/large`, headers: {}, body: '{}', connectMs: 1_000 },
        {
          headers: () => {},
          data: (chunk) => {
            received += chunk.length;
            if (!paused) {
              paused = true;
              call.pause();
              pausing.resolve();
            }
          },
          end: () => done.resolve(),
          failed: ({ message }) => done.reject(new Error(message)),
        },
      );
      await pausing.promise;
      // Whole exchanges beside it: had the large answer gone on, it would have got much further meanwhile.
      for (let i = 0; i < 20; i++) expect(await run(`${url}/small`)).toEqual(['200', 'end']);
      expect(received).toBeLessThan(32 * mebibyte.length);
      expect(sent).toBeLessThan(64);
      call.resume();
      await done.promise;
      expect(received).toBe(64 * mebibyte.length);
    });

    test('tells an encoding only where the bytes are still encoded', async () => {
      script = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('plain'));
      let encoding: string | undefined;
      let text = '';
      await new Promise<void>((resolve) => {
        send(
          { method: 'POST', url, headers: {}, body: '{}', connectMs: 1_000 },
          {
            headers: (_status, headers) => {
              encoding = headers['content-encoding'];
            },
            data: (chunk) => {
              text += new TextDecoder().decode(chunk);
            },
            end: resolve,
            failed: () => resolve(),
          },
        );
      });
      expect(encoding === undefined).toBe(text === 'plain');
    });

    test('tells a header that cannot be sent as a failure of this request alone', async () => {
      const failed = await new Promise<string>((resolve) => {
        send(
          { method: 'POST', url, headers: { 'x-bad': 'a\nb' }, body: '{}', connectMs: 1_000 },
          { headers: () => {}, data: () => {}, end: () => resolve('end'), failed: ({ kind }) => resolve(kind) },
        );
      });
      expect(['connect', 'reset']).toContain(failed);
    });
  });
}

senderSuite('the sender of Node', createUndiciSender);
senderSuite('the sender through fetch', () => ({ send: createFetchSender(fetch), close: async () => {} }));
