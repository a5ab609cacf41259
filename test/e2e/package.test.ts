/** The package as npm packs it, in an empty folder beside nothing but what it depends on: without a network. */
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const NAME = 'conduit-gateway';
/** Nothing here is measured: a machine that runs all other tests meanwhile takes its time, and what hangs must end. */
const TAKES_AT_MOST = 240_000;

let temporary: string;
/** Of somebody who has installed it. */
let home: string;
let installed: string;
let files: string[];
let manifest: { bin: Record<string, string>; dependencies: Record<string, string> };

beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'conduit-package-'));
  const tarball = pack(join(temporary, 'clone'));
  home = join(temporary, 'home');
  installed = join(home, 'node_modules', NAME);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(installed.length + 1));
  manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys(manifest.dependencies)) {
    const path = join(home, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), path);
  }
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
}, TAKES_AT_MOST);

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** Of a copy: what is compiled into the clone itself may be in use. */
function pack(clone: string): string {
  mkdirSync(clone);
  const copied = [
    ...['package.json', 'LICENSE', 'README.md', 'bin', 'src', 'supabase', 'test/e2e', 'docs', 'tools'],
    ...['tsconfig.json', 'tsconfig.build.json', 'conduit.worker.yaml', '.env.example'],
  ];
  for (const name of copied) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const env = { ...process.env, npm_config_offline: 'true', npm_config_update_notifier: 'false' };
  execFileSync('npm', ['pack', '--pack-destination', temporary], {
    cwd: clone,
    env,
    stdio: 'pipe',
    timeout: TAKES_AT_MOST,
  });
  return join(temporary, readdirSync(temporary).find((name) => name.endsWith('.tgz')) as string);
}

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, args, {
    cwd: home,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
    timeout: TAKES_AT_MOST,
  });

const bin = (): string => join(installed, manifest.bin[NAME] as string);

const IMPORT = /(?:^import|^(?:import|export|\}).* from|\bimport\() ?'([^'.][^']*)'/gm;

describe('the package', { timeout: TAKES_AT_MOST }, () => {
  test('has what is run, the page, the types of what programs import, the migrations and the docs: nothing else', () => {
    const kinds = [
      /^(LICENSE|README\.md|SECURITY\.md|package\.json|bin\/conduit\.js|docs\/([\w-]+\.md|openapi\.yaml))$/,
      /^dist\/(?!edge\/|worker\.).*\.js$/,
      /^dist\/dashboard\/page\/[\w-]+\.(html|css|svg)$/,
      /^dist\/(embed|config\/\w+|routing\/\w+)\.d\.ts$/,
      /^supabase\/(README\.md|migrations\/\d+_\w+\.sql)$/,
    ];
    expect(files.filter((file) => !kinds.some((kind) => kind.test(file)))).toEqual([]);
    for (const kind of kinds) expect(files.some((file) => kind.test(file))).toBe(true);
  });

  test('depends on every package that it imports', () => {
    const imported = files
      .filter((file) => file.endsWith('.js') && !file.includes('/page/'))
      .flatMap((file) => [...readFileSync(join(installed, file), 'utf8').matchAll(IMPORT)])
      .map(([, target]) => target as string)
      .filter((target) => !isBuiltin(target))
      .map((target) =>
        target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect(new Set(imported).size).toBeGreaterThan(10);
    expect([...new Set(imported)].filter((name) => !(name in manifest.dependencies))).toEqual([]);
  });

  test('is run by its own name and by a shorter one', () => {
    expect(Object.keys(manifest.bin).sort()).toEqual(['conduit', NAME]);
    expect(new Set(Object.values(manifest.bin))).toEqual(new Set(['bin/conduit.js']));
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(run([bin(), '--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });
});

describe('its command', { timeout: TAKES_AT_MOST }, () => {
  test('checks a config', () => {
    expect(run([bin(), 'check'])).toMatchObject({ status: 1, stdout: expect.stringContaining('conduit.yaml') });
  });

  test('shows the demo', () => {
    const { status, stdout } = run([bin(), 'demo'], { CONDUIT_DEMO_SECONDS: '2' });
    expect(stdout).toMatch(/\d+ requests, 0 failed/);
    expect(status).toBe(0);
  });

  test('serves a config: completions, the dashboard with its charts, and what it keeps', async () => {
    const upstream = await startFakeUpstream();
    onTestFinished(() => upstream.close());
    const config = `
      providers: { fake: { base_url: "${upstream.url}" } }
      models: [{ id: fake/small, price: { input: 1, output: 2 } }]`;
    writeFileSync(join(home, 'conduit.yaml'), config);
    const child = spawn(process.execPath, [bin(), 'serve', '--port', '0'], {
      cwd: home,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const said = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const url = said.replace('conduit listening on ', '');
    const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] });
    expect((await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })).status).toBe(200);
    expect(await (await fetch(`${url}/dashboard`)).text()).toContain('<title>');
    expect(await (await fetch(`${url}/dashboard/uplot.js`)).text()).toContain('uPlot');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readdirSync(join(home, '.conduit'))).toContain('conduit.sqlite');
  });
});

const PROGRAM = `
import { type Conduit, type ConduitConfig, createConduit, InvalidConfig, type Log } from '${NAME}';

const config: ConduitConfig = {
  server: { max_body_bytes: 1_000_000 },
  keys: [{ name: 'web', key: '\${WEB_KEY}', routes: ['chat/completions'] }],
  providers: { fake: { base_url: 'http://127.0.0.1:9/v1', api_key: ['one', 'two'] } },
  models: [{ id: 'fake/small', price: { input: 1, output: 2 }, supports: ['tools'] }],
  routers: { auto: { models: ['fake/small'], prefer: { usd_per_point: 0.01 }, signals: { silence: 'off' } } },
  stores: { durable: 'embedded', folder: 'embedded' },
};
const lines: string[] = [];
const say = (fields: object, message: string): void => void lines.push(message + Object.keys(fields).length);
const log: Log = { debug: say, info: say, warn: say, error: say };
const conduit: Conduit = createConduit(config, { env: { WEB_KEY: 'sk-web' }, log });
const refused: Response = await conduit.fetch(new Request('http://localhost/v1/models'));
await conduit.reload({ ...config, log: { level: 'warn' } });
await conduit.close();
let problem: string | undefined;
try {
  createConduit({ ...config, models: [] });
} catch (error) {
  if (error instanceof InvalidConfig) problem = error.problems.at(-1)?.path;
}
console.log(refused.status, problem);
// @ts-expect-error there is no such field
const wrong: ConduitConfig = { ...config, colour: 'blue' };
// @ts-expect-error there is no such policy
const wrongToo: ConduitConfig = { ...config, routers: { auto: { models: [], policy: 'best' } } };
void [wrong, wrongToo];
`;

describe('a program that imports it', { timeout: TAKES_AT_MOST }, () => {
  test('gets a gateway, and ends by itself once that is closed', () => {
    writeFileSync(join(home, 'program.ts'), PROGRAM);
    const { status, stdout, stderr } = run(['--disable-warning=ExperimentalWarning', 'program.ts']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '401 models\n', stderr: '' });
  });

  test('is as short as docs/embed.md says', async () => {
    const upstream = await startFakeUpstream(answer('Hello from below'));
    onTestFinished(() => upstream.close());
    const blocks = readFileSync(join(ROOT, 'docs/embed.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g);
    const [module, program] = [...blocks].map(([, code]) => code as string) as [string, string];
    writeFileSync(join(home, 'conduit.js'), module.replace('https://api.openai.com/v1', upstream.url));
    writeFileSync(join(home, 'documented.js'), program);
    // Not `run`, which would keep the provider here from answering.
    const { stdout } = await promisify(execFile)(process.execPath, ['documented.js'], {
      cwd: home,
      env: { PATH: process.env.PATH, OPENAI_API_KEY: 'sk-none' },
      timeout: TAKES_AT_MOST,
    });
    expect(stdout).toMatch(/^openai\/gpt-5-\w+ Hello from below\n$/);
  });

  test('may be CommonJS', () => {
    writeFileSync(join(home, 'program.cjs'), `console.log(typeof require('${NAME}').createConduit)`);
    expect(run(['program.cjs'])).toMatchObject({ status: 0, stdout: 'function\n' });
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('is checked by its types, as module %s resolved as by %s, with nothing skipped', (module, moduleResolution) => {
    writeFileSync(join(home, 'program.ts'), PROGRAM);
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'es2024', lib: ['esnext', 'dom'], types: [] },
      ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
    };
    const project = join(home, `tsconfig.${module}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    expect(run([TSC, '-p', project])).toMatchObject({ status: 0, stdout: '' });
  });
});
