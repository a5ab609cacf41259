/**
 * What a completion takes of a Worker's limits: processor time, memory, and the time to start. Bundles as a deployment does, and runs
 * a workerd of its own in front of an upstream in another process. --requests N of each kind (10000), --states LIST (memory,
 * durable-object, redis), --arms LIST (2,8), --starts N, --json. Needs Linux.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NO_REDIS, type RedisServer, startRedisServer } from '../test/support/redis-server.ts';
import { type Bundle, bundleWorker, type ServeOptions, serveBundle } from '../test/support/workerd.ts';
import { alone, type Client, createClient, KEY, together } from './edge/load.ts';
import { processorMs, residentMb } from './edge/processor.ts';
import { createPerson, KINDS, type Kind } from './edge/requests.ts';
import { markdown } from './page.ts';
import { startHelper } from './proxy/ask.ts';
import { PIECES } from './proxy/conversations.ts';
import type { MockVerbs } from './proxy/mock.ts';
import { hasProc } from './proxy/usage.ts';

if (!hasProc) {
  console.log('what a process takes is read from /proc, which is not there');
  process.exit();
}
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    states: { type: 'string', default: 'memory,durable-object,redis' },
    arms: { type: 'string', default: '2,8' },
    starts: { type: 'string', default: '15' },
    json: { type: 'boolean' },
  },
});
const listed = (list: string): string[] => list.split(',').filter((one) => one !== '');
const REQUESTS = Number(values.requests);
const ROUNDS = 5;
const PEOPLE = 16;
/** One in so many requests is measured by itself. */
const ALONE = 25;
/** What a router has been asked and told before anything is measured. */
const LEARNED = 3_000;
const PACE_MS = 2;
const FIRST_ROUNDS = 5;
/** An object folds what has come within a minute. */
const FOLDED_MS = 65_000;

interface Figures {
  what: string;
  kind: Kind;
  /** Milliseconds of processor time a request, many at once: the mean over all rounds, and of the worst round. */
  meanMs: number;
  worstRoundMs: number;
  /** Of requests one by one. */
  alone: { p50: number; p99: number; most: number };
}

interface Measured {
  figures: Figures[];
  residentMb: number;
}

const mock = startHelper<MockVerbs>(new URL('./proxy/mock.ts', import.meta.url));
const port = await mock.ask('listen', { port: 0, bare: false });
await mock.ask('behave', { chunks: PIECES.length, paceMs: PACE_MS });
const upstream = `http://127.0.0.1:${port}/v1`;

const bundled = (entry: string): Promise<Bundle> => bundleWorker(join(import.meta.dirname, entry));
const conduit = await bundled('../src/worker.ts');
const passThrough = await bundled('edge/pass-through-worker.ts');
const empty = await bundled('edge/empty-worker.ts');
process.once('exit', () => {
  for (const { remove } of [conduit, passThrough, empty]) remove();
});

const configOf = (state: string, arms: number): string => {
  const models = Array.from({ length: arms }, (_, k) => `mock/model-${k}`);
  return JSON.stringify({
    server: { secret: 'of-the-bench' },
    keys: [{ name: 'bench', key: KEY, admin: true }],
    providers: { mock: { base_url: upstream, api_key: 'mock-key' } },
    models: models.map((id, k) => ({ id, price: { input: 0.1 * (k + 1), output: 0.4 * (k + 1) } })),
    routers: { auto: { models } },
    stores: { state },
  });
};
const OBJECTS = { CONDUIT_STATE: 'ConduitState' };

const quantile = (all: readonly number[], share: number): number =>
  [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * share))] as number;
const median = (all: readonly number[]): number => quantile(all, 0.5);

/** From the start of a workerd, in milliseconds. */
interface Took {
  /** Of the clock, until its first answer. */
  clockMs: number;
  /** Of the processor, until it listens: by then the Worker's code has run once. */
  loadedMs: number;
  /** Of the processor, until its first answer. */
  processorMs: number;
}

async function startOnce(bundle: Bundle, options: ServeOptions): Promise<Took> {
  const began = performance.now();
  const workerd = await serveBundle(bundle, options);
  const loadedMs = processorMs(workerd.pid);
  try {
    const response = await fetch(`${workerd.url}/health`);
    await response.text();
    if (!response.ok) throw new Error(`/health: ${response.status}`);
    return { clockMs: performance.now() - began, loadedMs, processorMs: processorMs(workerd.pid) };
  } finally {
    await workerd.close();
  }
}

async function measureStart() {
  const kinds = {
    empty: () => startOnce(empty, { bindings: {} }),
    conduit: () => startOnce(conduit, { bindings: { CONDUIT_CONFIG_TEXT: configOf('memory', 8) } }),
  };
  const seen: Record<keyof typeof kinds, Took[]> = { empty: [], conduit: [] };
  for (let i = 0; i < Number(values.starts); i++) {
    seen.empty.push(await kinds.empty());
    seen.conduit.push(await kinds.conduit());
  }
  const medians = (all: readonly Took[]): Took => ({
    clockMs: median(all.map(({ clockMs }) => clockMs)),
    loadedMs: median(all.map(({ loadedMs }) => loadedMs)),
    processorMs: median(all.map((one) => one.processorMs)),
  });
  return { empty: medians(seen.empty), conduit: medians(seen.conduit) };
}

/** Small questions, each of which is rated where there is somebody to learn from it. */
async function teach(client: Client, rated: boolean): Promise<void> {
  let left = LEARNED;
  const person = async (_: unknown, k: number): Promise<void> => {
    const next = createPerson(k % 2 === 0 ? 'small, whole' : 'small, streamed', 'auto');
    while (left-- > 0) {
      const { decision } = await client.ask(next());
      if (rated) await client.rate(decision, (left * 7) % 10 < 7 ? 1 : 0);
    }
  };
  await Promise.all(Array.from({ length: PEOPLE }, person));
}

async function measureRequests(
  what: string,
  bundle: Bundle,
  options: ServeOptions,
  learns: boolean,
  /** How long it goes on, in milliseconds, when all is done. */
  lingersMs = 0,
): Promise<Measured> {
  const workerd = await serveBundle(bundle, options);
  const client = createClient(workerd.url, PEOPLE);
  const { pid } = workerd;
  const model = 'auto';
  try {
    await teach(client, learns);
    const perRound = Math.ceil(REQUESTS / ROUNDS);
    const seen = new Map(KINDS.map((kind) => [kind, [] as number[]]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [kind, means] of seen) {
        means.push(await together(client, { pid, kind, model, requests: perRound, people: PEOPLE }));
      }
    }
    const resident = residentMb(pid);
    const figures: Figures[] = [];
    for (const [kind, means] of seen) {
      const each = await alone(client, { pid, kind, model, requests: Math.ceil(REQUESTS / ALONE) });
      figures.push({
        what,
        kind,
        meanMs: means.reduce((sum, mean) => sum + mean, 0) / means.length,
        worstRoundMs: Math.max(...means),
        alone: { p50: median(each), p99: quantile(each, 0.99), most: Math.max(...each) },
      });
    }
    await sleep(lingersMs);
    return { figures, residentMb: resident };
  } finally {
    await client.close();
    await workerd.close();
  }
}

/**
 * The first completion of an isolate that finds what others have learned, in milliseconds of the processor: once its objects have folded
 * all of it. With what they do for it.
 */
async function measureFirst(options: ServeOptions): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < FIRST_ROUNDS; i++) {
    const workerd = await serveBundle(conduit, options);
    const client = createClient(workerd.url, 1);
    took.push(...(await alone(client, { pid: workerd.pid, kind: 'small, whole', model: 'auto', requests: 1 })));
    await client.close();
    await workerd.close();
  }
  return median(took);
}

const start = await measureStart();
const firsts: { what: string; processorMs: number }[] = [];
const results = [
  await measureRequests(
    'passed through',
    passThrough,
    { bindings: { UPSTREAM: `${upstream}/chat/completions` } },
    false,
  ),
];
for (const state of listed(values.states)) {
  if (state === 'redis' && NO_REDIS !== null) {
    console.error(NO_REDIS);
    continue;
  }
  for (const arms of listed(values.arms)) {
    let redis: RedisServer | null = null;
    if (state === 'redis') redis = await startRedisServer();
    const bindings = { CONDUIT_CONFIG_TEXT: configOf(redis?.url ?? state, Number(arms)) };
    const isObject = state === 'durable-object';
    const options = isObject
      ? { bindings, objects: OBJECTS, disk: join(conduit.folder, `disk-${arms}`) }
      : { bindings };
    const what = `${state}, ${arms} arms`;
    results.push(await measureRequests(what, conduit, options, true, isObject ? FOLDED_MS : 0));
    if (isObject) firsts.push({ what, processorMs: await measureFirst(options) });
    await redis?.close();
  }
}
if (values.json) console.log(JSON.stringify({ requests: REQUESTS, start, firsts, results }));
else {
  console.log(
    markdown(
      ['from the start to the first answer', 'clock, ms', 'processor, ms', 'of which until it listens'],
      Object.entries(start).map(([what, { clockMs, processorMs, loadedMs }]) => [
        what,
        ...[clockMs, processorMs, loadedMs].map((ms) => ms.toFixed(0)),
      ]),
    ),
  );
  for (const { what, processorMs } of firsts) {
    console.log(`${what}: the first completion of an isolate takes ${processorMs.toFixed(0)} ms`);
  }
  console.log(
    markdown(
      ['processor time a request, ms', 'mean', 'worst round', 'alone: median', '99%', 'most', 'resident, MB'],
      results.flatMap(({ figures, residentMb }) =>
        figures.map(({ what, kind, meanMs, worstRoundMs, alone }) => [
          `${what}: ${kind}`,
          ...[meanMs, worstRoundMs, alone.p50, alone.p99, alone.most].map((ms) => ms.toFixed(2)),
          residentMb.toFixed(0),
        ]),
      ),
    ),
  );
}
process.exit();
