/** The text of a config to start with: commented YAML that says what it assumes, above all each model's price. */
import { CATALOGUE_DATE, type CatalogueEntry } from './catalogue.ts';
import { literal } from './interpolate.ts';
import type { Capability } from './schema.ts';

export interface StartingProvider {
  name: string;
  baseUrl: string;
  /** The environment variable that holds its key; null where it takes none. */
  variable: string | null;
  /** What a reader of the file should know of it, in a line each. */
  remarks: readonly string[];
}

export interface StartingModel {
  /** PROVIDER/NAME. */
  id: string;
  /** `free`: runs on a machine of one's own. */
  price: CatalogueEntry['price'] | 'free';
  /** Tokens, prompt and answer together; left out of the file where null, as for models that the catalogue knows. */
  context: number | null;
  /** Left out of the file where null: then it is the catalogue's, or else tools and json_schema. */
  supports: readonly Capability[] | null;
  remark: string | null;
}

/** Where what is learned is kept: in a folder, or also in the servers that the environment names. */
export type Keeping = 'folder' | 'redis' | 'supabase' | 'redis+supabase';

export interface StartingConfig {
  /** Lines at the top. */
  remarks: readonly string[];
  host: string;
  /** Who may call; empty: only this machine. */
  keys: readonly { name: string; sha256: string; admin: boolean }[];
  providers: readonly StartingProvider[];
  /** The first is the one that reports compare with. */
  models: readonly StartingModel[];
  prefer: 'quality' | 'balanced' | 'cost' | 'speed';
  /** Names that programs have hard-coded. */
  answersTo: readonly string[];
  usdPerDay: number | null;
  keeping: Keeping;
}

/**
 * Prices are written out, not left to the catalogue: a later release with other list prices would otherwise change
 * what is counted as spent, and the reader could not see what is assumed.
 */
export function startingConfigText(config: StartingConfig): string {
  const { providers, models, usdPerDay, answersTo } = config;
  const lines = [
    ...config.remarks.map(commented),
    `server: { host: ${config.host}, port: 8787 }`,
    ...keyLines(config.keys),
    'providers:',
    ...providers.flatMap(providerLines),
    ...priceRemarks(models),
    'models:',
    ...models.flatMap(modelLines),
    'routers:',
    '  auto: # the `model` that clients send',
    '    models: # reports compare with the first',
    ...models.map(({ id }) => `      - ${idText(id)}`),
    ...(answersTo.length > 0
      ? [`    answers_to: [${answersTo.map(quoted).join(', ')}] # what programs send today: they need not be changed`]
      : []),
    `    prefer: ${config.prefer} # quality | balanced | cost | speed`,
    ...(usdPerDay === null
      ? []
      : [`    usd_per_day: ${usdPerDay} # as it runs out cheaper models are preferred; when it is gone, the cheapest`]),
    ...storeLines(config.keeping),
    '',
  ];
  return lines.join('\n');
}

function keyLines(keys: StartingConfig['keys']): string[] {
  if (keys.length === 0) {
    return [
      '# keys: # who may call; without keys only this machine can',
      `#   - { name: web, key: "\${CONDUIT_WEB_KEY}" }`,
    ];
  }
  return [
    'keys: # who may call; a hash stands here, and the key itself nowhere',
    ...keys.flatMap(({ name, sha256, admin }) => [
      `  - name: ${name}${admin ? ' # may see the dashboard, reports and metrics too' : ''}`,
      `    key_sha256: ${quoted(sha256)}`,
      ...(admin ? ['    admin: true'] : []),
    ]),
  ];
}

function providerLines({ name, baseUrl, variable, remarks }: StartingProvider): string[] {
  const key = variable === null ? '' : `, api_key: "\${${variable}}"`;
  return [...remarks.map((remark) => `  ${commented(remark)}`), `  ${name}: { base_url: ${quoted(baseUrl)}${key} }`];
}

function priceRemarks(models: readonly StartingModel[]): string[] {
  if (models.every(({ price }) => price === 'free')) return [];
  return [
    `# Prices are list prices of ${CATALOGUE_DATE} in USD per million tokens. What stands here is what counts: set your own`,
    '# where you pay less.',
  ];
}

function modelLines({ id, price, context, supports, remark }: StartingModel): string[] {
  return [
    `  - id: ${idText(id)}${remark === null ? '' : ` ${commented(remark)}`}`,
    `    price: ${priceText(price)}`,
    ...(context === null ? [] : [`    context: ${context}`]),
    ...(supports === null ? [] : [`    supports: [${supports.join(', ')}]`]),
  ];
}

function priceText(price: StartingModel['price']): string {
  if (price === 'free') return '{ input: 0, output: 0 } # runs on a machine of your own';
  const { input, cached_input, cache_write, output } = price;
  const parts = Object.entries({ input, cached_input, cache_write, output }).flatMap(([name, usd]) =>
    usd === undefined ? [] : [`${name}: ${usd}`],
  );
  return `{ ${parts.join(', ')} } # list price of ${CATALOGUE_DATE}`;
}

function storeLines(keeping: Keeping): string[] {
  if (keeping === 'folder') return [];
  return [
    'stores: # where what is learned is kept',
    ...(keeping.includes('redis') ? [`  state: "\${REDIS_URL}"`] : []),
    ...(keeping.includes('supabase')
      ? [
          '  durable: supabase',
          `  supabase: { url: "\${SUPABASE_URL}", service_role_key: "\${SUPABASE_SERVICE_ROLE_KEY}" }`,
        ]
      : []),
  ];
}

/** A name that a server gave may hold what stands for a variable of the environment, which must not be sent to it. */
function quoted(text: string): string {
  return literal(JSON.stringify(text));
}

/** An id that YAML reads as it stands stays without quotes. */
function idText(id: string): string {
  return /^[a-z][\w.-]*\/[\w./-]+$/i.test(id) ? id : quoted(id);
}

function commented(remark: string): string {
  return `# ${remark.replace(/\p{C}+/gu, ' ')}`;
}
