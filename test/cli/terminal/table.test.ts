import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { plain, type Style } from '../../../src/cli/terminal/screen.ts';
import { type Column, tableLines } from '../../../src/cli/terminal/table.ts';

const at = (columns: number, style: Style = plain) => ({ columns, style });

test('numbers stand to the right, texts to the left, and no line ends in blanks', () => {
  const columns = [{ head: 'model' }, { head: 'requests', numeric: true }, { head: 'note' }];
  const rows = [
    ['a', '12', ''],
    ['longer', '1,234', 'new'],
  ];
  expect(tableLines(columns, rows, at(80))).toEqual([
    'model   requests  note',
    'a             12',
    'longer     1,234  new',
  ]);
});

test('there may be any number of rows', () => {
  const rows = Array.from({ length: 200_000 }, (_, index) => [`m${index}`]);
  expect(tableLines([{ head: 'model' }], rows, at(80))).toHaveLength(200_001);
});

test('heads of several words are broken before any text is', () => {
  const columns = [
    { head: 'model' },
    { head: 'USD a request', numeric: true },
    { head: 'share of all', numeric: true },
  ];
  expect(tableLines(columns, [['openrouter/some-model', '$0.001', '12.0%']], at(40))).toEqual([
    '                         USD a  share of',
    'model                  request       all',
    'openrouter/some-model   $0.001     12.0%',
  ]);
});

test('a text that is too long goes on below, whole', () => {
  const columns = [{ head: 'what' }, { head: 'n', numeric: true }];
  const rows = [
    ['always openrouter/anthropic/claude-sonnet-latest', '7'],
    ['next', '8'],
  ];
  expect(tableLines(columns, rows, at(40))).toEqual([
    'what                                   n',
    'always openrouter/anthropic/claude-so  7',
    'nnet-latest',
    'next                                   8',
  ]);
});

test('columns that do not fit make further blocks, each with the names', () => {
  const columns = [{ head: 'model' }, ...[1, 2, 3, 4].map((n) => ({ head: `policy-number-${n}`, numeric: true }))];
  expect(tableLines(columns, [['a', '1%', '2%', '3%', '4%']], at(44))).toEqual([
    'model  policy-number-1  policy-number-2',
    'a                   1%               2%',
    '',
    'model  policy-number-3  policy-number-4',
    'a                   3%               4%',
  ]);
});

test('wide characters, emoji and marks take the columns that a terminal gives them', () => {
  const columns = [{ head: 'key' }, { head: 'n', numeric: true }];
  const lines = tableLines(
    columns,
    [
      ['日本語', '1'],
      ['👩‍👩‍👧', '2'],
      ['e\u0301', '3'],
      ['abcdef', '4'],
    ],
    at(80),
  );
  expect(lines).toEqual(['key     n', '日本語  1', '👩‍👩‍👧      2', 'é       3', 'abcdef  4']);
});

test('colours change no column', () => {
  const style = { ...plain, dim: (text: string) => `\u001b[2m${text}\u001b[22m` };
  const columns = [{ head: 'model' }, { head: 'n', numeric: true }];
  const rows = [['\u001b[32mgood\u001b[39m', '1']];
  expect(tableLines(columns, rows, at(80, style))).toEqual([
    '\u001b[2mmodel\u001b[22m  \u001b[2mn\u001b[22m',
    '\u001b[32mgood\u001b[39m   1',
  ]);
});

test('without rows there are the heads', () => {
  expect(tableLines([{ head: 'a' }, { head: 'b' }], [], at(80))).toEqual(['a  b']);
});

test('whatever the texts, no line is wider than the screen, and no letter is lost', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abc/-é日'), minLength: 0, maxLength: 60 });
  const column: fc.Arbitrary<Column> = fc.record({
    head: fc
      .array(fc.constantFrom('USD', 'quality', 'of', 'all'), { minLength: 1, maxLength: 4 })
      .map((w) => w.join(' ')),
    numeric: fc.boolean(),
  });
  const table = fc.array(column, { minLength: 1, maxLength: 8 }).chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(({ numeric }) => (numeric ? fc.nat().map(String) : text))), {
        maxLength: 5,
      }),
      width: fc.integer({ min: 40, max: 120 }),
    }),
  );
  fc.assert(
    fc.property(table, ({ columns, rows, width }) => {
      const lines = tableLines(columns, rows, at(width));
      expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
      const letters = (texts: readonly string[]): string => texts.join('').replaceAll(' ', '');
      const [printed, given] = [letters(lines), letters(rows.flat())];
      for (const letter of 'bcé日-/') {
        expect(printed.split(letter).length).toBeGreaterThanOrEqual(given.split(letter).length);
      }
    }),
  );
});
