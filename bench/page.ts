/** What the programs here write into the pages of `docs/`: tables, between two marks. */
import { readFileSync, writeFileSync } from 'node:fs';

/** The first column to the left, the others to the right. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Puts the text between the two marks of a page, `<!-- name:begin -->` and `<!-- name:end -->`. */
export function writeBetweenMarks(page: URL, name: string, text: string): void {
  const before = readFileSync(page, 'utf8');
  const [first, last] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [begin, end] = [before.indexOf(first), before.indexOf(last)];
  if (begin === -1 || end < begin) throw new Error(`${page.pathname} has no ${first} … ${last}`);
  writeFileSync(page, `${before.slice(0, begin + first.length)}\n${text}\n${before.slice(end)}`);
}
