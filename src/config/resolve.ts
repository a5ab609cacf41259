/** The config in the shape that the rest of the program works with: everything filled in, names resolved, keys hashed. */
import type { Guarantee } from '../bandit/guarantee.ts';
import type { PolicyName } from '../bandit/policies/index.ts';
import type { Preference } from '../bandit/utility.ts';
import type { SignalName } from '../signals/signs.ts';
import { type CatalogueEntry, catalogueEntry } from './catalogue.ts';
import { durationMs } from './duration.ts';
import { matchesGlob } from './glob.ts';
import type { Platform } from './platform.ts';
import { type Vendor, vendorOf } from './presets.ts';
import type { ModelPrice } from './price.ts';
import { knowsStreamOptions, overlaidParams, type Params, quirksOf } from './quirks.ts';
import { type Capability, EXPLORE, type WrittenConfig } from './schema.ts';

export type { Params } from './quirks.ts';

export interface Timeouts {
  connectMs: number;
  firstByteMs: number;
  /** True only where the user set `first_byte_ms`: a whole answer's first byte is its last. */
  firstByteForWholeAnswers: boolean;
  idleMs: number;
  totalMs: number;
}

export interface Model {
  /** PROVIDER/NAME. */
  id: string;
  provider: string;
  /** The name that goes upstream. */
  upstream: string;
  price: ModelPrice;
  /** Where the prices of input and output come from; unknown ones count as 0. */
  priceSource: 'config' | 'catalogue' | 'unknown';
  /** Tokens; null where unknown. */
  context: number | null;
  maxOutput: number | null;
  supports: ReadonlySet<Capability>;
  params: Params;
  timeouts: Timeouts;
  /** Earlier ids, whose evidence counts as its own. */
  was: readonly string[];
}

export interface Provider {
  name: string;
  /** Without a slash at its end. */
  baseUrl: string;
  /** Rotated through: the next on 401 or 429. Empty where the provider takes none of ours. */
  apiKeys: readonly string[];
  /** Whether the caller's own provider key is passed on. */
  passthrough: boolean;
  headers: Readonly<Record<string, string>>;
  /** Whether `stream_options.include_usage` may be asked for. */
  streamUsage: boolean;
}

export interface Router {
  name: string;
  models: readonly string[];
  answersTo: readonly string[];
  policy: PolicyName;
  prefer: Preference;
  explore: { floor: number; warmup: number };
  guarantee: Guarantee | null;
  /** Null for evidence that never fades. */
  halfLifeMs: number | null;
  /** Signals that are not looked at. */
  signalsOff: ReadonlySet<SignalName>;
  sticky: 'conversation' | 'none';
  fallbacks: number;
  maxUsdPerRequest: number | null;
  /** USD that a request may cost on average; null for no limit. */
  usdPerRequest: number | null;
  /** USD per UTC day; null for no limit. */
  usdPerDay: number | null;
  /** What happens when that is gone: the cheapest arm answers, or nobody. */
  onBudget: 'cheapest' | 'reject';
}

export interface Key {
  name: string;
  /** Lower-case hex. */
  sha256: string;
  /** Null for all. */
  routers: readonly string[] | null;
  /** Globs of model ids; null for all. */
  models: readonly string[] | null;
  /** Globs of what stands behind `/v1/`. */
  routes: readonly string[];
  requestsPerMinute: number | null;
  /** USD per UTC day; null for no limit. */
  usdPerDay: number | null;
  admin: boolean;
}

export interface Stores {
  /** `memory`, `durable-object` or the URL of a Redis, with the password in it. */
  state: string;
  durable: 'embedded' | 'none' | 'supabase';
  /** For what is kept on this machine. */
  folder: string;
  /** Whether the config itself asks for this durable store or this folder: else it is no reason not to serve. */
  asked: boolean;
  /** For how long the durable store keeps a decision, or a Durable Object does. */
  retentionMs: number;
  supabase: { url: string; serviceRoleKey: string } | null;
}

/** OpenTelemetry traces. */
export interface Telemetry {
  /** Takes OTLP over HTTP in JSON. */
  tracesUrl: string;
  headers: Readonly<Record<string, string>>;
  /** What the traces' `service.name` is. */
  service: string;
  /** Of the requests that come without a trace, this share is traced, in [0, 1]. */
  share: number;
}

export interface ConduitConfig {
  server: {
    host: string;
    port: number;
    maxBodyBytes: number;
    cors: readonly string[];
    /** Processes on the one port. */
    workers: number;
    /** How long a stream may be silent before a comment is written into it; null for never. */
    keepAliveMs: number | null;
    secret: string | null;
  };
  keys: readonly Key[];
  providers: ReadonlyMap<string, Provider>;
  models: ReadonlyMap<string, Model>;
  routers: ReadonlyMap<string, Router>;
  stores: Stores;
  /** `requests`: whether each request is a line in the log. */
  log: { level: 'debug' | 'info' | 'warn' | 'error' | 'silent'; requests: boolean };
  /** Where traces go; null where none are made. */
  telemetry: Telemetry | null;
}

type WrittenModel = WrittenConfig['models'][number];
type WrittenRouter = NonNullable<WrittenConfig['routers']>[string];

const FIRST_BYTE_MS = 120_000;
/** Node tells by itself of a client that leaves; workerd does not where nothing is written. */
const KEEP_ALIVE_MS: Readonly<Record<Platform, number>> = { node: 0, workers: 10_000 };
const DEFAULT_SUPPORTS: readonly Capability[] = ['tools', 'json_schema'];

/** The config must have passed `referenceProblems`. */
export function resolveConfig(
  written: WrittenConfig,
  sha256Hex: (text: string) => string,
  platform: Platform,
): { config: ConduitConfig; warnings: string[] } {
  const warnings: string[] = [];
  const { host, port, cors, workers } = written.server;
  const config: ConduitConfig = {
    server: {
      host,
      port,
      maxBodyBytes: written.server.max_body_bytes,
      cors,
      workers,
      keepAliveMs: (written.server.keep_alive_ms ?? KEEP_ALIVE_MS[platform]) || null,
      secret: written.server.secret ?? null,
    },
    keys: written.keys.map((key) => ({
      name: key.name,
      sha256: (key.key === undefined ? (key.key_sha256 as string) : sha256Hex(key.key)).toLowerCase(),
      routers: key.routers ?? null,
      models: key.models ?? null,
      routes: key.routes,
      requestsPerMinute: key.requests_per_minute ?? null,
      usdPerDay: key.usd_per_day ?? null,
      admin: key.admin,
    })),
    providers: new Map(
      Object.entries(written.providers).map(([name, provider]) => [name, resolveProvider(name, provider)]),
    ),
    models: new Map(written.models.map((model, index) => [model.id, resolveModel(model, index, written, warnings)])),
    routers: new Map(
      Object.entries(writtenRouters(written)).map(([name, router]) => [name, resolveRouter(name, router)]),
    ),
    stores: resolveStores(written.stores),
    log: { level: written.log.level, requests: written.log.requests },
    telemetry: resolveTelemetry(written.telemetry),
  };
  const { state } = written.stores;
  if (platform === 'workers' && written.keys.length === 0) {
    warnings.push('keys: none, so whoever knows the address of the Worker can use your providers');
  }
  if (platform === 'workers' && state === 'memory') {
    warnings.push('stores.state: memory, so each isolate learns by itself, and forgets all when it ends');
  }
  if (state !== 'memory' && state !== 'durable-object' && written.server.secret === undefined) {
    warnings.push(
      platform === 'workers'
        ? 'server.secret: not set: one is made and kept in Redis, and gateways on Node that share it will not know a conversation again'
        : 'server.secret: not set: one is made and kept in stores.folder, and processes with other folders will not know a conversation again',
    );
  }
  if (written.stores.retention !== undefined && config.stores.durable === 'none' && state !== 'durable-object') {
    warnings.push('stores.retention: without effect, since nothing durable is configured (stores.durable)');
  }
  written.keys.forEach((key, index) => {
    key.models?.forEach((glob, at) => {
      if (!written.models.some((model) => matchesGlob(glob, model.id))) {
        warnings.push(`keys[${index}].models[${at}]: matches no model`);
      }
    });
  });
  return { config, warnings };
}

/** Without a `routers` section there is one router, `auto`, over all models. */
export function writtenRouters(written: WrittenConfig): Record<string, WrittenRouter> {
  return (
    written.routers ?? {
      auto: {
        models: [...new Set(written.models.map((model) => model.id))],
        answers_to: [],
        policy: 'linear-thompson',
        prefer: 'balanced',
        explore: EXPLORE,
        half_life: '7d',
        signals: {},
        sticky: 'conversation',
        fallbacks: 2,
        on_budget: 'cheapest',
      },
    }
  );
}

const DEFAULT_FOLDER = '.conduit';
const DEFAULT_RETENTION = '30d';

/** With a Redis nothing needs a folder's database: what is learned is in the Redis, and the folder would be one's alone. */
function resolveStores({ state, durable, folder, retention, supabase }: WrittenConfig['stores']): Stores {
  return {
    state,
    durable: durable ?? (state === 'memory' ? 'embedded' : 'none'),
    folder: folder ?? DEFAULT_FOLDER,
    asked: durable !== undefined || folder !== undefined,
    retentionMs: durationMs(retention ?? DEFAULT_RETENTION) as number,
    supabase: supabase ? { url: supabase.url, serviceRoleKey: supabase.service_role_key } : null,
  };
}

/** As OpenTelemetry has it: the endpoint is that of all signals, and traces have a path below it. */
function resolveTelemetry(written: WrittenConfig['telemetry']): Telemetry | null {
  if (!written) return null;
  const { otlp, service, share } = written;
  return { tracesUrl: `${otlp.endpoint.replace(/\/+$/, '')}/v1/traces`, headers: otlp.headers, service, share };
}

function resolveProvider(name: string, written: WrittenConfig['providers'][string]): Provider {
  const baseUrl = written.base_url.replace(/\/+$/, '');
  return {
    name,
    baseUrl,
    apiKeys: written.api_key === undefined || written.api_key === 'passthrough' ? [] : [written.api_key].flat(),
    passthrough: written.api_key === 'passthrough',
    headers: written.headers,
    streamUsage: written.stream_usage ?? knowsStreamOptions(vendorOf(name, baseUrl)),
  };
}

function resolveModel(written: WrittenModel, index: number, config: WrittenConfig, warnings: string[]): Model {
  const slash = written.id.indexOf('/');
  const provider = written.id.slice(0, slash);
  const upstream = written.upstream ?? written.id.slice(slash + 1);
  const vendor = vendorOf(provider, config.providers[provider]!.base_url);
  const known = catalogueEntry(vendor, upstream);
  const { price, priceSource } = resolvePrice(written.price, known);
  if (written.price?.input === undefined && written.price?.output === undefined && known === null) {
    warnings.push(`models[${index}] (${written.id}): price unknown: counted as 0`);
  } else if (known === null) {
    for (const kind of ['input', 'output'] as const) {
      if (written.price?.[kind] === undefined)
        warnings.push(`models[${index}] (${written.id}): price of ${kind} unknown: counted as 0`);
    }
  }
  return {
    id: written.id,
    provider,
    upstream,
    price,
    priceSource,
    context: written.context ?? known?.context ?? null,
    maxOutput: written.max_output ?? known?.maxOutput ?? null,
    supports: new Set(written.supports ?? known?.supports ?? DEFAULT_SUPPORTS),
    params: resolveParams(written.params, vendor, upstream),
    timeouts: {
      connectMs: written.timeouts.connect_ms,
      firstByteMs: written.timeouts.first_byte_ms ?? FIRST_BYTE_MS,
      firstByteForWholeAnswers: written.timeouts.first_byte_ms !== undefined,
      idleMs: written.timeouts.idle_ms,
      totalMs: written.timeouts.total_ms,
    },
    was: written.was,
  };
}

function resolveParams(written: WrittenModel['params'], vendor: Vendor | null, upstream: string): Params {
  if (written === 'as-is') return { rename: {}, drop: [], defaults: {} };
  return overlaidParams(quirksOf(vendor, upstream), written);
}

function resolvePrice(own: WrittenModel['price'], known: CatalogueEntry | null): Pick<Model, 'price' | 'priceSource'> {
  const given = Object.fromEntries(Object.entries(own ?? {}).filter(([, usd]) => usd !== undefined));
  // Cache prices belong to an input price: with an input price of the user's own the catalogue's would not fit.
  const { input, output, ...rest } = known?.price ?? { input: 0, output: 0 };
  const price: ModelPrice = { input, output, ...(own?.input === undefined ? rest : {}), ...given };
  if (own?.input !== undefined || own?.output !== undefined) return { price, priceSource: 'config' };
  return { price, priceSource: known ? 'catalogue' : 'unknown' };
}

function resolveRouter(name: string, written: WrittenRouter): Router {
  return {
    name,
    models: written.models,
    answersTo: written.answers_to,
    policy: written.policy,
    prefer: written.prefer,
    explore: written.explore,
    guarantee: written.guarantee ?? null,
    halfLifeMs: durationMs(written.half_life),
    signalsOff: new Set(namesOf(written.signals).filter((name) => written.signals[name] === false)),
    sticky: written.sticky,
    fallbacks: written.fallbacks,
    maxUsdPerRequest: written.max_usd_per_request ?? null,
    usdPerRequest: written.usd_per_request ?? null,
    usdPerDay: written.usd_per_day ?? null,
    onBudget: written.on_budget,
  };
}

const namesOf = (signals: WrittenRouter['signals']): SignalName[] => Object.keys(signals) as SignalName[];
