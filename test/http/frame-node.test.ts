import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameOf } from '../../src/http/frame-node.ts';

const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 6_000 }), { maxLength: 4 });

/** What a reader of HTTP/1.1 makes of a body in frames; throws where it is none. */
function unframed(bytes: Buffer): { body: Buffer; isWhole: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const start = lineEnd + 2;
    if (bytes.toString('latin1', start + size, start + size + 2) !== '\r\n') throw new Error('a frame without its end');
    if (size === 0) return { body: Buffer.concat(parts), isWhole: start + 2 === bytes.length };
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
  return { body: Buffer.concat(parts), isWhole: false };
}

describe('a body in frames', () => {
  test('is the pieces and nothing else, and whole only with the last frame', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 4 }), fc.boolean(), (turns, ends) => {
        const written = turns.flatMap((turn, index) => {
          const length = turn.reduce((sum, piece) => sum + piece.length, 0);
          return frameOf(turn, length, ends && index === turns.length - 1);
        });
        const { body, isWhole } = unframed(Buffer.concat(written));
        expect(body.equals(Buffer.concat(turns.flat()))).toBe(true);
        expect(isWhole).toBe(ends && turns.length > 0);
      }),
    );
  });

  test('is one buffer where it is small, so that it is one write', () => {
    expect(frameOf([Buffer.from('data: 1\n\n'), Buffer.from('data: [DONE]\n\n')], 23, true)).toHaveLength(1);
    expect(frameOf([], 0, false)).toEqual([]);
  });

  test('is read by Node’s own client, with the server’s framing off', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.chunkedEncoding = false;
      for (const piece of frameOf([Buffer.from('Grüße, ')], 9, false)) response.write(piece);
      for (const piece of frameOf([Buffer.alloc(10_000, 'a')], 10_000, true)) response.write(piece);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const [response] = (await once(get({ port: (server.address() as AddressInfo).port }), 'response')) as [
      IncomingMessage,
    ];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    expect(text).toBe(`Grüße, ${'a'.repeat(10_000)}`);
    expect(response.headers['transfer-encoding']).toBe('chunked');
    server.close();
  });
});
