/**
 * Two gateways and one Redis, any of which is killed again and again while people ask and rate: whether every completion is
 * answered, every feedback that was taken counts once, and both gateways believe the same in the end. Needs redis-server.
 * --requests N (20,000), --kills N (40), --seed N; exit code 1 where a check fails.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createDice } from './dice.ts';
import { ask, type Clients, emptyTally, rate } from './survive/clients.ts';
import { gateway, type Mortal, redisServer } from './survive/processes.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});
const REQUESTS = Number(values.requests);
const KILLS = Number(values.kills);
const AT_ONCE = 16;
/** Of the answers that are rated. */
const RATED = 0.3;
const CHANGED = 0.2;
const QUIET_MS = 30_000;

const dice = createDice(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), 'conduit-survive-'));

let answers = 0;
const upstream = createServer((request, response) => {
  request.resume().once('end', () => {
    const message = { role: 'assistant', content: `Here it is: ${++answers}.` };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28 };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: `chatcmpl-${answers}`, object: 'chat.completion', choices, usage }));
  });
}).listen(0, '127.0.0.1');
await new Promise((resolve) => upstream.once('listening', resolve));
const upstreamPort = (upstream.address() as AddressInfo).port;

const redis = await redisServer(join(folder, 'redis'));
const config = (port: number): string => `
server: { port: ${port}, secret: shared-by-both-of-them }
providers: { mock: { base_url: "http://127.0.0.1:${upstreamPort}/v1" } }
models:
  - { id: mock/small, price: { input: 1, output: 2 } }
  - { id: mock/medium, price: { input: 2, output: 4 } }
  - { id: mock/large, price: { input: 4, output: 8 } }
# What people say alone is counted: what is asked here again and again would be taken for what they do.
routers: { auto: { models: [mock/small, mock/medium, mock/large], signals: { continued: off, regenerated: off, rephrased: off, corrected: off, aborted: off } } }
stores: { state: "${redis.url}" }
log: { level: warn }
`;
const gateways = [
  await gateway('one', join(folder, 'one'), config),
  await gateway('other', join(folder, 'other'), config),
];
await redis.start();
await Promise.all(gateways.map((one) => one.start()));

const tally = emptyTally();
const clients: Clients = { gateways, dice, tally };
const started = performance.now();
let asked = 0;
const rating = new Set<Promise<void>>();

/** One after the other for one decision, so that what was said last is known. */
async function rateSometimes(id: string): Promise<void> {
  await sleep(dice.whole(0, 300));
  await rate(clients, id, dice.whole(0, 100) / 100);
  if (dice.random() < CHANGED) await rate(clients, id, dice.whole(0, 100) / 100);
}

async function client(): Promise<void> {
  while (asked < REQUESTS) {
    const id = await ask(clients, asked++);
    if (id === null || dice.random() >= RATED) continue;
    const work = rateSometimes(id).finally(() => rating.delete(work));
    rating.add(work);
    // People who rate do not hold up those who ask, but there are not more of them than the gateways can hear.
    while (rating.size > 200) await Promise.race(rating);
  }
}

const killed = new Map<string, number>();
/** Spread over the run, and never both gateways at once: somebody must be there to answer. */
async function killer(): Promise<void> {
  for (let kill = 1; kill <= KILLS; kill++) {
    while (asked < (kill * REQUESTS) / (KILLS + 1)) await sleep(10);
    const mortal = [redis, ...gateways][dice.whole(0, 2)] as Mortal;
    killed.set(mortal.name, (killed.get(mortal.name) ?? 0) + 1);
    await mortal.kill();
    await sleep(dice.whole(0, 800));
    await mortal.start();
  }
}

await Promise.all([killer(), ...Array.from({ length: AT_ONCE }, client)]);
await Promise.all(rating);
const seconds = (performance.now() - started) / 1_000;

interface Learned {
  observations: number;
  labels: number;
  arms: { model: string; pulls: number; quality: { mean: number; low: number; high: number } }[];
}
const learned = async ({ url }: { url: string }): Promise<Learned> =>
  (await (await fetch(`${url}/v1/routers/auto`)).json()) as Learned;

/** Until both have heard of everything. */
let views: [Learned, Learned];
const until = performance.now() + QUIET_MS;
do {
  await sleep(500);
  views = (await Promise.all(gateways.map(learned))) as [Learned, Learned];
} while (performance.now() < until && differenceOf(...views) > 1e-9);
await sleep(2_000);
views = (await Promise.all(gateways.map(learned))) as [Learned, Learned];

/** The largest difference between two beliefs; infinite where they have not even counted alike. */
function differenceOf(one: Learned, other: Learned): number {
  if (one.observations !== other.observations || one.labels !== other.labels) return Number.POSITIVE_INFINITY;
  return Math.max(
    ...one.arms.map((arm, i) => {
      const twin = other.arms[i] as Learned['arms'][number];
      if (arm.pulls !== twin.pulls) return Number.POSITIVE_INFINITY;
      const { mean, low, high } = arm.quality;
      return Math.max(
        Math.abs(mean - twin.quality.mean),
        Math.abs(low - twin.quality.low),
        Math.abs(high - twin.quality.high),
      );
    }),
  );
}

/** Decisions of which a gateway says something else than what was last taken of them. */
async function forgotten(url: string): Promise<number> {
  let wrong = 0;
  const ids = [...tally.rated];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = ids.pop(); next; next = ids.pop()) {
        const response = await fetch(`${url}/v1/decisions/${next[0]}`);
        const { reward } = (await response.json()) as { reward?: number | null };
        if (reward !== next[1]) wrong++;
      }
    }),
  );
  return wrong;
}
const wrong = await Promise.all(gateways.map(({ url }) => forgotten(url)));
const failures = [...tally.failures].map(([what, times]) => `${times} × ${what}`).join(', ');
const difference = differenceOf(...views);

const checks: [what: string, passed: boolean, said: string][] = [
  ['no completion fails', tally.failures.size === 0, failures || `${tally.answered.length} of ${REQUESTS} answered`],
  [
    'every feedback that got a 200 is there, as it was last',
    wrong.every((n) => n === 0),
    `${tally.feedbackTaken} taken for ${tally.rated.size} decisions; wrong or missing: ${wrong.join(' and ')}`,
  ],
  [
    'and counts once in what was learned',
    views.every(({ labels }) => labels === tally.rated.size),
    `${views.map(({ labels }) => labels).join(' and ')} labels`,
  ],
  ['both gateways believe the same', difference <= 1e-9, `largest difference ${difference}`],
];
console.log(
  `${REQUESTS} requests in ${seconds.toFixed(0)} s; killed: ${[...killed].map(([name, n]) => `${name} ${n} ×`).join(', ')}`,
);
console.log(
  `${tally.sentAgain} tries met a gateway that was dead or was killed meanwhile, and were made again with the other; the slowest request took ${tally.slowestMs.toFixed(0)} ms`,
);
console.log(
  `feedback refused for now: ${[...tally.refusals].map(([what, n]) => `${n} × ${what}`).join(', ') || 'none'}; decisions that went with a killed process: ${tally.unknown.size} of those rated, ${tally.answered.length - (views[0].observations ?? 0)} of all`,
);
for (const [what, passed, said] of checks) console.log(`${passed ? 'ok  ' : 'FAIL'}  ${what}: ${said}`);

await Promise.all([...gateways, redis].map((one) => one.kill()));
upstream.closeAllConnections();
upstream.close();
const failed = checks.some(([, passed]) => !passed);
if (failed || values.keep) console.log(`logs: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
