/** For commands that work on what is kept: loads the config, opens its durable store, and says what is wrong in one line. */
import { problemLine } from '../config/load.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { openDurable } from '../storage/durable.ts';
import type { DurableStore } from '../stores/ports.ts';
import { configFile, loadFile } from './config-file.ts';

export interface DurableOptions {
  config?: string;
}

/** What whoever asked for the command has to mend. */
export class CommandFailed extends Error {}

/** Sets the exit code, and prints what went wrong, where `work` rejects. */
export async function withDurable(
  { config: named }: DurableOptions,
  work: (durable: DurableStore, config: ConduitConfig) => Promise<void>,
): Promise<void> {
  let durable: DurableStore | null = null;
  try {
    const config = configOf(named);
    durable = await openDurable(config.stores);
    if (!durable) throw new CommandFailed('stores.durable: none keeps nothing (allowed: embedded, supabase)');
    await work(durable, config);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    await durable?.close();
  }
}

function configOf(named: string | undefined): ConduitConfig {
  const file = configFile(named);
  if (file === null) throw new CommandFailed('there is no conduit.yaml here: name one with --config');
  const loaded = loadFile(file);
  if (!loaded.ok) throw new CommandFailed(loaded.problems.map(problemLine).join('\n'));
  return loaded.config;
}
