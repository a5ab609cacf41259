/**
 * The shape of a Conduit config as it stands in the file, in zod. A schema's error text is what is *allowed* at its place;
 * what is wrong there is worded in `problems.ts`. What names refer to is checked in `references.ts`.
 */
import * as z from 'zod';
import type { SignalName } from '../signals/signs.ts';
import { DURATION, durationMs } from './duration.ts';

/** An object without unknown keys; the error text for one is the list of the known keys. */
function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(', ') : 'a mapping'),
  });
}

function text(pattern: RegExp, allowed: string) {
  return z.string({ error: allowed }).regex(pattern, { error: allowed });
}

function whole(least: number, most: number) {
  const error =
    most === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${least}` : `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

function share() {
  const error = 'a number from 0 to 1';
  return z.number({ error }).min(0, { error }).max(1, { error });
}

function usd() {
  const error = 'USD, a number, at least 0';
  return z.number({ error }).min(0, { error });
}

function positive(what: string) {
  const error = `${what}, a number above 0`;
  return z.number({ error }).positive({ error });
}

function choice<const Names extends readonly string[]>(names: Names) {
  return z.enum(names, { error: names.join(', ') });
}

function list<Item extends z.ZodType>(item: Item, allowed: string) {
  return z.array(item, { error: allowed });
}

function table<Value extends z.ZodType>(name: z.ZodString, value: Value, allowed: string) {
  return z.record(name, value, { error: allowed });
}

const yesOrNo = z.boolean({ error: 'true, false' });
const secret = text(/^[\x21-\x7e]+$/, 'ASCII text without spaces, not empty');
const keyName = text(/^[^\p{Cc}]{1,64}$/u, 'a name of 1 to 64 characters');
const providerName = text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'names of letters, digits, `.`, `_` and `-`');
const routerName = text(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'names of letters, digits, `.`, `_`, `:` and `-`');
const modelId = text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/[^\s\p{Cc}*,]+$/u, 'PROVIDER/NAME');
const modelPattern = text(/^[^\s\p{Cc},]+$/u, 'a model name, in which * stands for any text');
const headerName = text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'names of HTTP headers');
const headerValue = text(/^[\t\x20-\x7e\x80-\xff]*$/, 'the text of an HTTP header');
const fieldName = text(/^.+$/, 'names of fields of the request body');

const baseUrlAllowed = 'an http or https URL without user, query or fragment, such as https://api.example.com/v1';
const baseUrl = z.string({ error: baseUrlAllowed }).refine(isBaseUrl, { error: baseUrlAllowed });

function isBaseUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s?#]+$/i.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.username === '' && url.password === '';
}

const originAllowed = 'an origin such as https://app.example, or *';
const origin = z
  .string({ error: originAllowed })
  .refine((value) => value === '*' || (URL.canParse(value) && new URL(value).origin === value), {
    error: originAllowed,
  });

export const CAPABILITIES = ['tools', 'images', 'json_schema', 'reasoning', 'audio'] as const;
export const POLICIES = [
  'linear-thompson',
  'thompson',
  'linucb',
  'ucb1',
  'epsilon-greedy',
  'random',
  'fixed',
  'cheapest',
] as const;
export const PREFERENCES = ['quality', 'balanced', 'cost', 'speed'] as const;

const DAY_MS = 86_400_000;

const server = section({
  host: text(/^[A-Za-z0-9._:[\]-]+$/, 'a host name or an address').default('127.0.0.1'),
  port: whole(0, 65_535).default(8_787),
  // V8 holds no text of more than half a gigabyte, and a body is read as text.
  max_body_bytes: whole(1, 500_000_000).default(20_971_520),
  cors: list(origin, 'a list of origins').default([]),
  workers: whole(1, 64).default(1),
  keep_alive_ms: whole(0, DAY_MS).optional(),
  secret: secret.optional(),
});

/** What a key may call unless it says otherwise. */
export const DEFAULT_ROUTES = ['chat/completions', 'models', 'feedback', 'embeddings', 'moderations'];

const key = section({
  name: keyName,
  key: secret.optional(),
  key_sha256: text(/^[0-9a-fA-F]{64}$/, 'a SHA-256 in 64 hexadecimal digits').optional(),
  routers: list(routerName, 'a list of routers').optional(),
  models: list(modelPattern, 'a list of model ids, in which * stands for any text').optional(),
  routes: list(
    text(/^[A-Za-z0-9._*/-]+$/, 'a route behind /v1/ such as embeddings, in which * stands for any text'),
    'a list of routes behind /v1/',
  ).default(DEFAULT_ROUTES),
  requests_per_minute: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  usd_per_day: positive('USD').optional(),
  admin: yesOrNo.default(false),
});

const apiKeyAllowed = 'a key, a list of keys, or passthrough';

const provider = section({
  base_url: baseUrl,
  api_key: z
    .union([secret, z.array(secret, { error: apiKeyAllowed }).min(1, { error: apiKeyAllowed })], {
      error: apiKeyAllowed,
    })
    .optional(),
  headers: table(headerName, headerValue, 'a mapping of header names to texts').default({}),
  stream_usage: yesOrNo.optional(),
});

const price = section({
  input: usd().optional(),
  cached_input: usd().optional(),
  output: usd().optional(),
  cache_write: usd().optional(),
  request: usd().optional(),
});

const params = section({
  rename: table(fieldName, fieldName, 'a mapping of field names to field names').default({}),
  drop: list(fieldName, 'a list of field names').default([]),
  defaults: table(fieldName, z.unknown(), 'a mapping of field names to values').default({}),
});

/** A day: far beyond any answer, and within what a timer can hold. */
const milliseconds = () => whole(1, DAY_MS);

const timeouts = section({
  connect_ms: milliseconds().default(5_000),
  first_byte_ms: milliseconds().optional(),
  idle_ms: milliseconds().default(60_000),
  total_ms: milliseconds().default(600_000),
});

const model = section({
  id: modelId,
  upstream: text(/^\S+$/, 'the name that goes upstream').optional(),
  price: price.optional(),
  context: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  max_output: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  supports: list(choice(CAPABILITIES), `a list of ${CAPABILITIES.join(', ')}`).optional(),
  params: z.union([z.literal('as-is', { error: 'as-is' }), params]).prefault({}),
  timeouts: timeouts.prefault({}),
  was: list(modelId, 'a list of model ids').default([]),
});

const prefer = z.union([
  choice(PREFERENCES),
  section({
    usd_per_point: positive('USD').exactOptional(),
    seconds_per_point: positive('seconds').exactOptional(),
  }),
]);

const halfLifeAllowed = 'a duration above 0 such as 30m, 24h or 7d, or off';
const halfLife = z
  .string({ error: halfLifeAllowed })
  .refine((value) => value === 'off' || (DURATION.test(value) && Number.parseFloat(value) > 0), {
    error: halfLifeAllowed,
  });

// YAML reads on and off as text, true and false as what they are. One choice of four, so that what is allowed is told once.
const onOrOff = z
  .literal(['on', 'off', true, false], { error: 'on, off' })
  .transform((value) => value === 'on' || value === true);

const signals = section({
  continued: onOrOff.optional(),
  regenerated: onOrOff.optional(),
  rephrased: onOrOff.optional(),
  corrected: onOrOff.optional(),
  silence: onOrOff.optional(),
  aborted: onOrOff.optional(),
  latency: onOrOff.optional(),
  length: onOrOff.optional(),
  invalid_tool_call: onOrOff.optional(),
  invalid_json: onOrOff.optional(),
  content_filter: onOrOff.optional(),
  refusal: onOrOff.optional(),
  repetition: onOrOff.optional(),
  empty: onOrOff.optional(),
} satisfies Record<SignalName, unknown>);

/** What a router explores that does not say. */
export const EXPLORE = { floor: 0.02, warmup: 8 };

const promisedAllowed = 'a number above 0, at most 1';
const confidenceAllowed = 'a number from 0.5 on, below 1';

const router = section({
  models: list(modelId, 'a list of model ids').min(1, { error: 'at least one model id' }),
  answers_to: list(modelPattern, 'a list of names, in which * stands for any text').default([]),
  policy: choice(POLICIES).default('linear-thompson'),
  prefer: prefer.default('balanced'),
  explore: section({
    floor: share().default(EXPLORE.floor),
    warmup: whole(0, Number.MAX_SAFE_INTEGER).default(EXPLORE.warmup),
  }).prefault({}),
  guarantee: section({
    baseline: modelId,
    quality: z.number({ error: promisedAllowed }).gt(0, { error: promisedAllowed }).lte(1, { error: promisedAllowed }),
    confidence: z
      .number({ error: confidenceAllowed })
      .gte(0.5, { error: confidenceAllowed })
      .lt(1, { error: confidenceAllowed }),
  }).optional(),
  half_life: halfLife.default('7d'),
  signals: signals.prefault({}),
  sticky: choice(['conversation', 'none']).default('conversation'),
  fallbacks: whole(0, 10).default(2),
  max_usd_per_request: positive('USD').optional(),
  usd_per_request: positive('USD').optional(),
  usd_per_day: positive('USD').optional(),
  on_budget: choice(['cheapest', 'reject']).default('cheapest'),
});

const stateAllowed =
  'memory, redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT, on Cloudflare Workers durable-object';
const state = z
  .string({ error: stateAllowed })
  .refine((value) => value === 'memory' || value === 'durable-object' || isRedisUrl(value), { error: stateAllowed });

/** A database's number may stand behind it. What stands behind a `?` some clients take for settings: there are none here. */
function isRedisUrl(value: string): boolean {
  if (!/^rediss?:\/\/[^\s?#]+$/.test(value) || !URL.canParse(value)) return false;
  const { hostname, pathname } = new URL(value);
  return hostname !== '' && /^(\/\d*)?$/.test(pathname);
}

const retentionAllowed = 'a duration of at least a day, such as 30d';
const retention = z
  .string({ error: retentionAllowed })
  .refine((value) => DURATION.test(value) && (durationMs(value) as number) >= DAY_MS, { error: retentionAllowed });

const projectUrlAllowed = 'https://PROJECT.supabase.co, without a path';
/** What is called there has paths of its own. */
const projectUrl = z
  .string({ error: projectUrlAllowed })
  .refine((value) => /^https?:\/\/[^\s?#/]+\/?$/.test(value) && URL.canParse(value), { error: projectUrlAllowed });

const stores = section({
  state: state.default('memory'),
  durable: choice(['embedded', 'none', 'supabase']).optional(),
  folder: text(/^[^\0]+$/, 'the path of a folder').optional(),
  retention: retention.optional(),
  supabase: section({
    url: projectUrl,
    service_role_key: secret,
  }).optional(),
});

const log = section({
  level: choice(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  requests: yesOrNo.default(false),
  prompts: yesOrNo.default(false),
});

const telemetry = section({
  otlp: section({
    endpoint: baseUrl,
    headers: table(headerName, headerValue, 'a mapping of header names to texts').default({}),
  }),
  service: text(/^[^\p{Cc}]{1,200}$/u, 'a name of 1 to 200 characters').default('conduit'),
  share: share().default(1),
});

export const configSchema = section({
  server: server.prefault({}),
  keys: list(key, 'a list of keys').default([]),
  providers: table(providerName, provider, 'a mapping of provider names to providers').refine(
    (providers) => Object.keys(providers).length > 0,
    { error: 'at least one provider' },
  ),
  models: list(model, 'a list of models').min(1, { error: 'at least one model' }),
  routers: table(routerName, router, 'a mapping of router names to routers')
    .refine((routers) => Object.keys(routers).length > 0, {
      error: 'at least one router, or no routers section at all',
    })
    .optional(),
  stores: stores.prefault({}),
  log: log.prefault({}),
  telemetry: telemetry.optional(),
});

/** A config as written, checked for its shape, with defaults filled in. */
export type WrittenConfig = z.infer<typeof configSchema>;
