/** What has no counterpart in Conduit, or needs none: for each setting of LiteLLM's that is met, what to say of it. */
import type { Path } from '../../config/path.ts';
import { changed, leftOut, mapped, type Notes, type Told } from './notes.ts';
import { isYes } from './values.ts';

const NONE = leftOut('no counterpart in Conduit');
const NO_CACHE = leftOut('answers are not cached; a provider’s own prompt cache is made use of');
const NO_GUARDRAILS = leftOut('no guardrails: let them stand between the clients and Conduit, or in the provider');
const NO_RETRIES = changed(
  'a failed model is replaced by the router’s next one (routers.NAME.fallbacks), not asked again',
);
const RESTS = leftOut('nothing to set: an arm that keeps failing rests, and is tried again');
const BUDGET = leftOut('money is limited by key (keys[].usd_per_day) and by router (routers.NAME.usd_per_day)');
const DATABASE = leftOut('no database is needed; what LiteLLM’s holds (keys, teams, spend) stays there');
const KEYS = leftOut('keys are made with `conduit keys create`; LiteLLM’s virtual keys are in its database as hashes');
const LOGS = leftOut('docs/operate.md says what is logged: log.requests makes each request a line');
const TRACES = leftOut('traces go anywhere that takes OTLP over HTTP: telemetry.otlp, docs/operate.md');
const ALERTS = leftOut('alert on what GET /metrics says');
const CHECKED = mapped('nothing to set: a prompt too long for a model, or tools or images it has not, rule it out');
const SSO = leftOut('the dashboard is signed in to with an admin key');
const MCP = leftOut('Conduit passes tools on and runs none');
const LIMITS = leftOut('limits belong to keys: keys[].requests_per_minute and keys[].usd_per_day');
const PROMPTS = mapped('nothing to set: prompts and answers are never logged or kept');
const TAGS = leftOut(
  'no tags: a key’s routers and models, or the header x-conduit-models, say which models a request may have',
);
const OTHER_ROUTES = leftOut('other /v1/* routes are passed on to a provider: docs/pass-through.md');

const ROUTER: Readonly<Record<string, Told>> = {
  num_retries: NO_RETRIES,
  max_retries: NO_RETRIES,
  retry_after: NO_RETRIES,
  retry_policy: NO_RETRIES,
  model_group_retry_policy: NO_RETRIES,
  max_fallbacks: changed('routers.NAME.fallbacks: as many as a router has models'),
  cooldown_time: RESTS,
  allowed_fails: RESTS,
  allowed_fails_policy: RESTS,
  disable_cooldowns: RESTS,
  routing_strategy_args: leftOut('nothing to set: a router learns'),
  routing_groups: leftOut('add a router over the models of each'),
  enable_pre_call_checks: CHECKED,
  optional_pre_call_checks: changed('nothing to set: within a conversation a router stays with its model (sticky)'),
  enable_tag_filtering: TAGS,
  tag_filtering_match_any: TAGS,
  cache_responses: NO_CACHE,
  cache_kwargs: NO_CACHE,
  caching_groups: NO_CACHE,
  client_ttl: leftOut('nothing to set'),
  content_policy_fallbacks: leftOut(
    'an answer that a provider refuses reaches the client; the router learns from it (signal content_filter)',
  ),
  default_max_parallel_requests: leftOut(
    'no limit on how many at once: a provider’s limit shows as a 429, and the next model is asked',
  ),
  provider_budget_config: BUDGET,
  alerting_config: ALERTS,
  default_litellm_params: leftOut('what all models get is said of each: models[].params.defaults'),
  set_verbose: leftOut('log.level: debug'),
  debug_level: leftOut('log.level'),
  fallback_on_unsupported_params: mapped(
    'nothing to set: a request that a model does not understand goes to the next one',
  ),
};

const LIBRARY: Readonly<Record<string, Told>> = {
  drop_params: changed(
    'what common models refuse is taken out (docs/configure.md); what another refuses goes to the router’s next model',
  ),
  modify_params: leftOut('requests reach the model as they came'),
  num_retries: NO_RETRIES,
  allowed_fails: RESTS,
  cooldown_time: RESTS,
  content_policy_fallbacks: ROUTER.content_policy_fallbacks!,
  cache: NO_CACHE,
  cache_params: NO_CACHE,
  max_budget: BUDGET,
  budget_duration: BUDGET,
  max_user_budget: BUDGET,
  max_internal_user_budget: BUDGET,
  internal_user_budget_duration: BUDGET,
  default_internal_user_params: KEYS,
  default_team_settings: KEYS,
  default_team_params: KEYS,
  default_key_generate_params: KEYS,
  upperbound_key_generate_params: KEYS,
  key_generation_settings: KEYS,
  json_logs: mapped('nothing to set: the log is lines of JSON'),
  turn_off_message_logging: PROMPTS,
  redact_messages_in_exceptions: PROMPTS,
  redact_user_api_key_info: mapped('nothing to set: keys are never shown'),
  set_verbose: leftOut('log.level: debug'),
  telemetry: mapped('nothing to set: Conduit tells nobody anything unless telemetry says so'),
  guardrails: NO_GUARDRAILS,
  langfuse_default_tags: TRACES,
  force_ipv4: leftOut('Node’s own: NODE_OPTIONS=--dns-result-order=ipv4first'),
  ssl_verify: leftOut('certificates are always checked; Node takes further ones from NODE_EXTRA_CA_CERTS'),
  public_routes: leftOut('without a key: /health and /ready alone'),
  forward_traceparent_to_llm_provider: mapped('nothing to set: traceparent is passed on'),
  enable_json_schema_validation: changed('an answer that misses its schema is a signal that the router learns from'),
};

const GENERAL: Readonly<Record<string, Told>> = {
  database_type: DATABASE,
  database_args: DATABASE,
  store_model_in_db: leftOut('models that LiteLLM keeps in its database are not in this file: add them to models'),
  supported_db_objects: DATABASE,
  store_prompts_in_spend_logs: leftOut('prompts and answers are never kept'),
  custom_auth: leftOut('callers are known by keys alone'),
  enable_jwt_auth: leftOut('callers are known by keys alone'),
  litellm_jwtauth: leftOut('callers are known by keys alone'),
  user_header_name: leftOut('the field `user` or the header x-conduit-session tells people apart'),
  completion_model: leftOut('a request names its model'),
  infer_model_from_keys: leftOut('the models are those of the file'),
  max_parallel_requests: LIMITS,
  global_max_parallel_requests: LIMITS,
  background_health_checks: mapped('nothing to set: requests themselves tell which models are well; GET /ready'),
  alerting: ALERTS,
  alerting_threshold: ALERTS,
  allowed_routes: leftOut('which routes may be called is said of each key: keys[].routes'),
  pass_through_endpoints: OTHER_ROUTES,
  forward_client_headers_to_llm_api: leftOut('docs/pass-through.md lists the headers that pass'),
  otel: TRACES,
  proxy_budget_rescheduler_min_time: BUDGET,
  key_management_system: leftOut('secrets come from the environment or a file .env'),
  key_management_settings: leftOut('secrets come from the environment or a file .env'),
  use_azure_key_vault: leftOut('secrets come from the environment or a file .env'),
  use_google_kms: leftOut('secrets come from the environment or a file .env'),
  ui_access_mode: SSO,
  coordination_redis: leftOut('with a Redis: stores.state, docs/redis.md'),
  disable_spend_logs: leftOut('stores.durable: none keeps nothing'),
  maximum_spend_logs_retention_period: leftOut('stores.retention'),
  cancel_on_disconnect: mapped('nothing to set: a client that leaves ends the upstream’s request'),
};

const PREFIXES: readonly (readonly [RegExp, Told])[] = [
  [/^database_|^maximum_.*retention|_spend_logs/, DATABASE],
  [/^mcp_|^vector_store|^search_tool/, MCP],
  [/^alert/, ALERTS],
  [/health_check/, leftOut('nothing to set: requests themselves tell which models are well; GET /ready')],
  [/^(password_|disable_password|max_failed_login|failed_login|ui_|proxy_admin)/, SSO],
  [/cache/, NO_CACHE],
  [/budget/, BUDGET],
  [/log(s|ging)?$/, LOGS],
];

const TOP: Readonly<Record<string, Told>> = {
  guardrails: NO_GUARDRAILS,
  prompts: leftOut('prompts are the clients’ own'),
  mcp_servers: MCP,
  mcp_tools: MCP,
  search_tools: MCP,
  vector_store_registry: MCP,
  agent_list: MCP,
  assistant_settings: OTHER_ROUTES,
  finetune_settings: OTHER_ROUTES,
  files_settings: OTHER_ROUTES,
  callback_settings: TRACES,
  router_plugins: leftOut('no plug-ins'),
  worker_registry: leftOut('server.workers'),
};

export const SECTIONS = { router_settings: ROUTER, litellm_settings: LIBRARY, general_settings: GENERAL, '': TOP };

/** Says what becomes of a setting that nothing else has been made of. */
export function tellOf(section: keyof typeof SECTIONS, name: string, value: unknown, path: Path, notes: Notes): void {
  const table = SECTIONS[section];
  if (/^((success|failure|service|audit_log|post_call)_)?callbacks?$/.test(name)) tellOfCallbacks(value, path, notes);
  else {
    const own = Object.hasOwn(table, name) ? table[name] : undefined;
    notes.tell(path, own ?? PREFIXES.find(([pattern]) => pattern.test(name))?.[1] ?? NONE);
  }
}

function tellOfCallbacks(value: unknown, path: Path, notes: Notes): void {
  for (const [index, name] of (Array.isArray(value) ? value : [value]).entries()) {
    const at = [...path, index];
    if (name === 'prometheus')
      notes.changed(at, 'GET /metrics is always there, for admin keys; its names are Conduit’s: docs/metrics.md');
    else if (
      name === 'otel' ||
      /^(langfuse|arize|phoenix|langsmith|logfire|traceloop|langtrace|weave)/.test(String(name))
    )
      notes.tell(at, TRACES);
    else notes.leftOut(at, 'no such callback: GET /metrics, telemetry.otlp and log.requests say what goes on');
  }
}

/** A setting of yes or no that says no, or an empty list, asks for nothing. */
export const asksForNothing = (value: unknown): boolean =>
  value === false || (Array.isArray(value) && value.length === 0) || (!isYes(value) && value === '');
