/** `conduit keys revoke`: takes a key out of the config. */
import { withoutKey, writtenKeys } from '../../config/edit-keys.ts';
import { interpolate } from '../../config/interpolate.ts';
import { problemLine } from '../../config/load.ts';
import { CommandFailed, orSayWhy } from '../command-failed.ts';
import { environment } from '../config-file.ts';
import { printResult } from '../terminal/result.ts';
import { type ConfigOptions, readConfigFile, writeConfigFile } from './edit-config.ts';
import { note } from './note.ts';

export interface RevokeOptions extends ConfigOptions {
  force?: boolean;
  json?: boolean;
}

export async function revoke(name: string, options: RevokeOptions): Promise<void> {
  await orSayWhy(async () => {
    const { platform, force = false, json = false } = options;
    const written = readConfigFile(options);
    const names = namesIn(written.text, options);
    const index = names.indexOf(name);
    if (index < 0)
      throw new CommandFailed(
        `NAME: there is no key '${name}' in ${written.file} (keys: ${names.length === 0 ? 'none' : names.join(', ')})`,
      );
    const isLast = names.length === 1;
    if (isLast && !force)
      throw new CommandFailed(
        `NAME: '${name}' is the last key, and without one whoever reaches the gateway may call, with every right ` +
          '(allowed: another key created before, or --force)',
      );
    writeConfigFile(written, withoutKey(written.text, index), platform, (problem) =>
      isLast && problem.path === 'server.host' ? `NAME: '${name}' is the last key; ${problemLine(problem)}` : null,
    );
    note([
      platform === 'workers'
        ? 'It is refused from the next `npx wrangler deploy` on.'
        : 'A gateway that runs with this file refuses it by itself, within seconds.',
      'Decisions made with it keep its name.',
      ...(isLast
        ? [
            'There is no key left. A gateway that listens beyond this machine, as with --host, does not take such a config over, and goes on with the old keys: stop it.',
          ]
        : []),
    ]);
    await printResult(
      { json },
      {
        document: { object: 'key', name, revoked: true, keys_left: names.length - 1 },
        text: () => [`'${name}' is revoked`],
      },
    );
  });
}

/** As the gateway knows them. */
function namesIn(text: string, { platform }: ConfigOptions): string[] {
  const { document } = interpolate(writtenKeys(text), environment(platform));
  return (document as { name?: unknown }[]).map((key) => String(key?.name));
}
