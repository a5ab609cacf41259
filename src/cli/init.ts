/** `conduit init`: writes a commented config from the provider keys in the environment. */
import { existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { configFromEnvironment, type EnvironmentConfigOptions } from '../config/from-environment.ts';
import { PRESETS } from '../config/presets.ts';
import { environment } from './config-file.ts';

const PREFERENCES = ['quality', 'balanced', 'cost', 'speed'] as const;

export async function init({
  config = 'conduit.yaml',
  force = false,
}: {
  config?: string;
  force?: boolean;
}): Promise<void> {
  if (existsSync(config) && !force) return refuse(`${config} is there already; --force overwrites it`);
  const options = process.stdin.isTTY ? await asked() : {};
  const built = configFromEnvironment(environment(), options);
  if (!built) {
    const variables = PRESETS.map((preset) => preset.variable).join(', ');
    return refuse(`no provider key is set: set one of ${variables}, or copy an example from docs/configure.md`);
  }
  try {
    // Without --force nothing that came to be in the meantime is overwritten either.
    writeFileSync(config, built.text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    return refuse(`${config} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
  process.stdout.write(
    `wrote ${config}; next: npx conduit check --config ${config}, then npx conduit serve --config ${config}\n`,
  );
}

function refuse(why: string): void {
  process.stderr.write(`conduit init: ${why}\n`);
  process.exitCode = 1;
}

/** Only asked where a person is there to answer. */
async function asked(): Promise<EnvironmentConfigOptions> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const prefer = (await terminal.question(`What matters most (${PREFERENCES.join(', ')})? [balanced] `)).trim();
    const known = PREFERENCES.find((name) => name === prefer);
    if (prefer !== '' && !known) process.stdout.write(`'${prefer}' is none of these: balanced it is\n`);
    return { prefer: known ?? 'balanced' };
  } finally {
    terminal.close();
  }
}
