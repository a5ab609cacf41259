/** Tables that fit the screen: numbers to the right, long texts on several lines, too many columns in several blocks. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Screen } from './screen.ts';

export interface Column {
  head: string;
  /** Numbers: to the right, and never broken. */
  numeric?: boolean;
}

const GAP = 2;
/** To which a column of texts may be narrowed before the columns are parted into blocks. */
const NARROWEST_TEXT = 16;

/**
 * One line for the heads and one or more a row, without line feeds. Where the columns do not fit beside one another, as many
 * blocks as it takes, each of which begins with the first column. Only a number wider than the screen runs over.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { columns: width, style }: Screen,
): string[] {
  const sized = columns.map((column, c) => sizedColumn(column, ['', ...rows.map((row) => row[c] ?? '')]));
  return blocksOf(sized, width).flatMap((block, b) => {
    const widths = fittedWidths(block, width);
    const heads = alignedCells(
      block,
      widths,
      block.map(({ head }) => head),
      'bottom',
      style.dim,
    );
    const body = rows.flatMap((_, r) =>
      alignedCells(
        block,
        widths,
        block.map(({ cells }) => cells[r + 1]!),
        'top',
      ),
    );
    return [...(b > 0 ? [''] : []), ...heads, ...body];
  });
}

interface SizedColumn extends Column {
  /** Below the head; the first one is empty, so that there is one. */
  cells: readonly string[];
  natural: number;
  /** With its head on several lines. */
  withHeadBroken: number;
  /** With its texts on several lines, too. */
  narrowest: number;
}

function sizedColumn(column: Column, cells: readonly string[]): SizedColumn {
  const body = widest(cells.map(widestLine));
  const longestWord = widest(column.head.split(' ').map((word) => stringWidth(word)));
  return {
    ...column,
    cells,
    natural: Math.max(body, stringWidth(column.head)),
    withHeadBroken: Math.max(body, longestWord),
    narrowest: Math.max(longestWord, column.numeric ? body : Math.min(body, NARROWEST_TEXT)),
  };
}

const widestLine = (text: string): number => widest(text.split('\n').map((line) => stringWidth(line)));

/** `Math.max` takes no more than so many numbers at once. */
const widest = (widths: readonly number[]): number => widths.reduce((one, other) => Math.max(one, other), 0);

const sum = (widths: readonly number[]): number => widths.reduce((all, one) => all + one, 0);
const gaps = (count: number): number => GAP * Math.max(0, count - 1);

/** From the left to the right as many as fit, the first column before each further block. */
function blocksOf(columns: readonly SizedColumn[], width: number): SizedColumn[][] {
  const [first, ...others] = columns;
  if (!first) return [];
  const blocks: SizedColumn[][] = [[first]];
  for (const column of others) {
    const block = blocks.at(-1)!;
    const taken = sum(block.map(({ narrowest }) => narrowest)) + column.narrowest + gaps(block.length + 1);
    if (taken <= width || block.length === 1) block.push(column);
    else blocks.push([first, column]);
  }
  return blocks;
}

/** Heads are broken before texts are, and of both the widest first. */
function fittedWidths(columns: readonly SizedColumn[], width: number): number[] {
  const widths = columns.map(({ natural }) => natural);
  for (const floor of ['withHeadBroken', 'narrowest'] as const) {
    while (sum(widths) + gaps(widths.length) > width) {
      const slack = columns.map((column, c) => (widths[c]! > column[floor] ? widths[c]! : 0));
      const widest = slack.indexOf(Math.max(...slack));
      if (slack[widest] === 0) break;
      widths[widest]!--;
    }
  }
  return widths;
}

function alignedCells(
  columns: readonly SizedColumn[],
  widths: readonly number[],
  cells: readonly string[],
  stand: 'top' | 'bottom',
  styled = (text: string): string => text,
): string[] {
  const wrapped = cells.map((cell, c) => wrapAnsi(cell, widths[c]!, { hard: true }).split('\n'));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, i) =>
    columns
      .map(({ numeric }, c) => {
        const lines = wrapped[c]!;
        const text = lines[stand === 'top' ? i : i - (height - lines.length)] ?? '';
        const padding = ' '.repeat(Math.max(0, widths[c]! - stringWidth(text)));
        const shown = text === '' ? '' : styled(text);
        return numeric ? padding + shown : shown + padding;
      })
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}
