/**
 * How soon a client's leaving reaches the upstream of a Worker: 20 clients leave in each window, each at another moment, and
 * the time is taken from its leaving to the close of the upstream's socket. `--keep-alive-ms N`: the Worker's own default
 * unless told. It starts a workerd of its own; `--url URL --upstream PORT` measures a Worker that runs already, whose one
 * provider is on that port of this machine.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { piece } from '../test/support/events.ts';
import { startWorkerd } from '../test/support/workerd.ts';

const CLIENTS = 20;
/** Over so long they leave. */
const SPREAD_MS = 10_000;
const WAIT_MS = 25_000;
const WORD_EVERY_MS = 200;

interface Window {
  name: string;
  stream: boolean;
  upstream: 'is silent' | 'says a word' | 'says a word now and then';
  /** How the client's connection ends. */
  by: 'close' | 'reset';
}
const WINDOWS: readonly Window[] = [
  { name: 'a stream, while words come', stream: true, upstream: 'says a word now and then', by: 'close' },
  { name: 'a stream, silent after a word', stream: true, upstream: 'says a word', by: 'close' },
  { name: 'a stream, before its first byte', stream: true, upstream: 'is silent', by: 'close' },
  { name: 'the same, by a reset', stream: true, upstream: 'is silent', by: 'reset' },
  { name: 'a whole answer', stream: false, upstream: 'is silent', by: 'close' },
  { name: 'the same, by a reset', stream: false, upstream: 'is silent', by: 'reset' },
];

const { values } = parseArgs({
  options: {
    'keep-alive-ms': { type: 'string' },
    url: { type: 'string' },
    upstream: { type: 'string', default: '0' },
    json: { type: 'boolean' },
  },
});

/** Who waits for the request with this in its prompt. */
const arrivals = new Map<string, (response: ServerResponse) => void>();
let window = WINDOWS[0] as Window;
const upstream = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  if (window.upstream !== 'is silent') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('word '));
  }
  if (window.upstream === 'says a word now and then') {
    const words = setInterval(() => response.write(piece('word ')), WORD_EVERY_MS);
    response.once('close', () => clearInterval(words));
  }
  arrivals.get(JSON.parse(text).messages[0].content)?.(response);
});
upstream.listen(Number(values.upstream), '127.0.0.1');
await once(upstream, 'listening');

const keepAlive = values['keep-alive-ms'] === undefined ? '' : `, keep_alive_ms: ${values['keep-alive-ms']}`;
const workerd =
  values.url === undefined
    ? await startWorkerd({
        entry: join(import.meta.dirname, '../src/worker.ts'),
        bindings: {
          CONDUIT_CONFIG_TEXT: `
server: { secret: s${keepAlive} }
providers: { fake: { base_url: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1", api_key: "k" } }
models: [{ id: fake/small, price: { input: 1, output: 2 } }]
routers: { auto: { models: [fake/small] } }
stores: { state: memory }
`,
        },
      })
    : null;
const url = new URL(values.url ?? (workerd?.url as string));

/** Milliseconds from the client's leaving to the close of the upstream's socket; null where it stayed open. */
async function leave({ name, stream, by }: Window, nth: number): Promise<number | null> {
  const content = `${name}, ${by}, client ${nth}`;
  const held = new Promise<ServerResponse>((resolve) => arrivals.set(content, resolve));
  const body = JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content }] });
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => {}).resume();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const response = await held;
  const closed = new Promise<number>((resolve) => response.once('close', () => resolve(performance.now())));
  await new Promise((resolve) => setTimeout(resolve, 100 + (SPREAD_MS * nth) / CLIENTS));
  const left = performance.now();
  if (by === 'close') socket.destroy();
  else socket.resetAndDestroy();
  const late = new Promise<null>((resolve) => setTimeout(resolve, WAIT_MS, null));
  const at = await Promise.race([closed, late]);
  response.destroy();
  return at === null ? null : at - left;
}

const rows = [];
for (window of WINDOWS) {
  const all = await Promise.all(Array.from({ length: CLIENTS }, (_, nth) => leave(window, nth)));
  const times = all.filter((ms) => ms !== null).sort((a, b) => a - b);
  const row = {
    window: window.name,
    clients: CLIENTS,
    noticed: times.length,
    medianMs: times[times.length >> 1],
    maxMs: times.at(-1),
  };
  rows.push(row);
  if (values.json) continue;
  const took = times.length === 0 ? '' : `, median ${row.medianMs?.toFixed(0)} ms, slowest ${row.maxMs?.toFixed(0)} ms`;
  console.log(`${window.name.padEnd(34)} ${times.length} of ${CLIENTS} noticed within ${WAIT_MS / 1000} s${took}`);
}
if (values.json) console.log(JSON.stringify(rows));
await workerd?.close();
upstream.close();
upstream.closeAllConnections();
