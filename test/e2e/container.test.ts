/** Holds the Dockerfile and compose.yaml to the code: what they copy, ask and start is there, and does what they go by. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { sha256Hex, simpleConfig, startTestGateway } from '../support/gateway.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** Each instruction with what stands behind it, its lines joined. */
const instructions = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter(Boolean)
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);

const all = (name: string): string[] => instructions.filter(([one]) => one === name).map(([, rest]) => rest);
const only = (name: string): string => all(name).at(-1) as string;
const listIn = (text: string): string[] => JSON.parse(text.slice(text.indexOf('[')));

const { scripts, engines } = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  engines: { node: string };
};
const { services } = parse(read('compose.yaml'));

describe('the image', () => {
  test('is built from files that are there, and that are let into the build', () => {
    const admitted = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = all('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
    expect(copied.filter((name) => !admitted.includes(name))).toEqual([]);
    expect(admitted.filter((name) => !copied.includes(name))).toEqual([]);
  });

  test('has a Node that the package runs on, and starts it as `npm start` does', () => {
    const [least] = engines.node.match(/\d+/) as RegExpMatchArray;
    for (const from of all('FROM')) expect(Number(/node:(\d+)/.exec(from)?.[1])).toBeGreaterThanOrEqual(Number(least));
    const [node, ...args] = listIn(only('ENTRYPOINT'));
    const program = args.pop() as string;
    expect(node).toBe('node');
    expect(existsSync(join(ROOT, program.replace('/app/', '')))).toBe(true);
    expect(scripts.start).toContain(`node ${args.join(' ')} ${program.replace('/app/', '')} serve`);
    expect(scripts.start).toContain(/MALLOC_ARENA_MAX=\d+/.exec(only('ENV'))?.[0]);
  });

  test('listens on the port that it says, which is Conduit’s own, for whoever reaches the container', () => {
    const args = listIn(only('CMD'));
    const loaded = loadConfig({ text: simpleConfig('http://127.0.0.1:9/v1'), env: {}, sha256Hex });
    expect(args).toEqual(['serve', '--host', '0.0.0.0', '--port', only('EXPOSE')]);
    expect(loaded).toMatchObject({ ok: true, config: { server: { port: Number(only('EXPOSE')) } } });
  });

  test('is run by somebody who is not root, whose number a cluster can read', () => {
    expect(only('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test('keeps in its volume what a config in its folder keeps', () => {
    const loaded = loadConfig({ text: simpleConfig('http://127.0.0.1:9/v1'), env: {}, sha256Hex });
    if (!loaded.ok) throw new Error('not valid');
    expect(join(only('WORKDIR'), loaded.config.stores.folder)).toBe(only('VOLUME'));
  });

  test('is well while a gateway answers, and not well while none does', async () => {
    const upstream = await startFakeUpstream();
    onTestFinished(() => upstream.close());
    const gateway = await startTestGateway(simpleConfig(upstream.url), { key: 'none' });
    const [command, ...args] = listIn(only('HEALTHCHECK'));
    expect(command).toBe('node');
    const check = (): Promise<number> =>
      promisify(execFile)(
        process.execPath,
        args.map((arg) => arg.replace('http://127.0.0.1:8787', gateway.url)),
      ).then(
        () => 0,
        ({ code }) => code,
      );
    expect(await check()).toBe(0);
    await gateway.close();
    expect(await check()).toBe(1);
  });
});

describe('compose.yaml', () => {
  const { conduit, redis } = services;

  test('mounts a config that is valid with the variables that it hands on, without a warning', () => {
    const mounted = (conduit.volumes as string[]).map((volume) => volume.split(':'));
    const [file] = mounted.find(([, inside]) => inside === '/conduit/conduit.yaml') as [string];
    const env = Object.fromEntries(Object.keys(conduit.environment).map((name) => [name, 'some-text']));
    const loaded = loadConfig({ text: read(file), env: { ...env, REDIS_URL: 'redis://:pw@redis:6379' }, sha256Hex });
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
    expect(mounted.map(([, inside]) => inside)).toContain(only('VOLUME'));
  });

  test('lets an end take as long as it may', () => {
    expect(Number.parseInt(conduit.stop_grace_period, 10)).toBeGreaterThan(45);
  });

  test('is open to this machine alone, on the image’s port', () => {
    expect(conduit.ports).toEqual([`127.0.0.1:8787:${only('EXPOSE')}`]);
    expect(redis.ports).toBeUndefined();
  });

  test('starts a Redis that forgets nothing by itself, and asks for the password that Conduit has', () => {
    const settings = (redis.command as string[]).join(' ');
    expect(settings).toContain('--maxmemory-policy noeviction');
    expect(settings).toContain('--appendonly yes --appendfsync everysec');
    expect(settings).toContain('--requirepass ${REDIS_PASSWORD}');
    expect(conduit.environment.REDIS_URL).toMatch(/^redis:\/\/:\$\{REDIS_PASSWORD:\?[^}]*\}@redis:6379$/);
    expect(conduit.depends_on).toEqual({ redis: { condition: 'service_healthy' } });
  });
});
