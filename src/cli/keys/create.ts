/** `conduit keys create`: makes a key, writes its hash into the config, and shows the key itself this once. */
import { type KeyEntry, withKey, writtenKeys } from '../../config/edit-keys.ts';
import { literal } from '../../config/interpolate.ts';
import { type Problem, problemLine } from '../../config/load.ts';
import { DEFAULT_ROUTES } from '../../config/schema.ts';
import { sha256Hex } from '../../crypto.ts';
import { CommandFailed, orSayWhy } from '../command-failed.ts';
import { newKey } from '../new-key.ts';
import { printResult } from '../terminal/result.ts';
import { type ConfigOptions, readConfigFile, writeConfigFile } from './edit-config.ts';
import { note } from './note.ts';

export interface CreateOptions extends ConfigOptions {
  admin?: boolean;
  routers?: string[];
  models?: string[];
  routes?: string[];
  requestsPerMinute?: number;
  usdPerDay?: number;
  json?: boolean;
}

export async function create(name: string, options: CreateOptions): Promise<void> {
  await orSayWhy(async () => {
    const { platform, json = false } = options;
    const written = readConfigFile(options);
    const before = writtenKeys(written.text).length;
    const key = newKey();
    const entry = entryOf(name, sha256Hex(key), options);
    writeConfigFile(written, withKey(written.text, entry), platform, (problem) => wordedOf(problem, before));
    note([
      `'${name}' is in ${written.file} now, by its hash alone: the key on stdout is shown this once.`,
      'A client sends it as its API key (Authorization: Bearer …).',
      platform === 'workers'
        ? 'It counts from the next `npx wrangler deploy` on.'
        : 'A gateway that runs with this file takes it over by itself, within seconds.',
      ...(options.routers && !options.models
        ? ['Any model can still be asked for by its own id (PROVIDER/NAME): --models says which ones.']
        : []),
      ...(before === 0 ? firstOf(options) : []),
    ]);
    await printResult({ json }, { document: documentOf(name, key, options), text: () => [key] }).catch(unseen(name));
  });
}

/** The hash is written first: a key that is shown must be one that counts. */
const unseen =
  (name: string) =>
  (error: Error): never => {
    if (!(error instanceof CommandFailed)) throw error;
    throw new CommandFailed(
      `${error.message}: nobody has the key of '${name}', so take it out (conduit keys revoke) and create it again`,
    );
  };

const documentOf = (name: string, key: string, options: CreateOptions) => ({
  object: 'key',
  name,
  key,
  key_sha256: sha256Hex(key),
  admin: options.admin === true,
  routers: options.routers ?? null,
  models: options.models ?? null,
  routes: options.routes ?? DEFAULT_ROUTES,
  requests_per_minute: options.requestsPerMinute ?? null,
  usd_per_day: options.usdPerDay ?? null,
});

/** What it closes, and to whom. */
const firstOf = ({ admin }: CreateOptions): string[] => [
  'It is the first key: until now whoever reached the gateway could call it, and from now on a client without a key gets 401.',
  ...(admin
    ? []
    : [
        "It is no admin's, and nobody sees the dashboard, reports and metrics before there is one: conduit keys create NAME --admin.",
      ]),
];

function entryOf(name: string, key_sha256: string, options: CreateOptions): KeyEntry {
  const { routers, models, routes, requestsPerMinute, usdPerDay, admin } = options;
  return {
    name: literal(name),
    key_sha256,
    ...(routers && { routers: routers.map(literal) }),
    ...(models && { models: models.map(literal) }),
    ...(routes && { routes: routes.map(literal) }),
    ...(requestsPerMinute !== undefined && { requests_per_minute: requestsPerMinute }),
    ...(usdPerDay !== undefined && { usd_per_day: usdPerDay }),
    ...(admin && { admin: true }),
  };
}

/** What is wrong with the new key itself, by the names of the command line; null for all else. */
function wordedOf(problem: Problem, index: number): string | null {
  const { path } = problem;
  const field = path.startsWith(`keys[${index}].`)
    ? /^[a-z_]+/.exec(path.slice(path.indexOf('.') + 1))?.[0]
    : undefined;
  if (field === undefined) return null;
  const option = field === 'name' ? 'NAME' : `--${field.replaceAll('_', '-')}`;
  return problemLine({ ...problem, path: option });
}
