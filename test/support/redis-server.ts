/** A real Redis of a test's own, on a free port and in a folder of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Why the tests that need one are skipped; null where there is one. */
export const NO_REDIS = whyNone();

function whyNone(): string | null {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'there is no redis-server on this machine';
  }
}

export interface RedisServer {
  url: string;
  port: number;
  /** For what a test asks by itself. */
  client: Redis;
  /** As a power cut does; what was written to the append-only file is there again after `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** It takes connections, and answers nothing. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export interface RedisServerOptions {
  password?: string;
  port?: number;
  /** With a certificate that nobody trusts. */
  tls?: boolean;
  /** One shard that is all of a cluster: it refuses steps whose keys lie in more than one slot. */
  sharded?: boolean;
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-redis-'));
  const port = options.port ?? (await freePort());
  const { password, tls = false, sharded = false } = options;
  const url = `redis${tls ? 's' : ''}://${password === undefined ? '' : `default:${password}@`}127.0.0.1:${port}`;
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    ...(tls && { tls: { rejectUnauthorized: false } }),
  });
  client.on('error', () => {});
  let child: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    const encrypted = { port: 0, 'tls-port': port, 'tls-auth-clients': 'no', ...(tls && selfSigned(folder)) };
    const settings = {
      ...(tls ? encrypted : { port }),
      bind: '127.0.0.1',
      dir: folder,
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
    };
    const shard = sharded ? { 'cluster-enabled': 'yes', 'cluster-port': await freePort() } : {};
    const args = Object.entries({ ...settings, ...shard, ...(password !== undefined && { requirepass: password }) });
    const started = spawn(
      'redis-server',
      args.flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: 'ignore' },
    );
    child = started;
    await client.ping();
    if (sharded) await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  };
  const kill = async (): Promise<void> => {
    const ending = child;
    child = null;
    if (!ending || ending.exitCode !== null) return;
    const gone = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    url,
    port,
    client,
    kill,
    start,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      client.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A certificate that nobody trusts. */
function selfSigned(folder: string): Record<string, string> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-days', '2', '-subj', '/CN=localhost'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...subject];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { 'tls-key-file': key, 'tls-cert-file': certificate, 'tls-ca-cert-file': certificate };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
