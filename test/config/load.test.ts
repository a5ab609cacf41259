/** What a config may say, what it means, and what is said of one that is wrong. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { SIGNAL_NAMES } from '../../src/signals/signs.ts';
import { load, loaded, MINIMAL, MODELS, PROVIDERS, problemsOf, sha256Hex, warningsOf } from './config-text.ts';

describe('the smallest config', () => {
  test('serves a router named auto over all models, on the loopback host', () => {
    const config = loaded(MINIMAL);
    expect(config.server).toEqual({
      host: '127.0.0.1',
      port: 8787,
      maxBodyBytes: 20_971_520,
      cors: [],
      workers: 1,
      keepAliveMs: null,
      secret: null,
    });
    expect(config.routers.get('auto')).toEqual({
      name: 'auto',
      models: ['local/a'],
      answersTo: [],
      policy: 'linear-thompson',
      prefer: 'balanced',
      explore: { floor: 0.02, warmup: 8 },
      guarantee: null,
      halfLifeMs: 7 * 86_400_000,
      signalsOff: new Set(),
      sticky: 'conversation',
      fallbacks: 2,
      maxUsdPerRequest: null,
      usdPerRequest: null,
      usdPerDay: null,
      onBudget: 'cheapest',
    });
    expect(config.models.get('local/a')).toMatchObject({
      provider: 'local',
      upstream: 'a',
      price: { input: 1, output: 2 },
      priceSource: 'config',
      context: null,
      params: { rename: {}, drop: [], defaults: {} },
      timeouts: {
        connectMs: 5000,
        firstByteMs: 120_000,
        firstByteForWholeAnswers: false,
        idleMs: 60_000,
        totalMs: 600_000,
      },
      was: [],
    });
    expect([...config.models.get('local/a')!.supports]).toEqual(['tools', 'json_schema']);
    expect(config.stores).toEqual({
      state: 'memory',
      durable: 'embedded',
      folder: '.conduit',
      asked: false,
      retentionMs: 30 * 864e5,
      supabase: null,
    });
  });

  test('means the same in JSON', () => {
    const json = JSON.stringify({
      providers: { local: { base_url: 'http://127.0.0.1:1/v1' } },
      models: [{ id: 'local/a', price: { input: 1, output: 2 } }],
    });
    expect(loaded(json)).toEqual(loaded(MINIMAL));
  });

  test('a router written with its models alone has the defaults of the one that is made', () => {
    expect(loaded(`${MINIMAL}routers: { auto: { models: [local/a] } }`)).toEqual(loaded(MINIMAL));
  });

  test('a section with nothing below it is the same as none', () => {
    expect(loaded(`${MINIMAL}keys:\nrouters:\nserver:\n`)).toEqual(loaded(MINIMAL));
  });
});

test('what is written is what is meant', () => {
  const config = loaded(`
server: { host: 0.0.0.0, port: 0, max_body_bytes: 1000, keep_alive_ms: 15000, cors: ["https://app.example", "*"], secret: s3cret, workers: 4 }
keys:
  - { name: web, key: abc, routers: [auto], models: ["p/*"] }
  - { name: ops, key_sha256: ${sha256Hex('def').toUpperCase()}, admin: true, routes: [files, audio/*], requests_per_minute: 600, usd_per_day: 20 }
providers: { p: { base_url: "https://x.example/v1/", api_key: k, headers: { x-team: a }, stream_usage: false } }
models:
  - id: p/one/two
    upstream: other
    price: { input: 1, cached_input: .1, output: 2, cache_write: 1.25, request: .01 }
    context: 1000
    max_output: 100
    supports: [images]
    params: { rename: { max_tokens: max_completion_tokens }, drop: [stop], defaults: { temperature: 0 } }
    timeouts: { first_byte_ms: 5 }
    was: [p/one, gone/one]
routers:
  auto: { models: [p/one/two], answers_to: [gpt-4o, "gpt-4o-*"], policy: thompson, prefer: cost, explore: { warmup: 0 }, half_life: off, sticky: none, fallbacks: 0, max_usd_per_request: 0.05, usd_per_request: 0.002, usd_per_day: 50, on_budget: reject }
stores: { state: memory, durable: none }
log: { level: silent, prompts: false }
`);
  expect(config.server).toEqual({
    host: '0.0.0.0',
    port: 0,
    maxBodyBytes: 1000,
    cors: ['https://app.example', '*'],
    workers: 4,
    keepAliveMs: 15_000,
    secret: 's3cret',
  });
  expect(config.keys).toEqual([
    {
      name: 'web',
      sha256: sha256Hex('abc'),
      routers: ['auto'],
      models: ['p/*'],
      routes: ['chat/completions', 'models', 'feedback', 'embeddings', 'moderations'],
      requestsPerMinute: null,
      usdPerDay: null,
      admin: false,
    },
    {
      name: 'ops',
      sha256: sha256Hex('def'),
      routers: null,
      models: null,
      routes: ['files', 'audio/*'],
      requestsPerMinute: 600,
      usdPerDay: 20,
      admin: true,
    },
  ]);
  expect(config.providers.get('p')).toEqual({
    name: 'p',
    baseUrl: 'https://x.example/v1',
    apiKeys: ['k'],
    passthrough: false,
    headers: { 'x-team': 'a' },
    streamUsage: false,
  });
  expect(config.models.get('p/one/two')).toEqual({
    id: 'p/one/two',
    provider: 'p',
    upstream: 'other',
    price: { input: 1, cached_input: 0.1, output: 2, cache_write: 1.25, request: 0.01 },
    priceSource: 'config',
    context: 1000,
    maxOutput: 100,
    supports: new Set(['images']),
    params: { rename: { max_tokens: 'max_completion_tokens' }, drop: ['stop'], defaults: { temperature: 0 } },
    timeouts: { connectMs: 5000, firstByteMs: 5, firstByteForWholeAnswers: true, idleMs: 60_000, totalMs: 600_000 },
    was: ['p/one', 'gone/one'],
  });
  expect(config.routers.get('auto')).toMatchObject({
    answersTo: ['gpt-4o', 'gpt-4o-*'],
    policy: 'thompson',
    prefer: 'cost',
    explore: { floor: 0.02, warmup: 0 },
    halfLifeMs: null,
    sticky: 'none',
    fallbacks: 0,
    maxUsdPerRequest: 0.05,
    usdPerRequest: 0.002,
    usdPerDay: 50,
    onBudget: 'reject',
  });
  expect(config.log).toEqual({ level: 'silent', requests: false });
});

test.each([
  ['7d', 604_800_000],
  ['24h', 86_400_000],
  ['30m', 1_800_000],
  ['10s', 10_000],
  ['1.5h', 5_400_000],
])('a half-life of %s is %d ms', (text, ms) => {
  expect(
    loaded(`${MINIMAL}routers: { auto: { models: [local/a], half_life: ${text} } }`).routers.get('auto')?.halfLifeMs,
  ).toBe(ms);
});

describe('a Redis for the state', () => {
  const state = (url: string): string => `${MINIMAL}server: { secret: s }\nstores: { state: "${url}" }`;

  test.each(['redis://h', 'redis://h:6379/2', 'rediss://default:p%40ss@h.example:14321', 'redis://:p@[::1]:6379'])(
    '%s is right',
    (url) => expect(loaded(state(url)).stores.state).toBe(url),
  );

  test.each(['redis://', 'redis:h', 'http://h', 'redis://h?db=1', 'redis://h/name', 'redis://h h', 'Memory'])(
    '%s is refused, and not repeated',
    (url) => {
      expect(problemsOf(state(url))).toEqual([
        'stores.state: not valid (allowed: memory, redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT, on Cloudflare Workers durable-object)',
      ]);
    },
  );

  test('without a secret it warns that conversations are not known again', () => {
    expect(warningsOf(`${MINIMAL}stores: { state: "redis://h" }`)).toEqual([
      expect.stringContaining('server.secret: not set'),
    ]);
    expect(warningsOf(state('redis://h'))).toEqual([]);
  });
});

describe('a store that outlives the process', () => {
  const SUPABASE = 'supabase: { url: "https://x.supabase.co", service_role_key: eyJ.secret }';
  const stores = (fields: string) => loaded(`${MINIMAL}server: { secret: s }\nstores: { ${fields} }`).stores;

  test('is a folder where nothing else is said, and none beside a Redis', () => {
    expect(stores('state: memory')).toMatchObject({ durable: 'embedded', folder: '.conduit', asked: false });
    expect(stores('state: "redis://h"')).toMatchObject({ durable: 'none', asked: false });
    expect(stores('state: "redis://h", durable: embedded')).toMatchObject({ durable: 'embedded', asked: true });
    expect(stores('folder: /var/lib/conduit')).toMatchObject({ folder: '/var/lib/conduit', asked: true });
    expect(stores('retention: 36h')).toMatchObject({ retentionMs: 36 * 3_600_000, asked: false });
  });

  test('is Supabase where its address and key are given', () => {
    expect(stores(`durable: supabase, ${SUPABASE}`).supabase).toEqual({
      url: 'https://x.supabase.co',
      serviceRoleKey: 'eyJ.secret',
    });
    const slash = SUPABASE.replace('.co"', '.co/"');
    expect(stores(`durable: supabase, ${slash}`).supabase?.url).toBe('https://x.supabase.co/');
  });

  test.each([
    ['durable: none, retention: 7d', 1],
    ['state: "redis://h", retention: 7d', 1],
    ['durable: none', 0],
    ['retention: 7d', 0],
    ['state: "redis://h", durable: embedded, retention: 7d', 0],
  ])('%s: how long decisions are kept is said where none are kept, as %d warning', (fields, warnings) => {
    const said = warningsOf(`${MINIMAL}server: { secret: s }\nstores: { ${fields} }`);
    expect(said).toEqual(
      Array(warnings).fill('stores.retention: without effect, since nothing durable is configured (stores.durable)'),
    );
  });

  test.each([
    ['durable: supabase', 'stores.supabase: missing (allowed: url and service_role_key)'],
    [SUPABASE, 'stores.supabase: of use only with durable: supabase (allowed: durable: supabase)'],
    ['durable: postgres', 'stores.durable: not one of these (allowed: embedded, none, supabase)'],
    ['retention: 12h', 'stores.retention: not valid (allowed: a duration of at least a day, such as 30d)'],
    ['retention: off', 'stores.retention: not valid (allowed: a duration of at least a day, such as 30d)'],
    [
      'durable: supabase, supabase: { url: x.supabase.co, service_role_key: k }',
      'stores.supabase.url: not valid (allowed: https://PROJECT.supabase.co, without a path)',
    ],
    [
      'durable: supabase, supabase: { url: "https://x.supabase.co/rest/v1", service_role_key: k }',
      'stores.supabase.url: not valid (allowed: https://PROJECT.supabase.co, without a path)',
    ],
    [
      'durable: supabase, supabase: { url: "https://x.supabase.co", service_role_key: sb_publishable_k }',
      'stores.supabase.service_role_key: this is the publishable key, which may not read or write anything here (allowed: a secret key (sb_secret_…) or the service_role key)',
    ],
    [
      'folder: ~/conduit',
      "stores.folder: ~ is not expanded: it would be a folder of that name (allowed: a whole path, or one from the config's folder on)",
    ],
  ])('%s is refused', (fields, problem) => {
    const problems = problemsOf(`${MINIMAL}server: { secret: s }\nstores: { ${fields} }`);
    expect(problems).toEqual([problem]);
  });
});

describe('signals that a router looks at', () => {
  const signalsOff = (written: string) =>
    loaded(`${MINIMAL}routers: { auto: { models: [local/a], signals: ${written} } }`).routers.get('auto')?.signalsOff;

  test('are all of them where nothing is said', () => {
    expect(signalsOff('{}')).toEqual(new Set());
  });

  test('are switched with on and off, or true and false', () => {
    const written = '{ continued: on, regenerated: off, rephrased: true, aborted: false }';
    expect(signalsOff(written)).toEqual(new Set(['regenerated', 'aborted']));
  });

  test.each(SIGNAL_NAMES)('may be without %s', (name) => {
    expect(signalsOff(`{ ${name}: off }`)).toEqual(new Set([name]));
  });
});

describe('comments in silent streams', () => {
  const everyMs = (server: string, platform: 'node' | 'workers'): number | null | undefined => {
    const result = loadConfig({ text: `${MINIMAL}server: { ${server} }\n`, env: {}, sha256Hex, platform });
    return result.ok ? result.config.server.keepAliveMs : undefined;
  };

  test('are off on Node, which notices without them that a client has left, and on where only writing tells', () => {
    expect(everyMs('', 'node')).toBe(null);
    expect(everyMs('', 'workers')).toBe(10_000);
  });

  test.each(['node', 'workers'] as const)('are as the config says on %s', (platform) => {
    expect(everyMs('keep_alive_ms: 15000', platform)).toBe(15_000);
    expect(everyMs('keep_alive_ms: 0', platform)).toBe(null);
    expect(everyMs('keep_alive_ms: -1', platform)).toBe(undefined);
  });
});

describe('a Durable Object for the state', () => {
  const text = (stores: string, server = 'server: { secret: s }\n'): string =>
    `${MINIMAL}${server}stores: { ${stores} }\nkeys: [{ name: me, key: mine }]\n`;
  const onWorkers = (config: string) => loadConfig({ text: config, env: {}, sha256Hex, platform: 'workers' });

  test('is refused on Node, where there is none', () => {
    expect(problemsOf(text('state: durable-object'))).toEqual([
      'stores.state: a Durable Object is only to be had on Cloudflare Workers (allowed: memory, redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT)',
    ]);
  });

  test('needs nothing behind it on Workers, and keeps decisions for as long as the config says', () => {
    const result = onWorkers(text('state: durable-object, retention: 7d'));
    expect(result).toMatchObject({
      ok: true,
      warnings: [],
      config: { stores: { state: 'durable-object', durable: 'none', retentionMs: 7 * 86_400_000 } },
    });
  });

  test('may have Supabase behind it, as a Redis may there', () => {
    const supabase = 'durable: supabase, supabase: { url: "https://p.supabase.co", service_role_key: k }';
    for (const state of ['durable-object', '"redis://h:1"']) {
      const result = onWorkers(text(`state: ${state}, ${supabase}`));
      expect(result).toMatchObject({ ok: true, config: { stores: { durable: 'supabase' } } });
    }
    expect(onWorkers(text(`state: memory, ${supabase}`))).toMatchObject({
      ok: false,
      problems: [{ path: 'stores.durable', allowed: expect.stringContaining('durable-object or a Redis') }],
    });
  });

  test('has no folder behind it, nor has anything else on Workers', () => {
    for (const stores of ['state: durable-object, durable: embedded', 'state: memory, folder: here']) {
      expect(onWorkers(text(stores))).toMatchObject({
        ok: false,
        problems: [
          {
            path: 'stores.durable',
            message: 'there is no folder on Cloudflare Workers',
            allowed: 'none, supabase',
          },
        ],
      });
    }
    // A config that gateways on Node share may name theirs.
    expect(onWorkers(text('state: "redis://h:1", folder: here'))).toMatchObject({ ok: true });
  });

  test('may be without a secret: it is made, and kept there', () => {
    expect(onWorkers(text('state: durable-object', ''))).toMatchObject({ ok: true, warnings: [] });
    const [warning] = (onWorkers(text('state: "redis://localhost:6379"', '')) as { warnings: string[] }).warnings;
    expect(warning).toMatch(/^server.secret: not set: one is made and kept in Redis/);
  });

  test('warns where nobody needs a key', () => {
    const open = onWorkers(`${MINIMAL}stores: { state: durable-object }\n`) as { warnings: string[] };
    expect(open.warnings).toEqual([expect.stringMatching(/^keys: none/)]);
  });

  test('is missed on Workers where nothing keeps what is learned, written down or left out', () => {
    const keyed = `${MINIMAL}keys: [{ name: me, key: mine }]\n`;
    for (const config of [`${keyed}stores: { state: memory }\n`, keyed]) {
      const { warnings } = onWorkers(config) as { warnings: string[] };
      expect(warnings).toEqual([expect.stringMatching(/^stores.state: memory, so each isolate learns by itself/)]);
    }
    expect(warningsOf(keyed)).toEqual([]);
  });
});

test.each(['sk-…', 'two words'])('a key %j is refused by what it must be', (key) => {
  const config = `providers: { p: { base_url: http://x, api_key: "${key}" } }\nmodels: [{ id: p/a }]\n`;
  expect(problemsOf(config)).toEqual([
    'providers.p.api_key: not valid (allowed: ASCII text without spaces, not empty)',
  ]);
});

describe('what is not built yet is refused by name', () => {
  test.each(
    [[`${MINIMAL}log: { prompts: true }`, 'log.prompts']].map(([text, path]) => ({ text: text!, path: path! })),
  )('$path', ({ text, path }) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/: not supported yet( \(allowed: .+\))?$/);
    expect(problems[0]?.startsWith(`${path}: `)).toBe(true);
  });
});

describe('what is wrong is told in one line, with what is allowed', () => {
  const router = (field: string): string => `${MINIMAL}routers: { auto: { models: [local/a], ${field} } }`;
  test.each(
    [
      ['', 'config: empty (allowed: a mapping with providers and models)'],
      ['[]', 'config: not a mapping (allowed: a mapping with providers and models)'],
      [MODELS, 'providers: missing (allowed: a mapping of provider names to providers)'],
      [PROVIDERS, 'models: missing (allowed: a list of models)'],
      [`${PROVIDERS}models: []`, 'models: out of range (allowed: at least one model)'],
      [`${MODELS}providers: {}`, 'providers: not valid (allowed: at least one provider)'],
      [`${MINIMAL}routers: {}`, 'routers: not valid (allowed: at least one router, or no routers section at all)'],
      [
        `${MINIMAL}sever: {}`,
        'sever: unknown key, did you mean server? (allowed: server, keys, providers, models, routers, stores, log, telemetry)',
      ],
      [
        `${MINIMAL}server: { prot: 1 }`,
        'server.prot: unknown key, did you mean port? (allowed: host, port, max_body_bytes, cors, workers, keep_alive_ms, secret)',
      ],
      [
        router('half_lief: 7d'),
        'routers.auto.half_lief: unknown key, did you mean half_life? (allowed: models, answers_to, policy, prefer, explore, guarantee, half_life, signals, sticky, fallbacks, max_usd_per_request, usd_per_request, usd_per_day, on_budget)',
      ],
      [
        router('explore: { flor: 1 }'),
        'routers.auto.explore.flor: unknown key, did you mean floor? (allowed: floor, warmup)',
      ],
      [`${MINIMAL}server: { port: 65536 }`, 'server.port: out of range (allowed: a whole number from 0 to 65535)'],
      [
        `${MINIMAL}server: { port: 1.5 }`,
        'server.port: is a number with a fraction (allowed: a whole number from 0 to 65535)',
      ],
      [`${MINIMAL}server: { port: [1] }`, 'server.port: is a list (allowed: a whole number from 0 to 65535)'],
      [`${MINIMAL}server: []`, 'server: is a list (allowed: a mapping)'],
      [router('explore: { floor: 1.01 }'), 'routers.auto.explore.floor: out of range (allowed: a number from 0 to 1)'],
      [
        router('explore: { warmup: -1 }'),
        'routers.auto.explore.warmup: out of range (allowed: a whole number, at least 0)',
      ],
      [
        router('guarantee: { baseline: local/b, quality: .95, confidence: .95 }'),
        'routers.auto.guarantee.baseline: no such model of this router, did you mean local/a? (allowed: local/a)',
      ],
      [
        router('guarantee: { baseline: local/a, quality: 0, confidence: .95 }'),
        'routers.auto.guarantee.quality: out of range (allowed: a number above 0, at most 1)',
      ],
      [
        router('guarantee: { baseline: local/a, quality: .95, confidence: 1 }'),
        'routers.auto.guarantee.confidence: out of range (allowed: a number from 0.5 on, below 1)',
      ],
      [router('fallbacks: 11'), 'routers.auto.fallbacks: out of range (allowed: a whole number from 0 to 10)'],
      [
        router('max_usd_per_request: 0'),
        'routers.auto.max_usd_per_request: out of range (allowed: USD, a number above 0)',
      ],
      [
        router('half_life: 0d'),
        'routers.auto.half_life: not valid (allowed: a duration above 0 such as 30m, 24h or 7d, or off)',
      ],
      [
        router('half_life: 7'),
        'routers.auto.half_life: is a number (allowed: a duration above 0 such as 30m, 24h or 7d, or off)',
      ],
      [
        router('policy: linear-tompson'),
        'routers.auto.policy: not one of these, did you mean linear-thompson? (allowed: linear-thompson, thompson, linucb, ucb1, epsilon-greedy, random, fixed, cheapest)',
      ],
      [
        router('prefer: fast'),
        'routers.auto.prefer: not valid (allowed: quality, balanced, cost, speed, or a mapping)',
      ],
      [router('prefer: {}'), 'routers.auto.prefer: empty (allowed: usd_per_point, seconds_per_point or both)'],
      [
        router('prefer: { usd_per_point: 0 }'),
        'routers.auto.prefer.usd_per_point: out of range (allowed: USD, a number above 0)',
      ],
      [
        router('signals: { regenrated: off }'),
        'routers.auto.signals.regenrated: unknown key, did you mean regenerated? (allowed: continued, regenerated, rephrased, corrected, silence, aborted, latency, length, invalid_tool_call, invalid_json, content_filter, refusal, repetition, empty)',
      ],
      [
        router('signals: { regenerated: maybe }'),
        'routers.auto.signals.regenerated: not one of these (allowed: on, off)',
      ],
      [router('signals: { silence: 0 }'), 'routers.auto.signals.silence: not valid (allowed: on, off)'],
      [router('signals: off'), 'routers.auto.signals: is text (allowed: a mapping)'],
      [`${PROVIDERS}models: [{ id: a }]`, 'models[0].id: not valid (allowed: PROVIDER/NAME)'],
      [`${PROVIDERS}models: [{ id: local/a, was: [b] }]`, 'models[0].was[0]: not valid (allowed: PROVIDER/NAME)'],
      [`${PROVIDERS}models: [{ id: local/a, was: x/b }]`, 'models[0].was: is text (allowed: a list of model ids)'],
      [
        `${PROVIDERS}models: [{ price: { input: -1 }, id: local/a }]`,
        'models[0].price.input: out of range (allowed: USD, a number, at least 0)',
      ],
      [
        `${PROVIDERS}models: [{ price: { input: .inf }, id: local/a }]`,
        'models[0].price.input: is a number (allowed: USD, a number, at least 0)',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, params: nothing }]`,
        'models[0].params: not valid (allowed: as-is, or a mapping)',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, params: { drop: [messages] } }]`,
        'models[0].params.drop: messages cannot be changed',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, params: { rename: { a: c, b: c } } }]`,
        'models[0].params.rename: two fields become c',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, params: { rename: { a: c }, drop: [a] } }]`,
        'models[0].params.drop: a is renamed too',
      ],
      [
        `${MODELS}providers: { "a b": { base_url: "http://x" }, local: { base_url: "http://x" } }`,
        'providers["a b"]: not a valid name (allowed: names of letters, digits, `.`, `_` and `-`)',
      ],
      [
        `${MINIMAL}server: { cors: ["https://app.example/"] }`,
        'server.cors[0]: not valid (allowed: an origin such as https://app.example, or *)',
      ],
    ].map(([text, line]) => ({ text: text!, line: line! })),
  )('$line', ({ text, line }) => {
    expect(problemsOf(text)).toEqual([line]);
  });

  test.each(['ftp://x', 'x', 'http://', 'http://u:p@x/v1', 'http://x/v1?a=b', 'http://x/v1#a', 'http://x/v 1'])(
    'the base URL %s is refused',
    (url) => {
      const lines = problemsOf(`${MODELS}providers: { local: { base_url: ${JSON.stringify(url)} } }`);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^providers\.local\.base_url: not valid/);
    },
  );

  test('all that is wrong is told at once', () => {
    expect(problemsOf(`${PROVIDERS}models: [{ id: x, contxt: 1 }]\nserver: { port: -1, workers: 65 }`)).toHaveLength(4);
  });
});

describe('YAML that cannot be read', () => {
  test('is told by line and column', () => {
    expect(problemsOf('providers:\n  a: { base_url: "x }\n')[0]).toMatch(/^line \d+, column \d+: not valid YAML: /);
    expect(problemsOf('a: 1\na: 2\n')).toEqual(['line 2, column 1: not valid YAML: this key is here twice']);
    expect(problemsOf('a:\n\t- b\n')[0]).toMatch(/^line 2, column 1: not valid YAML: a tab as indentation/);
  });

  test('aliases that would fill the memory are refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}x]`);
    expect(problemsOf(lines.join('\n'))).toEqual(['config: not valid YAML: its aliases cannot be resolved']);
  });
});

describe('names', () => {
  const two = `${PROVIDERS}models: [{ id: local/a }, { id: local/b }]\n`;
  test.each(
    [
      [`${PROVIDERS}models: [{ id: lokal/a }]`, 'models[0].id: no such provider, did you mean local? (allowed: local)'],
      [`${PROVIDERS}models: [{ id: local/a }, { id: local/a }]`, 'models[1].id: another model has this id'],
      [
        `${two}routers: { auto: { models: [local/c] } }`,
        'routers.auto.models[0]: no such model, did you mean local/a? (allowed: local/a, local/b)',
      ],
      [`${two}routers: { auto: { models: [local/a, local/a] } }`, 'routers.auto.models[1]: this model is here twice'],
      [
        `${two}routers: { auto: { models: [local/a], answers_to: [auto] } }`,
        "routers.auto.answers_to[0]: auto is already a router's name",
      ],
      [
        `${two}routers: { auto: { models: [local/a], answers_to: [local/b] } }`,
        'routers.auto.answers_to[0]: local/b is already a model id',
      ],
      [
        `${two}routers: { auto: { models: [local/a], answers_to: [x] }, b: { models: [local/b], answers_to: [x] } }`,
        'routers.b.answers_to[0]: x is already answered by router auto',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, was: [local/b] }, { id: local/b }]`,
        'models[0].was[0]: local/b is a model of this config, and keeps its evidence itself',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, was: [local/a] }]`,
        'models[0].was[0]: local/a is a model of this config, and keeps its evidence itself',
      ],
      [
        `${PROVIDERS}models: [{ id: local/a, was: [x/c] }, { id: local/b, was: [x/d, x/c] }]`,
        'models[1].was[1]: local/a has the evidence of x/c already',
      ],
      [`${PROVIDERS}models: [{ id: local/a, was: [x/c, x/c] }]`, 'models[0].was[1]: this id is here twice'],
      [`${two}keys: [{ name: a, key: x }, { name: a, key: y }]`, 'keys[1].name: another key has this name'],
      [`${two}keys: [{ name: a, key: x }, { name: b, key: x }]`, 'keys[1]: the same key as another one'],
      [`${two}keys: [{ name: a }]`, 'keys[0]: neither key nor key_sha256 (allowed: exactly one of them)'],
      [
        `${two}keys: [{ name: a, key: x, key_sha256: "${'0'.repeat(64)}" }]`,
        'keys[0]: both key and key_sha256 (allowed: exactly one of them)',
      ],
      [
        `${two}keys: [{ name: a, key: x, routers: [atuo] }]`,
        'keys[0].routers[0]: no such router, did you mean auto? (allowed: auto)',
      ],
    ].map(([text, line]) => ({ text: text!, line: line! })),
  )('$line', ({ text, line }) => {
    expect(problemsOf(text)).toEqual([line]);
  });
});

describe('without keys', () => {
  test.each(['127.0.0.1', '127.8.9.10', 'localhost', '::1', '"[::1]"'])('%s may be served', (host) => {
    expect(problemsOf(`${MINIMAL}server: { host: "${host.replaceAll('"', '')}" }`)).toEqual([]);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', '128.0.0.1', '127.1.1.256', 'localhost.example'])(
    '%s may not',
    (host) => {
      expect(problemsOf(`${MINIMAL}server: { host: "${host}" }`)[0]).toMatch(/^server\.host: without keys/);
      expect(problemsOf(`${MINIMAL}keys: [{ name: a, key: x }]\nserver: { host: "${host}" }`)).toEqual([]);
    },
  );

  test('a host from the command line is held to the same', () => {
    const result = loadConfig({ text: MINIMAL, env: {}, sha256Hex, overrides: { host: '0.0.0.0', port: 1 } });
    expect(result.ok).toBe(false);
    const local = loadConfig({
      text: `${MINIMAL}server: { host: 0.0.0.0 }`,
      env: {},
      sha256Hex,
      overrides: { host: '::1' },
    });
    expect(local.ok && local.config.server.host).toBe('::1');
  });
});

test('warns of prices that nobody knows, and of a glob that allows nothing', () => {
  expect(warningsOf(`${PROVIDERS}models: [{ id: local/a }]`)).toEqual([
    'models[0] (local/a): price unknown: counted as 0',
  ]);
  expect(warningsOf(`${PROVIDERS}models: [{ id: local/a, price: { input: 1 } }]`)).toEqual([
    'models[0] (local/a): price of output unknown: counted as 0',
  ]);
  expect(warningsOf(`${MINIMAL}keys: [{ name: k, key: x, models: [openai/*] }]`)).toEqual([
    'keys[0].models[0]: matches no model',
  ]);
});

describe('no secret is ever repeated', () => {
  const secret = fc
    .stringMatching(/^[A-Za-z0-9*&!%@`|>#{[:-]{12,30}$/)
    .filter((text) => !'providers models'.includes(text));
  const text = (value: string): string =>
    [
      `server: { secret: ${value} }`,
      `keys: [{ name: k, key: ${value} }]`,
      `providers: { p: { base_url: http://x, api_key: ${value}, headers: { x-key: ${value} } } }`,
      'models: [{ id: p/a }]',
    ].join('\n');

  test('whatever it is, wherever it stands, quoted or not, and wherever the text breaks off', () => {
    fc.assert(
      fc.property(secret, fc.boolean(), fc.nat(400), (value, quoted, cut) => {
        const whole = text(quoted ? JSON.stringify(value) : value);
        for (const variant of [
          whole,
          whole.slice(0, cut),
          whole.replace('base_url', 'base_ulr'),
          whole.replaceAll(': ', ':'),
        ]) {
          for (const line of problemsOf(variant)) expect(line).not.toContain(value);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('nor when it comes from the environment into a field that refuses it', () => {
    const env = { SECRET: 'sk with spaces, very secret' };
    const lines = problemsOf(text(`"$\{SECRET}"`), env);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain('very secret');
  });
});

test('any text gives a config or problems, and never throws', () => {
  const part = fc.constantFrom(
    'providers:',
    'models:',
    ' p:',
    '  base_url: http://x',
    '- id: p/a',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '"',
    ': ',
    '\n',
    '${',
    '__proto__: 1',
    '<<: *a',
    '!!binary x',
    '? ',
    '|',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 20 }).map((parts) => parts.join('')),
      ),
      (text) => {
        const result = load(text);
        if (!result.ok) for (const problem of result.problems) expect(problem.message).not.toBe('');
        if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 1000 },
  );
});
