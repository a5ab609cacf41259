/** `conduit rebuild`: learns anew from what the durable store has. */
import { commandRuntime } from '../node.ts';
import { type RebuiltRouter, rebuildState } from '../storage/rebuild.ts';
import { counted, thousands } from './terminal/counted.ts';
import { withProgress } from './terminal/progress.ts';
import { printResult } from './terminal/result.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

const LONG = {
  doing: 'learning anew',
  noun: 'decision',
  interrupted: 'each router knows what it knew before, or all that it has learned anew; run it again for the rest',
};

export async function rebuild({ json = false, ...options }: DurableOptions & { json?: boolean }): Promise<void> {
  await withDurable(options, async (durable, config) => {
    const rebuilt = await withProgress(LONG, async ({ at }) => {
      let folded = 0;
      return await rebuildState(config, durable, commandRuntime(config), () => at(++folded));
    });
    await printResult({ json }, { document: { routers: rebuilt.map(documentOf) }, text: () => rebuilt.map(lineOf) });
  });
}

function lineOf({ router, decisions, labels, otherEncoder }: RebuiltRouter): string {
  const without = otherEncoder > 0 ? `; ${thousands(otherEncoder)} of another encoder count without their context` : '';
  return `${router}: ${counted(decisions, 'decision')}, ${thousands(labels)} of them rated${without}`;
}

const documentOf = ({ router, decisions, labels, otherEncoder }: RebuiltRouter) => ({
  router,
  decisions,
  rated: labels,
  other_encoder: otherEncoder,
});
