/** Clients that begin an answer and stop reading: the upstream is held back, and the gateway's memory stays small. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, piece, sse, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Decision, simpleConfig } from '../support/gateway.ts';

const CLIENTS = 100;
const STREAM_BYTES = 50 * 1024 * 1024;
/** Clients that read on to the end. */
const PATIENT = 4;
const MAX_GROWTH_BYTES = 150 * 1024 * 1024;
/** Of five gigabytes, were nothing held back. The allocator keeps what the first burst needed, whoever reads then. */
const MAX_RESIDENT_GROWTH_BYTES = 500 * 1024 * 1024;

/** What one stream's upstream has written, but for the usage that nobody but Conduit asked for. */
interface Poured {
  bytes: number;
  hash: Hash;
  /** Whether it waits until it may write on. */
  held: boolean;
  closed: Promise<unknown>;
}

const FILLER = 'x'.repeat(8_000);

/** Writes as fast as it is let. */
async function pour(response: ServerResponse, poured: Poured, askedForUsage: boolean, own: boolean): Promise<void> {
  const write = async (event: string, isClients: boolean): Promise<void> => {
    if (response.destroyed) return;
    if (isClients) {
      poured.bytes += event.length;
      poured.hash.update(event);
    }
    if (response.write(event)) return;
    poured.held = true;
    await drainedOrClosed(response);
    poured.held = false;
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let i = 0; poured.bytes < STREAM_BYTES && !response.destroyed; i++) await write(piece(`${i} ${FILLER}`), true);
  await write(piece('', 'stop'), true);
  if (askedForUsage) await write(sse({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5 } }), own);
  await write('data: [DONE]\n\n', true);
  response.end();
}

function drainedOrClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

interface Memory {
  rss: number;
  /** What is in use, garbage not counted. */
  used: number;
}

/** A gateway in a process of its own, so that what it holds can be told from what the test does. */
interface OwnProcess {
  url: string;
  memory(): Promise<Memory>;
  end(): Promise<void>;
}

/** Told after two collections, since what lies outside of the heap is freed behind the first. */
const TELLS_MEMORY = `data:text/javascript,
  process.on('message', () => {
    gc();
    setImmediate(() => {
      gc();
      const { rss, heapUsed, external } = process.memoryUsage();
      process.send({ rss, used: heapUsed + external });
    });
  });`;

async function startInOwnProcess(config: string): Promise<OwnProcess> {
  const cwd = mkdtempSync(join(tmpdir(), 'conduit-backpressure-'));
  writeFileSync(join(cwd, 'conduit.yaml'), config);
  const cli = join(import.meta.dirname, '../../src/cli.ts');
  const child: ChildProcess = spawn(process.execPath, ['--expose-gc', '--import', TELLS_MEMORY, cli, 'serve'], {
    cwd,
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve);
    child.once('close', () => reject(new Error(said)));
  });
  return {
    url: line.replace('conduit listening on ', ''),
    async memory() {
      child.send('memory');
      const [told] = (await once(child, 'message')) as [Memory];
      return told;
    },
    async end() {
      child.kill('SIGKILL');
      await once(child, 'close');
      rmSync(cwd, { recursive: true });
    },
  };
}

describe('a hundred clients that stop reading', () => {
  const poured = new Map<number, Poured>();
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  let upstream: FakeUpstream;
  let gateway: OwnProcess;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    upstream.scripts.set('quick', answer('Still here'));
    upstream.scripts.set('endless', async (response, { body }) => {
      const nth = Number(body.messages[0].content);
      const one: Poured = { bytes: 0, hash: createHash('sha256'), held: false, closed: once(response, 'close') };
      poured.set(nth, one);
      await pour(response, one, body.stream_options?.include_usage === true, asksForUsage(nth));
    });
    gateway = await startInOwnProcess(
      `server: { host: 127.0.0.1, port: 0 }\n${simpleConfig(upstream.url, ['endless', 'quick'])}`,
    );
  });
  afterAll(async () => {
    agent.destroy();
    await gateway.end();
    await upstream.close();
  });

  /** Half of the clients see the usage, from the streams of the others it is taken out. */
  const asksForUsage = (nth: number): boolean => nth % 2 === 0;

  /** Resolves at the answer's headers; nothing of its body is read but what fits the socket's buffers. */
  async function begin(nth: number): Promise<IncomingMessage> {
    const sent = request(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
    });
    sent.end(
      JSON.stringify({
        model: 'fake/endless',
        stream: true,
        ...(asksForUsage(nth) && { stream_options: { include_usage: true } }),
        messages: [{ role: 'user', content: String(nth) }],
      }),
    );
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  /** Resolves once no upstream has been able to write for a while. */
  async function standstill(): Promise<void> {
    const written = (): number => [...poured.values()].reduce((sum, one) => sum + one.bytes, 0);
    let before = -1;
    for (let still = 0; still < 10; ) {
      await sleep(50);
      const now = written();
      const quiet = now === before && [...poured.values()].every((one) => one.held);
      still = quiet ? still + 1 : 0;
      before = now;
    }
  }

  async function outcomeOf(response: IncomingMessage): Promise<string | undefined> {
    const found = await fetch(`${gateway.url}/v1/decisions/${response.headers['x-conduit-decision']}`);
    return ((await found.json()) as Decision).outcome?.kind;
  }

  test('hold their upstreams back, cost the gateway little, and get every byte when they read on', async () => {
    const before = await gateway.memory();
    const responses = await Promise.all(Array.from({ length: CLIENTS }, (_, nth) => begin(nth)));
    await standstill();

    expect(poured.size).toBe(CLIENTS);
    for (const one of poured.values()) expect(one.bytes).toBeLessThan(STREAM_BYTES / 2);
    const held = await gateway.memory();
    expect(held.used - before.used).toBeLessThan(MAX_GROWTH_BYTES);
    expect(held.rss - before.rss).toBeLessThan(MAX_RESIDENT_GROWTH_BYTES);

    const other = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake/quick', messages: [{ role: 'user', content: 'Are you there?' }] }),
    });
    expect(await other.text()).toContain('Still here');

    const patient = responses.slice(0, PATIENT);
    await Promise.all(
      patient.map(async (response, nth) => {
        const hash = createHash('sha256');
        let bytes = 0;
        for await (const chunk of response as AsyncIterable<Buffer>) {
          hash.update(chunk);
          bytes += chunk.length;
        }
        const wanted = poured.get(nth) as Poured;
        expect(bytes).toBe(wanted.bytes);
        expect(hash.digest('hex')).toBe(wanted.hash.digest('hex'));
      }),
    );

    const leaving = responses.slice(PATIENT);
    for (const response of leaving) response.destroy();
    await Promise.all([...poured.values()].map((one) => one.closed));
    for (const [nth, one] of poured) if (nth >= PATIENT) expect(one.bytes).toBeLessThan(STREAM_BYTES / 2);
    const outcomes = await Promise.all(responses.map(outcomeOf));
    expect(outcomes.slice(0, PATIENT)).toEqual(Array(PATIENT).fill('completed'));
    await expect.poll(async () => [...new Set(await Promise.all(leaving.map(outcomeOf)))]).toEqual(['client_abort']);
  }, 60_000);
});
