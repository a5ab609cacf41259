/** `conduit keys list`: the keys of a config and what each may, but never a key. */
import { writtenKeys } from '../../config/edit-keys.ts';
import type { ConduitConfig, Key } from '../../config/resolve.ts';
import { DEFAULT_ROUTES } from '../../config/schema.ts';
import { orSayWhy } from '../command-failed.ts';
import { loadText } from '../config-file.ts';
import { printResult } from '../terminal/result.ts';
import type { Screen } from '../terminal/screen.ts';
import { tableLines } from '../terminal/table.ts';
import { type ConfigOptions, readConfigFile, refused } from './edit-config.ts';

export interface ListOptions extends ConfigOptions {
  json?: boolean;
}

/** `variable`: it comes from the environment; `text`: it stands in the file itself. */
type Given =
  | { given_as: 'hash'; sha256_begins: string }
  | { given_as: 'variable'; variables: string[] }
  | { given_as: 'text' };

interface ListedKey {
  key: Key;
  given: Given;
}

export async function list(options: ListOptions): Promise<void> {
  await orSayWhy(async () => {
    const { file, text } = readConfigFile(options);
    const loaded = loadText(text, {}, options.platform);
    if (!loaded.ok) throw refused(file, loaded.problems);
    const { config } = loaded;
    const written = writtenKeys(text);
    const keys = config.keys.map((key, index) => ({ key, given: givenIn(written[index]) }));
    await printResult(options, {
      document: { object: 'list', data: keys.map(documentOf) },
      text: (screen) => (keys.length === 0 ? [noKeys(config, options)] : linesOf(keys, screen)),
    });
  });
}

const noKeys = ({ server }: ConduitConfig, { platform }: ListOptions): string =>
  `no keys: whoever reaches ${platform === 'workers' ? 'the Worker' : server.host} may call, with every right`;

/** A variable's default may be a key, too: only names are told. */
function givenIn(written: unknown): Given {
  const { key, key_sha256 } = written as { key?: unknown; key_sha256?: unknown };
  const variables = [...String(key ?? key_sha256).matchAll(/(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)/g)].map(
    ([, name]) => name as string,
  );
  if (variables.length > 0) return { given_as: 'variable', variables };
  if (key_sha256 === undefined) return { given_as: 'text' };
  return { given_as: 'hash', sha256_begins: String(key_sha256).toLowerCase().slice(0, 8) };
}

const documentOf = ({ key, given }: ListedKey) => ({
  object: 'key',
  name: key.name,
  admin: key.admin,
  routers: key.routers,
  models: key.models,
  routes: key.routes,
  requests_per_minute: key.requestsPerMinute,
  usd_per_day: key.usdPerDay,
  ...given,
});

const HEADS = ['name', 'admin', 'routers', 'models', 'routes', 'limits', 'given as'].map((head) => ({ head }));

const linesOf = (keys: readonly ListedKey[], screen: Screen): string[] =>
  tableLines(
    HEADS,
    keys.map(({ key, given }) => [
      key.name,
      key.admin ? 'yes' : 'no',
      key.routers?.join(', ') ?? 'all',
      key.models?.join(', ') ?? 'all',
      key.routes.join() === DEFAULT_ROUTES.join() ? 'default' : key.routes.join(', '),
      limitsOf(key),
      givenText(given),
    ]),
    screen,
  );

function limitsOf({ requestsPerMinute, usdPerDay }: Key): string {
  const limits = [
    ...(requestsPerMinute === null ? [] : [`${requestsPerMinute}/min`]),
    ...(usdPerDay === null ? [] : [`$${usdPerDay}/day`]),
  ];
  return limits.join(', ') || 'none';
}

function givenText(given: Given): string {
  switch (given.given_as) {
    case 'hash':
      return `hash ${given.sha256_begins}…`;
    case 'variable':
      return given.variables.map((name) => `\${${name}}`).join(' ');
    case 'text':
      return 'in clear';
  }
}
