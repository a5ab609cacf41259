/** A real Redis of a test's own, on a free port and in a folder of its own. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
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

/** Why the tests that need one with TLS are skipped; null where there is one. */
export const NO_REDIS_WITH_TLS = NO_REDIS ?? whyNoTls();

function whyNoTls(): string | null {
  if (spawnSync('openssl', ['version']).error) return 'there is no openssl on this machine';
  // Told to listen nowhere it ends at once; built without TLS it does not know the word.
  const { stdout } = spawnSync('redis-server', ['--port', '0', '--tls-port', '0'], { encoding: 'utf8' });
  return /bad directive/i.test(stdout) ? 'the redis-server of this machine is built without TLS' : null;
}

export interface RedisServer {
  url: string;
  /** Its certificate, as PEM, by which it can be trusted; null where it has none. */
  certificate: string | null;
  port: number;
  /** On which nodes of a cluster talk to each other; 0 where it is none. */
  busPort: number;
  /** For what a test asks by itself. */
  client: Redis;
  /** As a power cut does; what was written to the append-only file is there again after `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Takes so many bytes off the end of what a killed one has written, as a power cut between two writes to the disk does. */
  loseLast(bytes: number): void;
  /** How much it has written. */
  written(): number;
  /** Takes away all that a killed one has written. */
  loseAll(): void;
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
  /** One node of a cluster, without a slot yet. */
  shard?: boolean;
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-redis-'));
  const port = options.port ?? (await freePort());
  const { password, tls = false, sharded = false, shard = false } = options;
  const busPort = sharded || shard ? await freePort() : 0;
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
    const cluster = busPort > 0 ? { 'cluster-enabled': 'yes', 'cluster-port': busPort } : {};
    const args = Object.entries({ ...settings, ...cluster, ...(password !== undefined && { requirepass: password }) });
    const started = spawn(
      'redis-server',
      args.flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: 'ignore' },
    );
    child = started;
    await client.ping();
    if (sharded) await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    if (sharded) await untilWhole(client);
  };
  const kill = async (): Promise<void> => {
    const ending = child;
    child = null;
    if (!ending || ending.exitCode !== null) return;
    const gone = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await gone;
  };
  const journal = (): string => {
    const inside = join(folder, 'appendonlydir');
    const last = readdirSync(inside).filter((name) => name.endsWith('.incr.aof'));
    return join(inside, last.at(-1) as string);
  };
  await start();
  return {
    url,
    certificate: tls ? readFileSync(certificateIn(folder), 'utf8') : null,
    port,
    busPort,
    client,
    kill,
    start,
    written: () => statSync(journal()).size,
    loseLast: (bytes) => truncateSync(journal(), Math.max(0, statSync(journal()).size - bytes)),
    loseAll: () => rmSync(join(folder, 'appendonlydir'), { recursive: true }),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      client.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once a cluster answers for all slots. */
async function untilWhole(client: Redis): Promise<void> {
  while (!String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface RedisCluster {
  nodes: readonly RedisServer[];
  /** The one that has these keys, and one that has not. */
  ownerOf(key: string): Promise<RedisServer>;
  /** Moves all keys, which are of one slot, this one among them, from the one node to the other. */
  move(key: string, from: RedisServer, to: RedisServer): Promise<void>;
  close(): Promise<void>;
}

/** Three primaries that share the slots out. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 3 }, () => startRedisServer({ shard: true })));
  const [first, ...others] = nodes as [RedisServer, ...RedisServer[]];
  const share = Math.ceil(16_384 / nodes.length);
  for (const [i, { client }] of nodes.entries()) {
    const end = Math.min(16_383, (i + 1) * share - 1);
    await client.call('CLUSTER', 'ADDSLOTSRANGE', String(i * share), String(end));
  }
  for (const { port, busPort } of others) {
    await first.client.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
  }
  for (const { client } of nodes) await untilWhole(client);
  return {
    nodes,
    async ownerOf(key) {
      const slot = Number(await first.client.call('CLUSTER', 'KEYSLOT', key));
      return nodes[Math.floor(slot / share)] as RedisServer;
    },
    async move(key, from, to) {
      const slot = String(await from.client.call('CLUSTER', 'KEYSLOT', key));
      const toId = String(await to.client.call('CLUSTER', 'MYID'));
      const fromId = String(await from.client.call('CLUSTER', 'MYID'));
      await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
      const keys = await from.client.keysBuffer('*');
      await from.client.call('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
      for (const { client } of nodes) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    },
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}

const certificateIn = (folder: string): string => join(folder, 'certificate.pem');

/** A certificate that nobody trusts who is not told to. */
function selfSigned(folder: string): Record<string, string> {
  const [key, certificate] = [join(folder, 'key.pem'), certificateIn(folder)];
  const subject = ['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
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
