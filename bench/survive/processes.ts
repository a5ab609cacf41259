/** What is killed: two gateways as an operator starts them, and the Redis that they share. Each can be started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { START_ARGUMENTS, START_ENVIRONMENT } from '../start-command.ts';

export interface Mortal {
  name: string;
  isUp(): boolean;
  /** Resolves once it answers. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

const START_MS = 20_000;

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** As docs/redis.md says that one is set up: what was written is on disk within a second. */
export async function redisServer(folder: string): Promise<Mortal & { url: string }> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const mortal = mortalOf('redis', folder, port, () => ['redis-server', args, {}]);
  return { ...mortal, url: `redis://127.0.0.1:${port}` };
}

export async function gateway(
  name: string,
  folder: string,
  config: (port: number) => string,
): Promise<Mortal & { url: string }> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const file = join(folder, 'conduit.yaml');
  writeFileSync(file, config(port));
  const mortal = mortalOf(name, folder, port, () => [
    process.execPath,
    [...START_ARGUMENTS, '--config', file],
    START_ENVIRONMENT,
  ]);
  return { ...mortal, url: `http://127.0.0.1:${port}` };
}

function mortalOf(
  name: string,
  folder: string,
  port: number,
  command: () => [file: string, args: readonly string[], env: Readonly<Record<string, string>>],
): Mortal {
  let child: ChildProcess | null = null;
  const mortal: Mortal = {
    name,
    isUp: () => child !== null,
    async start() {
      const [file, args, env] = command();
      const log = openSync(join(folder, `${name}.log`), 'a');
      child = spawn(file, args, { cwd: folder, stdio: ['ignore', log, log], env: { ...process.env, ...env } });
      closeSync(log);
      const until = performance.now() + START_MS;
      while (!(await accepts(port))) {
        if (child.exitCode !== null || performance.now() > until)
          throw new Error(`${name} did not start: see ${folder}`);
        await sleep(20);
      }
    },
    async kill() {
      const ending = child;
      child = null;
      if (!ending || ending.exitCode !== null) return;
      const gone = once(ending, 'exit');
      ending.kill('SIGKILL');
      await gone;
    },
  };
  // What is killed itself leaves nothing behind.
  process.once('exit', () => child?.kill('SIGKILL'));
  return mortal;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
