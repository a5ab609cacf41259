/**
 * What a request's work with Redis costs a Worker: the milliseconds that it waits, the processor time of workerd, connections
 * and what Redis does. Bundles as a deployment would, and starts a workerd and a Redis of its own; without a `redis-server` it
 * measures nothing. `--requests N`: of each kind; 1,000 unless told.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, NO_REDIS, startRedisServer } from '../test/support/redis-server.ts';

const KINDS = ['nothing', 'a look-up', 'two look-ups', 'all behind an answer'];
/** Interleaved, so that whatever else the machine does meets all kinds. */
const ROUNDS = 5;
/** Of Linux. */
const TICK_MS = 10;

if (NO_REDIS !== null) {
  console.log(NO_REDIS);
  process.exit();
}
const { values } = parseArgs({ options: { requests: { type: 'string', default: '1000' }, json: { type: 'boolean' } } });
const perRound = Math.ceil(Number(values.requests) / ROUNDS);

const folder = mkdtempSync(join(tmpdir(), 'conduit-edge-redis-'));
const modules = join(import.meta.dirname, '../node_modules/.bin');
const flags = ['--compatibility-date', '2026-10-01', '--compatibility-flags', 'nodejs_compat', '--minify'];
const entry = join(import.meta.dirname, 'edge-redis-worker.ts');
execFileSync(
  join(modules, 'wrangler'),
  ['deploy', entry, '--name', 'bench', '--dry-run', '--outdir', folder, ...flags],
  { stdio: 'ignore', cwd: folder },
);
const redis = await startRedisServer();
const port = await freePort();
writeFileSync(
  join(folder, 'config.capnp'),
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "edge-redis-worker.js")],
  bindings = [(name = "REDIS_URL", text = "${redis.url}")],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["nodejs_compat"],
);
`,
);
const require = (await import('node:module')).createRequire(import.meta.url);
const { default: binary } = require('workerd') as { default: string };
const workerd = spawn(binary, ['serve', join(folder, 'config.capnp')], { stdio: ['ignore', 'inherit', 'inherit'] });

const ask = async (kind: string): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${port}/${encodeURIComponent(kind)}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as number;
};
const processorMs = (): number => {
  const fields = readFileSync(`/proc/${workerd.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};
const connections = async (): Promise<number> =>
  Number(/total_connections_received:(\d+)/.exec(await redis.client.info('stats'))?.[1]);
const open = async (): Promise<number> =>
  String(await redis.client.call('CLIENT', 'LIST'))
    .trim()
    .split('\n').length - 1;

for (let tries = 0; ; tries++) {
  try {
    await ask('nothing');
    break;
  } catch (error) {
    if (tries > 100) throw error;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const seen = new Map(
  KINDS.map((kind) => [kind, { waited: [] as number[], took: [] as number[], processor: 0, connections: 0 }]),
);
for (const kind of KINDS) for (let i = 0; i < perRound / 2; i++) await ask(kind);
for (let round = 0; round < ROUNDS; round++) {
  for (const [kind, of] of seen) {
    const before = { processor: processorMs(), connections: await connections() };
    for (let i = 0; i < perRound; i++) {
      const began = performance.now();
      of.waited.push(await ask(kind));
      of.took.push(performance.now() - began);
    }
    // What closes behind the last answers is theirs.
    await new Promise((resolve) => setTimeout(resolve, 100));
    of.processor += processorMs() - before.processor;
    of.connections += (await connections()) - before.connections;
  }
}
// Many at once, as an isolate has them.
let most = 0;
const AT_ONCE = 50;
const burst = async (): Promise<number> => {
  const began = performance.now();
  const asked = Promise.all(Array.from({ length: AT_ONCE }, () => ask('all behind an answer')));
  await new Promise((resolve) => setTimeout(resolve, 10));
  most = Math.max(most, await open());
  await asked;
  return performance.now() - began;
};
const bursts: number[] = [];
for (let i = 0; i < 10; i++) bursts.push(await burst());
await new Promise((resolve) => setTimeout(resolve, 500));
const left = await open();

const quantile = (all: readonly number[], share: number): number =>
  [...all].sort((a, b) => a - b)[Math.floor(all.length * share)] as number;
const figures = [...seen].map(([kind, { waited, took, processor, connections }]) => ({
  kind,
  requests: took.length,
  waitedMs: { p50: quantile(waited, 0.5), p99: quantile(waited, 0.99) },
  tookMs: { p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
  processorMs: processor / took.length,
  connections: connections / took.length,
}));
const atOnce = { requests: AT_ONCE, ms: quantile(bursts, 0.5), mostConnections: most, connectionsLeft: left };
if (values.json) console.log(JSON.stringify({ figures, atOnce }));
else {
  for (const { kind, waitedMs, tookMs, processorMs, connections } of figures) {
    console.log(
      `${kind.padEnd(22)} waits ${waitedMs.p50.toFixed(1)} ms (p99 ${waitedMs.p99.toFixed(1)}), takes ${tookMs.p50.toFixed(1)} ms ` +
        `(p99 ${tookMs.p99.toFixed(1)}), processor ${processorMs.toFixed(2)} ms, ${connections.toFixed(2)} connections`,
    );
  }
  console.log(
    `${AT_ONCE} at once take ${atOnce.ms.toFixed(0)} ms; at most ${most} connections seen open, ${left} half a second later`,
  );
}
workerd.kill();
await redis.close();
rmSync(folder, { recursive: true, force: true });
