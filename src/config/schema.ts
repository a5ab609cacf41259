/**
 * The shape of a Conduit config as it stands in the file, in zod: its small form, since a Worker carries all of it along. A schema's error text is what is *allowed* at its place;
 * what is wrong there is worded in `problems.ts`. What names refer to is checked in `references.ts`.
 */
import * as z from 'zod/mini';
import type { SignalName } from '../signals/signs.ts';
import { DURATION, durationMs } from './duration.ts';

/** An object without unknown keys; the error text for one is the list of the known keys. */
function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(', ') : 'a mapping'),
  });
}

function text(pattern: RegExp, allowed: string) {
  return z.string({ error: allowed }).check(z.regex(pattern, { error: allowed }));
}

function whole(least: number, most: number) {
  const error =
    most === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${least}` : `a whole number from ${least} to ${most}`;
  return z.int({ error }).check(z.minimum(least, { error }), z.maximum(most, { error }));
}

function share() {
  const error = 'a number from 0 to 1';
  return z.number({ error }).check(z.minimum(0, { error }), z.maximum(1, { error }));
}

function usd() {
  const error = 'USD, a number, at least 0';
  return z.number({ error }).check(z.minimum(0, { error }));
}

function positive(what: string) {
  const error = `${what}, a number above 0`;
  return z.number({ error }).check(z.positive({ error }));
}

function choice<const Names extends readonly string[]>(names: Names) {
  return z.enum(names, { error: names.join(', ') });
}

function list<Item extends z.ZodMiniType>(item: Item, allowed: string) {
  return z.array(item, { error: allowed });
}

function table<Value extends z.ZodMiniType>(name: z.ZodMiniString, value: Value, allowed: string) {
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
const baseUrl = z.string({ error: baseUrlAllowed }).check(z.refine(isBaseUrl, { error: baseUrlAllowed }));

function isBaseUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s?#]+$/i.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.username === '' && url.password === '';
}

const originAllowed = 'an origin such as https://app.example, or *';
const origin = z.string({ error: originAllowed }).check(
  z.refine((value) => value === '*' || (URL.canParse(value) && new URL(value).origin === value), {
    error: originAllowed,
  }),
);

export const CAPABILITIES = ['tools', 'images', 'json_schema', 'reasoning', 'audio'] as const;
export type Capability = (typeof CAPABILITIES)[number];
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
  host: z._default(text(/^[A-Za-z0-9._:[\]-]+$/, 'a host name or an address'), '127.0.0.1'),
  port: z._default(whole(0, 65_535), 8_787),
  // V8 holds no text of more than half a gigabyte, and a body is read as text.
  max_body_bytes: z._default(whole(1, 500_000_000), 20_971_520),
  cors: z._default(list(origin, 'a list of origins'), []),
  workers: z._default(whole(1, 64), 1),
  keep_alive_ms: z.optional(whole(0, DAY_MS)),
  secret: z.optional(secret),
});

/** What a key may call unless it says otherwise. */
export const DEFAULT_ROUTES = ['chat/completions', 'models', 'feedback', 'embeddings', 'moderations'];

const key = section({
  name: keyName,
  key: z.optional(secret),
  key_sha256: z.optional(text(/^[0-9a-fA-F]{64}$/, 'a SHA-256 in 64 hexadecimal digits')),
  routers: z.optional(list(routerName, 'a list of routers')),
  models: z.optional(list(modelPattern, 'a list of model ids, in which * stands for any text')),
  routes: z._default(
    list(
      text(/^[A-Za-z0-9._*/-]+$/, 'a route behind /v1/ such as embeddings, in which * stands for any text'),
      'a list of routes behind /v1/',
    ),
    DEFAULT_ROUTES,
  ),
  requests_per_minute: z.optional(whole(1, Number.MAX_SAFE_INTEGER)),
  usd_per_day: z.optional(positive('USD')),
  admin: z._default(yesOrNo, false),
});

const apiKeyAllowed = 'a key, a list of keys, or passthrough';

const provider = section({
  base_url: baseUrl,
  api_key: z.optional(
    z.union([secret, z.array(secret, { error: apiKeyAllowed }).check(z.minLength(1, { error: apiKeyAllowed }))], {
      error: apiKeyAllowed,
    }),
  ),
  headers: z._default(table(headerName, headerValue, 'a mapping of header names to texts'), {}),
  stream_usage: z.optional(yesOrNo),
});

const price = section({
  input: z.optional(usd()),
  cached_input: z.optional(usd()),
  output: z.optional(usd()),
  cache_write: z.optional(usd()),
  request: z.optional(usd()),
});

const params = section({
  rename: z._default(table(fieldName, fieldName, 'a mapping of field names to field names'), {}),
  drop: z._default(list(fieldName, 'a list of field names'), []),
  defaults: z._default(table(fieldName, z.unknown(), 'a mapping of field names to values'), {}),
});

/** A day: far beyond any answer, and within what a timer can hold. */
const milliseconds = () => whole(1, DAY_MS);

const timeouts = section({
  connect_ms: z._default(milliseconds(), 5_000),
  first_byte_ms: z.optional(milliseconds()),
  idle_ms: z._default(milliseconds(), 60_000),
  total_ms: z._default(milliseconds(), 600_000),
});

const model = section({
  id: modelId,
  upstream: z.optional(text(/^\S+$/, 'the name that goes upstream')),
  price: z.optional(price),
  context: z.optional(whole(1, Number.MAX_SAFE_INTEGER)),
  max_output: z.optional(whole(1, Number.MAX_SAFE_INTEGER)),
  supports: z.optional(list(choice(CAPABILITIES), `a list of ${CAPABILITIES.join(', ')}`)),
  params: z.prefault(z.union([z.literal('as-is', { error: 'as-is' }), params]), {}),
  timeouts: z.prefault(timeouts, {}),
  was: z._default(list(modelId, 'a list of model ids'), []),
});

const prefer = z.union([
  choice(PREFERENCES),
  section({
    usd_per_point: z.exactOptional(positive('USD')),
    seconds_per_point: z.exactOptional(positive('seconds')),
  }),
]);

const halfLifeAllowed = 'a duration above 0 such as 30m, 24h or 7d, or off';
const halfLife = z.string({ error: halfLifeAllowed }).check(
  z.refine((value) => value === 'off' || (DURATION.test(value) && Number.parseFloat(value) > 0), {
    error: halfLifeAllowed,
  }),
);

// YAML reads on and off as text, true and false as what they are. One choice of four, so that what is allowed is told once.
const onOrOff = z.pipe(
  z.literal(['on', 'off', true, false], { error: 'on, off' }),
  z.transform((value) => value === 'on' || value === true),
);

const signals = section({
  continued: z.optional(onOrOff),
  regenerated: z.optional(onOrOff),
  rephrased: z.optional(onOrOff),
  corrected: z.optional(onOrOff),
  silence: z.optional(onOrOff),
  aborted: z.optional(onOrOff),
  latency: z.optional(onOrOff),
  length: z.optional(onOrOff),
  invalid_tool_call: z.optional(onOrOff),
  invalid_json: z.optional(onOrOff),
  content_filter: z.optional(onOrOff),
  refusal: z.optional(onOrOff),
  repetition: z.optional(onOrOff),
  empty: z.optional(onOrOff),
} satisfies Record<SignalName, unknown>);

/** What a router explores that does not say. */
export const EXPLORE = { floor: 0.02, warmup: 8 };

const promisedAllowed = 'a number above 0, at most 1';
const confidenceAllowed = 'a number from 0.5 on, below 1';

const router = section({
  models: list(modelId, 'a list of model ids').check(z.minLength(1, { error: 'at least one model id' })),
  answers_to: z._default(list(modelPattern, 'a list of names, in which * stands for any text'), []),
  policy: z._default(choice(POLICIES), 'linear-thompson'),
  prefer: z._default(prefer, 'balanced'),
  explore: z.prefault(
    section({
      floor: z._default(share(), EXPLORE.floor),
      warmup: z._default(whole(0, Number.MAX_SAFE_INTEGER), EXPLORE.warmup),
    }),
    {},
  ),
  guarantee: z.optional(
    section({
      baseline: modelId,
      quality: z
        .number({ error: promisedAllowed })
        .check(z.gt(0, { error: promisedAllowed }), z.lte(1, { error: promisedAllowed })),
      confidence: z
        .number({ error: confidenceAllowed })
        .check(z.gte(0.5, { error: confidenceAllowed }), z.lt(1, { error: confidenceAllowed })),
    }),
  ),
  half_life: z._default(halfLife, '7d'),
  signals: z.prefault(signals, {}),
  sticky: z._default(choice(['conversation', 'none']), 'conversation'),
  fallbacks: z._default(whole(0, 10), 2),
  max_usd_per_request: z.optional(positive('USD')),
  usd_per_request: z.optional(positive('USD')),
  usd_per_day: z.optional(positive('USD')),
  on_budget: z._default(choice(['cheapest', 'reject']), 'cheapest'),
});

const stateAllowed =
  'memory, redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT, on Cloudflare Workers durable-object';
const state = z
  .string({ error: stateAllowed })
  .check(
    z.refine((value) => value === 'memory' || value === 'durable-object' || isRedisUrl(value), { error: stateAllowed }),
  );

/** A database's number may stand behind it. What stands behind a `?` some clients take for settings: there are none here. */
function isRedisUrl(value: string): boolean {
  if (!/^rediss?:\/\/[^\s?#]+$/.test(value) || !URL.canParse(value)) return false;
  const { hostname, pathname } = new URL(value);
  return hostname !== '' && /^(\/\d*)?$/.test(pathname);
}

const retentionAllowed = 'a duration of at least a day, such as 30d';
const retention = z
  .string({ error: retentionAllowed })
  .check(
    z.refine((value) => DURATION.test(value) && (durationMs(value) as number) >= DAY_MS, { error: retentionAllowed }),
  );

const projectUrlAllowed = 'https://PROJECT.supabase.co, without a path';
/** What is called there has paths of its own. */
const projectUrl = z
  .string({ error: projectUrlAllowed })
  .check(
    z.refine((value) => /^https?:\/\/[^\s?#/]+\/?$/.test(value) && URL.canParse(value), { error: projectUrlAllowed }),
  );

const stores = section({
  state: z._default(state, 'memory'),
  durable: z.optional(choice(['embedded', 'none', 'supabase'])),
  folder: z.optional(text(/^[^\0]+$/, 'the path of a folder')),
  retention: z.optional(retention),
  supabase: z.optional(
    section({
      url: projectUrl,
      service_role_key: secret,
    }),
  ),
});

const log = section({
  level: z._default(choice(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  requests: z._default(yesOrNo, false),
  prompts: z._default(yesOrNo, false),
});

const telemetry = section({
  otlp: section({
    endpoint: baseUrl,
    headers: z._default(table(headerName, headerValue, 'a mapping of header names to texts'), {}),
  }),
  service: z._default(text(/^[^\p{Cc}]{1,200}$/u, 'a name of 1 to 200 characters'), 'conduit'),
  share: z._default(share(), 1),
});

export const configSchema = section({
  server: z.prefault(server, {}),
  keys: z._default(list(key, 'a list of keys'), []),
  providers: table(providerName, provider, 'a mapping of provider names to providers').check(
    z.refine((providers) => Object.keys(providers).length > 0, { error: 'at least one provider' }),
  ),
  models: list(model, 'a list of models').check(z.minLength(1, { error: 'at least one model' })),
  routers: z.optional(
    table(routerName, router, 'a mapping of router names to routers').check(
      z.refine((routers) => Object.keys(routers).length > 0, {
        error: 'at least one router, or no routers section at all',
      }),
    ),
  ),
  stores: z.prefault(stores, {}),
  log: z.prefault(log, {}),
  telemetry: z.optional(telemetry),
});

/** A config as written, checked for its shape, with defaults filled in. */
export type WrittenConfig = z.infer<typeof configSchema>;
/** A config as it may be written. */
export type AcceptedConfig = z.input<typeof configSchema>;
