import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createOpenEvent } from '../../src/upstream/open-event.ts';
import { createWholeLines } from '../../src/upstream/whole-lines.ts';
import { anyCuts, bytesOf, inPieces, textOf } from '../support/cuts.ts';

/** Events as OpenAI's clients take them: an empty line ends one wherever there is a name, for Python an id, however little it has. */
function readAs(client: 'python' | 'node', text: string, isOver = true): { name: string; data: string }[] {
  const events: { name: string; data: string }[] = [];
  let data: string[] = [];
  let id = '';
  let name = '';
  const lines = text.split(/\r\n|\n|\r/).slice(0, -1);
  // Where the stream ends, so does for Node what has begun.
  for (const line of client === 'node' && isOver ? [...lines, ''] : lines) {
    if (line === '' && (data.length > 0 || name !== '' || (client === 'python' && id !== '')))
      events.push({ name, data: data.join('\n') });
    if (line === '') [name, data] = ['', []];
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    if (line.startsWith('id:')) id = line.slice(3).trim();
    if (line.startsWith('event:')) name = line.slice(6).trim();
  }
  return events;
}

const empty = (events: { data: string }[]): number => events.filter(({ data }) => data === '').length;

describe('the end of an event that a stream broke off in', () => {
  const closed = (text: string): string => {
    const open = createOpenEvent();
    open.push(bytesOf(text));
    return text + open.closing();
  };

  test.each(['\n', '\r\n', '\r'])('takes no more than it needs where lines end with %j', (eol) => {
    const whole = `id: 1${eol}data: {}${eol}${eol}`;
    expect(closed('')).toBe('');
    expect(closed(whole)).toBe(whole);
    // What follows becomes the data of an event that had none.
    for (const begun of [`id: 2${eol}`, `: waiting${eol}`]) expect(closed(whole + begun)).toBe(whole + begun);
    // Not of one with a name: in an event named so OpenAI's clients look for no error.
    const named = `${whole}event: thread.run.created${eol}id: 3${eol}`;
    expect(closed(named)).toBe(`${named}event:\n`);
  });

  test('leaves no event without data that would not have been there, whatever a client had, and however that was cut', () => {
    const line = fc.constantFrom('id: 7', 'data: {"a":1}', 'event: x', ': waiting', '', '');
    const text = fc
      .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r'))
      .map(([lines, eol]) => lines.map((one) => one + eol).join(''));
    fc.assert(
      fc.property(text, anyCuts, (given, cuts) => {
        const open = createOpenEvent();
        const lines = createWholeLines();
        inPieces(bytesOf(given), cuts, (piece) => open.push(lines.push(piece) ?? new Uint8Array()));
        for (const client of ['python', 'node'] as const) {
          const without = empty(readAs(client, given, false));
          const events = readAs(client, `${given}${open.closing()}data: {"error":{}}\n\n`);
          expect(events.at(-1)).toEqual({ name: '', data: '{"error":{}}' });
          expect(empty(events)).toBe(without);
          expect(empty(readAs(client, given + textOf(open.ending() ?? bytesOf(''))))).toBe(without);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('ends a line that it stands in', () => {
    expect(closed('data: {"a')).toBe('data: {"a\n\n');
  });
});
