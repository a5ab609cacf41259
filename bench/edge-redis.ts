/**
 * What a request's work with Redis costs a Worker: the milliseconds that it waits, the processor time of workerd, connections
 * and what Redis does. Bundles as a deployment would, and starts a workerd and a Redis of its own; without a `redis-server` it
 * measures nothing. `--requests N`: of each kind; 1,000 unless told.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NO_REDIS, startRedisServer } from '../test/support/redis-server.ts';
import { startWorkerd } from '../test/support/workerd.ts';

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

const redis = await startRedisServer();
// As Redis is mostly run: else it is the disk that is measured.
await redis.client.config('SET', 'appendfsync', 'everysec');
const workerd = await startWorkerd({
  entry: join(import.meta.dirname, 'edge-redis-worker.ts'),
  bindings: { REDIS_URL: redis.url },
});

const ask = async (kind: string): Promise<number> => {
  const response = await fetch(`${workerd.url}/${encodeURIComponent(kind)}`);
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
await workerd.close();
await redis.close();
