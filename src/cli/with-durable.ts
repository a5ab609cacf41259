/** For commands that work on what is kept: loads the config, opens its durable store, and says what is wrong in one line. */
import { join } from 'node:path';
import { configFromEnvironment } from '../config/from-environment.ts';
import { problemLine } from '../config/load.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { FolderInUse, openDurable } from '../storage/durable.ts';
import type { DurableStore } from '../stores/ports.ts';
import { CommandFailed } from './command-failed.ts';
import { configFile, environment, loadBuilt, loadFile } from './config-file.ts';

export interface DurableOptions {
  config?: string;
}

/** Sets the exit code, and prints what went wrong, where `work` rejects. */
export async function withDurable(
  { config: named }: DurableOptions,
  work: (durable: DurableStore, config: ConduitConfig) => Promise<void>,
): Promise<void> {
  let durable: DurableStore | null = null;
  try {
    const config = configOf(named);
    durable = await openDurable(config.stores);
    if (!durable)
      throw new CommandFailed('nothing durable is configured: stores.durable is none (allowed: embedded, supabase)');
    await work(durable, config);
  } catch (error) {
    process.stderr.write(`${whatWentWrong(error as Error)}\n`);
    process.exitCode = error instanceof CommandFailed ? error.exitCode : 1;
  } finally {
    await durable?.close();
  }
}

/** The file, else what the keys in the environment make: as `conduit serve` has it. */
function configOf(named: string | undefined): ConduitConfig {
  const file = configFile(named);
  if (file === null && !configFromEnvironment(environment())) {
    throw new CommandFailed(
      'there is no conduit.yaml here and no provider key in the environment: name one with --config',
    );
  }
  const loaded = file === null ? loadBuilt() : loadFile(file);
  if (!loaded.ok) throw new CommandFailed(loaded.problems.map(problemLine).join('\n'));
  return loaded.config;
}

/** To whoever starts a gateway a folder in use means something else than here. */
function whatWentWrong(error: Error): string {
  if (!(error instanceof FolderInUse)) return error.message;
  const { folder, pid } = error;
  const database = join(folder, 'conduit.sqlite');
  return (
    `${folder} is in use by ${pid === null ? 'another process' : `process ${pid}`}: stop the gateway first, or copy the ` +
    `database while it runs with: sqlite3 '${database}' ".backup kept.sqlite"`
  );
}
