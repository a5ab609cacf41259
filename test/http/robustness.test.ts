import { connect } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, piece, startFakeUpstream } from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { valueText } from '../support/json-text.ts';

describe('a gateway', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  const warnings: Error[] = [];
  const unhandled: unknown[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  const onUnhandled = (reason: unknown): number => unhandled.push(reason);

  beforeAll(async () => {
    process.on('warning', onWarning).on('unhandledRejection', onUnhandled);
    upstream = await startFakeUpstream(answer('Hi'));
    gateway = await startTestGateway(
      simpleConfig(upstream.url, ['small', 'large'], {
        model: 'supports: [tools, images, json_schema, reasoning, audio]',
      }),
    );
  });
  beforeEach(() => {
    upstream.scripts.clear();
    upstream.scripts.set('*', answer('Hi'));
  });
  afterEach(() => {
    expect(warnings).toEqual([]);
    expect(unhandled).toEqual([]);
    expect(gateway.logged.filter((line) => line.includes('failed inside'))).toEqual([]);
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
    process.off('warning', onWarning).off('unhandledRejection', onUnhandled);
  });

  test('answers any body at all, and never with a fault of its own', async () => {
    const role = fc.constantFrom('"system"', '"user"', '"assistant"', '"tool"', '"developer"', '""');
    const part = fc.oneof(
      valueText,
      fc
        .tuple(fc.constantFrom('text', 'image_url', 'input_audio', 'file'), valueText)
        .map(([type, value]) => `{"type":"${type}","${type}":${value}}`),
    );
    const content = fc.oneof(
      valueText,
      fc.array(part, { maxLength: 3 }).map((parts) => `[${parts.join(',')}]`),
    );
    const message = fc
      .tuple(role, content, valueText)
      .map(([who, said, calls]) => `{"role":${who},"content":${said},"tool_calls":${calls},"tool_call_id":${calls}}`);
    const field = fc.constantFrom(
      'tools',
      'functions',
      'response_format',
      'max_tokens',
      'max_completion_tokens',
      'n',
      'logprobs',
      'stream',
      'stream_options',
      'reasoning_effort',
      'modalities',
      'audio',
      'user',
      'safety_identifier',
      'metadata',
      '__proto__',
    );
    const body = fc
      .tuple(
        fc.array(message, { minLength: 1, maxLength: 3 }),
        fc.array(
          fc.tuple(
            field,
            fc.oneof(
              valueText,
              part.map((one) => `[${one}]`),
            ),
          ),
        ),
      )
      .map(
        ([messages, fields]) =>
          `{"model":"auto","messages":[${messages.join(',')}]${fields.map(([name, value]) => `,"${name}":${value}`).join('')}}`,
      );
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: body }, valueText, fc.string()), async (text) => {
        const response = await gateway.post('/v1/chat/completions', text);
        await response.text();
        expect([200, 400]).toContain(response.status);
      }),
      { numRuns: 500 },
    );
  });

  test('answers a body that is nested a hundred thousand deep', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const body of [
      `{"model":"auto","messages":[{"role":"user","content":[${deep}]}]}`,
      `{"model":"auto","messages":[{"role":"user","content":"Hi"}],"x":${deep}}`,
      `{"model":"auto","messages":[{"role":"user","content":"Hi"}],"tools":[${deep}]}`,
      `{"model":"auto","messages":[{"role":"assistant","content":"Hi","tool_calls":${deep}}],"stream":true,"stream_options":{"x":${deep}}}`,
    ]) {
      const response = await gateway.post('/v1/chat/completions', body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { message: 'The body is nested more than 128 deep.' } });
    }
  });

  test('takes as many messages, and nests as deep, as any conversation needs, and no more', async () => {
    const hundred = '['.repeat(126) + ']'.repeat(126);
    const ask = (messages: object[], more = '0'): Promise<Response> =>
      gateway.post('/v1/chat/completions', `{"model":"auto","messages":${JSON.stringify(messages)},"x":${more}}`);
    const message = { role: 'user', content: 'Hi [[[[ "' };
    expect((await ask([message], hundred)).status).toBe(200);
    expect((await ask(new Array(10_000).fill(message))).status).toBe(200);
    const refused = await ask(new Array(10_001).fill(message));
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { param: 'messages', code: 'array_above_max_length' } });
  });

  test('passes a body and an answer of many megabytes on unchanged', async () => {
    const content = 'many words é '.repeat(1_000_000);
    upstream.scripts.set('*', (response, received) => answer(received.body.messages[0].content)(response, received));
    const response = await gateway.post('/v1/chat/completions', {
      model: 'auto',
      messages: [{ role: 'user', content }],
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content === content).toBe(true);
  });

  test('holds a fast upstream back while its client does not read', async () => {
    const mebibyte = piece('x'.repeat(1024 * 1024));
    let sent = 0;
    const stuck = Promise.withResolvers<void>();
    upstream.scripts.set('*', (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (sent < 100) {
          sent++;
          if (!response.write(mebibyte)) {
            response.once('drain', more);
            if (sent > 3) stuck.resolve();
            return;
          }
        }
        response.end(`${piece('', 'stop')}data: [DONE]\n\n`);
      };
      more();
    });
    const body = JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Much, please' }] });
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.pause();
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
    await stuck.promise;
    // Other people's requests go on meanwhile, and give a gateway that would not wait every chance to read on.
    for (let i = 0; i < 20; i++)
      expect((await gateway.post('/v1/chat/completions', { model: 'fake/small', messages: [] })).status).toBe(400);
    expect(sent).toBeLessThan(60);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    await new Promise((resolve) => socket.once('end', resolve).resume());
    expect(sent).toBe(100);
    expect(received).toBeGreaterThan(100 * 1024 * 1024);
  });

  test('ends an answer once where client and upstream go at the same time', async () => {
    for (let i = 0; i < 20; i++) {
      upstream.scripts.set('*', (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('so far'));
      });
      const aborter = new AbortController();
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: `Race ${i}` }] }),
        signal: aborter.signal,
      });
      const reader = response.body?.getReader();
      await reader?.read();
      const gone = upstream.received.at(-1);
      if (i % 2) aborter.abort();
      upstream.hangUp();
      if (!(i % 2)) aborter.abort();
      await gone?.hungUpAt;
      await expect
        .poll(async () => (await decisionOf(gateway, response)).outcome?.kind)
        .toMatch(/^(client_abort|upstream_drop)$/);
      expect((await decisionOf(gateway, response)).attempts).toHaveLength(1);
    }
  });

  test('leaves nothing behind on a connection that carries many answers', async () => {
    upstream.scripts.set('*', answer('Hi'));
    for (let i = 0; i < 30; i++) {
      const response = await gateway.post('/v1/chat/completions', {
        model: 'auto',
        stream: i % 2 === 0,
        messages: [{ role: 'user', content: 'Hi' }],
      });
      await response.text();
    }
    // `warning` would tell of listeners that pile up.
  });
});
