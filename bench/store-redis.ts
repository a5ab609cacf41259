/**
 * What keeping a decision in Redis costs: memory in Redis for each, and the time that it takes here, its own and that of the
 * processor. Starts a Redis of its own; without a `redis-server` it measures nothing.
 */
import { createHash } from 'node:crypto';
import { mergedDecisions } from '../src/routing/feedback.ts';
import { createRedisStore } from '../src/stores/redis.ts';
import { NO_REDIS, startRedisServer } from '../test/support/redis-server.ts';
import { finished } from './finished.ts';

const COMPLETIONS = 100_000;
/** Calls that wait at once, as those of a busy gateway do. */
const AT_ONCE = 50;

if (NO_REDIS !== null) {
  console.log(NO_REDIS);
  process.exit();
}

const server = await startRedisServer();
const store = createRedisStore({
  url: server.url,
  now: Date.now,
  random: Math.random,
  sha256Hex: (text) => createHash('sha256').update(text).digest('hex'),
  keepMs: 25 * 60 * 60 * 1_000,
  drained: false,
  spool: null,
  merge: mergedDecisions,
  notices: { trouble: (error) => console.error(error), recovered() {}, lost() {} },
});
await store.tried;

const info = async (section: string, name: string): Promise<number> =>
  Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(await server.client.info(section))?.[1]);
const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const making = async (): Promise<number> => {
  const start = processorMs();
  for (let i = 0; i < COMPLETIONS / 10; i++) finished();
  return (processorMs() - start) * 10;
};

const inMaking = await making();
// The pages of the log's first block, the scripts and the like.
await store.remember(finished());
const [memoryBefore, redisBefore] = [await info('memory', 'used_memory'), await info('cpu', 'used_cpu_user')];
const start = { clock: performance.now(), processor: processorMs() };
for (let i = 0; i < COMPLETIONS; i += AT_ONCE) {
  await Promise.all(Array.from({ length: AT_ONCE }, () => store.remember(finished())));
}
const processor = processorMs() - start.processor - inMaking;
const figures = [
  {
    what: 'memory in Redis',
    value: ((await info('memory', 'used_memory')) - memoryBefore) / COMPLETIONS,
    unit: 'bytes',
  },
  { what: 'processor time here', value: (processor * 1_000) / COMPLETIONS, unit: 'µs' },
  {
    what: 'processor time of Redis',
    value: (((await info('cpu', 'used_cpu_user')) - redisBefore) * 1e6) / COMPLETIONS,
    unit: 'µs',
  },
];
if (process.argv.includes('--json')) console.log(JSON.stringify({ figures }));
else
  for (const { what, value, unit } of figures)
    console.log(`${what.padEnd(42)} ${value.toFixed(1).padStart(8)} ${unit}`);
await store.close();
await server.close();
