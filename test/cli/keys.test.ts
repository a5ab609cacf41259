/** `conduit keys`, as an operator meets it: the config keeps what was written by hand, and no key is shown but once. */
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lineOf } from '../../src/cli/decision-lines.ts';
import { sha256Hex } from '../../src/crypto.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { finishedDecision } from '../stores/finished-decision.ts';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';
import { conduit, conduitIntoFull, directory, type Serving, serve, startConduit } from './run-cli.ts';

const SERVER = `# Ours
server:
  port: 0     # any that is free
`;
const REST = `
providers:
  p: { base_url: "http://127.0.0.1:1/v1" }   # the only one
models:
  - { id: p/a, price: { input: 1, output: 2 } }
routers:
  auto: { models: [p/a] }
  cheap: { models: [p/a] }
`;
const HASH = '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8';
const KEY = /^cdt_[0-9a-f]{48}$/;

const textIn = (folder: string, file = 'conduit.yaml'): string => readFileSync(join(folder, file), 'utf8');

describe('conduit keys create', () => {
  test('prints the key and nothing else, and writes its hash between what stands there', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + REST });
    const args = ['--routers', 'auto,cheap', '--models', 'p/*', '--routes', 'chat/completions', '--usd-per-day', '2.5'];
    const first = await conduit(['keys', 'create', 'web', ...args, '--requests-per-minute', '60'], folder);
    expect(first.code).toBe(0);
    const key = first.stdout.trimEnd();
    expect(key).toMatch(KEY);
    expect(first.stderr).not.toContain(key);
    expect(first.stderr.replaceAll('\n', ' ')).toContain('from now on a client without a key gets 401');
    expect(first.stderr.replaceAll('\n', ' ')).toContain('conduit keys create NAME --admin');
    expect(Math.max(...first.stderr.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const section = `
keys:
  - name: web
    key_sha256: "${sha256Hex(key)}"
    routers: [auto, cheap]
    models: [p/*]
    routes: [chat/completions]
    requests_per_minute: 60
    usd_per_day: 2.5
`;
    expect(textIn(folder)).toBe(SERVER + section + REST);

    expect(first.stderr).not.toContain('--models');
    const wide = await conduit(['keys', 'create', 'wide', '--routers', 'auto'], folder);
    expect(wide.stderr.replaceAll('\n', ' ')).toContain('Any model can still be asked for by its own id');
    expect(await conduit(['keys', 'revoke', 'wide'], folder)).toMatchObject({ code: 0 });

    const second = await conduit(['keys', 'create', 'ops', '--admin', '--json'], folder);
    expect(second.stderr).not.toContain('first');
    const made = JSON.parse(second.stdout) as { key: string };
    expect(made).toEqual({
      object: 'key',
      name: 'ops',
      key: expect.stringMatching(KEY),
      key_sha256: sha256Hex(made.key),
      admin: true,
      routers: null,
      models: null,
      routes: ['chat/completions', 'models', 'feedback', 'embeddings', 'moderations'],
      requests_per_minute: null,
      usd_per_day: null,
    });
    const entry = `  - name: ops\n    key_sha256: "${sha256Hex(made.key)}"\n    admin: true\n`;
    expect(textIn(folder)).toBe(SERVER + section + entry + REST);
    expect(readdirSync(folder)).toEqual(['conduit.yaml']);
  });

  test('writes JSON as JSON', async () => {
    const document = {
      providers: { p: { base_url: 'http://127.0.0.1:1/v1' } },
      models: [{ id: 'p/a', price: { input: 0, output: 0 } }],
    };
    const folder = directory({ 'conduit.json': JSON.stringify(document, null, 2) });
    const { stdout } = await conduit(['keys', 'create', 'web'], folder);
    const keys = [{ name: 'web', key_sha256: sha256Hex(stdout.trimEnd()) }];
    expect(textIn(folder, 'conduit.json')).toBe(JSON.stringify({ ...document, keys }, null, 2));
  });

  test('leaves the file its mode, and a link a link', async () => {
    const folder = directory({ 'kept.yaml': SERVER + REST });
    chmodSync(join(folder, 'kept.yaml'), 0o640);
    symlinkSync('kept.yaml', join(folder, 'conduit.yaml'));
    expect(await conduit(['keys', 'create', 'web'], folder)).toMatchObject({ code: 0 });
    expect(lstatSync(join(folder, 'conduit.yaml')).isSymbolicLink()).toBe(true);
    expect(statSync(join(folder, 'kept.yaml')).mode & 0o777).toBe(0o640);
    expect(textIn(folder, 'kept.yaml')).toContain('- name: web');
  });

  test('makes a config right that listens beyond this machine and had no key', async () => {
    const folder = directory({ 'conduit.yaml': `server: { host: 0.0.0.0 }\n${REST}` });
    expect(await conduit(['check'], folder)).toMatchObject({ code: 1 });
    expect(await conduit(['keys', 'create', 'web'], folder)).toMatchObject({ code: 0 });
    expect(await conduit(['check'], folder)).toMatchObject({ code: 0 });
  });

  test('takes a name for what it is, whatever it would mean in a config', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + REST });
    const name = '${HOME}: "it’s" # mine, [really]';
    expect(await conduit(['keys', 'create', name], folder)).toMatchObject({ code: 0 });
    const listed = JSON.parse((await conduit(['keys', 'list', '--json'], folder)).stdout) as { data: object[] };
    expect(listed.data).toMatchObject([{ name }]);
    expect(await conduit(['keys', 'revoke', name, '--force'], folder)).toMatchObject({ code: 0 });
  });

  test.each([
    [['web'], 'NAME: another key has this name\n'],
    [[''], 'NAME: empty (allowed: a name of 1 to 64 characters)\n'],
    [['x', '--routers', 'nix'], '--routers: no such router (allowed: auto, cheap)\n'],
    [['x', '--models', 'a b'], '--models: not valid (allowed: a model name, in which * stands for any text)\n'],
    [
      ['x', '--requests-per-minute', '1.5'],
      '--requests-per-minute: is a number with a fraction (allowed: a whole number, at least 1)\n',
    ],
  ])('of %j says what is wrong by the command line’s names, and changes nothing', async (args, stderr) => {
    const text = `${SERVER}keys: [{ name: web, key: "abc" }]\n${REST}`;
    const folder = directory({ 'conduit.yaml': text });
    for (const json of [[], ['--json']])
      expect(await conduit(['keys', 'create', ...args, ...json], folder)).toEqual({ code: 1, stdout: '', stderr });
    expect(textIn(folder)).toBe(text);
  });

  test.each([
    [
      'is not valid beside the key',
      `${SERVER}${REST}log: { level: loud }\n`,
      'conduit.yaml: log.level: not one of these (allowed: debug, info, warn, error, silent)\n',
    ],
    [
      'needs a variable that is not there',
      `${SERVER}${REST}`.replace('the only one', '').replace('"http://127.0.0.1:1/v1"', '"${URL}"'),
      'conduit.yaml: providers.p.base_url: the environment variable URL is not set\n',
    ],
    ['is empty', '# to come\n', 'conduit.yaml: config: empty (allowed: a mapping with providers and models)\n'],
    ['is a list', '- a\n', 'conduit.yaml: config: not a mapping (allowed: a mapping with providers and models)\n'],
    ['is no YAML', `${SERVER}models: [`, /^conduit\.yaml: line 4, column \d+: not valid YAML: .*\n$/],
    [
      'has its keys where no program finds them',
      `x: &k []\nkeys: *k\n${REST}`,
      'conduit.yaml: keys: written in a way that cannot be changed by program: change it by hand\n',
    ],
  ])('refuses a config that %s, and changes nothing', async (_, text, stderr) => {
    const folder = directory({ 'conduit.yaml': text });
    const ended = await conduit(['keys', 'create', 'web'], folder);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    if (typeof stderr === 'string') expect(ended.stderr).toBe(stderr);
    else expect(ended.stderr).toMatch(stderr);
    expect(textIn(folder)).toBe(text);
  });

  test('says what to do where there is no file', async () => {
    const create = (env = {}) => conduit(['keys', 'create', 'web'], directory(), env);
    expect(await create()).toEqual({
      code: 1,
      stdout: '',
      stderr: 'there is no conduit.yaml here: name one with --config, or let `conduit init` write one\n',
    });
    expect((await create({ OPENAI_API_KEY: 'sk-secret' })).stderr).toMatch(
      /^there is no conduit\.yaml here, .* `conduit init` writes it into a file\n$/,
    );
    expect((await conduit(['keys', 'create', 'web', '--config', 'x.yaml'], directory())).stderr).toBe(
      'x.yaml: no such file\n',
    );
  });

  test('says what to do with a key that nobody has seen, since stdout takes nothing', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + REST });
    const { code, stderr } = await conduitIntoFull(['keys', 'create', 'web'], folder);
    expect(code).toBe(1);
    expect(stderr).toContain("stdout cannot be written (ENOSPC): nobody has the key of 'web'");
    expect(stderr).toContain('conduit keys revoke');
    expect(textIn(folder)).toContain('- name: web');
  });

  test('ends well where nobody reads what it says beside the key', async () => {
    const creating = startConduit(['keys', 'create', 'web'], directory({ 'conduit.yaml': SERVER + REST }));
    creating.process.stderr.destroy();
    expect(await creating.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^cdt_[0-9a-f]{48}\n$/) });
  });

  test('writes into a Worker’s config, too', async () => {
    const text = `${REST}stores: { state: durable-object, durable: none }\n`;
    const folder = directory({ 'conduit.worker.yaml': text });
    const { code, stderr } = await conduit(['keys', 'create', 'web', '--platform', 'workers'], folder);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('wrangler deploy') });
    expect(textIn(folder, 'conduit.worker.yaml')).toContain('- name: web');
  });
});

describe('conduit keys list', () => {
  const KEYS = `keys:
  - { name: web, key: "\${WEB_KEY:-sk-default-secret}", routers: [auto], requests_per_minute: 60, usd_per_day: 2.5 }
  - { name: ops, key_sha256: "${HASH}", admin: true }
  - { name: old, key: sk-in-clear-secret, models: ["p/*", "p/a"], routes: ["*"] }
`;

  test('tells what each may and how it is given, in 80 columns, and never a key', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + KEYS + REST });
    const { code, stdout, stderr } = await conduit(['keys', 'list'], folder, { WEB_KEY: 'sk-other-secret' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('secret');
    expect(stdout).toMatch(/^web +no +auto +all +default +60\/min, \$2\.5\/day +\$\{WEB_KEY\}$/m);
    expect(stdout).toMatch(/^ops +yes +all +all +default +none +hash 5e884898…$/m);
    expect(stdout).toMatch(/^old +no +all +p\/\*, p\/a +\* +none +in clear$/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('tells programs the same', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + KEYS + REST });
    const { stdout } = await conduit(['keys', 'list', '--json'], folder);
    expect(stdout).not.toContain('secret');
    expect(JSON.parse(stdout)).toMatchObject({
      object: 'list',
      data: [
        {
          name: 'web',
          admin: false,
          routers: ['auto'],
          models: null,
          requests_per_minute: 60,
          usd_per_day: 2.5,
          given_as: 'variable',
          variables: ['WEB_KEY'],
        },
        {
          name: 'ops',
          admin: true,
          routers: null,
          requests_per_minute: null,
          given_as: 'hash',
          sha256_begins: '5e884898',
        },
        { name: 'old', models: ['p/*', 'p/a'], routes: ['*'], given_as: 'text' },
      ],
    });
  });

  test('says whom a config without keys lets in', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + REST });
    expect(await conduit(['keys', 'list'], folder)).toEqual({
      code: 0,
      stdout: 'no keys: whoever reaches 127.0.0.1 may call, with every right\n',
      stderr: '',
    });
  });
});

describe('conduit keys revoke', () => {
  const KEYS = `keys: # who may call
  # The shop
  - name: web
    key: "\${WEB_KEY:-x}"   # from the vault
  # Us
  - { name: "\${OPS:-ops}", key_sha256: "${HASH}", admin: true }
`;

  test('takes the key out with its comments, and leaves all else', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + KEYS + REST });
    const { code, stdout } = await conduit(['keys', 'revoke', 'ops'], folder);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "'ops' is revoked\n" });
    expect(textIn(folder)).toBe(SERVER + KEYS.replace(/ {2}# Us\n.*\n/, '') + REST);
  });

  test('keeps the last one, which closes the gateway, unless it is forced', async () => {
    const text = SERVER + KEYS.replace(/ {2}# Us\n.*\n/, '') + REST;
    const folder = directory({ 'conduit.yaml': text });
    const refused = await conduit(['keys', 'revoke', 'web'], folder);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^NAME: 'web' is the last key, .*--force\)\n$/);
    expect(textIn(folder)).toBe(text);
    const forced = await conduit(['keys', 'revoke', 'web', '--force', '--json'], folder);
    expect(JSON.parse(forced.stdout)).toEqual({ object: 'key', name: 'web', revoked: true, keys_left: 0 });
    expect(textIn(folder)).toBe(`${SERVER}keys: # who may call\n  # The shop\n${REST}`);
    expect(await conduit(['check'], folder)).toMatchObject({ code: 0 });
  });

  test('never opens a gateway to the network', async () => {
    const text = `server: { host: 0.0.0.0 }\nkeys: [{ name: web, key: abc }]\n${REST}`;
    const folder = directory({ 'conduit.yaml': text });
    const { code, stderr } = await conduit(['keys', 'revoke', 'web', '--force'], folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^NAME: 'web' is the last key; server\.host: without keys everybody who reaches this host/);
    expect(textIn(folder)).toBe(text);
  });

  test('names the keys that there are', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + KEYS + REST });
    expect(await conduit(['keys', 'revoke', 'shop'], folder)).toEqual({
      code: 1,
      stdout: '',
      stderr: "NAME: there is no key 'shop' in conduit.yaml (keys: web, ops)\n",
    });
  });
});

test('a gateway that serves takes a new key over by itself, and refuses a revoked one', async () => {
  const upstream = await startFakeUpstream(answer());
  onTestFinished(() => upstream.close());
  const folder = directory({ 'conduit.yaml': SERVER + REST.replace('http://127.0.0.1:1/v1', upstream.url) });
  const gateway = await serve([], folder);
  const status = async (key?: string): Promise<number> =>
    (
      await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] }),
      })
    ).status;
  const patience = { timeout: 15_000, interval: 50 };
  expect(await status()).toBe(200);
  const keyOf = async (name: string): Promise<string> => {
    const { stdout } = await conduit(['keys', 'create', name], folder);
    return stdout.trimEnd();
  };
  const web = await keyOf('web');
  await expect.poll(() => status(), patience).toBe(401);
  expect(await status(web)).toBe(200);
  const phone = await keyOf('phone');
  await expect.poll(() => status(phone), patience).toBe(200);
  expect(await conduit(['keys', 'revoke', 'web'], folder)).toMatchObject({ code: 0 });
  await expect.poll(() => status(web), patience).toBe(401);
  expect(await status(phone)).toBe(200);

  // And all the while the folder is its own.
  const usage = async (): Promise<object> =>
    JSON.parse((await conduit(['keys', 'usage', '--json'], folder)).stdout) as object;
  await expect.poll(usage, patience).toMatchObject({
    data: expect.arrayContaining([
      expect.objectContaining({ key: 'web', in_config: false, calls: expect.any(Number) }),
      expect.objectContaining({ key: 'phone', in_config: true }),
      expect.objectContaining({ key: null, in_config: false }),
    ]),
  });
  gateway.process.kill('SIGTERM');
  expect((await (gateway as Serving).ended).code).toBe(0);
}, 90_000);

describe('conduit keys usage', () => {
  const CONFIG = `${SERVER}keys: [{ name: web, key: abc }, { name: new, key: def }]\n${REST}`;
  const on = (day: string, hour = 0): number => Date.parse(`2026-${day}T00:00:00Z`) + 3_600_000 * hour;
  const call = (
    key: string | null,
    created: number,
    model: string,
    costUsd: number,
    estimated = false,
  ): DecisionRecord => {
    const made = finishedDecision({ created });
    return { ...made, key, model, outcome: { ...made.outcome!, costUsd, estimated } };
  };
  const CALLS = [
    call('web', on('01-30', 23), 'p/a', 1),
    call('web', on('01-31'), 'p/a', 0.25),
    call('web', on('01-31', 5), 'p/b', 0.5, true),
    call('gone', on('01-31', 6), 'p/a', 4),
    call(null, on('01-29'), 'p/a', 0.001),
  ];

  async function keeping(): Promise<string> {
    const folder = directory({ 'conduit.yaml': CONFIG, 'these.jsonl': CALLS.map(lineOf).join('') });
    expect(await conduit(['import', 'these.jsonl'], folder)).toMatchObject({ code: 0 });
    return folder;
  }

  test('tells of each key what it called for, what that cost and when, the dearest first', async () => {
    const folder = await keeping();
    const { code, stdout, stderr } = await conduit(['keys', 'usage'], folder);
    expect(code).toBe(0);
    expect(stderr).toContain('Calls are kept for 30 days (stores.retention).');
    const [, ...lines] = stdout.slice(stdout.indexOf('\ngone')).split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['gone (revoked)', '1', '240', '200', '300', '4.0000', '2026-01-31', '2026-01-31'],
      ['web', '3', '720', '600', '900', '1.7500', '2026-01-30', '2026-01-31'],
      ['(no key)', '1', '240', '200', '300', '0.0010', '2026-01-29', '2026-01-29'],
      ['new', '0', '0', '0', '0', '0.0000', 'never', 'never'],
      ['total', '5', '1.2K', '1K', '1.5K', '5.7510', '2026-01-29', '2026-01-31'],
      [''],
      ['1 call told no usage: tokens and cost are estimated'],
      [''],
    ]);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('tells programs the same, of one key, by day or by model, since a time', async () => {
    const folder = await keeping();
    const told = async (...args: string[]) =>
      JSON.parse((await conduit(['keys', 'usage', ...args, '--json'], folder)).stdout) as {
        data: object[];
        total: object;
      };
    const one = { prompt_tokens: 240, completion_tokens: 300, cached_tokens: 200 };
    expect(await told('web', '--by', 'model', '--since', '2026-01-31')).toEqual({
      object: 'list',
      since: on('01-31') / 1000,
      by: 'model',
      data: [
        {
          object: 'key.usage',
          key: 'web',
          in_config: true,
          model: 'p/b',
          calls: 1,
          ...one,
          cost_usd: 0.5,
          estimated_calls: 1,
          first_at: on('01-31', 5) / 1000,
          last_at: on('01-31', 5) / 1000,
        },
        {
          object: 'key.usage',
          key: 'web',
          in_config: true,
          model: 'p/a',
          calls: 1,
          ...one,
          cost_usd: 0.25,
          estimated_calls: 0,
          first_at: on('01-31') / 1000,
          last_at: on('01-31') / 1000,
        },
      ],
      total: {
        calls: 2,
        prompt_tokens: 480,
        completion_tokens: 600,
        cached_tokens: 400,
        cost_usd: 0.75,
        estimated_calls: 1,
        first_at: on('01-31') / 1000,
        last_at: on('01-31', 5) / 1000,
      },
    });
    expect(await told('--by', 'day')).toMatchObject({
      data: [
        { key: null, day: '2026-01-29', calls: 1 },
        { key: 'gone', in_config: false, day: '2026-01-31', calls: 1 },
        { key: 'web', day: '2026-01-30', calls: 1, cost_usd: 1 },
        { key: 'web', day: '2026-01-31', calls: 2, cost_usd: 0.75 },
      ],
      total: { calls: 5 },
    });
    expect(await told('new')).toMatchObject({ data: [{ key: 'new', calls: 0, first_at: null, last_at: null }] });
    expect(await told('gone')).toMatchObject({ data: [{ key: 'gone', calls: 1 }] });
  });

  test.each([
    [['nix'], "NAME: there is no key 'nix', and nothing that was called with one (keys: web, new)\n"],
    [['--since', 'yesterday'], "--since: 'yesterday' is no time."],
    [['--by', 'week'], "argument 'week' is invalid"],
  ])('of %j says only what is wrong', async (args, message) => {
    const folder = await keeping();
    const { code, stdout, stderr } = await conduit(['keys', 'usage', ...args], folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('says that nothing has been kept yet, where no gateway has run', async () => {
    const folder = directory({ 'conduit.yaml': SERVER + REST });
    expect(await conduit(['keys', 'usage'], folder)).toMatchObject({
      code: 0,
      stdout: 'nothing was called\n',
      stderr: expect.stringMatching(/^nothing has been kept in .*\.conduit yet\n/),
    });
    expect(readdirSync(folder)).toEqual(['conduit.yaml']);
  });
});

test('a config that somebody changes meanwhile is not overwritten', async () => {
  const folder = directory({ 'conduit.yaml': SERVER + REST });
  const ended = await Promise.all(['a', 'b', 'c', 'd'].map((name) => conduit(['keys', 'create', name], folder)));
  const made = ended.filter(({ code }) => code === 0);
  expect(made.length).toBeGreaterThan(0);
  for (const { code, stderr } of ended)
    if (code !== 0)
      expect(stderr).toMatch(/^conduit\.yaml (has been|is being) changed by somebody else.*: run this again/);
  const text = textIn(folder);
  for (const { stdout } of made) expect(text).toContain(sha256Hex(stdout.trimEnd()));
  expect(readdirSync(folder)).toEqual(['conduit.yaml']);
});
