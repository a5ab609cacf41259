import { describe, expect, test } from 'vitest';
import { createOwnUsageFilter } from '../../src/upstream/own-usage.ts';
import { createEventReader } from '../../src/upstream/sse.ts';
import { bytesOf, textOf } from '../support/cuts.ts';

/** What the client gets of a stream that comes in one piece. */
function filtered(bytes: Uint8Array): Uint8Array {
  const filter = createOwnUsageFilter();
  return Uint8Array.from([...(filter.push(bytes) ?? []), ...(filter.end() ?? [])]);
}

describe('usage that Conduit alone asked for', () => {
  test('leaves bytes alone that are no UTF-8', () => {
    const line = [
      ...bytesOf('data: {"choices":[{"delta":{"content":"'),
      0xff,
      0xfe,
      ...bytesOf('"}}],"usage":null}\n\n'),
    ];
    expect([...filtered(Uint8Array.from(line))]).toEqual(line);
  });

  test('leaves no event without data where a provider names or numbers each one: clients would fail at it', () => {
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":3}}';
    for (const [given, shown] of [
      // The later of two counts.
      [`id: 8\n${usage}\n\nid: 9\ndata: [DONE]\n\n`, 'id: 8\nid: 9\ndata: [DONE]\n\n'],
      // OpenAI's client for Node takes a name for an event, also at the end.
      [`event: chunk\n${usage}\n\ndata: [DONE]\n\n`, 'event: chunk\nevent:\ndata: [DONE]\n\n'],
      [`event: chunk\r\n${usage}\r\n\r\n`, 'event: chunk\r\nevent:\r\n'],
      [`event: chunk\n${usage}`, 'event: chunk\nevent:'],
      [`event: chunk\n${usage}\n\n: waiting\n\n`, 'event: chunk\nevent:\n: waiting\n\n'],
      [`id: 8\n${usage}\n: last\n\ndata: [DONE]\n\n`, 'id: 8\n: last\ndata: [DONE]\n\n'],
    ] as const) {
      expect(textOf(filtered(bytesOf(given)))).toBe(shown);
      const filter = createOwnUsageFilter();
      const pieces = (given.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((piece) => filter.push(bytesOf(piece)));
      expect([...pieces, filter.end()].map((piece) => textOf(piece ?? bytesOf(''))).join('')).toBe(shown);
    }
  });

  test('does not join two events where one had other data', () => {
    const both = 'data: {"choices":[1]}\ndata: {"choices":[],"usage":{"prompt_tokens":3}}\n\ndata: [DONE]\n\n';
    const events: string[] = [];
    createEventReader((data) => events.push(data)).push(filtered(bytesOf(both)));
    expect(events).toEqual(['{"choices":[1]}', '[DONE]']);
  });

  test('goes where the stream ends behind it without a line end', () => {
    expect(textOf(filtered(bytesOf('data: [DONE]\n\ndata: {"choices":[],"usage":{"prompt_tokens":3}}')))).toBe(
      'data: [DONE]\n\n',
    );
    expect(textOf(filtered(bytesOf('data: [DONE]')))).toBe('data: [DONE]');
  });

  test('lets a line through that is longer than is ever held', () => {
    const filter = createOwnUsageFilter();
    const piece = new Uint8Array(1024 * 1024).fill(0x78);
    let passed = 0;
    for (let i = 0; i < 20; i++) passed += filter.push(piece)?.length ?? 0;
    expect(passed).toBeGreaterThan(8 * piece.length);
    passed += filter.end()?.length ?? 0;
    expect(passed).toBe(20 * piece.length);
  });
});
