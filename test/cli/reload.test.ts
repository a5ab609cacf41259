/** A config that changes while a real process serves: taken over, or refused, and nobody who is being answered notices. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, piece, startFakeUpstream } from '../support/fake-upstream.ts';
import { directory, type Serving, serve } from './run-cli.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];

describe('a serving process', () => {
  let upstream: FakeUpstream;
  beforeAll(async () => {
    upstream = await startFakeUpstream(answer());
  });
  afterEach(() => {
    upstream.received.length = 0;
    upstream.scripts.clear();
    upstream.scripts.set('*', answer());
  });
  afterAll(() => upstream.close());

  const config = (models: string, more = ''): string => `
server: { port: 0 }
providers: { p: { base_url: "${upstream.url}", api_key: "\${PROVIDER_KEY:-none}" } }
models: [${models}]
${more}`;
  const model = (name: string): string => `{ id: p/${name}, price: { input: 1, output: 1 } }`;

  const clientOf = ({ url }: Serving, apiKey = 'none'): OpenAI =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  const modelsOf = async (gateway: Serving): Promise<string[]> =>
    (await clientOf(gateway).models.list()).data.map(({ id }) => id).filter((id) => id !== 'auto');
  const ask = (gateway: Serving) => clientOf(gateway).chat.completions.create({ model: 'auto', messages: MESSAGES });

  test('takes another config over on SIGHUP, while an answer streams and what was learned stays', async () => {
    const cwd = directory({ 'conduit.yaml': config(model('a')) });
    const gateway = await serve([], cwd);
    const client = clientOf(gateway);
    const { response } = await ask(gateway).withResponse();
    const decisionId = response.headers.get('x-conduit-decision');
    const goOn = Promise.withResolvers<void>();
    upstream.scripts.set('*', async (out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('before '));
      await goOn.promise;
      out.end(`${piece('after')}${piece('', 'stop')}data: [DONE]\n\n`);
    });
    const stream = await client.chat.completions.create({ model: 'auto', stream: true, messages: MESSAGES });

    writeFileSync(join(cwd, 'conduit.yaml'), config(`${model('a')}, ${model('b')}`));
    gateway.process.kill('SIGHUP');
    await gateway.said(/"config reloaded"/);
    expect(await modelsOf(gateway)).toEqual(['p/a', 'p/b']);
    goOn.resolve();
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('before after');

    const feedback = { decision_id: decisionId, signal: 'thumbs', value: 1 };
    expect(await client.post('/feedback', { body: feedback })).toMatchObject({ status: 'recorded', reward: 1 });
    await expect
      .poll(async () => (await client.get('/routers/auto')) as { observations: number })
      .toMatchObject({ observations: 2 });
  });

  describe('sees by itself that its config has changed,', () => {
    const changed = async (cwd: string, change: () => void): Promise<void> => {
      const gateway = await serve(['--config', 'conduit.yaml'], cwd);
      expect(await modelsOf(gateway)).toEqual(['p/a']);
      change();
      await gateway.said(/"config reloaded"/);
      expect(await modelsOf(gateway)).toEqual(['p/b']);
    };

    test('written in place', async () => {
      const cwd = directory({ 'conduit.yaml': config(model('a')) });
      await changed(cwd, () => writeFileSync(join(cwd, 'conduit.yaml'), config(model('b'))));
    });

    test('put in its place, as editors do', async () => {
      const cwd = directory({ 'conduit.yaml': config(model('a')) });
      await changed(cwd, () => {
        writeFileSync(join(cwd, 'conduit.yaml.new'), config(model('b')));
        renameSync(join(cwd, 'conduit.yaml.new'), join(cwd, 'conduit.yaml'));
      });
    });

    test('taken away and written again', async () => {
      const cwd = directory({ 'conduit.yaml': config(model('a')) });
      await changed(cwd, () => {
        rmSync(join(cwd, 'conduit.yaml'));
        writeFileSync(join(cwd, 'conduit.yaml'), config(model('b')));
      });
    });

    test('behind a link that is turned, as Kubernetes does', async () => {
      const cwd = directory();
      for (const [folder, name] of [['..1', 'a'] as const, ['..2', 'b'] as const]) {
        mkdirSync(join(cwd, folder));
        writeFileSync(join(cwd, folder, 'conduit.yaml'), config(model(name)));
      }
      symlinkSync('..1', join(cwd, '..data'));
      symlinkSync(join('..data', 'conduit.yaml'), join(cwd, 'conduit.yaml'));
      await changed(cwd, () => {
        symlinkSync('..2', join(cwd, '..data.new'));
        renameSync(join(cwd, '..data.new'), join(cwd, '..data'));
      });
    });
  });

  test('refuses an invalid config, says every problem in a line of its own, and keeps the old one', async () => {
    const cwd = directory({ 'conduit.yaml': config(model('a')) });
    const gateway = await serve([], cwd);
    writeFileSync(
      join(cwd, 'conduit.yaml'),
      config(model('b'), 'log: { level: loud }\nrouters: { auto: { models: [p/c], fallbacks: -1 } }'),
    );
    const refused = [/"log\.level"/, /"routers\.auto\.fallbacks"/].map((path) => gateway.said(path));
    for (const line of await Promise.all(refused)) {
      expect(JSON.parse(line)).toMatchObject({ level: 50, msg: 'config refused: the one in use stays' });
    }
    expect(JSON.parse(await (refused[0] as Promise<string>))).toMatchObject({
      problem: 'not one of these',
      allowed: 'debug, info, warn, error, silent',
    });
    expect(await modelsOf(gateway)).toEqual(['p/a']);
    expect((await ask(gateway)).choices[0]?.message.content).toBe('Hello there');

    writeFileSync(join(cwd, 'conduit.yaml'), 'models: [');
    await gateway.said(/not valid YAML/);
    rmSync(join(cwd, 'conduit.yaml'));
    await gateway.said(/no such file/);
    expect(await modelsOf(gateway)).toEqual(['p/a']);
    writeFileSync(join(cwd, 'conduit.yaml'), config(model('b')));
    await gateway.said(/"config reloaded"/);
    expect(await modelsOf(gateway)).toEqual(['p/b']);
  });

  test('names what only a restart takes over, without its value', async () => {
    const cwd = directory({ 'conduit.yaml': config(model('a')) });
    const gateway = await serve([], cwd);
    const server =
      'server: { port: 1, host: localhost, secret: a-secret-of-many-characters-0123456789, max_body_bytes: 1000 }';
    const telemetry =
      'telemetry: { otlp: { endpoint: "http://127.0.0.1:9", headers: { x-key: a-secret-of-many-characters } } }';
    writeFileSync(join(cwd, 'conduit.yaml'), config(model('b'), telemetry).replace('server: { port: 0 }', server));
    await gateway.said(/"config reloaded"/);
    expect(await modelsOf(gateway)).toEqual(['p/b']);
    gateway.process.kill('SIGTERM');
    const { code, stderr } = await gateway.ended;
    const named = [...stderr.matchAll(/"path":"([^"]+)","msg":"config changed where only a restart/g)];
    expect(named.map(([, path]) => path).sort()).toEqual(['server.host', 'server.port', 'server.secret', 'telemetry']);
    expect(stderr).not.toContain('a-secret-of-many-characters');
    expect(code).toBe(0);
  });

  test('takes over a limit and a log level', async () => {
    const cwd = directory({ 'conduit.yaml': config(model('a'), 'log: { level: warn, requests: true }') });
    const gateway = await serve([], cwd);
    const next = config(model('a'), 'log: { requests: true }').replace('port: 0', 'port: 0, max_body_bytes: 50');
    writeFileSync(join(cwd, 'conduit.yaml'), next);
    await gateway.said(/"config reloaded"/);
    await expect(ask(gateway)).rejects.toMatchObject({ status: 413 });
    writeFileSync(join(cwd, 'conduit.yaml'), next.replace(', max_body_bytes: 50', ''));
    await expect
      .poll(() =>
        ask(gateway).then(
          () => 'answered',
          () => 'refused',
        ),
      )
      .toBe('answered');
    expect(JSON.parse(await gateway.said(/"msg":"request"/))).toMatchObject({ level: 30 });
  });

  test('never opens itself to the network: a config without keys is refused while it listens there', async () => {
    const keys = 'keys: [{ name: web, key: a-key-that-is-long-enough-1234 }]';
    const open = config(model('b'));
    const cwd = directory({ 'conduit.yaml': config(model('a'), keys).replace('port: 0', 'port: 0, host: 0.0.0.0') });
    const gateway = await serve([], cwd);
    writeFileSync(join(cwd, 'conduit.yaml'), open);
    expect(JSON.parse(await gateway.said(/"path":"keys"/))).toMatchObject({ level: 50 });
    const url = gateway.url.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
  });

  test('reads .env again, and what the process itself was given still wins', async () => {
    const text = config(model('a'), 'log: { level: "${LEVEL}" }');
    const cwd = directory({ 'conduit.yaml': text, '.env': 'PROVIDER_KEY=sk-first\nLEVEL=error\n' });
    const gateway = await serve([], cwd, { LEVEL: 'info' });
    await ask(gateway);
    writeFileSync(join(cwd, '.env'), 'PROVIDER_KEY=sk-second\nLEVEL=error\n');
    await gateway.said(/"config reloaded"/);
    await ask(gateway);
    expect(upstream.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer sk-first',
      'Bearer sk-second',
    ]);
  });

  test('that was built from the keys in the environment takes over another set of them', async () => {
    const cwd = directory({ '.env': 'GROQ_API_KEY=gsk-secret\n' });
    const gateway = await serve(['--port', '0'], cwd);
    expect((await modelsOf(gateway)).every((id) => id.startsWith('groq/'))).toBe(true);
    writeFileSync(join(cwd, '.env'), 'XAI_API_KEY=xai-secret\n');
    await gateway.said(/"config reloaded"/);
    expect((await modelsOf(gateway)).every((id) => id.startsWith('xai/'))).toBe(true);
    writeFileSync(join(cwd, '.env'), '');
    await gateway.said(/no provider key is left/);
    expect(await modelsOf(gateway)).not.toEqual([]);
  });
});
