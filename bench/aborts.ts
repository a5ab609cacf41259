/**
 * How soon a client's leaving reaches the upstream: 20 clients leave in each of three windows, and the time is taken from
 * the client's abort to the close of the upstream's socket. `node bench/aborts.ts [--json]`
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadConfig } from '../src/config/load.ts';
import { startGateway } from '../src/node.ts';

const CLIENTS = 20;
const WAIT_MS = 2_000;

const CHUNK = `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })}\n\n`;

/** What the upstream does with the next request, and the response it holds open. */
let begin: (response: ServerResponse) => void = () => {};
let arrived: (response: ServerResponse) => void = () => {};
const upstream = createServer(async (request, response) => {
  for await (const _ of request);
  begin(response);
  arrived(response);
});
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');
const port = (upstream.address() as AddressInfo).port;

const loaded = loadConfig({
  text: `
server: { port: 0 }
providers: { mock: { base_url: "http://127.0.0.1:${port}/v1" } }
models: [{ id: mock/a, price: { input: 1, output: 1 } }, { id: mock/b, price: { input: 2, output: 2 } }]
log: { level: error }
`,
  env: {},
  sha256Hex: (text) => createHash('sha256').update(text).digest('hex'),
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const gateway = await startGateway(loaded.config);

/** Milliseconds from the client's abort to the close of the upstream's socket; null where it stayed open. */
async function leave(stream: boolean, afterFirstChunk: boolean): Promise<number | null> {
  begin = afterFirstChunk
    ? (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write(CHUNK)
    : () => {};
  const held = new Promise<ServerResponse>((resolve) => {
    arrived = resolve;
  });
  const aborter = new AbortController();
  const answer = fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: 'Hello' }] }),
    signal: aborter.signal,
  });
  answer.catch(() => {});
  const response = await held;
  if (afterFirstChunk) await (await answer).body?.getReader().read();
  const closed = new Promise<number>((resolve) => response.once('close', () => resolve(performance.now())));
  const left = performance.now();
  aborter.abort();
  const late = new Promise<null>((resolve) => setTimeout(resolve, WAIT_MS, null));
  const at = await Promise.race([closed, late]);
  return at === null ? null : at - left;
}

const windows = [
  { window: 'before the headers', stream: true, afterFirstChunk: false },
  { window: 'in mid-stream', stream: true, afterFirstChunk: true },
  { window: 'while a whole answer is made', stream: false, afterFirstChunk: false },
];
const rows = [];
for (const { window, stream, afterFirstChunk } of windows) {
  const times: number[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const ms = await leave(stream, afterFirstChunk);
    if (ms !== null) times.push(ms);
  }
  times.sort((a, b) => a - b);
  const within = times.filter((ms) => ms <= 100).length;
  rows.push({
    window,
    clients: CLIENTS,
    within_100_ms: within,
    median_ms: times[times.length >> 1],
    max_ms: times.at(-1),
  });
}
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else {
  for (const { window, clients, within_100_ms, median_ms, max_ms } of rows) {
    console.log(
      `${window.padEnd(30)} ${within_100_ms} of ${clients} within 100 ms, median ${median_ms?.toFixed(1)} ms, slowest ${max_ms?.toFixed(1)} ms`,
    );
  }
}
await gateway.close();
upstream.close();
upstream.closeAllConnections();
