/** The command line as a user meets it: what it prints, where, and how it ends. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { conduit, directory, serve } from './run-cli.ts';

const CONFIG = `
server: { port: 0 }
providers: { p: { base_url: "http://127.0.0.1:1/v1" } }
models: [{ id: p/a, price: { input: 0, output: 0 } }]
`;

/** An upstream that answers when `answer` is called. */
async function slowUpstream(): Promise<{ config: string; asked: Promise<void>; answer: () => void }> {
  const { promise: asked, resolve: tell } = Promise.withResolvers<void>();
  const { promise: told, resolve: answer } = Promise.withResolvers<void>();
  const server: Server = createServer(async (_request, response) => {
    tell();
    await told;
    const choices = [{ index: 0, message: { role: 'assistant', content: 'late' }, finish_reason: 'stop' }];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'a', choices }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { config: CONFIG.replace('127.0.0.1:1', `127.0.0.1:${port}`), asked, answer };
}

const ask = (url: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }] }),
  });

describe('conduit check', () => {
  test('says in one line that a config is right', async () => {
    const cwd = directory({ 'conduit.yaml': CONFIG });
    expect(await conduit(['check'], cwd)).toEqual({
      code: 0,
      stdout: 'conduit.yaml: ok (1 router, 1 model)\n',
      stderr: '',
    });
  });

  test('takes a Worker’s config as the Worker will, with wrangler’s variables', async () => {
    const worker = `${CONFIG}keys: [{ name: me, key: "\${CONDUIT_KEY}" }]\nstores: { state: durable-object }\n`;
    const cwd = directory({ 'conduit.worker.yaml': worker, '.dev.vars': 'CONDUIT_KEY=k\n' });
    expect(await conduit(['check', '--platform', 'workers'], cwd)).toEqual({
      code: 0,
      stdout: 'conduit.worker.yaml: ok (1 router, 1 model)\n',
      stderr: '',
    });
    const onNode = await conduit(['check', '--config', 'conduit.worker.yaml'], cwd, { CONDUIT_KEY: 'k' });
    expect(onNode.stdout).toMatch(/^stores\.state: a Durable Object is only to be had on Cloudflare Workers/);
    const inFolder = directory({ 'my.yaml': `${CONFIG}stores: { durable: embedded }\n` });
    expect(await conduit(['check', '--platform', 'workers', '--config', 'my.yaml'], inFolder)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^stores\.durable: there is no folder on Cloudflare Workers/),
    });
    const other = await conduit(['check', '--platform', 'deno'], cwd);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('Allowed choices are node, workers');
  });

  test('says in one line each what is wrong, and ends with 1', async () => {
    const cwd = directory({ 'my.yaml': `${CONFIG}sever: {}\nrouters: { auto: { models: [p/b] } }` });
    expect(await conduit(['check', '--config', 'my.yaml'], cwd)).toMatchObject({ code: 1, stderr: '' });
    const { stdout } = await conduit(['check', '--config', 'my.yaml'], cwd);
    expect(stdout).toBe(
      'sever: unknown key, did you mean server? (allowed: server, keys, providers, models, routers, stores, log, telemetry)\n',
    );
  });

  test('tells programs the same in JSON, right or wrong', async () => {
    const right = await conduit(['check', '--json'], directory({ 'conduit.yaml': CONFIG }));
    expect(right.code).toBe(0);
    expect(JSON.parse(right.stdout)).toEqual({
      ok: true,
      file: 'conduit.yaml',
      problems: [],
      warnings: [],
      routers: 1,
      models: 1,
    });
    const wrong = await conduit(['check', '--json'], directory({ 'conduit.yaml': `${CONFIG}sever: {}\n` }));
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout)).toEqual({
      ok: false,
      file: 'conduit.yaml',
      problems: [
        {
          path: 'sever',
          message: 'unknown key, did you mean server?',
          allowed: 'server, keys, providers, models, routers, stores, log, telemetry',
        },
      ],
      warnings: [],
      routers: null,
      models: null,
    });
    const none = await conduit(['check', '--json'], directory());
    expect(JSON.parse(none.stdout)).toMatchObject({ ok: false, file: null });
  });

  test('takes conduit.yaml before conduit.json, and the JSON where there is no YAML', async () => {
    const json = JSON.stringify({
      providers: { p: { base_url: 'http://x' } },
      models: [{ id: 'p/a', price: { input: 1, output: 1 } }],
    });
    expect((await conduit(['check'], directory({ 'conduit.json': json, 'conduit.yaml': CONFIG }))).stdout).toMatch(
      /^conduit\.yaml: ok/,
    );
    expect((await conduit(['check'], directory({ 'conduit.json': json }))).stdout).toMatch(/^conduit\.json: ok/);
  });

  test('says that there is no file', async () => {
    const cwd = directory();
    expect(await conduit(['check'], cwd)).toMatchObject({
      code: 1,
      stdout: 'conduit.yaml or conduit.json: no such file\n',
    });
    expect(await conduit(['check', '--config', 'x.yaml'], cwd)).toMatchObject({
      code: 1,
      stdout: 'x.yaml: no such file\n',
    });
    expect(await conduit(['check', '--config', '.'], cwd)).toMatchObject({
      code: 1,
      stdout: '.: cannot be read (EISDIR)\n',
    });
  });

  test('reads .env, and what is set already wins over it', async () => {
    const cwd = directory({ 'conduit.yaml': `${CONFIG}log: { level: "$\{LEVEL}" }`, '.env': 'LEVEL=debug\n' });
    expect((await conduit(['check'], cwd)).code).toBe(0);
    expect((await conduit(['check'], cwd, { LEVEL: 'loud' })).stdout).toMatch(/^log\.level: not one of these/);
  });
});

describe('conduit serve', () => {
  test('says first where it listens, answers there, and ends with 0 on SIGTERM', async () => {
    const gateway = await serve([], directory({ 'conduit.yaml': CONFIG }));
    expect(gateway.firstLine).toMatch(/^conduit listening on http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    gateway.process.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  });

  test('lets an answer in flight finish before it ends', async () => {
    const upstream = await slowUpstream();
    const gateway = await serve([], directory({ 'conduit.yaml': upstream.config }));
    const answered = ask(gateway.url);
    await upstream.asked;
    gateway.process.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    upstream.answer();
    expect(await (await answered).text()).toContain('late');
    expect((await gateway.ended).code).toBe(0);
  });

  test('ends at once on a second signal', async () => {
    const upstream = await slowUpstream();
    const gateway = await serve([], directory({ 'conduit.yaml': upstream.config }));
    const answered = ask(gateway.url).catch(() => 'cut off');
    await upstream.asked;
    gateway.process.kill('SIGINT');
    // By the time that this is read the two cannot be taken for one.
    await gateway.said(/"ending: answers in flight may finish"/);
    await new Promise((resolve) => setTimeout(resolve, 200));
    gateway.process.kill('SIGINT');
    expect((await gateway.ended).code).toBe(1);
    expect(await answered).toBe('cut off');
  });

  test('takes port and host from the command line, and keeps an open gateway off the network', async () => {
    const cwd = directory({ 'conduit.yaml': CONFIG.replace('port: 0', 'port: 1') });
    expect((await serve(['--port', '0', '--host', 'localhost'], cwd)).firstLine).toMatch(
      /^conduit listening on http:\/\/localhost:\d+$/,
    );
    const refused = await conduit(['serve', '--host', '0.0.0.0'], cwd);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^server\.host: without keys everybody/);
  });

  test('that listens on all addresses says where a browser finds it, and that others reach it too', async () => {
    const keys = '\nkeys: [{ name: ops, key: ops-key, admin: true }]\n';
    const cwd = directory({ 'conduit.yaml': CONFIG + keys });
    const gateway = await serve(['--port', '0', '--host', '0.0.0.0'], cwd);
    const port = /^conduit listening on http:\/\/0\.0\.0\.0:(\d+)$/.exec(gateway.firstLine)?.[1];
    const watch = await gateway.said(/^watch it at/);
    expect(watch).toBe(`watch it at http://127.0.0.1:${port}/dashboard`);
    expect((await fetch(watch.slice('watch it at '.length))).status).toBe(401);
    expect(await gateway.said(/^other machines/)).toBe("other machines reach it by this machine's name or address");
  });

  test('builds a config from the keys in the environment and shows it, without their values', async () => {
    const cwd = directory();
    const gateway = await serve(['--port', '0'], cwd, { GROQ_API_KEY: 'gsk-secret' });
    const models = (await (await fetch(`${gateway.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toContain('groq/openai/gpt-oss-20b');
    gateway.process.kill('SIGTERM');
    const { stderr } = await gateway.ended;
    expect(stderr).toContain(`$\{GROQ_API_KEY}`);
    expect(stderr).not.toContain('gsk-secret');
    expect(stderr).toContain(`what is learned is kept in ${join(cwd, '.conduit')}\n`);
  });

  test('serves beyond this machine without a file where CONDUIT_KEY says which key it asks for, and else says so', async () => {
    const keys = { GROQ_API_KEY: 'gsk-secret' };
    const gateway = await serve(['--port', '0', '--host', '0.0.0.0'], directory(), { ...keys, CONDUIT_KEY: 'sk-mine' });
    const models = `http://127.0.0.1:${new URL(gateway.url).port}/v1/models`;
    expect((await fetch(models)).status).toBe(401);
    expect((await fetch(models, { headers: { authorization: 'Bearer sk-mine' } })).status).toBe(200);
    gateway.process.kill('SIGTERM');
    expect((await gateway.ended).stderr).not.toContain('sk-mine');
    const refused = await conduit(['serve', '--host', '0.0.0.0'], directory(), keys);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('Set CONDUIT_KEY');
    const withFile = directory({ 'conduit.yaml': CONFIG });
    const unnamed = await conduit(['serve', '--host', '0.0.0.0'], withFile, { CONDUIT_KEY: 'sk-mine' });
    expect(unnamed).toMatchObject({ code: 1, stdout: '' });
    expect(unnamed.stderr).toContain('CONDUIT_KEY is asked for once the config names it');
    expect(unnamed.stderr).not.toContain('sk-mine');
  });

  test('shows the demo to this machine alone', async () => {
    const stderr = '--host: the demo asks for no key (allowed: 127.0.0.1, ::1, localhost)\n';
    expect(await conduit(['demo', '--host', '0.0.0.0'], directory())).toEqual({ code: 1, stdout: '', stderr });
  });

  test('is what is meant where no command is named, and names ways on where there is neither a file nor a key', async () => {
    for (const named of [['serve'], []]) {
      const { code, stdout, stderr } = await conduit(named, directory());
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      for (const way of [
        'export OPENAI_API_KEY',
        ...['init', 'demo', '--help'].map((one) => `npx conduit-gateway ${one}`),
      ])
        expect(stderr).toContain(way);
    }
  });

  test('says in one line that the port is taken', async () => {
    const cwd = directory({ 'conduit.yaml': `${CONFIG}stores: { durable: none }\n` });
    const { url } = await serve([], cwd);
    const { port } = new URL(url);
    expect(await conduit(['serve', '--port', port], cwd)).toEqual({
      code: 1,
      stdout: '',
      stderr: `cannot listen on 127.0.0.1:${port}: the port is taken (another by --port or server.port)\n`,
    });
  });

  test('says what is wrong with a config on stderr, without a stack', async () => {
    const { code, stderr } = await conduit(['serve'], directory({ 'conduit.yaml': 'providers: [' }));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^line 1, column \d+: not valid YAML: [^\n]+\n$/);
  });

  test('refuses a port that is none', async () => {
    for (const port of ['70000', '-1', 'x', '1.5']) {
      const { code, stderr } = await conduit(['serve', '--port', port], directory());
      expect(code).toBe(1);
      expect(stderr).not.toContain('    at ');
      expect(stderr).toContain('--port');
    }
  });
});

test('a misspelt command is met with the right one', async () => {
  const { code, stderr } = await conduit(['chek'], directory());
  expect(code).toBe(1);
  expect(stderr).toContain('check');
});
