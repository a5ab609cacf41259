/** `conduit report`: what other policies, preferences and budgets would have done, as the durable store's log tells. */
import type { ConduitConfig, Model, Router } from '../config/resolve.ts';
import { readAsked } from '../evaluate/asked.ts';
import { type ReportJson, reportJson } from '../evaluate/report-json.ts';
import { routerReport } from '../evaluate/router-report.ts';
import { CommandFailed } from './command-failed.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

export interface ReportOptions extends DurableOptions {
  policy: string[];
  usdPerPoint: string[];
  usdPerRequest: string[];
  since?: string;
  json?: boolean;
}

export async function report(name: string | undefined, options: ReportOptions): Promise<void> {
  await withDurable(options, async (durable, config) => {
    const router = routerNamed(name, config);
    const { policy, usdPerPoint, usdPerRequest, since } = options;
    const read = readAsked({ since, policy, usd_per_point: usdPerPoint, usd_per_request: usdPerRequest }, Date.now());
    if (!read.ok) throw new CommandFailed(`--${read.field.replaceAll('_', '-')}: ${read.problem}`);
    const models = router.models.map((id) => config.models.get(id) as Model);
    const made = reportJson(await routerReport(durable, router, models, read.asked, async () => {}));
    process.stdout.write(options.json ? `${JSON.stringify(made, null, 2)}\n` : textOf(made));
  });
}

function routerNamed(name: string | undefined, { routers }: ConduitConfig): Router {
  const router = name === undefined ? routers.values().next().value : routers.get(name);
  if (router) return router;
  throw new CommandFailed(
    name === undefined
      ? 'the config has no router'
      : `there is no router '${name}' (routers: ${[...routers.keys()].join(', ')})`,
  );
}

type TargetJson = ReportJson['targets'][number];
type Range = { mean: number; low: number; high: number };

function textOf(made: ReportJson): string {
  const { decisions, labels, from, to } = made;
  const excluded = Object.entries(decisions.excluded).filter(([, count]) => count > 0);
  const lines = [
    `${made.router}: ${decisions.counted} first decisions${from === null || to === null ? '' : `, ${dayOf(from)} to ${dayOf(to)}`}` +
      `${made.earlier_left_out ? ' (earlier ones left out)' : ''}`,
    ...(excluded.length > 0
      ? [`left out: ${excluded.map(([why, count]) => `${count} ${why.replaceAll('_', ' ')}`).join(', ')}`]
      : []),
    `labelled: ${percent(labels.share)} (${labels.explicit} explicit, ${labels.implicit} by signals, ${labels.failures} failed); ` +
      `quality is relative to ${made.relative_to}`,
    `baseline: always ${made.baseline}; doubly robust, with 95% intervals`,
    '',
  ];
  const table = [
    ['', 'effective size', 'quality', 'USD a request', 'quality − baseline', 'saved'],
    ...made.targets.map(rowOf),
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table)
    lines.push(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  return `${lines.join('\n')}\n`;
}

function rowOf({ name, effective_size, estimates, versus_baseline }: TargetJson): string[] {
  const size = String(Math.floor(effective_size));
  if (!estimates) return [name, size, 'the log cannot tell'];
  return [
    name,
    size,
    range(estimates.quality.doubly_robust, (value) => value.toFixed(3)),
    range(estimates.cost_usd.doubly_robust, (value) => `$${value.toPrecision(3)}`),
    versus_baseline ? range(versus_baseline.quality_difference, signed) : '',
    versus_baseline?.savings_share ? range(versus_baseline.savings_share, percent) : '',
  ];
}

const range = ({ mean, low, high }: Range, text: (value: number) => string): string =>
  `${text(mean)} (${text(low)} to ${text(high)})`;
const percent = (share: number): string => `${(100 * share).toFixed(1).replace('-', '−')}%`;
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
