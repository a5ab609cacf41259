/**
 * How long a gateway takes from its start until it knows all that was learned: from a snapshot of a million observations and
 * the ten thousand behind it, in a folder and in Redis (where there is a redis-server). --observations N, --tail N, --rounds N.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Evidence } from '../src/bandit/evidence.ts';
import { foldEntry } from '../src/bandit/fold.ts';
import { foldToBytes } from '../src/bandit/fold-bytes.ts';
import type { Router } from '../src/config/resolve.ts';
import { encoder } from '../src/context/encoder.ts';
import { sha256Hex } from '../src/crypto.ts';
import { mergedDecisions } from '../src/routing/feedback.ts';
import { nothingLearned } from '../src/routing/learner.ts';
import { evidenceOf } from '../src/stores/decision-record.ts';
import { openEmbeddedStore } from '../src/stores/embedded.ts';
import { type Kept, LOG_START } from '../src/stores/ports.ts';
import { createRedisStore } from '../src/stores/redis.ts';
import { finished } from './finished.ts';
import { START_ARGUMENTS, START_ENVIRONMENT } from './start-command.ts';
import { redisServer } from './survive/processes.ts';

const { values } = parseArgs({
  options: {
    observations: { type: 'string', default: '1000000' },
    tail: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
  },
});
const OBSERVATIONS = Number(values.observations);
const TAIL = Number(values.tail);
const ROUNDS = Number(values.rounds);
const BATCH = 250;
const MODELS = ['openai/large', 'openai/small', 'anthropic/medium', 'local/tiny'];
const router = { name: 'auto', models: MODELS, halfLifeMs: 7 * 864e5 } as unknown as Router;

/** One in ten is rated. */
let made = 0;
function answered(): Kept {
  const { decision, names } = finished();
  const reward = ++made % 10 === 0 ? 1 : null;
  return { decision: { ...decision, encoder: encoder.id, reward }, names };
}

const config = (stores: string): string => `
server: { port: 0, secret: of-the-bench }
providers: ${JSON.stringify(Object.fromEntries(['openai', 'anthropic', 'local'].map((name) => [name, { base_url: 'http://127.0.0.1:9/v1' }])))}
models: ${JSON.stringify(MODELS.map((id) => ({ id, price: { input: 1, output: 2 } })))}
routers: { auto: { models: ${JSON.stringify(MODELS)} } }
stores: ${stores}
`;

const folder = mkdtempSync(join(tmpdir(), 'conduit-restart-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Everything through the store, as it comes to be. */
async function fillFolder(): Promise<string> {
  const home = join(folder, 'embedded');
  mkdirSync(home);
  writeFileSync(join(home, 'conduit.yaml'), config('{ durable: embedded }'));
  const store = await openEmbeddedStore({ folder: join(home, '.conduit') });
  const { fold } = nothingLearned(router);
  let cursor: string | null = null;
  let at = LOG_START;
  for (let done = 0; done < OBSERVATIONS + TAIL; done += BATCH) {
    if (done === OBSERVATIONS) await store.snapshots.put('auto', { cursor: at, bytes: foldToBytes(fold) });
    const kept = Array.from({ length: BATCH }, answered);
    const ingested = await store.ingest({ log: 'auto', after: cursor, cursor: String(done), kept });
    if (ingested.outcome !== 'ingested') throw new Error('somebody else writes into the folder');
    cursor = String(done);
    at = ingested.at;
    for (const { decision } of kept) foldEntry(fold, evidenceOf(decision) as Evidence);
  }
  await store.close();
  return home;
}

/** The snapshot stands where the tail begins; what is in it went by long ago. */
async function fillRedis(url: string): Promise<string> {
  const home = join(folder, 'redis');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'conduit.yaml'), config(`{ state: "${url}" }`));
  const notices = { trouble() {}, recovered() {}, lost() {} };
  const store = createRedisStore({
    ...{ url, now: Date.now, random: Math.random, sha256Hex, keepMs: 9e7, drained: false, spool: null },
    merge: mergedDecisions,
    notices,
  });
  await store.tried;
  const { fold } = nothingLearned(router);
  for (let i = 0; i < OBSERVATIONS; i++) foldEntry(fold, evidenceOf(answered().decision) as Evidence);
  await store.remember(answered());
  const { cursor, entries } = await store.readSince('auto', LOG_START, 10);
  for (const entry of entries) foldEntry(fold, entry);
  await store.shared.snapshots.put('auto', { cursor, bytes: foldToBytes(fold) });
  for (let done = 0; done < TAIL; done += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, () => store.remember(answered())));
  }
  await store.close();
  return home;
}

/** From the start of the process until it says that it knows so many. */
async function timeStart(home: string, observations: number): Promise<{ listeningMs: number; learnedMs: number }> {
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, [...START_ARGUMENTS], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...START_ENVIRONMENT },
  });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const listeningMs = performance.now() - started;
  const url = /http:\/\/\S+/.exec(line.toString())?.[0];
  for (;;) {
    const known = (await (await fetch(`${url}/v1/routers/auto`)).json()) as { observations: number };
    if (known.observations >= observations) break;
    if (performance.now() - started > 60_000) throw new Error(`it knows ${known.observations} of ${observations}`);
    await sleep(10);
  }
  const learnedMs = performance.now() - started;
  // One that ends as it should leaves a snapshot, and the next would have no tail.
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { listeningMs, learnedMs };
}

async function measure(what: string, home: string, observations: number): Promise<void> {
  const rounds: Awaited<ReturnType<typeof timeStart>>[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await timeStart(home, observations));
  const listed = (of: (one: (typeof rounds)[number]) => number): string =>
    rounds.map((one) => of(one).toFixed(0).padStart(5)).join(' ');
  console.log(`${what}: listening after ${listed(({ listeningMs }) => listeningMs)} ms`);
  console.log(`${' '.repeat(what.length)}  all learned after ${listed(({ learnedMs }) => learnedMs)} ms`);
}

console.log(`${OBSERVATIONS} observations in the snapshot, ${TAIL} behind it`);
await measure('a folder', await fillFolder(), OBSERVATIONS + TAIL);
const redis = await redisServer(join(folder, 'server'));
try {
  await redis.start();
  await measure('Redis', await fillRedis(redis.url), OBSERVATIONS + TAIL + 1);
} finally {
  await redis.kill();
}
