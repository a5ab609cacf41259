/** The tables of the bench, as markdown that reads well in a terminal too. */
import { markdown } from '../page.ts';
import {
  aimText,
  COMPARISONS,
  type Comparison,
  type Figure,
  type Figures,
  LINE_IDS,
  LINES,
  labelOf,
  meets,
  type Settings,
} from './lines.ts';

/** Figures of each target, in the order of the columns. */
export type Results = ReadonlyMap<string, Figures>;

export function figuresTable(results: Results, settings: Settings): string {
  const rows = LINE_IDS.filter((id) => [...results.values()].some((figures) => figures[id])).map((id) => [
    labelOf(id, settings),
    ...[...results.values()].map((figures) => cell(figures[id], LINES[id].digits)),
  ]);
  return markdown(['', ...results.keys()], rows);
}

function cell(figure: Figure | undefined, digits: number): string {
  if (!figure) return '–';
  return 'failed' in figure ? 'failed' : (figure.text ?? number(figure.value, digits));
}

function number(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Against nginx, Portkey and the aims; empty where there is nothing to compare. */
export function comparisonTable(results: Results, settings: Settings): string {
  const names = [...results.keys()].filter((name) => name !== 'direct' && name !== 'nginx');
  const rows = COMPARISONS.flatMap((comparison) => {
    const cells = names.map((name) => comparisonCell(comparison, name, results));
    if (cells.every((text) => text === '–')) return [];
    const over = comparison.over ? ` ÷ ${comparison.over}` : '';
    return [[labelOf(comparison.line, settings) + over, ...cells, aimText(comparison)]];
  });
  if (names.length === 0 || rows.length === 0) return '';
  return markdown(['', ...names, 'aim (pinned / everything on)'], rows);
}

function comparisonCell(comparison: Comparison, name: string, results: Results): string {
  const { line, over } = comparison;
  const figure = results.get(name)?.[line];
  const base = over ? results.get(over)?.[line] : undefined;
  if (!figure || (over && !base) || over === name) return '–';
  if ('failed' in figure) return 'failed';
  if (base && 'failed' in base) return '–';
  const value = base ? figure.value / base.value : figure.value;
  const met = meets(comparison, name, value);
  const verdict = met === null ? '' : met ? ' ok' : ' short';
  return `${base ? number(value, 2) : (figure.text ?? number(value, LINES[line].digits))}${verdict}`;
}

/** Why there is no figure, for each that failed. */
export function failures(results: Results): string[] {
  return [...results].flatMap(([name, figures]) => {
    const reasons = Object.entries(figures).flatMap(([id, figure]) =>
      'failed' in figure ? [[id, figure.failed]] : [],
    );
    return reasons.map(([id, reason]) => `${name}, ${id}: ${reason}`);
  });
}
