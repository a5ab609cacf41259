/** What `conduit report` prints for people. */
import type { ReportJson } from '../evaluate/report-json.ts';
import { counted, thousands } from './terminal/counted.ts';
import { paragraph } from './terminal/paragraph.ts';
import type { Screen } from './terminal/screen.ts';
import { type Column, tableLines } from './terminal/table.ts';

type TargetJson = ReportJson['targets'][number];
type Told = TargetJson & { estimates: NonNullable<TargetJson['estimates']> };
type Range = { mean: number; low: number; high: number };

/** Lines without line feeds. */
export function reportLines(made: ReportJson, screen: Screen): string[] {
  const told = made.targets.filter((target): target is Told => target.estimates !== null);
  const untold = made.targets.filter(({ estimates }) => estimates === null);
  return [
    ...aboutLog(made).flatMap((line) => paragraph(line, screen)),
    ...(told.length > 0 ? ['', ...estimateTable(told, screen)] : []),
    ...(untold.length > 0 ? ['', ...untoldTable(untold, made, screen)] : []),
  ];
}

function aboutLog(made: ReportJson): string[] {
  const { decisions, labels, from, to } = made;
  const days = from === null || to === null ? '' : `, ${dayOf(from)} to ${dayOf(to)}`;
  const excluded = Object.entries(decisions.excluded).filter(([, count]) => count > 0);
  return [
    `${made.router}: ${counted(decisions.counted, 'first decision')}${days}${made.earlier_left_out ? ' (earlier ones left out)' : ''}`,
    ...(excluded.length > 0
      ? [`left out: ${excluded.map(([why, count]) => `${thousands(count)} ${why.replaceAll('_', ' ')}`).join(', ')}`]
      : []),
    `labelled: ${percent(labels.share, 1)} (${thousands(labels.explicit)} explicit, ${thousands(labels.implicit)} by signals, ` +
      `${thousands(labels.failures)} failed)`,
    `quality: relative to ${made.relative_to}`,
    `baseline: always ${made.baseline}`,
  ];
}

/** Of the log's time: below this it is told of how much of it a figure is. */
const TOLD_WHOLLY = 0.995;

const COLUMNS: readonly Column[] = [
  { head: 'policy' },
  ...['quality', 'USD per 1k requests', 'quality − baseline', 'saved', 'size'].map((head) => ({
    head,
    numeric: true,
  })),
];

function estimateTable(told: readonly Told[], screen: Screen): string[] {
  const rows = told.map(({ name, effective_size, estimates, versus_baseline }) => {
    const difference = versus_baseline?.quality_difference;
    const saved = versus_baseline?.savings_share;
    return [
      name,
      withReach(estimates.quality.doubly_robust, 3),
      inUsd(estimates.cost_usd.doubly_robust),
      difference ? coloured(difference, signed(withReach(difference, 3)), screen) : '',
      saved ? coloured(saved, `${percent(saved.mean, 0)} ±${percent(reachOf(saved), 0)}`, screen) : '',
      sizeText(effective_size),
    ];
  });
  // Where the log cannot tell of the baseline, nothing is compared with it.
  const shown = COLUMNS.map((_, column) => rows.some((row) => row[column] !== ''));
  const only = <Part>(parts: readonly Part[]): Part[] => parts.filter((_, column) => shown[column]);
  const inPart = told.filter(({ covered_share }) => covered_share < TOLD_WHOLLY);
  return [
    ...tableLines(only(COLUMNS), rows.map(only), screen),
    '',
    ...paragraph(
      'Doubly robust, ± half of the 95% interval; size: how many decisions of its own the log is worth.',
      screen,
    ),
    ...(inPart.length === 0 ? [] : paragraph(aboutParts(inPart), screen)),
  ];
}

const aboutParts = (targets: readonly Told[]): string =>
  'Told from a part of the time only, since in the rest the log hardly ever chose so: ' +
  `${targets.map(({ name, covered_share }) => `${name} (${percent(covered_share, 0)})`).join(', ')}.`;

function untoldTable(untold: readonly TargetJson[], made: ReportJson, screen: Screen): string[] {
  return [
    ...paragraph(`Of these the log cannot tell: it takes a size of ${made.least_effective_size}.`, screen),
    ...tableLines(
      [{ head: 'policy' }, { head: 'size', numeric: true }],
      untold.map(({ name, effective_size }) => [name, sizeText(effective_size)]),
      screen,
    ),
  ];
}

/** Green where it is surely above 0, red where surely below. */
function coloured({ low, high }: Range, text: string, { style }: Screen): string {
  return low > 0 ? style.good(text) : high < 0 ? style.bad(text) : text;
}

/** `0.866 ±.015`. */
const withReach = (range: Range, digits: number): string =>
  `${withMinus(range.mean.toFixed(digits))} ±${reachOf(range).toFixed(digits).replace(/^0\./, '.')}`;

/** The intervals reach as far up as down. */
const reachOf = ({ low, high }: Range): number => (high - low) / 2;

/** For 1,000 requests, with three digits that mean something. */
function inUsd(usd: Range): string {
  const thousand = times(usd, 1000);
  const digits = thousand.mean > 0 ? Math.min(9, Math.max(2, 2 - Math.floor(Math.log10(thousand.mean)))) : 2;
  return `$${withReach(thousand, digits)}`;
}

const times = ({ mean, low, high }: Range, factor: number): Range => ({
  mean: mean * factor,
  low: low * factor,
  high: high * factor,
});

const sizeText = (size: number): string => thousands(Math.floor(size));
const percent = (share: number, digits: number): string => `${withMinus((100 * share).toFixed(digits))}%`;
const withMinus = (number: string): string => number.replace(/^-0$/, '0').replace('-', '−');
const signed = (text: string): string => (text.startsWith('−') ? text : `+${text}`);
const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
