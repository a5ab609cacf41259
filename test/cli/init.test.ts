/** `conduit init` as a process: what it finds, what it writes, and what it leaves alone. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Answering, answering, instead } from './init/fake-servers.ts';
import { conduit, conduitIntoFull, directory, type Ended, serve } from './run-cli.ts';

/** Nothing that runs on this machine by chance plays along, and no provider either but those that stand in here. */
const initIn = (cwd: string, args: readonly string[], env: Record<string, string> = {}, origins = {}): Promise<Ended> =>
  conduit(['init', ...args], cwd, { ...env, ...instead({ ...origins, ...NOBODY }) });

const NOBODY = Object.fromEntries(
  ['http://127.0.0.1:11434', 'http://127.0.0.1:1234', 'http://127.0.0.1:8000', 'http://127.0.0.1:8080', 'https:'].map(
    (origin) => [`${origin}/`, 'http://127.0.0.1:1/'],
  ),
);

const written = (cwd: string, file = 'conduit.yaml'): string => readFileSync(join(cwd, file), 'utf8');

interface Config {
  server: { host: string };
  keys?: { name: string; key_sha256: string; admin?: boolean }[];
  providers: Record<string, { base_url: string; api_key?: string }>;
  models: { id: string; price: Record<string, number>; context?: number; supports?: string[] }[];
  routers: { auto: { models: string[]; answers_to?: string[]; prefer: string; usd_per_day?: number } };
  stores?: { state?: string; durable?: string };
}

const configIn = (cwd: string): Config => parse(written(cwd)) as Config;
const idsIn = (cwd: string): string[] => configIn(cwd).models.map(({ id }) => id);

describe('the provider keys', () => {
  test('make a config that is right, with each price and its date, and without the value of any key', async () => {
    const cwd = directory({ '.env': 'XAI_API_KEY=xai-secret\n' });
    const env = { OPENAI_API_KEY: 'sk-secret', OLLAMA_HOST: '127.0.0.1' };
    const { code, stdout, stderr } = await initIn(cwd, ['--offline'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('wrote conduit.yaml (6 models)');
    expect(stdout).not.toMatch(/secret/);
    expect(written(cwd)).not.toMatch(/secret/);
    expect(written(cwd)).toMatch(
      /- id: openai\/gpt-5\.4-mini\n {4}price: \{ input: 0\.75, cached_input: 0\.075, output: 4\.5 \} # list price of 2026-/,
    );
    expect(await conduit(['check'], cwd, env)).toMatchObject({
      code: 0,
      stdout: 'conduit.yaml: ok (1 router, 6 models)\n',
    });
  });

  test('are tried at their providers, which say what they may use', async () => {
    const openai = await answering({
      '/v1/models': { data: [{ id: 'gpt-5.4-2026-03-05' }, { id: 'gpt-4.1-mini' }, { id: 'text-embedding-3-small' }] },
    });
    const cwd = directory();
    const { code, stdout, stderr } = await initIn(
      cwd,
      ['--yes'],
      { OPENAI_API_KEY: 'sk-secret' },
      { 'https://api.openai.com': openai.url },
    );
    expect(code).toBe(0);
    expect(openai.asked).toEqual([{ path: '/v1/models', authorization: 'Bearer sk-secret' }]);
    expect(stderr).toContain('asking which models the keys may use (not with --offline):\n  openai\n');
    expect(idsIn(cwd)).toEqual(['openai/gpt-5.4', 'openai/gpt-4.1-mini']);
    expect(written(cwd)).toContain('# not among the models of this key: gpt-5.4-mini');
    expect(stdout).toMatch(/openai\/gpt-5\.4-mini +OPENAI_API_KEY may not use it/);
    expect(stdout).toContain('OPENAI_API_KEY works');
    expect(stdout + stderr).not.toContain('sk-secret');
  });

  test('that are refused are told by name, and the config waits for the right ones', async () => {
    const openai = await answering({}, 401);
    const gemini = await answering({}, 400);
    const cwd = directory();
    const { code, stdout, stderr } = await initIn(
      cwd,
      [],
      {
        OPENAI_API_KEY: 'sk-wrong',
        GEMINI_API_KEY: 'also-wrong',
      },
      { 'https://api.openai.com': openai.url, 'https://generativelanguage.googleapis.com': gemini.url },
    );
    expect(code).toBe(0);
    expect(stderr).toContain('warning: the key in OPENAI_API_KEY is refused by openai');
    expect(stderr).toContain('warning: the key in GEMINI_API_KEY is refused by gemini');
    expect(stdout + stderr).not.toContain('wrong');
    expect(written(cwd)).toContain(
      '# the key in OPENAI_API_KEY is refused by openai: put right what the variable holds',
    );
    expect(idsIn(cwd)).toContain('openai/gpt-5.4');
  });

  test('are not sent on where a provider redirects', async () => {
    const elsewhere = await answering({ '/v1/models': { data: [] } });
    const openai = await answering({}, 307, { location: `${elsewhere.url}/v1/models` });
    const { code, stderr } = await initIn(
      directory(),
      [],
      { OPENAI_API_KEY: 'sk-secret' },
      { 'https://api.openai.com': openai.url },
    );
    expect(code).toBe(0);
    expect(stderr).toContain('OPENAI_API_KEY is unchecked: openai answered with status 307');
    expect(elsewhere.asked).toEqual([]);
  });

  test('that open none of the models to begin with give others of a known price, or say that there are none', async () => {
    const data = ['text-embedding-3-small', 'gpt-4o', 'o3', 'gpt-5', 'gpt-4.1'].map((id) => ({ id }));
    const openai = await answering({ '/v1/models': { data } });
    const xai = await answering({ '/v1/models': { data: [{ id: 'grok-99' }] } });
    const cwd = directory();
    const { code, stderr } = await initIn(
      cwd,
      [],
      { OPENAI_API_KEY: 'x', XAI_API_KEY: 'x' },
      { 'https://api.openai.com': openai.url, 'https://api.x.ai': xai.url },
    );
    expect(code).toBe(0);
    expect(idsIn(cwd)).toEqual(['openai/gpt-4o', 'openai/o3', 'openai/gpt-5']);
    expect(stderr).toContain('warning: XAI_API_KEY opens no model of a known price: add yours by hand');
    expect(Object.keys(configIn(cwd).providers)).toEqual(['openai']);
  });

  test('are tried at nobody with --offline', async () => {
    const openai = await answering({});
    expect(
      await initIn(
        directory(),
        ['--offline'],
        { OPENAI_API_KEY: 'sk-secret' },
        { 'https://api.openai.com': openai.url },
      ),
    ).toMatchObject({ code: 0, stderr: '' });
    expect(openai.asked).toEqual([]);
  });
});

const OLLAMA = {
  '/api/tags': {
    models: [
      { name: 'llama3.2:latest', details: { family: 'llama' } },
      { name: 'qwen3:8b', details: { family: 'qwen3' } },
      { name: 'nomic-embed-text:latest', details: { family: 'nomic-bert' } },
      { name: 'mystery:1b', details: { family: 'bert' } },
      { name: 'gpt-oss:120b-cloud', remote_host: 'https://ollama.com:443' },
    ],
  },
  '/api/show llama3.2': {
    capabilities: ['completion', 'tools'],
    model_info: { 'general.architecture': 'llama', 'llama.context_length': 131072 },
  },
  '/api/show qwen3:8b': {
    capabilities: ['completion', 'tools', 'thinking', 'vision'],
    model_info: { 'qwen3.context_length': 40960 },
    parameters: 'num_ctx                        16384\nstop                           "<|im_end|>"',
  },
  '/api/show mystery:1b': { capabilities: ['embedding'] },
};

const LM_STUDIO = {
  '/api/v0/models': {
    object: 'list',
    data: [
      { id: 'qwen2-vl-7b', type: 'vlm', state: 'not-loaded', max_context_length: 32768 },
      {
        id: 'meta-llama-3.1-8b',
        type: 'llm',
        state: 'loaded',
        max_context_length: 131072,
        loaded_context_length: 8192,
        capabilities: ['tool_use'],
      },
      { id: 'text-embedding-nomic', type: 'embeddings', state: 'not-loaded', max_context_length: 2048 },
    ],
  },
  '/v1/models': { object: 'list', data: [{ id: 'qwen2-vl-7b', owned_by: 'organization_owner' }] },
};

const VLLM = {
  '/v1/models': {
    object: 'list',
    data: [{ id: 'Qwen/Qwen3-8B', object: 'model', owned_by: 'vllm', max_model_len: 32768 }],
  },
};

const LLAMA_CPP = {
  '/v1/models': {
    object: 'list',
    models: [{ name: 'gemma', capabilities: ['completion', 'multimodal'] }],
    data: [
      {
        id: 'gemma-4',
        owned_by: 'llamacpp',
        meta: { n_ctx: 16384, n_ctx_train: 131072 },
        architecture: { input_modalities: ['text', 'image'] },
      },
    ],
  },
};

const localArgs = (...servers: Answering[]): string[] => servers.flatMap(({ url }) => ['--local', url]);

describe('model servers', () => {
  test('are told apart by what they answer, and give their models for chat, what these can do and how long they are', async () => {
    const servers = await Promise.all(
      [OLLAMA, LM_STUDIO, VLLM, { ...LLAMA_CPP, '/api/tags': LLAMA_CPP['/v1/models'] }].map((one) => answering(one)),
    );
    const cwd = directory();
    const { code, stdout } = await initIn(cwd, [...localArgs(...servers)]);
    expect(code).toBe(0);
    const { providers, models } = configIn(cwd);
    expect(Object.entries(providers)).toEqual([
      ['ollama', { base_url: `${servers[0]!.url}/v1` }],
      ['lmstudio', { base_url: `${servers[1]!.url}/v1` }],
      ['vllm', { base_url: `${servers[2]!.url}/v1` }],
      ['llamacpp', { base_url: `${servers[3]!.url}/v1` }],
    ]);
    const free = { input: 0, output: 0 };
    expect(models).toEqual([
      { id: 'ollama/llama3.2', price: free, supports: ['tools', 'json_schema'] },
      {
        id: 'ollama/qwen3:8b',
        price: free,
        context: 16384,
        supports: ['tools', 'json_schema', 'images', 'reasoning'],
      },
      { id: 'lmstudio/qwen2-vl-7b', price: free, supports: ['tools', 'json_schema', 'images'] },
      { id: 'lmstudio/meta-llama-3.1-8b', price: free, context: 8192, supports: ['tools', 'json_schema'] },
      { id: 'vllm/Qwen/Qwen3-8B', price: free, context: 32768 },
      { id: 'llamacpp/gemma-4', price: free, context: 16384, supports: ['tools', 'json_schema', 'images'] },
    ]);
    expect(written(cwd)).toContain('- id: ollama/llama3.2 # context: at most 131072; write the one that it runs with');
    for (const other of ['ollama/nomic-embed-text', 'ollama/mystery:1b', 'lmstudio/text-embedding-nomic']) {
      expect(stdout).toMatch(new RegExp(`^${other} +not for chat`, 'm'));
    }
    expect(stdout).toMatch(/^ollama\/gpt-oss:120b-cloud +runs in Ollama's cloud/m);
    expect((await conduit(['check'], cwd)).code).toBe(0);
  });

  test('at OLLAMA_HOST are asked there', async () => {
    const ollama = await answering(OLLAMA);
    const cwd = directory({ '.env': `OLLAMA_HOST=${new URL(ollama.url).host}\n` });
    expect((await initIn(cwd, [])).code).toBe(0);
    expect(idsIn(cwd)).toEqual(['ollama/llama3.2', 'ollama/qwen3:8b']);
  });

  test('at an OLLAMA_HOST that is silent stay in, since the variable says that they are there', async () => {
    const cwd = directory();
    const { code, stderr } = await initIn(cwd, [], { OLLAMA_HOST: '127.0.0.1:1' });
    expect(code).toBe(0);
    expect(stderr).toContain('warning: OLLAMA_HOST: nothing answers there; its models are guessed');
    expect(written(cwd)).toContain('# It did not answer: write here the models that you have pulled');
  });

  test('of one kind are told apart by name, and one that is named twice is there once', async () => {
    const [one, other] = [await answering(VLLM), await answering(VLLM)];
    const cwd = directory();
    const again = ['--local', one.url.replace('127.0.0.1', 'localhost')];
    expect((await initIn(cwd, [...localArgs(one, other, one), ...again])).code).toBe(0);
    expect(Object.keys(configIn(cwd).providers)).toEqual(['vllm', 'vllm-2']);
  });

  test('at their usual ports are found unasked, and another service there counts for nothing', async () => {
    const vllm = await answering(VLLM);
    const other = await answering({ '/v1/models': { data: [{ id: 'something-else', owned_by: 'me' }] } });
    const cwd = directory();
    const usual = { 'http://127.0.0.1:8000': vllm.url, 'http://127.0.0.1:8080': other.url };
    const { code, stdout, stderr } = await initIn(cwd, [], {}, usual);
    expect(code).toBe(0);
    expect(configIn(cwd).providers).toEqual({ vllm: { base_url: 'http://127.0.0.1:8000/v1' } });
    expect(stdout).not.toContain('8080');
    expect(stderr).toContain('warning: http://127.0.0.1:8080/v1 lists models of no server known by name: --local');
  });

  test('of no kind that Conduit knows are named with the way to take them, also where nothing else is found', async () => {
    const other = await answering({ '/v1/models': { data: [{ id: 'mine', owned_by: 'me' }] } });
    const { code, stderr } = await initIn(directory(), [], {}, { 'http://127.0.0.1:8000': other.url });
    expect(code).toBe(1);
    expect(stderr).toContain('--local http://127.0.0.1:8000/v1 takes them');
    const service = await answering({ '/v1/models': { data: [] } });
    expect((await initIn(directory(), [], {}, { 'http://127.0.0.1:8000': service.url })).stderr).not.toContain('8000');
  });

  test('with more models than can be learned give the first fifty', async () => {
    const data = Array.from({ length: 60 }, (_, index) => ({ id: `m${index}` }));
    const server = await answering({ '/v1/models': { data } });
    const cwd = directory();
    const { stdout } = await initIn(cwd, localArgs(server));
    expect(idsIn(cwd)).toHaveLength(50);
    expect(stdout).toMatch(/^local\/m50 +more than 50 models$/m);
  });

  test('with a list without end, only the first that are left out are named', async () => {
    const data = Array.from({ length: 150_000 }, (_, index) => ({ id: `m${index}` }));
    const server = await answering({ '/v1/models': { data } });
    const cwd = directory();
    const { code, stdout, stderr } = await initIn(cwd, localArgs(server));
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'looking for model servers on this machine\n' });
    expect(idsIn(cwd)).toHaveLength(50);
    expect(stdout).toMatch(/^local\/m69 +more than 50 models$/m);
    expect(stdout).toMatch(/^local\/… and 149,930 more +as those above$/m);
    expect(stdout.split('\n').length).toBeLessThan(100);
  });

  test('of no kind that Conduit knows count where the user names them', async () => {
    const server = await answering({ '/v1/models': { data: [{ id: 'mine' }, { id: 'bge-m3' }] } });
    const cwd = directory();
    expect((await initIn(cwd, [...localArgs(server)])).code).toBe(0);
    expect(idsIn(cwd)).toEqual(['local/mine']);
  });

  test.each([
    ['a page of HTML', { '/v1/models': '<html>models</html>', '/api/tags': '<html></html>' }, /no model server/],
    ['an error inside a 200', { '/v1/models': { error: 'x' }, '/api/v0/models': { error: 'x' } }, /no model server/],
    [
      'a list without end',
      { '/v1/models': `{"data":[${'{"id":"m"},'.repeat(1_000_000)}{"id":"m"}]}` },
      /no model server/,
    ],
    [
      'JSON that is nested without end',
      { '/v1/models': `${'['.repeat(100_000)}${']'.repeat(100_000)}` },
      /no model server/,
    ],
    ['nothing, for ever', { '/v1/models': 'slow', '/api/tags': 'slow', '/api/v0/models': 'slow' }, /in time/],
  ])('that answer %s are left out, and the rest goes on', async (_, routes, why) => {
    const server = await answering(routes);
    const cwd = directory();
    const { code, stdout } = await initIn(cwd, [...localArgs(server)], {
      GROQ_API_KEY: 'x',
    });
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(why);
    expect(Object.keys(configIn(cwd).providers)).toEqual(['groq']);
  });

  test('cannot get at a variable, at the terminal or at the file by what they call a model', async () => {
    const names = ['${SECRET}', '\u001b[2Jgone', 'a\nkeys: []', 'x: y # z', '"quoted"', '\u202Eevil', '*', '-', "it's"];
    const server = await answering({ '/v1/models': { data: names.map((id) => ({ id })) } });
    const cwd = directory();
    const { code, stdout } = await initIn(cwd, [...localArgs(server)], { SECRET: 'very-secret' });
    expect(code).toBe(0);
    for (const bad of ['\u001b', '\u202e']) expect(stdout).not.toContain(bad);
    expect(idsIn(cwd)).toEqual(['local/$${SECRET}', 'local/"quoted"', 'local/-', "local/it's"]);
    expect(configIn(cwd)).not.toHaveProperty('keys');
    expect((await conduit(['check'], cwd)).code).toBe(0);
  });

  test('without any model for chat are told of and not written', async () => {
    const server = await answering({ '/api/tags': { models: [] } });
    const cwd = directory();
    const { code, stderr } = await initIn(cwd, [...localArgs(server)]);
    expect(code).toBe(1);
    expect(stderr).toContain(`Ollama at ${server.url}/v1 has no model for chat`);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('what is asked at a terminal can be said by options', () => {
  const env = { OPENAI_API_KEY: 'x', GROQ_API_KEY: 'x' };

  test('which models, what matters, and what a day may cost', async () => {
    const cwd = directory();
    const args = [
      '--offline',
      '--model',
      'groq/*',
      '--model',
      'openai/gpt-5.4',
      '--prefer',
      'cost',
      '--usd-per-day',
      '2.5',
    ];
    expect((await initIn(cwd, args, env)).code).toBe(0);
    const { routers, providers } = configIn(cwd);
    expect(routers.auto).toEqual({
      models: ['openai/gpt-5.4', 'groq/openai/gpt-oss-120b', 'groq/openai/gpt-oss-20b'],
      prefer: 'cost',
      usd_per_day: 2.5,
    });
    expect(Object.keys(providers)).toEqual(['openai', 'groq']);
  });

  test.each([
    ['one that was found', 'gpt-5.4-mini', 'openai/gpt-5.4-mini', ['gpt-5.4-mini']],
    ['its id', 'openai/gpt-5.4-mini', 'openai/gpt-5.4-mini', ['gpt-5.4-mini']],
    ['one that the provider has besides', 'gpt-4o', 'openai/gpt-4o', ['gpt-4o']],
    ['a name of no model here', 'my-model', 'openai/gpt-5.4', ['my-model']],
    ['the name of the router', 'auto', 'openai/gpt-5.4', undefined],
  ])('the model that programs send today: %s', async (_, name, first, answersTo) => {
    const cwd = directory();
    expect((await initIn(cwd, ['--offline', '--today', name], env)).code).toBe(0);
    const { models, answers_to } = configIn(cwd).routers.auto;
    expect(models[0]).toBe(first);
    expect(answers_to).toEqual(answersTo);
    expect((await conduit(['check'], cwd, env)).code).toBe(0);
  });

  test('that others may call: with keys that are shown once and open it', async () => {
    const cwd = directory();
    const { code, stdout } = await initIn(cwd, ['--offline', '--callers', 'network', '--json'], env);
    expect(code).toBe(0);
    const { keys } = JSON.parse(stdout) as { keys: { name: string; key: string; admin: boolean }[] };
    expect(keys.map(({ name, admin }) => [name, admin])).toEqual([
      ['team', false],
      ['ops', true],
    ]);
    const config = configIn(cwd);
    expect(config.server.host).toBe('0.0.0.0');
    for (const [index, { key }] of keys.entries()) {
      expect(written(cwd)).not.toContain(key);
      expect(config.keys?.[index]?.key_sha256).toBe(await sha256(key));
    }
    expect((await conduit(['check'], cwd, env)).code).toBe(0);
  });

  test('that others may call, and says what to do where stdout does not take the keys', async () => {
    const args = ['init', '--offline', '--callers', 'network'];
    expect(await conduitIntoFull(args, directory(), env)).toEqual({
      code: 1,
      stderr:
        'conduit init: stdout cannot be written (ENOSPC): nobody has the keys of conduit.yaml, so write it again with --force\n',
    });
  });

  test('that others may call, and the gateway answers those that have a key, under the name that they send today', async () => {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }];
    const completion = { id: 'x', object: 'chat.completion', created: 1, model: 'llama3.2', choices };
    const ollama = await answering({
      '/api/tags': { models: [{ name: 'llama3.2:latest' }] },
      '/v1/chat/completions llama3.2': completion,
    });
    const cwd = directory();
    const args = [...localArgs(ollama), '--today', 'gpt-4o', '--callers', 'network', '--json'];
    const { keys } = JSON.parse((await initIn(cwd, args)).stdout) as { keys: { key: string }[] };
    const { url } = await serve(['--port', '0', '--host', '127.0.0.1'], cwd);
    const ask = async (path: string, key?: string, body?: object): Promise<number> => {
      const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };
      return (await fetch(url + path, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) })).status;
    };
    const [team, ops] = keys.map(({ key }) => key);
    const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] };
    expect(await ask('/v1/chat/completions', team, chat)).toBe(200);
    expect(await ask('/v1/chat/completions', undefined, chat)).toBe(401);
    expect(await ask('/v1/routers/auto', team)).toBe(403);
    expect(await ask('/v1/routers/auto', ops)).toBe(200);
  });

  test('where to keep what is learned: by default where the environment names a server', async () => {
    const stores = {
      REDIS_URL: 'redis://127.0.0.1:6379',
      SUPABASE_URL: 'https://x.supabase.co',
      SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_x',
    };
    const cwd = directory();
    expect((await initIn(cwd, ['--offline'], { ...env, ...stores })).code).toBe(0);
    expect(configIn(cwd).stores).toMatchObject({ state: '${REDIS_URL}', durable: 'supabase' });
    expect(written(cwd)).not.toContain('sb_secret_x');
    const wrong = await initIn(cwd, ['--offline', '--force'], { ...env, REDIS_URL: 'redis://h:1?family=6' });
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(
      /^conduit init: the config would not be right: stores\.state: .*\(--keep folder goes without\)\n$/,
    );
    expect((await initIn(cwd, ['--offline', '--force', '--keep', 'folder'], { ...env, ...stores })).code).toBe(0);
    expect(configIn(cwd)).not.toHaveProperty('stores');
  });

  test.each([
    [['--usd-per-day', '-1'], '--usd-per-day: allowed are USD above 0, and none'],
    [['--usd-per-day', '1e9'], '--usd-per-day: allowed are USD above 0, and none'],
    [['--today', 'two words'], '--today: allowed are a model name without spaces, and none'],
    [['--model', 'nope/*'], '--model: "nope/*" is none of the models found (openai/gpt-5.4, '],
    [
      ['--local', 'ftp://x'],
      '--local: no address (allowed: HOST:PORT, or an http or https URL without user and query)',
    ],
    [['--local', 'localhost:1'], '--local names a server to ask, and --offline asks none'],
    [['--config', 'x.json'], '--config: what is written is YAML (allowed: a name such as conduit.yaml)'],
    [['--stdout', '--json'], '--stdout prints the config, and --json what was found'],
    [['--stdout', '--config', 'x.yaml'], '--stdout writes no file'],
    [['--keep', 'redis'], 'the config would not be right: stores.state: the environment variable REDIS_URL is not set'],
  ])('and %j is refused by name, in one line', async (args, why) => {
    const cwd = directory();
    const { code, stdout, stderr } = await initIn(cwd, ['--offline', ...args], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^conduit init: [^\n]+\n$/);
    expect(stderr).toContain(why);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('the file', () => {
  const env = { XAI_API_KEY: 'x' };

  test('stays as it is where it is there, unless forced', async () => {
    const cwd = directory({ 'conduit.yaml': 'mine', 'other.txt': 'also mine' });
    expect(await initIn(cwd, [], env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'conduit init: conduit.yaml is there already; --force overwrites it\n',
    });
    expect(written(cwd)).toBe('mine');
    expect(await initIn(cwd, ['--offline', '--force'], env)).toMatchObject({ code: 0 });
    expect(written(cwd)).toContain('xai/');
    expect(written(cwd, 'other.txt')).toBe('also mine');
  });

  test('does not quietly go before a conduit.json', async () => {
    const cwd = directory({ 'conduit.json': '{}' });
    const { code, stderr } = await initIn(cwd, ['--offline'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('conduit.json is there already; --force writes conduit.yaml, which then goes before it');
  });

  test('is the same when it is written again', async () => {
    const cwd = directory();
    await initIn(cwd, ['--offline'], env);
    const first = written(cwd);
    await initIn(cwd, ['--offline', '--force'], env);
    expect(written(cwd)).toBe(first);
  });

  test('goes to stdout alone with --stdout, and nothing is written', async () => {
    const cwd = directory({ 'conduit.yaml': 'mine' });
    const { code, stdout, stderr } = await initIn(cwd, ['--offline', '--stdout'], env);
    expect(code).toBe(0);
    expect(Object.keys((parse(stdout) as Config).providers)).toEqual(['xai']);
    expect(stderr).toContain('npx conduit-gateway serve');
    expect(written(cwd)).toBe('mine');
  });

  test('is told of as JSON with --json', async () => {
    const cwd = directory();
    const { stdout } = await initIn(cwd, ['--offline', '--json', '--config', 'mine.yaml'], env);
    expect(JSON.parse(stdout)).toEqual({
      file: 'mine.yaml',
      providers: [
        { name: 'xai', base_url: 'https://api.x.ai/v1', variable: 'XAI_API_KEY', found: 'XAI_API_KEY, not checked' },
      ],
      models: [
        { id: 'xai/grok-4.5', price: { input: 2, output: 6 }, price_as_of: expect.stringMatching(/^2026-/) },
        { id: 'xai/grok-4.3', price: { input: 1.25, output: 2.5, cached_input: 0.2 }, price_as_of: expect.any(String) },
      ],
      left_out: [],
      warnings: [],
    });
  });

  test('cannot be written: that is said in one line', async () => {
    const { code, stderr } = await initIn(directory(), ['--offline', '--config', 'no/such/place.yaml'], env);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'conduit init: no/such/place.yaml cannot be written (ENOENT)\n',
    });
  });

  test('is not written where nothing was found, and it is said what is looked for', async () => {
    const cwd = directory();
    const { code, stdout, stderr } = await initIn(cwd, ['--offline']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    for (const way of ['OPENAI_API_KEY', 'Ollama', 'npx conduit-gateway demo']) expect(stderr).toContain(way);
    expect(existsSync(join(cwd, 'conduit.yaml'))).toBe(false);
  });

  test('fits 80 columns where it is told of', async () => {
    const cwd = directory();
    const { stdout, stderr } = await initIn(cwd, [], {
      ...Object.fromEntries(['OPENAI', 'GEMINI', 'TOGETHER', 'OPENROUTER'].map((name) => [`${name}_API_KEY`, 'x'])),
    });
    for (const line of `${stdout}${stderr}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });
});

async function sha256(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('hex');
}
