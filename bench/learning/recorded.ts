/** Tables over recorded outcomes of real models: published data sets, which the project does not contain. */
import { join } from 'node:path';
import { readRecorded } from '../../src/cli/recorded-file.ts';
import type { Recorded } from '../../src/evaluate/recorded.ts';
import { type ReplayRow, rowsOf } from '../../src/evaluate/replay.ts';
import {
  ablationTable,
  arrivalTable,
  budgetTable,
  encodingTable,
  phaseTable,
  type Table,
  type Task,
  taskTable,
} from './tables.ts';
import { repriced, scoredAlike } from './trials.ts';

/** By what `--rows` calls it, in the order of the page. */
export type Suite = Readonly<Record<string, (seeds: number) => Promise<Table[]>>>;

/** Of tables that compare many variants. */
const FEW_SEEDS = 4;

const DEAREST = 'google/gemini-2.5-pro';
const MIDDLE = 'mistralai/mistral-large-2512';
const NEWCOMER = 'google/gemini-2.5-flash';

/** Published figures: ParetoBandit, arXiv 2604.00136, on its test split, 20 seeds. */
export function recordedSuite(folder: string): Suite {
  const known = new Map<string, Promise<Recorded>>();
  const recordedIn = (name: string): Promise<Recorded> => {
    const recorded = known.get(name) ?? readRecorded(join(folder, `${name}.jsonl.gz`));
    known.set(name, recorded);
    return recorded;
  };
  const encoded = new Map<string, Promise<ReplayRow[]>>();
  const rowsIn = (name: string): Promise<ReplayRow[]> => {
    const rows = encoded.get(name) ?? recordedIn(name).then(rowsOf);
    encoded.set(name, rows);
    return rows;
  };
  const task = async (name: string, passes: Task['passes'], aims?: Task['aims']): Promise<Task> => ({
    name,
    rows: await rowsIn(name),
    passes,
    ...(aims && { aims }),
  });
  return {
    budgets: async (seeds) => [
      await budgetTable(
        'paretobandit-val under ceilings, from a cold start',
        await rowsIn('paretobandit-val'),
        [
          { usd: 8.3e-5, aim: 0.824, published: 0.813 },
          { usd: 2.3e-4, aim: 0.878, published: 0.859 },
          { usd: 6.6e-4, aim: 0.922, published: 0.898 },
          { usd: 1.9e-3, aim: 0.925, published: 0.917 },
          { usd: 5.3e-3, aim: 0.928, published: 0.924 },
          { usd: null, aim: 0.932, published: 0.929 },
        ],
        seeds,
      ),
    ],
    drift: async (seeds) => {
      const rows = await rowsIn('paretobandit-val');
      const { arms } = rows[0]!;
      return [
        await phaseTable(
          `paretobandit-val, ${DEAREST} at $0.10 / $0.10 per million tokens in phase 2`,
          rows,
          repriced(arms, DEAREST, 0.1, 0.1),
          [
            { usd: 3.0e-4, published: { reward: [0.862, 0.933, 0.854], cost: [1.01, 0.95, 1.04] } },
            { usd: 6.6e-4, published: { reward: [0.882, 0.926, 0.891] } },
            { usd: 1.9e-3, published: { reward: [0.909, 0.928, 0.912] } },
          ],
          seeds,
        ),
        await phaseTable(
          `paretobandit-val, every answer of ${MIDDLE} at .75 in phase 2`,
          rows,
          scoredAlike(arms, MIDDLE, 0.75),
          [
            { usd: 3.0e-4, published: { reward: [0.863, 0.8, 0.819] } },
            { usd: 6.6e-4, published: { reward: [0.885, 0.795, 0.863] } },
            { usd: 1.9e-3, published: { reward: [0.91, 0.794, 0.898] } },
          ],
          seeds,
        ),
        await arrivalTable(
          `paretobandit-val-k4, ${NEWCOMER} arriving after the first half`,
          await rowsIn('paretobandit-val-k4'),
          NEWCOMER,
          [
            { usd: 3.0e-4, published: { reward: 0.866, after: 142 } },
            { usd: 6.6e-4, published: { reward: 0.899, after: 121 } },
            { usd: 1.9e-3, published: { reward: 0.918, after: 121 } },
          ],
          seeds,
        ),
      ];
    },
    tasks: async (seeds) => [
      await taskTable(
        'Without a ceiling, from a cold start',
        [
          await task('llmrouter-a', 3, { lastThird: 0.634, overThompson: 0.015 }),
          // biome-ignore lint/suspicious/noApproximativeNumericConstant: a score, no logarithm.
          await task('mmlupro-a', 1, { mean: 0.693 }),
          await task('llmdrift', 1, { overBestFixed: -0.005 }),
          await task('gpt-drift', null, { mean: 0.69 }),
        ],
        seeds,
      ),
    ],
    encoder: async (seeds) => {
      const paretobandit = await recordedIn('paretobandit-val');
      return [
        await encodingTable(
          'What a prompt is known by',
          [
            { name: 'paretobandit-val', recorded: paretobandit, ceiling: 2.3e-4 },
            { name: 'llmrouter-a', recorded: await recordedIn('llmrouter-a'), ceiling: null },
          ],
          Math.min(seeds, FEW_SEEDS),
        ),
      ];
    },
    ablations: async (seeds) => [
      await ablationTable(
        'Settings and policies',
        [await task('paretobandit-val', 1), await task('llmrouter-a', 1), await task('gpt-drift', null)],
        Math.min(seeds, FEW_SEEDS),
      ),
    ],
  };
}
