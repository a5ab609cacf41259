/** The same kinds of tables over the project's own simulator, for whoever has no recordings. */
import type { ReplayRow } from '../../src/evaluate/replay.ts';
import type { Drift } from '../../src/evaluate/simulator/drift.ts';
import { simulate } from '../../src/evaluate/simulator/simulate.ts';
import type { WorldName } from '../../src/evaluate/simulator/worlds.ts';
import type { Suite } from './recorded.ts';
import { ablationTable, arrivalTable, budgetTable, phaseTable, type Task, taskTable } from './tables.ts';
import { repriced, scoredAlike } from './trials.ts';

const SEED = 1;
const DEAREST = 'sim/large';
const MIDDLE = 'sim/medium';
/** Between what the cheapest arm and what the dearest costs on the average. */
const CEILINGS = [1e-4, 3e-4, 1e-3, 3e-3];

/** Every seed of a run has the same requests, in another order. */
export function simulatedSuite(): Suite {
  const rowsOf = (world: WorldName, rows = 2000, drifts: readonly Drift[] = []): readonly ReplayRow[] =>
    simulate({ seed: SEED, rows, world, drifts }).rows;
  const worse: Drift = { kind: 'regression', arm: DEAREST, from: 750, remains: 0.5 };
  const task = (name: string, rows: readonly ReplayRow[], passes: Task['passes']): Task => ({ name, rows, passes });
  const switching = (): Task =>
    task('no-context, the best arm at half from the middle on', rowsOf('no-context', 1500, [worse]), null);
  return {
    budgets: async (seeds) => [
      await budgetTable(
        'three-prices under ceilings, from a cold start',
        rowsOf('three-prices'),
        [...CEILINGS.map((usd) => ({ usd })), { usd: null }],
        seeds,
      ),
    ],
    drift: async (seeds) => {
      const rows = rowsOf('three-prices');
      const { arms } = rows[0]!;
      const ceilings = CEILINGS.slice(1).map((usd) => ({ usd }));
      return [
        await phaseTable(
          `three-prices, ${DEAREST} at $0.10 / $0.10 per million tokens in phase 2`,
          rows,
          repriced(arms, DEAREST, 0.1, 0.1),
          ceilings,
          seeds,
        ),
        await phaseTable(
          `three-prices, every answer of ${MIDDLE} at .75 in phase 2`,
          rows,
          scoredAlike(arms, MIDDLE, 0.75),
          ceilings,
          seeds,
        ),
        await arrivalTable(`three-prices, ${MIDDLE} arriving after the first half`, rows, MIDDLE, ceilings, seeds),
      ];
    },
    tasks: async (seeds) => [
      await taskTable(
        'Without a ceiling, from a cold start',
        [task('specialists', rowsOf('specialists', 3000), 1), task('no-context', rowsOf('no-context'), 1), switching()],
        seeds,
      ),
    ],
    ablations: async (seeds) => [
      await ablationTable(
        'Settings and policies',
        [task('three-prices', rowsOf('three-prices'), 1), task('specialists', rowsOf('specialists'), 1), switching()],
        seeds,
      ),
    ],
  };
}
