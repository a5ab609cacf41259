/** Clients that leave a Worker in a workerd of its own, over real connections: what is written is all that tells of them. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type FakeUpstream,
  fail,
  piece,
  type Received,
  type Script,
  silence,
  startFakeUpstream,
  stream,
} from '../support/fake-upstream.ts';
import { questionNumber } from '../support/questions.ts';
import { startWorkerd, type Workerd } from '../support/workerd.ts';

const EVERY_MS = 300;
/** Many times as long: machines may be slow. */
const PATIENCE = { timeout: 10_000, interval: 50 };

describe('a client that leaves a Worker', () => {
  let upstream: FakeUpstream;
  let workerd: Workerd;
  let silent: Workerd;
  beforeAll(async () => {
    upstream = await startFakeUpstream();
    [workerd, silent] = [await start(upstream, EVERY_MS), await start(upstream, 0)];
  }, 60_000);
  afterAll(async () => {
    await workerd?.close();
    await silent?.close();
    await upstream?.close();
  });

  let asked = 0;
  /** Sends a request on a connection of its own, and resolves once the upstream has it. */
  const ask = async (
    of: Workerd,
    streamed: boolean,
  ): Promise<{ socket: Socket; received: Received; text(): string }> => {
    const before = upstream.received.length;
    const messages = [{ role: 'user', content: questionNumber(asked++) }];
    const body = JSON.stringify({ model: 'auto', stream: streamed, messages });
    const socket = connect(Number(new URL(of.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        text += bytes;
      });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    socket.write(`${head}\r\n\r\n${body}`);
    await expect.poll(() => upstream.received.length, PATIENCE).toBe(before + 1);
    return { socket, received: upstream.received.at(-1) as Received, text: () => text };
  };
  let hours = 0;
  /** How many decisions have been kept. */
  const kept = async (): Promise<number> => {
    // A report serves for half a minute: another one is asked for each time.
    const report = await (await fetch(`${workerd.url}/v1/routers/auto/report?since=${++hours}h`)).json();
    return (report as { decisions: { read: number } }).decisions.read;
  };
  const outcomeOf = async (id: string): Promise<string | undefined> => {
    const decision = await (await fetch(`${workerd.url}/v1/decisions/${id}`)).json();
    return (decision as { outcome: { kind: string } | null }).outcome?.kind;
  };

  test.each([
    ['before the first byte', silence],
    ['before the upstream’s first event', stream([': wait\n\n'], 'hang')],
  ])('%s is noticed with the next comment, and recorded', async (_, script) => {
    upstream.scripts.set('*', script);
    const before = await kept();
    const { socket, received } = await ask(workerd, true);
    socket.destroy();
    await received.hungUpAt;
    await expect.poll(kept, PATIENCE).toBe(before + 1);
  });

  test.each([
    ['between two comments, before the upstream has said anything', silence, ': keep-alive'],
    ['in a silence of the upstream, in mid-stream', stream([piece('Hello')], 'hang'), 'Hello'],
  ])('%s is noticed too, and its decision says so', async (_, script, until) => {
    upstream.scripts.set('*', script);
    const { socket, received, text } = await ask(workerd, true);
    await expect.poll(text, PATIENCE).toContain(until);
    socket.destroy();
    await received.hungUpAt;
    const id = /x-conduit-decision: (\S+)/i.exec(text())?.[1] as string;
    await expect.poll(() => outcomeOf(id), PATIENCE).toBe('client_abort');
  });

  test('by a reset is noticed without a comment, a whole answer’s too', async () => {
    upstream.scripts.set('*', silence);
    for (const streamed of [true, false]) {
      const { socket, received } = await ask(silent, streamed);
      socket.resetAndDestroy();
      await received.hungUpAt;
    }
  });

  test('leaves the Worker as it was: the official client reads a stream with comments, and its error', async () => {
    const client = new OpenAI({ baseURL: `${workerd.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const create = () => {
      const messages = [{ role: 'user' as const, content: questionNumber(asked++) }];
      return client.chat.completions.create({ model: 'auto', stream: true, messages });
    };
    const waits = 2.5 * EVERY_MS;
    upstream.scripts.set(
      '*',
      stream([waits, piece('Still '), waits, piece('here'), piece('', 'stop'), 'data: [DONE]\n\n']),
    );
    let text = '';
    for await (const chunk of await create()) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Still here');
    upstream.scripts.set('*', later(waits, fail(400)));
    const { data, response } = await create().withResponse();
    expect(response.status).toBe(200);
    const raised = await data
      .toReadableStream()
      .pipeTo(new WritableStream())
      .catch((error: unknown) => error);
    expect(raised).toBeInstanceOf(APIError);
    expect((raised as Error).message).toContain('failed with 400');
  });
});

const later =
  (ms: number, then: Script): Script =>
  (response, received) =>
    void setTimeout(() => then(response, received), ms);

const start = (upstream: FakeUpstream, everyMs: number): Promise<Workerd> =>
  startWorkerd({
    entry: join(import.meta.dirname, '../../src/worker.ts'),
    bindings: {
      CONDUIT_CONFIG_TEXT: `
server: { secret: s, keep_alive_ms: ${everyMs} }
providers: { fake: { base_url: "${upstream.url}", api_key: "sk-provider" } }
models: [{ id: fake/small, price: { input: 1, output: 2 } }]
routers: { auto: { models: [fake/small] } }
stores: { state: memory }
`,
    },
  });
