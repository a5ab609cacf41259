/** What a LiteLLM config comes to, looked at as Conduit reads it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { ConduitConfig } from '../../../src/config/resolve.ts';
import { sha256Hex } from '../../../src/crypto.ts';
import { importLiteLlm } from '../../../src/migrate/litellm/import.ts';
import type { Note } from '../../../src/migrate/litellm/notes.ts';

interface Came {
  config: ConduitConfig;
  text: string;
  notes: readonly Note[];
}

function imported(text: string, options: { files?: Record<string, string>; env?: Record<string, string> } = {}): Came {
  const { files = {}, env = {} } = options;
  const result = importLiteLlm({ text, include: (name) => files[name] ?? null, env });
  if (!result.ok) throw new Error(result.why);
  const loaded = loadConfig({ text: result.text, env: result.standIns, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return { config: loaded.config, text: result.text, notes: result.notes };
}

const refused = (text: string): string => {
  const result = importLiteLlm({ text, include: () => null, env: {} });
  return result.ok ? 'taken' : result.why;
};

/** One entry a line: the name, its `litellm_params` and more in YAML's flow style. */
const list = (...entries: [name: string, params: string, more?: string][]): string =>
  [
    'model_list:',
    ...entries.map(
      ([name, params, more = '']) => `  - { model_name: ${JSON.stringify(name)}, litellm_params: ${params}${more} }`,
    ),
  ].join('\n');

const router = ({ config }: Came, name: string) => config.routers.get(name)!;
const model = ({ config }: Came, id: string) => config.models.get(id)!;
const kindOf = ({ notes }: Came, path: string): string[] =>
  notes.filter((note) => note.path === path).map(({ kind }) => kind);

describe('the names that clients send', () => {
  test('go on being answered, whatever they look like', () => {
    const came = imported(
      list(
        ['gpt-4o', '{ model: openai/gpt-4o }'],
        ['openai/gpt-4o-mini', '{ model: openai/gpt-4o-mini }'],
        ['my model/v1', '{ model: groq/openai/gpt-oss-20b }'],
        ['Größe', '{ model: xai/grok-4.3 }'],
      ),
    );
    expect([...came.config.routers.keys()]).toEqual(['gpt-4o', 'openai-gpt-4o-mini', 'my-model-v1', 'Gr-e', 'auto']);
    expect(router(came, 'openai-gpt-4o-mini').answersTo).toEqual(['openai/gpt-4o-mini']);
    expect(router(came, 'Gr-e').answersTo).toEqual(['Größe']);
    // A header of names could not tell it from two.
    expect(kindOf(came, 'model_list[2].model_name')).toContain('left out');
  });

  test('are answered by a router even where a model’s id is the same, so that params and fallbacks hold', () => {
    const came = imported(list(['openai/gpt-4o', '{ model: openai/gpt-4o, temperature: 0 }']));
    expect([...came.config.models.keys()]).toEqual(['openai/gpt-4o@upstream']);
    expect(router(came, 'openai-gpt-4o')).toMatchObject({ answersTo: ['openai/gpt-4o'] });
    expect(model(came, 'openai/gpt-4o@upstream').upstream).toBe('gpt-4o');
  });

  test('of aliases are answered by the router of their group', () => {
    const came = imported(
      `${list(['gpt-4o', '{ model: openai/gpt-4o }'])}
router_settings: { model_group_alias: { gpt-4: gpt-4o, old: { model: gpt-4o, hidden: true }, lost: nowhere } }`,
    );
    expect(router(came, 'gpt-4o').answersTo).toEqual(['gpt-4', 'old']);
    expect(kindOf(came, 'router_settings.model_group_alias.lost')).toEqual(['left out']);
  });

  test('with a * are looked at behind all others, the longest first', () => {
    const came = imported(
      list(
        ['*', '{ model: openai/gpt-4o }'],
        ['claude-*', '{ model: anthropic/claude-haiku-5-5 }'],
        ['claude-best', '{ model: anthropic/claude-opus-5-5 }'],
      ),
    );
    expect([...came.config.routers.keys()]).toEqual(['claude-best', 'claude-any', 'any', 'auto']);
    expect(router(came, 'any').answersTo).toEqual(['*']);
  });

  test('of a whole provider are those that the catalogue knows', () => {
    const came = imported(list(['anthropic/*', '{ model: "anthropic/*" }']));
    expect(came.config.models.has('anthropic/claude-haiku-5-5')).toBe(true);
    expect(router(came, 'auto').models).toEqual(['anthropic/claude-sonnet-5-5', 'anthropic/claude-haiku-5-5']);
    expect(kindOf(came, 'model_list[0].model_name')).toContain('changed');
  });

  test('that nothing answers any more are told together', () => {
    const came = imported(
      list(['gpt-4o', '{ model: openai/gpt-4o }'], ['titan', '{ model: bedrock/amazon.titan, aws_region_name: eu }']),
    );
    expect(came.notes.find(({ path }) => path === 'model_list')?.message).toBe(
      'clients that send these names get a 404: titan',
    );
  });

  test('of aliases are told among them where their group has gone', () => {
    const came = imported(
      `${list(['gpt-4o', '{ model: openai/gpt-4o }'], ['titan', '{ model: bedrock/amazon.titan, aws_region_name: eu }'])}
router_settings: { model_group_alias: { gpt-4: gpt-4o, big: titan } }`,
    );
    expect(came.notes.find(({ path }) => path === 'model_list')?.message).toBe(
      'clients that send these names get a 404: titan, big',
    );
  });
});

describe('deployments', () => {
  test('that differ in their keys alone are one model with a list of keys', () => {
    const came = imported(
      list(
        ['gpt-4o', '{ model: openai/gpt-4o, api_key: os.environ/A }'],
        ['gpt-4o', '{ model: openai/gpt-4o, api_key: os.environ/B }'],
      ),
    );
    expect(came.text).toContain('api_key: [ "${A}", "${B}" ]');
    expect(router(came, 'gpt-4o').models).toEqual(['openai/gpt-4o']);
  });

  test('at several addresses are several models of one router that learns', () => {
    const azure = (region: string) =>
      `{ model: azure/prod, api_base: "https://${region}.openai.azure.com/", api_key: os.environ/${region.toUpperCase()}, api_version: "2024-10-21" }`;
    const came = imported(list(['gpt-4o', azure('eu')], ['gpt-4o', azure('us')]));
    expect([...came.config.providers.values()].map(({ baseUrl }) => baseUrl)).toEqual([
      'https://eu.openai.azure.com/openai/v1',
      'https://us.openai.azure.com/openai/v1',
    ]);
    expect(router(came, 'gpt-4o')).toMatchObject({
      models: ['azure/prod', 'azure-us/prod'],
      policy: 'linear-thompson',
    });
  });

  test('of Azure have the prices and peculiarities of the model that base_model names, marked as OpenAI’s', () => {
    const params = '{ model: azure/prod, api_base: os.environ/AZURE_API_BASE, api_key: os.environ/K, max_tokens: 50 }';
    const came = imported(list(['five', params, ', model_info: { base_model: azure/gpt-5 }']));
    expect(model(came, 'azure/prod')).toMatchObject({
      price: { input: 1.25, output: 10, cached_input: 0.125 },
      context: 400_000,
      params: { rename: { max_tokens: 'max_completion_tokens' }, defaults: { max_completion_tokens: 50 } },
    });
    expect(came.text).toContain('base_url: "${AZURE_API_BASE}/openai/v1"');
    expect(came.text).toMatch(/# OpenAI’s own list prices of gpt-5 \(\d{4}-\d\d-\d\d\): Azure’s may differ/);
  });

  test('of a server of the user’s own have the price and peculiarities of the model that base_model names', () => {
    const at = 'api_base: "http://egress.internal/v1", api_key: os.environ/K';
    const came = imported(
      list(
        ['mini', `{ model: openai/team-mini, ${at} }`, ', model_info: { base_model: openai/gpt-4o-mini }'],
        ['five', `{ model: openai/five, ${at}, max_tokens: 50 }`, ', model_info: { base_model: gpt-5 }'],
        ['own', `{ model: openai/own, ${at} }`, ', model_info: { base_model: our-own }'],
        ['said', `{ model: openai/gpt-4o-mini, ${at} }`],
      ),
    );
    expect(model(came, 'egress/team-mini').price).toMatchObject({ input: 0.15, output: 0.6, cached_input: 0.075 });
    expect(model(came, 'egress/five')).toMatchObject({
      price: { input: 1.25, output: 10 },
      params: { rename: { max_tokens: 'max_completion_tokens' }, defaults: { max_completion_tokens: 50 } },
    });
    expect(came.text).toMatch(/# list prices of openai\/gpt-4o-mini \(\d{4}-\d\d-\d\d\), which base_model named/);
    expect(router(came, 'auto').models).toEqual(['egress/team-mini', 'egress/five']);
  });

  test('of one model with different settings are two models, and those with the same are one', () => {
    const came = imported(
      list(
        ['cool', '{ model: openai/gpt-4o, temperature: 0 }'],
        ['warm', '{ model: openai/gpt-4o, temperature: 1 }'],
        ['icy', '{ model: openai/gpt-4o, temperature: 0 }'],
      ),
    );
    expect(router(came, 'icy').models).toEqual(router(came, 'cool').models);
    expect(model(came, 'openai/gpt-4o@warm')).toMatchObject({
      upstream: 'gpt-4o',
      params: { defaults: { temperature: 1 } },
    });
  });

  test('of other protocols than OpenAI’s are left out, with what to do', () => {
    const came = imported(
      list(
        ['a', '{ model: openai/gpt-4o }'],
        ['b', '{ model: vertex_ai/gemini-2.5-pro, vertex_project: p }'],
        ['c', '{ model: gemini-2.5-pro }'],
        ['d', '{ model: nobody_knows/x }'],
        ['e', '{ model: azure/x, api_base: "https://gateway.example/azure", api_key: k }'],
        ['f', '{ model: azure/x, api_base: "https://r.openai.azure.com", azure_ad_token: os.environ/T }'],
        ['g', '{ model: openai/responses/gpt-5 }'],
      ),
    );
    expect([...came.config.routers.keys()]).toEqual(['a']);
    expect(kindOf(came, 'model_list[4].litellm_params.api_base')).toEqual(['left out']);
    expect(kindOf(came, 'model_list[5].litellm_params.azure_ad_token')).toEqual(['left out']);
  });

  test('of the user’s own servers keep their addresses; those of this machine cost nothing', () => {
    const came = imported(
      list(
        ['a', '{ model: ollama_chat/llama3.1, api_base: "http://gpu:11434" }'],
        ['b', '{ model: hosted_vllm/qwen, api_base: "http://10.0.0.7:8000/v1/" }'],
        ['c', '{ model: openai/qwen, api_base: "http://vllm.internal:8000/v1", api_key: none }'],
        ['d', '{ model: openai/qwen, api_base: os.environ/QWEN_API_BASE }'],
        ['e', '{ model: lm_studio/gemma }'],
      ),
    );
    expect([...came.config.providers.values()].map(({ name, baseUrl }) => [name, baseUrl])).toEqual([
      ['ollama', 'http://gpu:11434/v1'],
      ['vllm', 'http://10.0.0.7:8000/v1'],
      ['vllm-2', 'http://vllm.internal:8000/v1'],
      ['qwen', 'https://not-set.invalid/v1'],
      ['lm_studio', 'https://not-set.invalid/v1'],
    ]);
    expect(model(came, 'ollama/llama3.1')).toMatchObject({ priceSource: 'config', price: { input: 0, output: 0 } });
    // No price is made up, and a model that seems free is none of those that are learned among.
    expect(model(came, 'vllm/qwen').priceSource).toBe('unknown');
    expect(came.config.routers.get('auto')?.models).toEqual(['ollama/llama3.1', 'lm_studio/gemma']);
  });

  test('have their addresses from variables, with or without a slash at the end of the value', () => {
    const entries = list(
      ['a', '{ model: azure/x, api_base: os.environ/WITH, api_key: k }'],
      ['b', '{ model: azure/x, api_base: os.environ/WITHOUT, api_key: k }'],
      ['c', '{ model: azure/x, api_base: os.environ/IN_FILE, api_key: k }'],
      ['d', '{ model: ollama/l }'],
    );
    const env = {
      WITH: 'https://a.openai.azure.com/',
      WITHOUT: 'https://b.openai.azure.com',
      OLLAMA_API_BASE: 'http://o/',
    };
    const { text } = imported(`${entries}\nenvironment_variables: { IN_FILE: "https://c.openai.azure.com/" }`, { env });
    for (const url of [
      '${WITH}openai/v1',
      '${WITHOUT}/openai/v1',
      '${IN_FILE:-https://c.openai.azure.com}/openai/v1',
      '${OLLAMA_API_BASE}v1',
    ])
      expect(text).toContain(`base_url: "${url}"`);
  });

  test('of embeddings are models of no router', () => {
    const came = imported(
      list(
        ['a', '{ model: openai/gpt-4o }'],
        [
          'embed',
          '{ model: openai/text-embedding-3-small }',
          ', model_info: { mode: embedding, input_cost_per_token: 2e-8 }',
        ],
      ),
    );
    expect(model(came, 'openai/text-embedding-3-small').price).toMatchObject({ input: 0.02, output: 0 });
    expect([...came.config.routers.keys()]).toEqual(['a']);
    expect(came.notes.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('clients must send openai/text-embedding-3-small'),
    );
  });

  test('that are no chat models by their names are models of no router, too', () => {
    const names = [
      'text-embedding-ada-002',
      'whisper-1',
      'dall-e-3',
      'tts-1',
      'gpt-4o-transcribe',
      'omni-moderation-latest',
    ];
    const came = imported(
      list(
        ['chat', '{ model: openai/gpt-4o }'],
        ...names.map((name): [string, string] => [name, `{ model: ${name} }`]),
      ),
    );
    expect([...came.config.routers.keys()]).toEqual(['chat']);
    expect([...came.config.models.values()].map(({ upstream }) => upstream)).toEqual(['gpt-4o', ...names]);
  });

  test('take their credentials from credential_list, and their settings from anchors', () => {
    const came = imported(`
credential_list: [{ credential_name: c, credential_values: { api_key: os.environ/FROM_LIST } }]
model_list:
  - model_name: a
    litellm_params: &shared { model: openai/gpt-4o, litellm_credential_name: c, temperature: 0.5 }
  - model_name: b
    litellm_params: { <<: *shared, model: openai/gpt-4o-mini }
`);
    expect(came.text).toContain('openai: { base_url: https://api.openai.com/v1, api_key: "${FROM_LIST}" }');
    expect(model(came, 'openai/gpt-4o-mini').params.defaults).toEqual({ temperature: 0.5 });
  });
});

describe('settings', () => {
  test('of a model become its own', () => {
    const came = imported(
      list([
        'a',
        '{ model: openai/gpt-4.1, timeout: 30, stream_timeout: 5.5, organization: os.environ/ORG, extra_headers: { X-Team: search }, additional_drop_params: [user, "tools[*].strict"], extra_body: { provider: { sort: price } }, rpm: 5 }',
        ', model_info: { input_cost_per_token: 3e-6, output_cost_per_token: 0.000012, cache_read_input_token_cost: 7.5e-7, max_input_tokens: 100000, max_output_tokens: 2000, supports_vision: false, supports_reasoning: true }',
      ]),
      { env: { ORG: 'mine' } },
    );
    expect(model(came, 'openai/gpt-4.1')).toMatchObject({
      price: { input: 3, output: 12, cached_input: 0.75 },
      context: 100_000,
      maxOutput: 2000,
      supports: new Set(['tools', 'json_schema', 'reasoning']),
      params: { drop: ['user'], defaults: { provider: { sort: 'price' } } },
      timeouts: { totalMs: 30_000, idleMs: 5500 },
    });
    expect(came.config.providers.get('openai')?.headers).toEqual({
      'OpenAI-Organization': 'not-set',
      'X-Team': 'search',
    });
    expect(kindOf(came, 'model_list[0].litellm_params.rpm')).toEqual(['left out']);
    expect(kindOf(came, 'model_list[0].litellm_params.additional_drop_params')).toEqual(['mapped', 'left out']);
  });

  test('of fallbacks make a router that keeps to its own model as long as that answers', () => {
    const came = imported(
      `${list(['gpt', '{ model: openai/gpt-4o }'], ['claude', '{ model: anthropic/claude-haiku-5-5 }'], ['grok', '{ model: xai/grok-4.3 }'], ['last', '{ model: openai/gpt-4o-mini }'])}
litellm_settings:
  fallbacks: [{ gpt: [claude] }, { claude: [grok] }]
  context_window_fallbacks: [{ gpt: [last] }]
  default_fallbacks: [last]`,
    );
    const ids = (name: string) => router(came, name).models;
    expect(ids('gpt')).toEqual(['openai/gpt-4o', 'anthropic/claude-haiku-5-5', 'openai/gpt-4o-mini', 'xai/grok-4.3']);
    expect(router(came, 'gpt')).toMatchObject({ policy: 'fixed', fallbacks: 3 });
    expect(ids('grok')).toEqual(['xai/grok-4.3', 'openai/gpt-4o-mini']);
    expect(router(came, 'last')).toMatchObject({ models: ['openai/gpt-4o-mini'], policy: 'linear-thompson' });
    expect(router(came, 'auto').policy).toBe('linear-thompson');
  });

  test('of LiteLLM’s own routers become routers that learn, and of priorities one that keeps to the first', () => {
    const came = imported(
      `${list(['fast', '{ model: openai/gpt-4o-mini }'], ['smart', '{ model: openai/gpt-4o }'], ['adaptive', '{ model: auto_router/adaptive_router, adaptive_router_config: { available_models: [fast, smart, gone] } }'], ['tiered', '{ model: auto_router/complexity_router, complexity_router_config: { tiers: { SIMPLE: fast, COMPLEX: [smart] } }, complexity_router_default_model: fast }'], ['empty', '{ model: auto_router/x }'])}
router_settings:
  routing_groups:
    - { group_name: first, models: [fast, smart], routing_strategy: priority, model_priorities: { fast: 2, smart: 1 } }
  default_fallbacks: [fast]`,
    );
    const both = ['openai/gpt-4o-mini', 'openai/gpt-4o'];
    expect(router(came, 'adaptive')).toMatchObject({ models: both, policy: 'linear-thompson' });
    expect(router(came, 'tiered')).toMatchObject({ models: both, policy: 'linear-thompson' });
    expect(router(came, 'first')).toMatchObject({ models: both.toReversed(), policy: 'fixed' });
    expect(kindOf(came, 'model_list[4]')).toEqual(['left out']);
  });

  test('of an order make a router that keeps to the first', () => {
    const came = imported(
      list(['a', '{ model: openai/gpt-4o, order: 2 }'], ['a', '{ model: xai/grok-4.3, order: 1 }']),
    );
    expect(router(came, 'a')).toMatchObject({ models: ['xai/grok-4.3', 'openai/gpt-4o'], policy: 'fixed' });
  });

  test.each([
    ['cost-based-routing', 0.1],
    ['latency-based-routing', 0.1],
  ])('of the strategy %s become what the routers prefer', (strategy) => {
    const two = list(['a', '{ model: openai/gpt-4o }'], ['a', '{ model: xai/grok-4.3 }']);
    const came = imported(`${two}\nrouter_settings: { routing_strategy: ${strategy} }`);
    expect(router(came, 'a').prefer).toBe(strategy.startsWith('cost') ? 'cost' : 'speed');
  });

  test('of a Redis and the master key become the store of the state and an admin key', () => {
    const came = imported(
      `${list(['a', '{ model: openai/gpt-4o }'])}
router_settings: { redis_host: cache.internal, redis_port: 6380, redis_password: "p@ss/word", redis_ssl: true }
general_settings: { master_key: os.environ/MASTER, max_request_size_mb: 10, database_url: "postgres://secret" }`,
    );
    expect(came.config.stores.state).toBe('rediss://default:p%40ss%2Fword@cache.internal:6380');
    expect(came.notes.find(({ path }) => path === 'router_settings.redis_host')?.message).toMatch(/stores\.durable/);
    expect(came.config.keys).toMatchObject([{ name: 'master', admin: true, routes: ['*'] }]);
    expect(came.config.server.maxBodyBytes).toBe(10_485_760);
  });

  test('of the environment stand behind the variables that the config names', () => {
    const came = imported(
      `${list(['a', '{ model: openai/gpt-4o, api_key: os.environ/K, organization: os.environ/O }'])}
environment_variables: { K: sk-in-clear, O: os.environ/OTHER }`,
    );
    expect(came.text).toContain('${K:-sk-in-clear}');
    expect(came.text).toContain('${OTHER}');
  });

  test('of included files count as LiteLLM counts them', () => {
    const files = { 'more.yaml': list(['b', '{ model: xai/grok-4.3 }']) };
    const came = imported(`include: [more.yaml]\n${list(['a', '{ model: openai/gpt-4o }'])}`, { files });
    expect([...came.config.routers.keys()]).toEqual(['a', 'b', 'auto']);
  });

  test('that an included file has, too, do not vanish in silence', () => {
    const files = { 'more.yaml': 'litellm_settings: { drop_params: true }' };
    const own = `${list(['a', '{ model: openai/gpt-4o }'])}\nlitellm_settings: { request_timeout: 60 }`;
    const came = imported(`include: [more.yaml]\n${own}`, { files });
    expect(model(came, 'openai/gpt-4o').timeouts.totalMs).toBe(600_000);
    expect(kindOf(came, 'litellm_settings')).toEqual(['changed']);
    expect(kindOf(came, 'include')).toEqual([]);
  });

  test('of fallbacks for every group count where they stand last, as in LiteLLM, and the others are told of', () => {
    const came = imported(
      `${list(['gpt', '{ model: openai/gpt-4o }'], ['claude', '{ model: anthropic/claude-haiku-5-5 }'], ['grok', '{ model: xai/grok-4.3 }'])}
router_settings:
  fallbacks: [{ "*": [claude] }]
  default_fallbacks: [grok]`,
    );
    expect(router(came, 'gpt').models).toEqual(['openai/gpt-4o', 'xai/grok-4.3']);
    expect(kindOf(came, 'router_settings.fallbacks[0]["*"]')).toEqual(['left out']);
    expect(kindOf(came, 'router_settings.default_fallbacks')).toEqual(['changed']);
  });

  test('mean what PyYAML reads: n and y are names, yes and off are not', () => {
    const came = imported(
      `model_list:
  - { model_name: y, litellm_params: { model: openai/gpt-4o, n: 2, seed: 1, store: off } }
litellm_settings: { drop_params: yes }`,
    );
    expect([...came.config.routers.keys()]).toEqual(['y']);
    expect(model(came, 'openai/gpt-4o').params).toMatchObject({ defaults: { n: 2, seed: 1, store: false } });
  });
});

describe('whatever is in the file', () => {
  test('is told of, each setting by its place, and no value that may be secret', () => {
    const secrets = ['sk-secret-1', 'sk-secret-2', 'sk-secret-3', 'pw-secret', 'v-secret'];
    const text = `
model_list:
  - model_name: a
    litellm_params: { model: openai/gpt-4o, api_key: sk-secret-1, rpm: 1, tags: [x], aws_secret_access_key: sk-secret-2, frobnicate: 3, langfuse_secret_key: v-secret }
    model_info: { id: x, team_id: y, whatever: z }
    unknown: 1
litellm_settings: { drop_params: true, callbacks: [langfuse, prometheus, mine], future: 1, cache_params: { password: pw-secret } }
router_settings: { routing_strategy: least-busy, allowed_fails: 3, redis_host: h, redis_password: pw-secret, future: 1 }
general_settings: { master_key: sk-secret-3, database_url: "postgres://u:pw-secret@h/d", future: 1 }
environment_variables: { V: v-secret }
guardrails: [{ x: y }]
future_section: { a: 1 }
`;
    const { notes } = imported(text);
    const places = new Set(notes.map(({ path }) => path.replace(/\[\d+\]$/, '')));
    const all = [
      ...['model', 'api_key', 'rpm', 'tags', 'aws_secret_access_key', 'frobnicate', 'langfuse_secret_key'].map(
        (name) => `model_list[0].litellm_params.${name}`,
      ),
      ...['id', 'team_id', 'whatever'].map((name) => `model_list[0].model_info.${name}`),
      'model_list[0].model_name',
      'model_list[0].unknown',
      ...['drop_params', 'callbacks', 'future', 'cache_params'].map((name) => `litellm_settings.${name}`),
      ...['routing_strategy', 'allowed_fails', 'redis_host', 'redis_password', 'future'].map(
        (name) => `router_settings.${name}`,
      ),
      ...['master_key', 'database_url', 'future'].map((name) => `general_settings.${name}`),
      'environment_variables.V',
      'guardrails',
      'future_section',
    ];
    expect(all.filter((path) => !places.has(path))).toEqual([]);
    const said = JSON.stringify(notes);
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
  });

  test.each([
    ['', 'empty'],
    ['- 1', 'not a mapping'],
    ['a: [b', 'not valid YAML'],
    ['model_list: &a [*a]', 'no entry of model_list'],
    ['model_list: []', 'model_list: empty'],
    ['other: 1', 'model_list: missing'],
    ['model_list: [{ model_name: a, litellm_params: { model: sagemaker/x } }]', 'no entry of model_list'],
    ['include: [gone.yaml]\nmodel_list: [1]', 'include'],
  ])('a file that cannot be imported says why: %s', (text, why) => {
    expect(refused(text)).toContain(why);
  });

  test('what is written loads, or there is a reason why nothing is', () => {
    const scalar = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(
        'os.environ/X',
        'os.environ/',
        '${X}',
        '*',
        'a/*',
        '__proto__',
        'passthrough',
        'http://h/v1',
        'true',
      ),
    );
    const any = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 6 }), scalar, { maxKeys: 3 }),
    );
    const names = fc.constantFrom(
      'a',
      'b',
      'a*',
      '*',
      'x/y',
      'openai/gpt-4o',
      'a b',
      'auto',
      '…',
      'ollama',
      '.',
      '${a}',
    );
    const models = fc.oneof(
      fc.constantFrom(
        'openai/gpt-4o',
        'gpt-5',
        'azure/x',
        'ollama/l',
        'openai/*',
        'anthropic/claude-*',
        'mistral/m',
        'openai/a*b',
      ),
      fc.constantFrom('hosted_vllm/a/b', 'openai/', '/x', '*', 'groq/a,b', 'openai/${H}', 'auto_router/x'),
      scalar,
    );
    const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });
    const entry = fc.record({
      model_name: fc.oneof({ weight: 5, arbitrary: names }, { weight: 1, arbitrary: any }),
      litellm_params: fc.oneof(
        {
          weight: 8,
          arbitrary: some({
            model: models,
            api_key: any,
            api_base: fc.oneof(
              any,
              fc.constantFrom('https://r.openai.azure.com', 'http://10.0.0.1/v1', 'https://api.groq.com/openai/v1'),
            ),
            temperature: any,
            max_tokens: any,
            timeout: any,
            stream_timeout: any,
            order: any,
            headers: any,
            organization: any,
            extra_body: any,
            adaptive_router_config: fc.record({ available_models: fc.array(names, { maxLength: 3 }) }),
            additional_drop_params: fc.oneof(any, fc.constant(['max_tokens', 'model'])),
            input_cost_per_token: any,
            custom_llm_provider: fc.oneof(fc.constantFrom('openai', 'azure'), any),
          }),
        },
        { weight: 1, arbitrary: any },
      ),
      model_info: fc.oneof(
        some({
          mode: any,
          base_model: fc.oneof(fc.constant('azure/gpt-5'), any),
          max_input_tokens: any,
          output_cost_per_token: any,
          supports_vision: any,
        }),
        any,
      ),
    });
    const section = some({
      fallbacks: fc.oneof(
        any,
        fc.array(fc.dictionary(names, fc.array(names, { maxLength: 3 }), { maxKeys: 2 }), { maxLength: 2 }),
      ),
      default_fallbacks: fc.oneof(any, fc.array(names, { maxLength: 2 })),
      model_group_alias: fc.oneof(
        any,
        fc.dictionary(fc.oneof(names, fc.string({ maxLength: 5 })), names, { maxKeys: 3 }),
      ),
      routing_groups: fc.oneof(
        any,
        fc.array(
          some({
            group_name: names,
            models: fc.array(names, { maxLength: 3 }),
            routing_strategy: any,
            model_priorities: any,
          }),
          { maxLength: 2 },
        ),
      ),
      redis_url: any,
      redis_host: any,
      redis_port: any,
      redis_password: any,
      master_key: any,
      request_timeout: any,
      max_request_size_mb: any,
      callbacks: any,
    });
    const document = fc.record(
      {
        model_list: fc.oneof(
          { weight: 9, arbitrary: fc.array(entry, { maxLength: 5 }) },
          { weight: 1, arbitrary: any },
        ),
        router_settings: fc.oneof(section, any),
        litellm_settings: fc.oneof(section, any),
        general_settings: fc.oneof(section, any),
        environment_variables: fc.oneof(fc.constant({ X: 'https://x.example' }), any),
        credential_list: any,
        include: fc.constant(undefined),
      },
      { requiredKeys: ['model_list'] },
    );
    let taken = 0;
    fc.assert(
      fc.property(document, (file) => {
        const result = importLiteLlm({ text: JSON.stringify(file), include: () => null, env: {} });
        if (!result.ok) {
          expect(result.why).not.toBe('');
          // A variable that the file itself sets may be wrong at its place: that is found by loading alone.
          if (!JSON.stringify(file).includes('x.example')) expect(result.why).not.toContain('no valid config');
          return;
        }
        const loaded = loadConfig({ text: result.text, env: result.standIns, sha256Hex });
        expect(loaded.ok ? [] : [loaded.problems, result.text]).toEqual([]);
        taken++;
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(50);
  });
});
