import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEventReader, createLineReader } from '../../src/upstream/sse.ts';
import { anyCuts, bytesOf, type Cuts, inPieces, textOf } from '../support/cuts.ts';

function eventsOf(text: string | Uint8Array, cuts: Cuts = [], maxBytes?: number): string[] {
  const events: string[] = [];
  const reader = createEventReader((data) => events.push(data), maxBytes);
  inPieces(typeof text === 'string' ? bytesOf(text) : text, cuts, reader.push);
  return events;
}

describe('the reader of server-sent events', () => {
  test('mixes LF, CRLF and CR in one stream', () => {
    expect(eventsOf('data: a\r\n\r\ndata: b\n\ndata: c\r\rdata: d\r\n\n')).toEqual(['a', 'b', 'c', 'd']);
  });

  test('takes a CR that ends one chunk and the LF that begins the next for one line end', () => {
    const events: string[] = [];
    const reader = createEventReader((data) => events.push(data));
    reader.push(bytesOf('data: a\r'));
    reader.push(bytesOf(''));
    reader.push(bytesOf('\ndata: b\r'));
    reader.push(bytesOf('\n\r'));
    expect(events).toEqual(['a\nb']);
  });

  test('gives an event as soon as its empty line is there, even where that ends in a CR', () => {
    expect(eventsOf('data: now\r\r')).toEqual(['now']);
  });

  test('passes over comments and other fields', () => {
    expect(eventsOf(': keep-alive\n\n: data: no\nevent: x\nid: 1\ndata: yes\n\nevent: alone\n\n')).toEqual(['yes']);
  });

  test('takes one space after the colon away and no more, and knows a field without colon', () => {
    expect(eventsOf('data:a\n\ndata:  b\n\ndata\n\ndata\ndata\n\ndatax: no\n\n')).toEqual(['a', ' b', '', '\n']);
  });

  test('takes a byte order mark away at the start alone', () => {
    expect(eventsOf('\ufeffdata: a\n\n\ufeffdata: b\n\n')).toEqual(['a']);
  });

  test('does not give an event that the end of the stream cut off', () => {
    expect(eventsOf('data: whole\n\ndata: half\n')).toEqual(['whole']);
  });

  test('skips a line that is too long, and reads on behind it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), anyCuts, (length, cuts) => {
        const line = 'x'.repeat(length);
        const text = `data: a\ndata: ${line}\ndata: b\n\ndata: c\n\n`;
        const tooLong = `data: ${line}`.length > 30;
        expect(eventsOf(text, cuts, 30)).toEqual([tooLong ? 'a\nb' : `a\n${line}\nb`, 'c']);
      }),
    );
  });

  test('holds no more of a line without end than its limit', () => {
    const piece = new Uint8Array(1024 * 1024).fill(0x78);
    const lines: number[] = [];
    const reader = createLineReader((line) => lines.push(line.length), 2 * piece.length);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) reader.push(piece);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * piece.length);
    reader.push(bytesOf('\nnext\n'));
    expect(lines).toEqual([4]);
  });

  test('reads a character that two chunks share', () => {
    const bytes = bytesOf('data: 👍é\n\n');
    for (let at = 0; at <= bytes.length; at++) expect(eventsOf(bytes, [at])).toEqual(['👍é']);
    expect(textOf(bytes)).toContain('👍');
  });
});
