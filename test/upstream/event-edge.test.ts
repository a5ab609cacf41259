import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventEdge } from '../../src/upstream/event-edge.ts';
import { bytesOf } from '../support/cuts.ts';

const after = (...chunks: string[]) => {
  const edge = createEventEdge();
  for (const chunk of chunks) edge.push(bytesOf(chunk));
  return edge;
};

test.each([
  ['nothing yet', [], true],
  ['an event', ['data: 1\n\n'], true],
  ['an event with CRLF', ['data: 1\r\n\r\n'], true],
  ['an event with CR', ['data: 1\r\r'], true],
  ['an event with LF, then CRLF', ['data: 1\n\r\n'], true],
  ['an event cut before its last byte', ['data: 1\n', '\n'], true],
  ['an event cut within CRLF', ['data: 1\r\n\r', '\n'], true],
  ['a comment of its own', ['data: 1\n\n: a\n\n'], true],
  ['a line of an event', ['data: 1\n'], false],
  ['a line of an event with CRLF', ['data: 1\r\n'], false],
  ['half a line', ['data: 1\n\ndata: '], false],
  ['a CR that an LF may follow', ['data: 1\r'], false],
] as const)('after %s', (_, chunks, isBetween) => {
  expect(after(...chunks).isBetween()).toBe(isBetween);
});

test('what is told is the same however the bytes are cut', () => {
  const line = fc.constantFrom('data: 1', 'id: 7', ': id: 1', 'data: id: 1', 'i', 'idea: 2', '', ' id: 3');
  const lines = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 8 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat(80)), (parts, cuts) => {
      const text = parts.map((part) => part.join('')).join('');
      const at = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
      const chunks = at.slice(1).map((end, i) => text.slice(at[i], end));
      const [whole, cut] = [after(text), after(...chunks)];
      expect(cut.isBetween()).toBe(whole.isBetween());
      expect(cut.hasIds()).toBe(whole.hasIds());
      expect(whole.hasIds()).toBe(/(^|[\r\n])id:/.test(text));
    }),
  );
});
