/** The figures that docs/limits.md repeats are still those of the pages that measured them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CATALOGUE_DATE } from '../../src/config/catalogue.ts';

const docs = join(import.meta.dirname, '../../docs');
const read = (name: string): string => readFileSync(join(docs, name), 'utf8');
const limits = read('limits.md');
const benchmarks = read('benchmarks.md');

/** The text under a heading, up to the next one. */
function section(heading: string): string {
  const text = limits.split(/^## /m).find((one) => one.startsWith(`${heading}\n`));
  if (text === undefined) throw new Error(`docs/limits.md has no section '${heading}'`);
  return text;
}

const missing = (figures: Iterable<string>, where: string): string[] =>
  [...figures].filter((figure) => !where.includes(figure));

test('what is learned is what the benchmarks say', () => {
  const scores = section('What it learns, and how fast').match(/(?<![\d.])\.\d{4}\b/g) ?? [];
  expect(scores.length).toBeGreaterThan(15);
  expect(missing(scores, benchmarks)).toEqual([]);
});

test('speed is what the benchmarks say', () => {
  const table = section('Speed and size').match(/^\| (?!---).*$/gm) ?? [];
  const figures = table.flatMap(
    (row) =>
      row
        .split('|')
        .slice(2, 4)
        .join(' ')
        .match(/\d[\d,.]*/g) ?? [],
  );
  // There in microseconds.
  const asMeasured = figures.map((figure) => ({ '1.9': '1,892', '0.45': '449' })[figure] ?? figure);
  expect(asMeasured.length).toBeGreaterThan(12);
  expect(missing(asMeasured, benchmarks)).toEqual([]);
});

test('what a guarantee and a report can do is what their own pages say', () => {
  expect(missing(['4,000', '77 of 100', '98%'], read('guarantee.md'))).toEqual([]);
  expect(missing(['4.6%', '78.3%', '56.5%', '500 runs', '20,000'], read('report.md'))).toEqual([]);
});

test('the prices are of the date that the catalogue has', () => expect(limits).toContain(CATALOGUE_DATE));
