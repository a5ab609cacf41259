/** What `conduit replay` prints for people. */
import type { FixedReference, Mixture, Reference } from '../evaluate/references.ts';
import type { Summary } from '../evaluate/summary.ts';
import { counted } from './terminal/counted.ts';
import { paragraph } from './terminal/paragraph.ts';
import type { Screen } from './terminal/screen.ts';
import { type Column, tableLines } from './terminal/table.ts';

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

/** Lines without line feeds. */
export function tablesOf(replayed: Replayed, screen: Screen): string[] {
  const { file, rows, models, ceilingUsd, summaries } = replayed;
  const seeds = summaries[0]!.summary.seeds;
  const of = `${counted(rows, 'prompt')}, ${counted(models.length, 'model')}; policies over ${counted(seeds, 'seed')}`;
  return [
    ...paragraph(`${file}: ${of}`, screen),
    '',
    ...referenceTable(replayed.references, screen),
    '',
    ...policyTable(replayed, screen),
    '',
    ...shareTable(replayed, screen),
    ...(ceilingUsd === null ? [] : ['', ...paragraph(aboutCeiling(ceilingUsd, replayed.references), screen)]),
  ];
}

function referenceTable(references: References, screen: Screen): string[] {
  const { random, bestFixed, cheapest, fullInformation, oracle, bestMixture } = references;
  const rows = [
    referenceLine('random', random),
    referenceLine('cheapest', cheapest, cheapest.model),
    referenceLine('best fixed', bestFixed, bestFixed.model),
    ...(bestMixture ? [referenceLine('best mixture', bestMixture, mixtureText(bestMixture))] : []),
    referenceLine('full information', fullInformation),
    referenceLine('oracle', oracle),
  ];
  return tableLines([{ head: 'reference' }, number('score'), number('USD a request'), { head: '' }], rows, screen);
}

function policyTable({ ceilingUsd, summaries }: Replayed, screen: Screen): string[] {
  const heads = [
    'score',
    '±',
    'last third',
    'regret',
    'USD a request',
    ...(ceilingUsd === null ? [] : ['of the ceiling']),
  ];
  const rows = summaries.map(({ policy, summary }) => [
    policy,
    points(summary.reward),
    summary.rewardError === null ? '' : points(summary.rewardError),
    points(summary.lastThirdReward),
    summary.regret.toFixed(1),
    usd(summary.costUsd),
    ...(ceilingUsd === null ? [] : [percent(summary.costUsd / ceilingUsd)]),
  ]);
  return tableLines([{ head: 'policy' }, ...heads.map(number)], rows, screen);
}

function shareTable({ models, summaries }: Replayed, screen: Screen): string[] {
  const heads = summaries.map(({ policy }) => number(policy));
  const rows = models.map((model, k) => [model, ...summaries.map(({ summary }) => percent(summary.shares[k]!))]);
  return tableLines([{ head: 'share of the requests' }, ...heads], rows, screen);
}

function aboutCeiling(ceilingUsd: number, { bestMixture }: References): string {
  return (
    `The ceiling is ${usd(ceilingUsd)} USD a request. Of the references only the best mixture keeps to it.` +
    `${bestMixture ? '' : ' There is no such mixture: even the cheapest model costs more.'}`
  );
}

const number = (head: string): Column => ({ head, numeric: true });

const referenceLine = (name: string, { reward, costUsd }: Reference, note = ''): string[] => [
  name,
  points(reward),
  usd(costUsd),
  note,
];

const mixtureText = ({ models }: Mixture): string =>
  models.map(({ model, share }) => (share === 1 ? model : `${percent(share)} ${model}`)).join(' + ');

const points = (score: number): string => score.toFixed(4);
const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

/** Three digits that mean something. */
function usd(amount: number): string {
  if (amount === 0) return '0';
  return amount.toFixed(Math.min(20, Math.max(2, 2 - Math.floor(Math.log10(amount)))));
}
