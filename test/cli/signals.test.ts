/** How a real process ends: what is in flight finishes, nobody is let in any more, and nothing can keep it from ending. */
import { once } from 'node:events';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answer, type FakeUpstream, piece, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { directory, type Serving, serve } from './run-cli.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];

describe('a serving process', () => {
  let upstream: FakeUpstream;
  beforeAll(async () => {
    upstream = await startFakeUpstream(answer());
  });
  afterEach(() => {
    upstream.scripts.clear();
    upstream.scripts.set('*', answer());
  });
  afterAll(() => upstream.close());

  const start = (url = upstream.url): Promise<Serving> =>
    serve(
      [],
      directory({
        'conduit.yaml': `
server: { port: 0 }
providers: { p: { base_url: "${url}" } }
models: [{ id: p/a, price: { input: 1, output: 1 } }]
`,
      }),
    );

  /** A stream whose first piece has been sent, and what lets it go on to its end. */
  const half = (): (() => void) => {
    const goOn = Promise.withResolvers<void>();
    upstream.scripts.set('*', async (out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('before '));
      await goOn.promise;
      out.end(`${piece('after')}${piece('', 'stop')}data: [DONE]\n\n`);
    });
    return goOn.resolve;
  };

  const openStream = (gateway: Serving) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 }).chat.completions.create({
      model: 'auto',
      stream: true,
      messages: MESSAGES,
    });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'lets a stream in flight finish on %s, takes no one else, and ends with 0',
    async (signal) => {
      const goOn = half();
      const gateway = await start();
      const answered = await openStream(gateway);
      gateway.process.kill(signal);
      await gateway.said(/"ending: answers in flight may finish"/);
      await expect(fetch(`${gateway.url}/health`)).rejects.toThrow('fetch failed');
      goOn();
      let text = '';
      for await (const chunk of answered) text += chunk.choices[0]?.delta.content ?? '';
      expect(text).toBe('before after');
      expect((await gateway.ended).code).toBe(0);
    },
  );

  test('answers 503 and closes where a connection that is still busy brings another request', async () => {
    const goOn = half();
    const gateway = await start();
    const body = JSON.stringify({ model: 'auto', stream: true, messages: MESSAGES });
    const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    socket.write(request);
    while (!text.includes('before')) await once(socket, 'data');
    gateway.process.kill('SIGTERM');
    await gateway.said(/"ending: answers in flight may finish"/);
    socket.write(request);
    goOn();
    await once(socket, 'close');
    const [first, second] = text.split(/(?=HTTP\/1\.1 )/);
    expect(first).toMatch(/^HTTP\/1\.1 200 [\s\S]*after[\s\S]*\[DONE\]/);
    expect(second).toMatch(/^HTTP\/1\.1 503 /);
    expect(second?.toLowerCase()).toContain('connection: close');
    expect(second).toContain('"code":"shutting_down"');
    expect((await gateway.ended).code).toBe(0);
  });

  test('ends at once on a second signal, with 1, though a stream is in flight', async () => {
    upstream.scripts.set('*', stream([piece('before ')], 'hang'));
    const gateway = await start();
    const answered = await openStream(gateway);
    const read = (async () => {
      for await (const _ of answered);
    })().catch((error: Error) => error);
    gateway.process.kill('SIGTERM');
    // By the time that this is read the two cannot be taken for one.
    await gateway.said(/"ending: answers in flight may finish"/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    gateway.process.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(1);
    expect(await read).toBeInstanceOf(Error);
  });

  test('takes one Ctrl-C that reaches it twice, from its terminal and from npm, for one', async () => {
    const goOn = half();
    const gateway = await start();
    const answered = await openStream(gateway);
    gateway.process.kill('SIGINT');
    gateway.process.kill('SIGINT');
    await gateway.said(/"ending: answers in flight may finish"/);
    goOn();
    for await (const _ of answered);
    expect((await gateway.ended).code).toBe(0);
  });

  test('answers and ends though nobody reads its log', async () => {
    // Nothing listens there: each request puts a warning into the log.
    const gateway = await start('http://127.0.0.1:1/v1');
    gateway.process.stderr.pause();
    const body = JSON.stringify({ model: 'p/a', messages: MESSAGES });
    let logged = 0;
    // More than what the pipe holds, and then some.
    while (logged < 1_000_000) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body })),
      );
      for (const response of answers) {
        expect(response.status).toBe(502);
        await response.text();
      }
      logged += answers.length * 250;
    }
    const exited = once(gateway.process, 'exit');
    gateway.process.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
