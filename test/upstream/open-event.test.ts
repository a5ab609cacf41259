import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createOpenEvent } from '../../src/upstream/open-event.ts';
import { createWholeLines } from '../../src/upstream/whole-lines.ts';
import { anyCuts, bytesOf, inPieces } from '../support/cuts.ts';

/** Events as OpenAI's Python client takes them: an empty line ends one wherever there is an id, however little it has. */
function readAsPython(text: string): string[] {
  const events: string[] = [];
  let data: string[] = [];
  let id = '';
  for (const line of text.split(/\r\n|\n|\r/).slice(0, -1)) {
    if (line === '' && (data.length > 0 || id !== '')) events.push(data.join('\n'));
    if (line === '') data = [];
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    if (line.startsWith('id:')) id = line.slice(3).trim();
  }
  return events;
}

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
    for (const begun of [`id: 2${eol}`, `: waiting${eol}`, `event: x${eol}`])
      expect(closed(whole + begun)).toBe(whole + begun);
  });

  test('leaves one more event for a client than it had, whatever it had, and however that was cut', () => {
    const line = fc.constantFrom('id: 7', 'data: {"a":1}', 'event: x', ': waiting', '', '');
    const text = fc
      .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r'))
      .map(([lines, eol]) => lines.map((one) => one + eol).join(''));
    fc.assert(
      fc.property(text, anyCuts, (given, cuts) => {
        const open = createOpenEvent();
        const lines = createWholeLines();
        inPieces(bytesOf(given), cuts, (piece) => open.push(lines.push(piece) ?? new Uint8Array()));
        const before = readAsPython(given);
        const events = readAsPython(`${given}${open.closing()}data: {"error":{}}\n\n`);
        expect(events.at(-1)).toBe('{"error":{}}');
        // Data that waited for its end is the client's too.
        expect(events.slice(0, -1).filter((data) => data === '')).toEqual(before.filter((data) => data === ''));
      }),
      { numRuns: 2_000 },
    );
  });

  test('ends a line that it stands in', () => {
    expect(closed('data: {"a')).toBe('data: {"a\n\n');
  });
});
