/** What a client gets of a stream while its upstream is silent. */
import type OpenAI from 'openai';
import { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { piece } from '../support/events.ts';
import { questionNumber } from '../support/questions.ts';
import { type Gateway, type Platform, simpleConfig, startGateway } from './gateway.ts';
import { answer, fail, later, silence, stream } from './scripts.ts';

const COMMENT = ': keep-alive\n\n';
const DONE = 'data: [DONE]\n\n';
/** Of the comments, and of an upstream that lets some of them pass. */
const EVERY_MS = 100;
const SILENT_MS = 350;
const READERS = { model: 'auto', stream: true } as const;

export function silencesSuite(platform: Platform): void {
  describe('a stream with comments', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      const config = simpleConfig(['small', 'large', 'huge'], {
        router: 'policy: fixed',
        models: ['{ id: fake/hasty, timeouts: { first_byte_ms: 250, idle_ms: 250 } }'],
      });
      gateway = await startGateway(platform, config, { server: `keep_alive_ms: ${EVERY_MS}` });
    });
    afterAll(() => gateway.close());

    let asked = 0;
    const messages = () => [{ role: 'user' as const, content: questionNumber(asked++) }];
    const ask = (body: object = {}): Promise<Response> =>
      gateway.complete({ stream: true, messages: messages(), ...body });
    const read = async (chunks: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> => {
      let text = '';
      for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? '';
      return text;
    };
    const create = (model = 'auto') =>
      gateway.client().chat.completions.create({ ...READERS, model, messages: messages() });

    test('begins before the upstream has said anything, and has all that it says then', async () => {
      const said = piece('Hello ') + piece('there', 'stop') + DONE;
      await gateway.provider.tell('*', stream([SILENT_MS, said]));
      const response = await ask();
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      expect(response.headers.get('x-conduit-model')).toBe('fake/small');
      const text = await response.text();
      expect(text.startsWith(COMMENT)).toBe(true);
      expect(text.replaceAll(COMMENT, '')).toBe(said);
      const { outcome, attempts } = await gateway.decisionOf(response);
      expect(outcome).toMatchObject({ kind: 'completed', finish_reason: 'stop' });
      expect(attempts[0]?.first_byte_ms).toBeGreaterThan(2 * EVERY_MS);
    });

    test('is read by the official client as if they were not there, before the answer and within', async () => {
      await gateway.provider.tell(
        '*',
        stream([SILENT_MS, piece('Hello '), SILENT_MS, piece('there'), SILENT_MS, piece('', 'stop'), DONE]),
      );
      expect(await read(await create())).toBe('Hello there');
    });

    test('has none of them within an event, however long it takes to come', async () => {
      const said = ['event: x\n', SILENT_MS, piece('one').slice(0, 20), SILENT_MS, piece('one').slice(20)];
      await gateway.provider.tell('*', stream([piece('zero'), ...said, SILENT_MS, piece('', 'stop'), DONE]));
      const text = await (await ask()).text();
      const event = `event: x\n${piece('one')}`;
      expect(text).toContain(event);
      expect(text.slice(text.indexOf(event) + event.length).startsWith(COMMENT)).toBe(true);
      expect(text.replaceAll(COMMENT, '')).toBe(piece('zero') + event + piece('', 'stop') + DONE);
    });

    test('has no empty line of ours where events have ids, which a client would take for an event', async () => {
      const first = `id: 1\n${piece('one')}`;
      await gateway.provider.tell('*', stream([first, SILENT_MS, piece('', 'stop'), DONE]));
      const text = await (await ask()).text();
      expect(text).not.toContain(COMMENT);
      expect(text.startsWith(`${first}: keep-alive\n`)).toBe(true);
    });

    test('is another arm’s where the first one fails behind a comment', async () => {
      await gateway.provider.tell('small', later(SILENT_MS, fail(500)));
      await gateway.provider.tell('*', answer('From the next'));
      const { data, response } = await gateway
        .client()
        .chat.completions.create({ ...READERS, messages: messages() })
        .withResponse();
      expect(await read(data)).toBe('From the next');
      // What is told in headers was told before.
      expect(response.headers.get('x-conduit-model')).toBe('fake/small');
      const decision = await gateway.decisionOf(response);
      expect(decision).toMatchObject({ model: 'fake/large', outcome: { kind: 'completed' } });
      expect(decision.attempts.map(({ outcome }) => outcome)).toEqual(['upstream_error', 'completed']);
    });

    test('ends with an error that the official client raises, in the upstream’s own words', async () => {
      const error = { message: 'No such thing', type: 'invalid_request_error', param: 'x', code: 'nope' };
      await gateway.provider.tell('*', later(SILENT_MS, fail(400, { error })));
      const raised = await create('fake/huge')
        .then(read)
        .catch((caught) => caught);
      expect(raised).toBeInstanceOf(APIError);
      expect(raised).toMatchObject({ type: 'invalid_request_error', param: 'x', code: 'nope' });
      expect(raised.message).toContain('No such thing');
    });

    test('ends with a time-out that comments do not put off, before the first byte and behind it', async () => {
      for (const told of [silence, stream([piece('Hello')], 'hang')]) {
        await gateway.provider.tell('hasty', told);
        const raised = await create('fake/hasty')
          .then(read)
          .catch((caught) => caught);
        expect(raised).toBeInstanceOf(APIError);
        expect(raised).toMatchObject({ type: 'timeout_error' });
      }
    });

    test('has an answer that came whole, though a stream was asked for', async () => {
      const whole = { id: 'c', object: 'chat.completion', created: 1, model: 'huge' };
      const choices = [{ index: 0, message: { role: 'assistant', content: 'All of it' }, finish_reason: 'stop' }];
      await gateway.provider.tell('*', later(SILENT_MS, fail(200, { ...whole, choices })));
      expect(await read(await create('fake/huge'))).toBe('All of it');
    });

    test('of a client that leaves before the first byte, or in a silence, is over upstream too', async () => {
      for (const told of [silence, stream([piece('Hello')], 'hang')]) {
        await gateway.provider.tell('*', told);
        const response = await ask({ model: 'fake/huge' });
        await response.body?.cancel();
        await expect.poll(async () => (await gateway.provider.received()).at(-1)?.hungUp).toBe(true);
        const { outcome } = await gateway.decisionOf(response);
        expect(outcome?.kind).toBe('client_abort');
      }
    });

    test('is passed through with them, between its events alone, and with its own errors', async () => {
      const events = [
        'event: a\ndata: {"type":"response.created"}\n\n',
        SILENT_MS,
        'event: b\n',
        SILENT_MS,
        'data: 2\n\n',
      ];
      const end = 'data: {"type":"response.completed","response":{"status":"completed"}}\n\n';
      await gateway.provider.tell('*', stream([...events, end]));
      const body = { model: 'fake/huge', stream: true, input: 'Hi' };
      const text = await (await gateway.post('/v1/responses', body)).text();
      const [first, , second, , third] = events;
      expect(text.replaceAll(COMMENT, '')).toBe(`${first}${second}${third}${end}`);
      expect(text.startsWith(`${first}${COMMENT}`)).toBe(true);
      await gateway.provider.tell('*', later(SILENT_MS, fail(429)));
      expect((await gateway.post('/v1/responses', body)).status).toBe(429);
    });

    test('is for streams alone: a whole answer keeps its status, however late', async () => {
      await gateway.provider.tell('*', later(SILENT_MS, fail(400)));
      expect((await gateway.complete({ model: 'fake/huge', messages: messages() })).status).toBe(400);
    });
  });
}
