/** What `conduit replay` prints for people. */
import type { FixedReference, Mixture, Reference } from '../evaluate/references.ts';
import type { Summary } from '../evaluate/summary.ts';

export interface References {
  random: Reference;
  bestFixed: FixedReference;
  cheapest: FixedReference;
  fullInformation: Reference;
  oracle: Reference;
  /** Under a ceiling alone; null where even the cheapest model costs more. */
  bestMixture?: Mixture | null;
}

export interface Replayed {
  file: string;
  rows: number;
  models: readonly string[];
  references: References;
  /** Null: none. */
  ceilingUsd: number | null;
  summaries: readonly { policy: string; summary: Summary }[];
}

export function tableOf({ file, rows, models, references, ceilingUsd, summaries }: Replayed): string {
  const { random, bestFixed, cheapest, fullInformation, oracle, bestMixture } = references;
  const seeds = summaries[0]!.summary.seeds;
  const lines = [
    `${file}: ${counted(rows, 'prompt')}, ${counted(models.length, 'model')}; policies over ${counted(seeds, 'seed')}`,
    '',
    ...aligned([
      ['reference', 'score', 'USD a request', ''],
      referenceLine('random', random),
      referenceLine('cheapest', cheapest, cheapest.model),
      referenceLine('best fixed', bestFixed, bestFixed.model),
      ...(bestMixture ? [referenceLine('best mixture', bestMixture, mixtureText(bestMixture))] : []),
      referenceLine('full information', fullInformation),
      referenceLine('oracle', oracle),
    ]),
    '',
    ...aligned([
      [
        'policy',
        'score',
        '±',
        'last third',
        'regret',
        'USD a request',
        ...(ceilingUsd === null ? [] : ['of the ceiling']),
      ],
      ...summaries.map(({ policy, summary }) => [
        policy,
        points(summary.reward),
        summary.rewardError === null ? '' : points(summary.rewardError),
        points(summary.lastThirdReward),
        summary.regret.toFixed(1),
        usd(summary.costUsd),
        ...(ceilingUsd === null ? [] : [percent(summary.costUsd / ceilingUsd)]),
      ]),
    ]),
    '',
    ...aligned([
      ['share of the requests', ...summaries.map(({ policy }) => policy)],
      ...models.map((model, k) => [model, ...summaries.map(({ summary }) => percent(summary.shares[k]!))]),
    ]),
  ];
  if (ceilingUsd !== null) {
    lines.push(
      '',
      `The ceiling is ${usd(ceilingUsd)} USD a request. Of the references only the best mixture keeps to it.`,
    );
    if (!bestMixture) lines.push('There is no such mixture: even the cheapest model costs more.');
  }
  return `${lines.join('\n')}\n`;
}

const referenceLine = (name: string, { reward, costUsd }: Reference, note = ''): string[] => [
  name,
  points(reward),
  usd(costUsd),
  note,
];

const mixtureText = ({ models }: Mixture): string =>
  models.map(({ model, share }) => (share === 1 ? model : `${percent(share)} ${model}`)).join(' + ');

/** The first column to the left, numbers to the right, notes to the left again. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row
      .map((cell, c) => (c === 0 || rows[0]![c] === '' ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd(),
  );
}

const points = (score: number): string => score.toFixed(4);
const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

/** Three digits that mean something. */
function usd(amount: number): string {
  if (amount === 0) return '0';
  return amount.toFixed(Math.min(20, Math.max(2, 2 - Math.floor(Math.log10(amount)))));
}

const counted = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
