/** What the fields of an entry in LiteLLM's `model_list` come to: prices, limits, what is supported, what a request gets. */
import type { Path } from '../../config/path.ts';
import type { CAPABILITIES } from '../../config/schema.ts';
import { changed, leftOut, mapped, type Notes, type Told } from './notes.ts';
import type { References } from './references.ts';
import { isMapping, isYes, type Mapping, numberOf, settingsOf, textOf, textsOf } from './values.ts';

export type Capability = (typeof CAPABILITIES)[number];

export interface Price {
  input?: number;
  cached_input?: number;
  output?: number;
  cache_write?: number;
  request?: number;
}

export interface Fields {
  price: Price;
  context?: number;
  maxOutput?: number;
  /** What the entry says of it: yes or no. */
  supports: Map<Capability, boolean>;
  drop: string[];
  defaults: Record<string, unknown>;
  headers: Record<string, string>;
  totalMs?: number;
  idleMs?: number;
  /** LiteLLM tries those of a lower one first. */
  order?: number;
  /** A model of OpenAI's that an Azure deployment is one of. */
  baseModel: string | null;
  mode: string;
}

const PRICES: Readonly<Record<string, keyof Price>> = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cached_input',
  cache_creation_input_token_cost: 'cache_write',
  input_cost_per_request: 'request',
};

const SUPPORTS: Readonly<Record<string, Capability>> = {
  supports_function_calling: 'tools',
  supports_vision: 'images',
  supports_response_schema: 'json_schema',
  supports_reasoning: 'reasoning',
  supports_audio_input: 'audio',
};

/** Fields of a request that an entry may set for those that come without. */
const REQUEST_FIELDS = new Set([
  ...['temperature', 'top_p', 'top_k', 'min_p', 'n', 'stop', 'max_tokens', 'max_completion_tokens', 'seed', 'user'],
  ...['presence_penalty', 'frequency_penalty', 'repetition_penalty', 'logit_bias', 'logprobs', 'top_logprobs'],
  ...['response_format', 'tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call', 'modalities'],
  ...['audio', 'prediction', 'reasoning_effort', 'verbosity', 'thinking', 'web_search_options', 'service_tier'],
  ...['safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'store', 'stream_options', 'keep_alive'],
  ...['num_ctx', 'reasoning', 'provider', 'transforms', 'models', 'route', 'plugins', 'usage'],
]);

const RESTS = 'Conduit’s arms rest by themselves when they fail, and are tried again';
const LEARNS = 'a router learns how much each model gets';
const LIMIT_OF_UPSTREAM =
  'a provider’s limit shows as a 429, and the next key or model is asked within the same request';

/** Settings of LiteLLM's own, none of which is a field of a request. */
const OWN: Readonly<Record<string, string>> = {
  rpm: LIMIT_OF_UPSTREAM,
  tpm: LIMIT_OF_UPSTREAM,
  itpm: LIMIT_OF_UPSTREAM,
  otpm: LIMIT_OF_UPSTREAM,
  max_parallel_requests: LIMIT_OF_UPSTREAM,
  weight: `${LEARNS}; for fixed shares there is no setting`,
  cooldown_time: RESTS,
  max_retries: 'a failed model is replaced by the router’s next one, not asked again',
  num_retries: 'a failed model is replaced by the router’s next one, not asked again',
  tags: 'no tags: a key’s `routers` and `models`, or the header x-conduit-models, say which models a request may have',
  tag_regex:
    'no tags: a key’s `routers` and `models`, or the header x-conduit-models, say which models a request may have',
  mock_response: 'no made-up answers',
  max_budget: 'money is limited by key (keys[].usd_per_day) and by router (routers.NAME.usd_per_day), not by model',
  budget_duration:
    'money is limited by key (keys[].usd_per_day) and by router (routers.NAME.usd_per_day), not by model',
  region_name: 'the region is part of a provider’s base_url',
  metadata: 'LiteLLM’s own, for its logs',
  guardrails: 'no guardrails',
  configurable_clientside_auth_params: 'a caller’s own provider key is passed on with `api_key: passthrough`',
  use_in_pass_through: 'every provider serves other /v1/* routes already: docs/pass-through.md',
  merge_reasoning_content_in_choices: 'answers reach the client as they came',
  default_api_key_rpm_limit: 'limits belong to keys: keys[].requests_per_minute',
  default_api_key_tpm_limit: 'limits belong to keys: keys[].requests_per_minute',
  cache: 'answers are not cached',
  ssl_verify: 'certificates are always checked; Node takes further ones from NODE_EXTRA_CA_CERTS',
};

/** Read for the address, and told of there. */
const OF_ADDRESS = ['model', 'custom_llm_provider', 'api_key', 'api_base', 'base_url', 'litellm_credential_name'];
const SECRET_NAME =
  /key|secret|password|credential|(^|_)token$|^(aws|s3|vertex|azure|gcs|watsonx)_|client_id|tenant_id/;
const OF_NO_ROUTER = 'no model of a router, which serves chat completions alone: other routes are passed on';
const BASE_MODEL = mapped('which model it is, where its own name does not say so');
const UNTOUCHABLE = ['model', 'messages', 'stream'];
const DAY_MS = 86_400_000;
/** Far beyond any price: what is more is a slip, or no number that can be reckoned with. */
const MOST_USD = 1e6;

export function fieldsOf(params: Mapping, info: Mapping, path: Path, references: References, notes: Notes): Fields {
  const fields: Fields = {
    price: {},
    supports: new Map(),
    drop: [],
    defaults: {},
    headers: {},
    baseModel: textOf(info.base_model) ?? textOf(params.base_model),
    mode: textOf(info.mode) ?? modeByName(textOf(params.model) ?? ''),
  };
  for (const [name, value] of settingsOf(params)) {
    const at = [...path, 'litellm_params', name];
    if (OF_ADDRESS.includes(name)) continue;
    const told = readPrice(name, value, fields) ?? readParam(name, value, at, fields, references, notes);
    if (told) notes.tell(at, told);
  }
  for (const [name, value] of settingsOf(info)) {
    const told = readPrice(name, value, fields) ?? readInfo(name, value, fields);
    if (told) notes.tell([...path, 'model_info', name], told);
  }
  if (textOf(info.mode) === null && fields.mode !== 'chat')
    notes.changed([...path, 'litellm_params', 'model'], `by its name no chat model, so ${OF_NO_ROUTER}`);
  return fields;
}

/** LiteLLM knows the usual models' modes from its price list: their names tell as much. */
function modeByName(model: string): string {
  if (/embed|voyage|bge-/i.test(model)) return 'embedding';
  const isOther =
    /rerank|whisper|transcribe|dall-e|gpt-image|imagen|stable-diffusion|flux|moderation|(^|[/-])tts(-|$)/i;
  if (isOther.test(model)) return 'other';
  return /instruct$/.test(model) && /gpt-3\.5/.test(model) ? 'completion' : 'chat';
}

function readParam(
  name: string,
  value: unknown,
  path: Path,
  fields: Fields,
  references: References,
  notes: Notes,
): Told | null {
  if (name === 'timeout' || name === 'stream_timeout') {
    const ms = milliseconds(value);
    if (ms === null) return leftOut('not a number of seconds above 0: write it in milliseconds, models[].timeouts');
    if (name === 'timeout') {
      fields.totalMs = ms;
      return mapped('timeouts.total_ms');
    }
    fields.idleMs = ms;
    return changed('timeouts.idle_ms: how long a stream may be silent; its first byte has 120 s');
  }
  if (name === 'order') {
    const order = numberOf(value);
    if (order === null) return leftOut('not a number');
    fields.order = order;
    return mapped('the order of the router’s models, with policy: fixed');
  }
  if (name === 'organization') {
    if (typeof value !== 'string') return leftOut('not a text');
    fields.headers['OpenAI-Organization'] = references.text(value, 'secret');
    return mapped('the provider’s header OpenAI-Organization');
  }
  if (name === 'extra_headers' || name === 'headers') {
    readHeaders(value, path, fields, references, notes);
    return null;
  }
  if (name === 'drop_params')
    return changed('what common models refuse is taken out anyway; what another refuses goes to the next model');
  if (name === 'additional_drop_params') {
    const names = textsOf(value);
    if (names === null) return leftOut('not a list of names');
    const able = names.filter((one) => /^[A-Za-z0-9_-]+$/.test(one) && !UNTOUCHABLE.includes(one));
    fields.drop.push(...able);
    if (able.length > 0) notes.mapped(path, 'params.drop');
    if (able.length < names.length)
      notes.leftOut(
        path,
        'paths into a field, and model, messages and stream: only whole fields of the request’s body can be dropped',
      );
    return null;
  }
  if (name === 'allowed_openai_params') return mapped('nothing to set: every field reaches the model as it came');
  if (name === 'api_version') return mapped('nothing to set: the v1 endpoint has none');
  if (name === 'base_model') return BASE_MODEL;
  if (name === 'extra_body') {
    if (!isMapping(value)) return leftOut('not a mapping');
    for (const [field, inner] of settingsOf(value))
      notes.tell([...path, field], setDefault(field, inner, fields, references));
    return null;
  }
  if (UNTOUCHABLE.includes(name)) return leftOut(`${name} is always the client’s own`);
  if (Object.hasOwn(OWN, name)) return leftOut(OWN[name]!);
  if (REQUEST_FIELDS.has(name)) return setDefault(name, value, fields, references);
  if (SECRET_NAME.test(name)) return leftOut('credentials and places of another protocol than OpenAI’s');
  if (
    /_(cost|cost_per_\w+|router_\w+|timeout_\w+)$|_cost_per_|^(langfuse|langsmith|arize|litellm|dd|posthog|newrelic|prompt|mock)_/.test(
      name,
    )
  )
    return leftOut('no counterpart in Conduit');
  // LiteLLM sends what it does not know to the provider.
  return setDefault(name, value, fields, references);
}

function setDefault(name: string, value: unknown, fields: Fields, references: References): Told {
  if (UNTOUCHABLE.includes(name)) return leftOut(`${name} is always the client’s own`);
  if (!/^.+$/.test(name)) return leftOut('no name of a field');
  fields.defaults[name] = references.deep(value);
  return mapped('params.defaults: sent where the client sends none');
}

function readHeaders(value: unknown, path: Path, fields: Fields, references: References, notes: Notes): void {
  for (const [header, text] of settingsOf(value)) {
    const at = [...path, header];
    const isFine =
      typeof text === 'string' &&
      /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header) &&
      /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
    if (!isFine) notes.leftOut(at, 'not a header');
    else {
      fields.headers[header] = references.text(text, 'secret');
      notes.mapped(at, 'the provider’s headers');
    }
  }
}

function readPrice(name: string, value: unknown, fields: Fields): Told | null {
  if (!Object.hasOwn(PRICES, name)) return null;
  const kind = PRICES[name]!;
  const usd = numberOf(value);
  if (usd === null || usd < 0 || usd > MOST_USD) return leftOut('not a price');
  // A price by the token is a small number whose last digits are rounding.
  fields.price[kind] = kind === 'request' ? usd : Number((usd * 1e6).toPrecision(12));
  return mapped(kind === 'request' ? 'price.request' : `price.${kind}, in USD per million tokens`);
}

function readInfo(name: string, value: unknown, fields: Fields): Told {
  if (Object.hasOwn(SUPPORTS, name)) {
    fields.supports.set(SUPPORTS[name]!, isYes(value));
    return mapped(`supports: ${SUPPORTS[name]}`);
  }
  const tokens = numberOf(value);
  const isCount = tokens !== null && Number.isSafeInteger(tokens) && tokens > 0;
  if (name === 'max_input_tokens') {
    if (!isCount) return leftOut('not a number of tokens');
    fields.context = tokens;
    return changed('context, which is prompt and answer together');
  }
  if (name === 'max_output_tokens' || name === 'max_tokens') {
    if (!isCount) return leftOut('not a number of tokens');
    // Where both are there, the newer name counts.
    if (name === 'max_output_tokens' || fields.maxOutput === undefined) fields.maxOutput = tokens;
    return mapped('max_output');
  }
  if (name === 'base_model') return BASE_MODEL;
  if (name === 'mode') {
    if (fields.mode === 'chat') return mapped('nothing to set');
    return changed(OF_NO_ROUTER);
  }
  if (name === 'id') return leftOut('a deployment’s id in LiteLLM: in Conduit a model’s id is PROVIDER/NAME');
  if (/^(access_groups|team_|access_windows|discoverable|blocked)/.test(name))
    return leftOut('who may use a model is said by a key: keys[].routers and keys[].models');
  if (name.startsWith('supports_')) return leftOut('no request is held back for it');
  return leftOut('no counterpart in Conduit');
}

/** Of seconds, as LiteLLM has it; null where there is no such time. At most a day. */
export function milliseconds(value: unknown): number | null {
  const seconds = numberOf(value);
  if (seconds === null || seconds <= 0) return null;
  return Math.min(DAY_MS, Math.max(1, Math.round(seconds * 1000)));
}
