/** For commands that work on what is kept: loads the config, opens its durable store, and says what is wrong in one line. */
import { configFromEnvironment } from '../config/from-environment.ts';
import { problemLine } from '../config/load.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { FolderInUse, openDurable, openToRead } from '../storage/durable.ts';
import type { DurableReader, DurableStore } from '../stores/ports.ts';
import { CommandFailed, orSayWhy } from './command-failed.ts';
import { configFile, environment, loadBuilt, loadFile } from './config-file.ts';

export interface DurableOptions {
  config?: string;
}

const NOTHING_DURABLE = 'nothing durable is configured: stores.durable is none (allowed: embedded, supabase)';

/** For what writes there. Sets the exit code, and prints what went wrong, where `work` rejects. */
export async function withDurable(
  { config: named }: DurableOptions,
  work: (durable: DurableStore, config: ConduitConfig) => Promise<void>,
): Promise<void> {
  await orSayPlainly(async () => {
    const config = configOf(named);
    const durable = await openDurable(config.stores);
    if (!durable) throw new CommandFailed(NOTHING_DURABLE);
    await work(durable, config).finally(durable.close);
  });
}

/** For what only reads there, which a gateway that runs does not hinder, nor is hindered by. As `withDurable` else. */
export async function withDurableReader(
  { config: named }: DurableOptions,
  work: (durable: DurableReader, config: ConduitConfig) => Promise<void>,
): Promise<void> {
  await orSayPlainly(async () => {
    const config = configOf(named);
    const opened = await openToRead(config.stores);
    if (!opened) throw new CommandFailed(NOTHING_DURABLE);
    if (opened === 'empty') process.stderr.write(`nothing has been kept in ${config.stores.folder} yet\n`);
    const durable = opened === 'empty' ? NOTHING_KEPT : opened;
    await work(durable, config).finally(durable.close);
  });
}

const NOTHING_KEPT: DurableReader = {
  logs: async () => [],
  readKept: async (_log, cursor) => ({ kept: [], cursor, gap: null }),
  async *usageSince() {},
  close: async () => {},
};

/** What a store says is no bug, and is for the person who asked. */
const orSayPlainly = (work: () => Promise<void>): Promise<void> =>
  orSayWhy(() =>
    work().catch((error: Error) => {
      throw error instanceof CommandFailed ? error : new CommandFailed(whatWentWrong(error));
    }),
  );

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
  return `${folder} is in use by ${pid === null ? 'another process' : `process ${pid}`}: stop the gateway first`;
}
