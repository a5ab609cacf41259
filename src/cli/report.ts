/** `conduit report`: what other policies, preferences and budgets would have done, as the durable store's log tells. */
import type { ConduitConfig, Model, Router } from '../config/resolve.ts';
import { readAsked } from '../evaluate/asked.ts';
import { reportJson } from '../evaluate/report-json.ts';
import { routerReport } from '../evaluate/router-report.ts';
import { CommandFailed } from './command-failed.ts';
import { reportLines } from './report-text.ts';
import { printResult } from './terminal/result.ts';
import { type DurableOptions, withDurableReader } from './with-durable.ts';

export interface ReportOptions extends DurableOptions {
  policy?: string[];
  usdPerPoint?: string[];
  usdPerRequest?: string[];
  since?: string;
  json?: boolean;
}

export async function report(name: string | undefined, options: ReportOptions): Promise<void> {
  await withDurableReader(options, async (durable, config) => {
    const router = routerNamed(name, config);
    const { policy = [], usdPerPoint = [], usdPerRequest = [], since } = options;
    const read = readAsked({ since, policy, usd_per_point: usdPerPoint, usd_per_request: usdPerRequest }, Date.now());
    if (!read.ok) throw new CommandFailed(`--${read.field.replaceAll('_', '-')}: ${read.problem}`);
    const models = router.models.map((id) => config.models.get(id) as Model);
    const made = reportJson(await routerReport(durable, router, models, read.asked, async () => {}));
    await printResult(options, { document: made, text: (screen) => reportLines(made, screen) });
  });
}

function routerNamed(name: string | undefined, { routers }: ConduitConfig): Router {
  const router = name === undefined ? routers.values().next().value : routers.get(name);
  if (router) return router;
  throw new CommandFailed(
    name === undefined
      ? 'the config has no router'
      : `there is no router '${name}' (allowed: ${[...routers.keys()].join(', ')})`,
  );
}
