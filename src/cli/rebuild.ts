/** `conduit rebuild`: learns anew from what the durable store has. */
import { commandRuntime } from '../node.ts';
import { rebuildState } from '../storage/rebuild.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

export async function rebuild(options: DurableOptions): Promise<void> {
  await withDurable(options, async (durable, config) => {
    for (const { router, decisions, labels, otherEncoder } of await rebuildState(
      config,
      durable,
      commandRuntime(config),
    )) {
      const without = otherEncoder > 0 ? `; ${otherEncoder} of another encoder count without their context` : '';
      process.stdout.write(`${router}: ${decisions} decisions, ${labels} of them rated${without}\n`);
    }
  });
}
