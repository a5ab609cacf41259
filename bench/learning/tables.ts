/** The tables: each plays its runs over a data set, and says what came of them beside what could be had, and what was aimed at. */
import { fullInformation } from '../../src/evaluate/full-information.ts';
import { fullInformationWithin } from '../../src/evaluate/full-information-within.ts';
import type { Recorded } from '../../src/evaluate/recorded.ts';
import { bestFixed, bestMixture, fixedReferences, mean, oracleReference } from '../../src/evaluate/references.ts';
import type { ReplayRow } from '../../src/evaluate/replay.ts';
import type { Replayed } from '../../src/evaluate/seeded-run.ts';
import { markdown } from '../page.ts';
import { ENCODINGS } from './encodings.ts';
import {
  costIn,
  dearestRequest,
  lastThird,
  type Measured,
  measure,
  mostOver,
  rewardIn,
  type Span,
  sustainedAfter,
  thirdsOf,
} from './measures.ts';
import { playAll, type Variant } from './runs.ts';
import { arrival, beforeArrival, passes, positionOf, threePhases } from './trials.ts';

/** Of a yardstick. */
const SEEING_SEEDS = 8;

export interface Table {
  title: string;
  text: string;
  /** What falls short of its aim. */
  short: string[];
}

/** An aim, and whether it is met, collected as a table is made. */
interface Aims {
  /** The mean, its standard error, and the aim behind it where there is one. */
  cell(what: string, measured: Measured, aim: number | undefined): string;
  short: string[];
}

function createAims(): Aims {
  const short: string[] = [];
  return {
    short,
    cell(what, measured, aim) {
      const text = withError(measured);
      if (aim === undefined) return text;
      if (measured.mean >= aim) return `${text} (≥ ${points(aim, 3)} ok)`;
      short.push(`${what}: ${text} instead of ${points(aim, 3)}`);
      return `${text} (≥ ${points(aim, 3)} short)`;
    },
  };
}

const points = (score: number, digits = 4): string => score.toFixed(digits).replace(/^(-?)0\./, '$1.');
const withError = ({ mean: middle, error }: Measured): string =>
  error === null ? points(middle) : `${points(middle)} ± ${points(error)}`;
const usd = (amount: number): string => `$${Number(amount.toPrecision(2)).toString()}`;
const ratio = (value: number): string => value.toFixed(2);
const paretoBandit = (figure: number | undefined): string => (figure === undefined ? '–' : points(figure, 3));

const whole = (rows: number): Span => ({ from: 0, to: rows });

export interface Ceiling {
  /** Null: none. */
  usd: number | null;
  aim?: number;
  published?: number;
}

export async function budgetTable(
  title: string,
  rows: readonly ReplayRow[],
  ceilings: readonly Ceiling[],
  seeds: number,
): Promise<Table> {
  const variants = ceilings.map((ceiling) => ({ usdPerRequest: ceiling.usd }));
  const runs = await playAll(title, passes(rows, 1), variants, seeds);
  const seeing = await playAll(
    `${title}, shown every score`,
    passes(rows, 1),
    variants.map((variant) => ({ ...variant, seesAll: true })),
    Math.min(seeds, SEEING_SEEDS),
  );
  const fixed = fixedReferences(rows);
  const aims = createAims();
  const dearest = dearestRequest(rows);
  const isPublished = ceilings.some(({ published }) => published !== undefined);
  const lines = ceilings.map(({ usd: ceiling, aim, published }, c) => {
    const of = runs[c]!;
    const span = whole(rows.length);
    const reward = aims.cell(`${title}, ceiling ${ceiling}`, rewardIn(of, span), aim);
    const cost = costIn(of, span);
    const beside = [withError(rewardIn(seeing[c]!, span)), ...(isPublished ? [paretoBandit(published)] : [])];
    if (ceiling === null)
      return [
        'none',
        reward,
        `${usd(cost)} each`,
        '–',
        ...beside,
        points(bestFixed(fixed).reward),
        points(fullInformation(rows).reward),
      ];
    const over = mostOver(of, ceiling);
    if (over > dearest) aims.short.push(`${title}, ceiling ${ceiling}: ${usd(over)} over`);
    const mixture = bestMixture(fixed, ceiling);
    return [
      usd(ceiling),
      reward,
      ratio(cost / ceiling),
      over > 0 ? usd(over) : 'never over',
      ...beside,
      mixture ? points(mixture.reward) : '–',
      points(fullInformationWithin(rows, ceiling).reward),
    ];
  });
  const head = [
    'ceiling, USD a request',
    'mean score ± standard error',
    'cost ÷ ceiling',
    'at most over 1.004·B·t',
    "shown every model's score",
    ...(isPublished ? ['ParetoBandit, warmed up'] : []),
    'best mixture of two',
    'full information',
  ];
  const note = `The dearest single request on record is ${usd(dearest)}.`;
  return { title, text: `${markdown(head, lines)}\n\n${note}`, short: aims.short };
}

/** Of one ceiling, by phase; published figures are aims too. */
export interface PhasesAt {
  usd: number;
  published?: { reward: readonly number[]; cost?: readonly number[] };
}

export async function phaseTable(
  title: string,
  rows: readonly ReplayRow[],
  otherwise: (row: ReplayRow) => ReplayRow,
  ceilings: readonly PhasesAt[],
  seeds: number,
): Promise<Table> {
  const trials = threePhases(rows, otherwise);
  const spans = thirdsOf(trials(1).rows.length);
  const runs = await playAll(
    title,
    trials,
    ceilings.map((ceiling) => ({ usdPerRequest: ceiling.usd })),
    seeds,
  );
  const aims = createAims();
  const lines = ceilings.map(({ usd: ceiling, published }, c) => {
    const of = runs[c]!;
    const costs = spans.map((span, k) => {
      const beside = published?.cost?.[k];
      return `${ratio(costIn(of, span) / ceiling)}${beside === undefined ? '' : ` (${ratio(beside)})`}`;
    });
    return [
      usd(ceiling),
      ...spans.map((span, k) =>
        aims.cell(`${title}, ceiling ${ceiling}, phase ${k + 1}`, rewardIn(of, span), published?.reward[k]),
      ),
      ratio(rewardIn(of, spans[2]!).mean / rewardIn(of, spans[0]!).mean),
      costs.join(' / '),
    ];
  });
  const head = ['ceiling', 'phase 1', 'phase 2', 'phase 3', '3 ÷ 1', 'cost ÷ ceiling by phase'];
  return { title, text: markdown(head, lines), short: aims.short };
}

export interface ArrivalAt {
  usd: number;
  published?: { reward: number; after: number };
}

export async function arrivalTable(
  title: string,
  rows: readonly ReplayRow[],
  arm: string,
  ceilings: readonly ArrivalAt[],
  seeds: number,
): Promise<Table> {
  const before = beforeArrival(rows.length);
  const trials = arrival(rows, arm);
  const runs = await playAll(
    title,
    trials,
    ceilings.map((ceiling) => ({ usdPerRequest: ceiling.usd })),
    seeds,
  );
  const position = positionOf(rows[0]!.arms, arm);
  const aims = createAims();
  const lines = ceilings.map(({ usd: ceiling, published }, c) => {
    const of = runs[c]!;
    const span = { from: before, to: of[0]!.scores.length };
    const share = mean(of.map(({ chosen }) => mean(chosen.subarray(before).map((k) => (k === position ? 1 : 0)))));
    const after = of.flatMap((run) => sustainedAfter(run, position, before) ?? []).sort((one, other) => one - other);
    const median = after.length > 0 ? `${after[after.length >> 1]}` : '–';
    return [
      usd(ceiling),
      withError(rewardIn(of, { from: 0, to: before })),
      aims.cell(`${title}, ceiling ${ceiling}`, rewardIn(of, span), published?.reward),
      `${Math.round(100 * share)}%`,
      `${median} (in ${after.length} of ${of.length})${published ? `, published ${published.after}` : ''}`,
      ratio(costIn(of, span) / ceiling),
    ];
  });
  const head = ['ceiling', 'before', 'after', 'its share', 'used lastingly after', 'cost ÷ ceiling after'];
  return { title, text: markdown(head, lines), short: aims.short };
}

/** A data set that is gone over without a ceiling. */
export interface Task {
  name: string;
  rows: readonly ReplayRow[];
  /** Null: once, in the order of the file. */
  passes: number | null;
  aims?: { mean?: number; lastThird?: number; overThompson?: number; overBestFixed?: number };
}

const inOrder = (rows: readonly ReplayRow[]) => (): Replayed => ({ rows, warmUp: [], inOrder: true });

const trialsOf = ({ rows, passes: times }: Task) => (times === null ? inOrder(rows) : passes(rows, times));

export async function taskTable(title: string, tasks: readonly Task[], seeds: number): Promise<Table> {
  const aims = createAims();
  const lines: string[][] = [];
  for (const task of tasks) {
    const { name, rows, aims: aim = {} } = task;
    const trials = trialsOf(task);
    const variants: Variant[] = [{}, { policy: 'thompson' }];
    const [own, thompson] = (await playAll(name, trials, variants, seeds)) as [never[], never[]];
    const length = trials(1).rows.length;
    const third = lastThird(length);
    const fixed = bestFixed(fixedReferences(rows));
    const k = positionOf(rows[0]!.arms, fixed.model);
    // Of the same requests, seed by seed: which prompts come last is luck.
    const over = measure(
      own.map((run, i) => {
        const rowsOfThird = trials(i + 1).rows.slice(third.from, third.to);
        return rewardIn([run], third).mean - mean(rowsOfThird.map(({ outcomes }) => outcomes[k]!.score));
      }),
    );
    const overThompson = rewardIn(own, third).mean - rewardIn(thompson, third).mean;
    if (aim.overThompson !== undefined && overThompson < aim.overThompson)
      aims.short.push(`${name}: ${points(overThompson)} over thompson instead of ${points(aim.overThompson, 3)}`);
    lines.push([
      `${name}${task.passes === null ? ', in order' : task.passes === 1 ? '' : `, ${task.passes} passes`}`,
      aims.cell(`${name}, mean`, rewardIn(own, whole(length)), aim.mean),
      aims.cell(`${name}, last third`, rewardIn(own, third), aim.lastThird),
      withError(rewardIn(thompson, third)),
      points(fixed.reward),
      aims.cell(`${name}, last third over the best fixed`, over, aim.overBestFixed),
      points(fullInformation(rows).reward),
      points(oracleReference(rows).reward),
    ]);
  }
  const head = [
    '',
    'mean',
    'last third',
    'last third, thompson',
    'best fixed',
    'last third over it, same requests',
    'full information',
    'oracle',
  ];
  return { title, text: markdown(head, lines), short: aims.short };
}

/** Each of the settings otherwise, all else as it is, and the other policies. */
const ABLATIONS: readonly (readonly [name: string, variant: Variant])[] = [
  ['as it is', {}],
  ['no half-life', { halfLifeMs: null }],
  ['a half-life of a day', { halfLifeMs: 864e5 }],
  ['no floor', { explore: { floor: 0, warmup: 8 } }],
  ['no early pulls', { explore: { floor: 0.02, warmup: 0 } }],
  ...(['thompson', 'linucb', 'ucb1', 'epsilon-greedy'] as const).map(
    (policy) => [`policy: ${policy}`, { policy }] as const,
  ),
];

/** The mean over all requests, each data set gone over once. */
export async function ablationTable(title: string, tasks: readonly Task[], seeds: number): Promise<Table> {
  const columns: string[][] = [];
  for (const task of tasks) {
    const trials = trialsOf(task);
    const variants = ABLATIONS.map(([, variant]) => variant);
    const runs = await playAll(`${title}, ${task.name}`, trials, variants, seeds);
    columns.push(runs.map((of) => withError(rewardIn(of, whole(trials(1).rows.length)))));
  }
  const lines = ABLATIONS.map(([name], i) => [name, ...columns.map((column) => column[i]!)]);
  return { title, text: markdown(['', ...tasks.map(({ name }) => name)], lines), short: [] };
}

/** What parts of a prompt's vector are good for: with every arm's outcome known, and to a router that sees the chosen one's. */
export async function encodingTable(
  title: string,
  sets: readonly { name: string; recorded: Recorded; ceiling: number | null }[],
  seeds: number,
): Promise<Table> {
  const columns: string[][] = [];
  for (const { name, recorded, ceiling } of sets) {
    const known: string[] = [];
    const learned: string[] = [];
    for (const { name: encoding, rows: encoded } of ENCODINGS) {
      const rows = encoded(recorded);
      known.push(points((ceiling === null ? fullInformation(rows) : fullInformationWithin(rows, ceiling)).reward));
      const [of] = await playAll(
        `${title}, ${name}, ${encoding}`,
        passes(rows, 1),
        [{ usdPerRequest: ceiling }],
        seeds,
      );
      learned.push(withError(rewardIn(of!, whole(rows.length))));
    }
    columns.push(known, learned);
  }
  const lines = ENCODINGS.map(({ name }, i) => [name, ...columns.map((column) => column[i]!)]);
  const head = sets.flatMap(({ name, ceiling }) => {
    const what = `${name}${ceiling === null ? '' : `, ceiling ${usd(ceiling)}`}`;
    return [`${what}: full information`, 'learned'];
  });
  return { title, text: markdown(['', ...head], lines), short: [] };
}
