import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createOwnUsageFilter } from '../../src/upstream/own-usage.ts';
import { createEventReader } from '../../src/upstream/sse.ts';
import { anyCuts, bytesOf, type Cuts, inPieces, textOf } from '../support/cuts.ts';
import { stringText, valueText } from '../support/json-text.ts';

/** A line of an event stream holds no line end. */
const valueOnOneLine = valueText.map((text) => text.replace(/[\r\n]/g, ' '));

/** What the client gets, and after each piece how much of it. */
function filtered(
  bytes: Uint8Array,
  cuts: Cuts,
  whenPassed: (read: number, passed: number) => void = () => {},
): Uint8Array {
  const filter = createOwnUsageFilter();
  const passed: number[] = [];
  let read = 0;
  inPieces(bytes, cuts, (piece) => {
    // The length first: the piece is overwritten as soon as this returns.
    passed.push(...(filter.push(piece) ?? []));
    read += piece.length;
    whenPassed(read, passed.length);
  });
  passed.push(...(filter.end() ?? []));
  return Uint8Array.from(passed);
}

/** Part of a stream: as it comes with usage asked for, and as it would have come without. */
type Part = [asked: string, notAsked: string];

const content = fc.oneof(stringText, fc.constantFrom('"\\"usage\\":null"', '"a,\\"usage\\":null}"', '"usage"'));
const same = (text: string): Part => [text, text];

const chunk: fc.Arbitrary<Part> = fc
  .tuple(
    content,
    fc.constantFrom(' ', ''),
    fc.nat({ max: 4 }),
    valueOnOneLine,
    fc.constantFrom('"usage":null', '"usage" : null', null),
  )
  .map(([text, space, at, more, usage]) => {
    const members = [
      '"id":"x"',
      '"created":1.0',
      `"more":${more}`,
      `"choices":[{"delta":{"content":${text}},"usage":null}]`,
    ];
    const asked = usage === null ? members : members.toSpliced(at, 0, usage);
    return [`data:${space}{${asked.join(',')}}\n\n`, `data:${space}{${members.join(',')}}\n\n`];
  });

const part: fc.Arbitrary<Part> = fc.oneof(
  { weight: 5, arbitrary: chunk },
  fc.constantFrom<Part>(
    ['data: {"id":"x","choices":[],"usage":{"prompt_tokens":3}}\n\n', ''],
    ['data: {"usage":{"prompt_tokens":3},"choices": [ ]}\n\n', ''],
    same(': keep-alive\n\n'),
    same(': "usage"\n\n'),
    same('data: [DONE]\n\n'),
    same('data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":3}}\n\n'),
    same('data: {"choices":[]}\n\n'),
    same('data: {"error":{"usage":1}}\n\n'),
    same('data: "usage" is no JSON\n\n'),
    same('\n'),
  ),
);

const anyStream = fc
  .tuple(fc.array(part, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r'))
  .map(([parts, end]) => ({
    asked: bytesOf(
      parts
        .map(([asked]) => asked)
        .join('')
        .replaceAll('\n', end),
    ),
    notAsked: parts
      .map(([, notAsked]) => notAsked)
      .join('')
      .replaceAll('\n', end),
  }));

describe('usage that Conduit alone asked for', () => {
  test('is taken out, and every other byte is the one that would have come without it, however the stream is cut', () => {
    fc.assert(
      fc.property(anyStream, anyCuts, ({ asked, notAsked }, cuts) => {
        expect(textOf(filtered(asked, cuts))).toBe(notAsked);
      }),
      { numRuns: 1000 },
    );
  });

  test('holds nothing back but a line that is not whole yet', () => {
    fc.assert(
      fc.property(anyStream, anyCuts, ({ asked }, cuts) => {
        filtered(asked, cuts, (read, passed) => {
          const wholeLines =
            Math.max(asked.subarray(0, read).lastIndexOf(10), asked.subarray(0, read).lastIndexOf(13)) + 1;
          expect(passed).toBe(filtered(asked.subarray(0, wholeLines), []).length);
        });
      }),
      { numRuns: 100 },
    );
  });

  test('lets any bytes without usage through as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anyCuts, (bytes, cuts) => {
        expect(filtered(bytes, cuts)).toEqual(bytes);
      }),
    );
  });

  test('leaves bytes alone that are no UTF-8', () => {
    const line = [
      ...bytesOf('data: {"choices":[{"delta":{"content":"'),
      0xff,
      0xfe,
      ...bytesOf('"}}],"usage":null}\n\n'),
    ];
    expect([...filtered(Uint8Array.from(line), [])]).toEqual(line);
  });

  test('does not join two events where a provider names each one', () => {
    const named = 'event: chunk\ndata: {"choices":[],"usage":{"prompt_tokens":3}}\n\nevent: end\ndata: [DONE]\n\n';
    const events: string[] = [];
    const text = filtered(bytesOf(named), []);
    createEventReader((data) => events.push(data)).push(text);
    expect(events).toEqual(['[DONE]']);
    expect(textOf(text)).toContain('event: chunk\n\nevent: end');
  });

  test('goes where the stream ends behind it without a line end', () => {
    expect(textOf(filtered(bytesOf('data: [DONE]\n\ndata: {"choices":[],"usage":{"prompt_tokens":3}}'), []))).toBe(
      'data: [DONE]\n\n',
    );
    expect(textOf(filtered(bytesOf('data: [DONE]'), []))).toBe('data: [DONE]');
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
