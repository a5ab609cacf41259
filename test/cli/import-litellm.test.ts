/** `conduit import-litellm` as a process, and a gateway that serves what it writes. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { conduit, directory, serve } from './run-cli.ts';

const SMALL = `
model_list:
  - model_name: gpt-4o
    litellm_params: { model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 100 }
  - model_name: claude
    litellm_params: { model: anthropic/claude-haiku-5-5, api_key: sk-in-clear }
general_settings: { master_key: os.environ/LITELLM_MASTER_KEY }
`;

test('a config is written for its owner’s eyes alone, and what became of each setting is told in 80 columns', async () => {
  const cwd = directory({ 'config.yaml': SMALL });
  const { code, stdout, stderr } = await conduit(['import-litellm', 'config.yaml'], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Taken over:');
  expect(stdout).toContain('Changed:');
  expect(stdout).toMatch(/model_list\[0\]\.rpm +a provider’s limit shows as a 429/);
  expect(stdout).toContain('variables that are not set here: LITELLM_MASTER_KEY, OPENAI_API_KEY');
  expect(stdout).not.toContain('sk-in-clear');
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(statSync(join(cwd, 'conduit.yaml')).mode & 0o777).toBe(0o600);
  const env = { OPENAI_API_KEY: 'a', LITELLM_MASTER_KEY: 'b' };
  expect((await conduit(['check'], cwd, env)).stdout).toContain('ok (3 routers, 2 models)');
});

test('a config that is there is not overwritten unless --force says so, and then is the owner’s alone, too', async () => {
  const cwd = directory({ 'config.yaml': SMALL, 'conduit.yaml': 'mine' });
  const refused = await conduit(['import-litellm', 'config.yaml'], cwd);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^conduit\.yaml: is there already \(allowed: .*--force.*\)\n$/);
  expect(readFileSync(join(cwd, 'conduit.yaml'), 'utf8')).toBe('mine');
  expect((await conduit(['import-litellm', 'config.yaml', '--force'], cwd)).code).toBe(0);
  expect(readFileSync(join(cwd, 'conduit.yaml'), 'utf8')).toContain('routers:');
  expect(statSync(join(cwd, 'conduit.yaml')).mode & 0o777).toBe(0o600);
});

test('--json prints one document of it, and --config - the config alone', async () => {
  const cwd = directory({ 'config.yaml': SMALL });
  const json = await conduit(['import-litellm', 'config.yaml', '--json', '--config', 'out.yaml'], cwd);
  expect(JSON.parse(json.stdout)).toMatchObject({
    config: 'out.yaml',
    notes: expect.arrayContaining([
      { path: 'model_list[0].litellm_params.rpm', kind: 'left_out', message: expect.any(String) },
    ]),
    problems: [],
    variables_not_set: ['LITELLM_MASTER_KEY', 'OPENAI_API_KEY'],
  });
  const piped = await conduit(['import-litellm', 'config.yaml', '--config', '-'], cwd);
  expect(piped.stdout).toBe(readFileSync(join(cwd, 'out.yaml'), 'utf8'));
  expect(piped.stderr).toContain('Left out:');
});

test('a file that gives no config is refused in one line, and nothing is written', async () => {
  const cwd = directory({ 'config.yaml': 'model_list: []', 'broken.yaml': 'a: [' });
  for (const [file, why] of [
    ['config.yaml', /^config\.yaml: model_list: empty/],
    ['broken.yaml', /^broken\.yaml: line 1, column 5: not valid YAML/],
    ['gone.yaml', /^gone\.yaml: cannot be read/],
  ] as const) {
    const { code, stdout, stderr } = await conduit(['import-litellm', file, '--json'], cwd);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 });
    expect(stderr).toMatch(why);
  }
  expect(() => statSync(join(cwd, 'conduit.yaml'))).toThrow();
});

test('a variable whose value does not fit its place is told of, and the config written all the same', async () => {
  const cwd = directory({ 'config.yaml': `${SMALL}\nrouter_settings: { redis_url: os.environ/REDIS_URL }` });
  const { code, stdout } = await conduit(['import-litellm', 'config.yaml'], cwd, { REDIS_URL: 'localhost' });
  expect(code).toBe(0);
  expect(stdout).toContain('problem: stores.state: not valid');
});

test('a gateway with the imported config answers the names of before: of models, aliases and fallbacks', async () => {
  const first = await startedUpstream();
  const second = await startedUpstream();
  const cwd = directory({
    'config.yaml': `
model_list:
  - model_name: gpt-4o
    litellm_params: { model: openai/big, api_base: os.environ/FIRST_URL, api_key: os.environ/FIRST_KEY, temperature: 0.25 }
    model_info: { input_cost_per_token: 2.5e-6, output_cost_per_token: 1e-5 }
  - model_name: team/claude
    litellm_params: { model: openai/small, api_base: "${second.url}", api_key: none }
    model_info: { input_cost_per_token: 1e-7, output_cost_per_token: 5e-7 }
  - model_name: embeddings
    litellm_params: { model: openai/embed, api_base: "${second.url}", api_key: none }
    model_info: { mode: embedding }
router_settings:
  model_group_alias: { gpt-4: gpt-4o }
  fallbacks: [{ gpt-4o: [team/claude] }]
general_settings: { master_key: os.environ/LITELLM_MASTER_KEY }
environment_variables: { FIRST_URL: "${first.url}" }
`,
  });
  const env = { FIRST_KEY: 'sk-first', LITELLM_MASTER_KEY: 'sk-master' };
  expect((await conduit(['import-litellm', 'config.yaml'], cwd, env)).code).toBe(0);
  const gateway = await serve(['--port', '0'], cwd, env);
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-master', maxRetries: 0 });
  const asked = async (model: string): Promise<string> => {
    const { data, response } = await client.chat.completions
      .create({ model, messages: [{ role: 'user', content: `Hello, ${model}` }] })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello there');
    return response.headers.get('x-conduit-model') as string;
  };

  expect(await asked('gpt-4o')).toBe('first/big');
  expect(first.received[0]).toMatchObject({
    headers: { authorization: 'Bearer sk-first' },
    body: { model: 'big', temperature: 0.25 },
  });
  expect(await asked('gpt-4')).toBe('first/big');
  expect(await asked('team/claude')).toBe('local/small');
  expect(['first/big', 'local/small']).toContain(await asked('auto'));
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['gpt-4o', 'team-claude', 'auto']),
  );

  first.scripts.set('*', fail(500));
  expect(await asked('gpt-4o')).toBe('local/small');

  second.scripts.set('embed', (response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"object":"list","data":[],"model":"embed","usage":{"prompt_tokens":1,"total_tokens":1}}'),
  );
  const { model } = await client.embeddings.create({ model: 'local/embed', input: 'x', encoding_format: 'float' });
  expect(model).toBe('embed');
  const stranger = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-other', maxRetries: 0 });
  await expect(stranger.models.list()).rejects.toThrow('401');
  gateway.process.kill('SIGTERM');
  expect((await gateway.ended).code).toBe(0);
}, 60_000);

test('included files are looked for beside the one that names them, and stdin is read for -', async () => {
  const cwd = directory({ 'more.yaml': SMALL });
  writeFileSync(join(cwd, 'config.yaml'), 'include: [more.yaml]');
  const { code, stdout } = await conduit(['import-litellm', './config.yaml'], cwd);
  expect(code).toBe(0);
  expect(stdout).toContain('include[0]');
  const empty = await conduit(['import-litellm', '-', '--config', 'out.yaml'], cwd);
  expect(empty).toMatchObject({ code: 1, stderr: '-: empty (allowed: a mapping with model_list)\n' });
});

async function startedUpstream(): Promise<FakeUpstream> {
  const upstream = await startFakeUpstream(answer());
  onTestFinished(() => upstream.close());
  return upstream;
}
