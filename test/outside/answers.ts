/** What comes back of an answer, and what goes up of a request. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { piece, sse } from '../support/events.ts';
import { questionNumber } from '../support/questions.ts';
import { type Gateway, type Platform, simpleConfig, startGateway } from './gateway.ts';
import { answer, bytes, stream } from './scripts.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];
const TOOLS = [
  { type: 'function' as const, function: { name: 'look_up', parameters: { type: 'object', properties: {} } } },
];
const utf8 = new TextEncoder();

export function answersSuite(platform: Platform): void {
  describe('an answer', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      gateway = await startGateway(platform, simpleConfig());
    });
    afterAll(() => gateway.close());

    let asked = 0;
    /** Asks what nothing before it has asked. */
    const complete = (body: object, headers?: Record<string, string>): Promise<Response> =>
      gateway.complete({ messages: [{ role: 'user', content: questionNumber(asked++) }], ...body }, headers);
    const tell = (told: Parameters<Gateway['provider']['tell']>[1]) => gateway.provider.tell('*', told);

    test('is what the model said, whole', async () => {
      await tell(answer('Hello there, 👍'));
      const completion = await gateway.client().chat.completions.create({ model: 'auto', messages: MESSAGES });
      expect(completion.choices[0]).toMatchObject({
        message: { role: 'assistant', content: 'Hello there, 👍' },
        finish_reason: 'stop',
      });
      expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5 });
    });

    test('is what the model said, streamed', async () => {
      await tell(answer('Hello there, 👍'));
      let text = '';
      for await (const chunk of await gateway
        .client()
        .chat.completions.create({ model: 'auto', stream: true, messages: MESSAGES })) {
        text += chunk.choices[0]?.delta.content ?? '';
        expect(chunk.usage).toBeUndefined();
      }
      expect(text).toBe('Hello there, 👍');
    });

    test('is byte for byte what the upstream sent, whole: odd spacing, digits and bytes that are no UTF-8 too', async () => {
      const odd =
        '{ "id":"c1" ,\n "choices":[ {"index":0,"message":{"role":"assistant","content":"\\u00e9#"},"finish_reason":"stop"} ], "x":1.0, "seed":12345678901234567890 }';
      const sent = utf8.encode(odd).map((byte) => (byte === 35 ? 0xff : byte));
      await tell(bytes(sent, 'application/json; charset=utf-8'));
      const response = await complete({});
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(sent);
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    });

    test('is byte for byte what the upstream sent, streamed: comments, CRLF and characters that two chunks share', async () => {
      const before = [': OPENROUTER PROCESSING\n\n', piece('Grüße '), ': keep-alive\n\n'].join('');
      const thumb = piece('👍').replaceAll('\n', '\r\n');
      const after = [
        'event: x\nid: 7\n',
        sse({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], logprobs: null }),
        'data: [DONE]\n\n',
      ].join('');
      const text = before + thumb + after;
      const sent = utf8.encode(text);
      const lengthOf = (part: string): number => utf8.encode(part).length;
      // Cut in the middle of the thumb, and of a line end.
      const inThumb = lengthOf(text.slice(0, text.indexOf('👍'))) + 2;
      const inLineEnd = lengthOf(text.slice(0, text.indexOf('\r\n'))) + 1;
      const cuts = [0, 5, inThumb, inLineEnd, sent.length];
      const pieces = cuts.slice(1).map((end, i) => sent.subarray(cuts[i], end));
      for (const asked of [true, undefined]) {
        await tell(stream(pieces.flatMap((one) => [one, 1])));
        const response = await complete({ stream: true, ...(asked && { stream_options: { include_usage: true } }) });
        expect(response.headers.get('content-type')).toBe('text/event-stream');
        expect(await response.text()).toBe(text);
      }
    });

    test('reaches the client chunk by chunk, as it comes', async () => {
      await tell(stream([piece('first '), 100, piece('second')], 'hang'));
      const response = await complete({ stream: true });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader?.read())?.value).toBe(piece('first '));
      expect((await reader?.read())?.value).toBe(piece('second'));
      await reader?.cancel();
    });

    test('calls tools, streamed and whole', async () => {
      await tell(answer('', { toolCall: '{"city":"Zürich"}' }));
      const { completions } = gateway.client().chat;
      const whole = await completions.create({ model: 'auto', messages: MESSAGES, tools: TOOLS });
      expect(whole.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { tool_calls: [{ id: 'call_1', function: { arguments: '{"city":"Zürich"}' } }] },
      });
      const streamed = completions.stream({ model: 'auto', messages: MESSAGES, tools: TOOLS });
      const { choices } = await streamed.finalChatCompletion();
      expect(choices[0]?.message.tool_calls?.[0]).toMatchObject({
        id: 'call_1',
        function: { name: 'look_up', arguments: '{"city":"Zürich"}' },
      });
    });

    test('shows usage to a client that asked, hides it from one that did not, and records it for both', async () => {
      await tell(answer('Hi', { usage: { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 } }));
      for (const asked of [true, false]) {
        const { data, response } = await gateway
          .client()
          .chat.completions.create({
            model: 'auto',
            stream: true,
            messages: MESSAGES,
            ...(asked && { stream_options: { include_usage: true } }),
          })
          .withResponse();
        const usages = [];
        for await (const chunk of data) if (chunk.usage) usages.push(chunk.usage.prompt_tokens);
        expect(usages).toEqual(asked ? [1_000] : []);
        const decision = await gateway.decisionOf(response);
        expect(decision.outcome).toMatchObject({
          kind: 'completed',
          finish_reason: 'stop',
          prompt_tokens: 1_000,
          completion_tokens: 500,
        });
        const dearer = decision.model === 'fake/large' ? 2 : 1;
        expect(decision.outcome?.cost_usd).toBeCloseTo((1_000 * dearer + 500 * 4 * dearer) / 1e6, 12);
      }
    });

    test('without usage has tokens and cost estimated', async () => {
      await tell(stream([piece('x'.repeat(400)), piece('', 'stop'), 'data: [DONE]\n\n']));
      const response = await complete({ stream: true });
      await response.text();
      const { outcome } = await gateway.decisionOf(response);
      expect(outcome?.completion_tokens).toBe(100);
      expect(outcome?.cost_usd).toBeGreaterThan(0);
    });

    test('carries Conduit’s headers, and none that the upstream meant for us', async () => {
      const headers = { 'set-cookie': 'a=b', 'x-conduit-decision': 'forged', 'x-request-id': 'req_1' };
      await tell(answer('Hi', { headers }));
      for (const streamed of [true, false]) {
        const response = await complete({ stream: streamed });
        await response.text();
        const conduit = [...response.headers.keys()].filter((name) => name.startsWith('x-conduit-'));
        expect(conduit).toEqual(
          ['attempts', 'decision', 'model', 'overhead-ms', 'propensity', 'reason'].map((name) => `x-conduit-${name}`),
        );
        expect(response.headers.get('x-conduit-decision')).toMatch(/^dec_[0-9a-f]{32}$/);
        expect(response.headers.get('x-conduit-model')).toMatch(/^fake\/(small|large)$/);
        expect(['explore', 'exploit', 'warmup']).toContain(response.headers.get('x-conduit-reason'));
        expect(Number(response.headers.get('x-conduit-propensity'))).toBeGreaterThan(0);
        expect(response.headers.get('x-conduit-attempts')).toBe('1');
        expect(Number(response.headers.get('x-conduit-overhead-ms'))).toBeGreaterThanOrEqual(0);
        expect(response.headers.get('x-request-id')).toBe('req_1');
        expect(response.headers.get('set-cookie')).toBe(null);
      }
    });
  });

  describe('a request', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      const config = (baseUrl: string): string =>
        [
          'providers:',
          `  fake: { base_url: "${baseUrl}", api_key: "sk-provider-secret", headers: { x-team: a } }`,
          `  plain: { base_url: "${baseUrl}", stream_usage: false }`,
          'models:',
          '  - { id: fake/quirky, upstream: their-name, price: { input: 1, output: 1 }, params: { rename: { max_tokens: max_completion_tokens }, drop: [temperature], defaults: { top_p: 0.5 } } }',
          '  - { id: plain/small, price: { input: 1, output: 1 } }',
          '  - { id: plain/模型, price: { input: 1, output: 1 } }',
          'routers:',
          '  auto: { models: [fake/quirky], answers_to: [gpt-4o, "gpt-4o-*"] }',
          '  plain: { models: [plain/small] }',
          '  far: { models: [plain/模型] }',
          'keys:',
          '  - { name: web, key: conduit-key }',
        ].join('\n');
      gateway = await startGateway(platform, config, { key: 'conduit-key' });
    });
    afterAll(() => gateway.close());

    const sent = async (text: string, headers?: Record<string, string>) => {
      const response = await gateway.post('/v1/chat/completions', text, headers);
      await response.text();
      expect(response.status).toBe(200);
      return { response, received: (await gateway.provider.received()).at(-1)! };
    };

    test('reaches the upstream as it came but for the model and what its params say', async () => {
      const { received } = await sent(
        '{ "model":"auto", "messages":[{"role":"user","content":"\\u00e9 é 👍"}], "temperature":1.0, "max_tokens": 7, "seed":12345678901234567890, "unknown": {"a" : [1.0, null]} }',
      );
      expect(received.text).toBe(
        '{ "model":"their-name", "messages":[{"role":"user","content":"\\u00e9 é 👍"}], "max_completion_tokens": 7, "seed":12345678901234567890, "unknown": {"a" : [1.0, null]},"top_p":0.5 }',
      );
      expect(received.path).toBe('/v1/chat/completions');
    });

    test('that pins a model reaches it unchanged but for the name', async () => {
      const { response, received } = await sent(
        '{"model":"fake/quirky","messages":[{"role":"user","content":"x"}],"temperature":1.0,"max_tokens":7,"stream":true}',
      );
      expect(received.text).toBe(
        '{"model":"their-name","messages":[{"role":"user","content":"x"}],"temperature":1.0,"max_tokens":7,"stream":true}',
      );
      expect(response.headers.get('x-conduit-reason')).toBe('pinned');
      expect(response.headers.get('x-conduit-propensity')).toBe('1');
      expect(await gateway.decisionOf(response)).toMatchObject({
        router: null,
        chosen: 'fake/quirky',
        reason: 'pinned',
        candidates: [],
        outcome: { kind: 'completed' },
      });
    });

    test('is asked for usage where the provider knows it, and only there', async () => {
      const streamed = { stream: true, messages: MESSAGES };
      expect((await sent(JSON.stringify({ model: 'auto', ...streamed }))).received.body.stream_options).toEqual({
        include_usage: true,
      });
      expect((await sent(JSON.stringify({ model: 'plain', ...streamed }))).received.body).not.toHaveProperty(
        'stream_options',
      );
    });

    test('may name a router, a name that it answers to, a model’s id or its upstream name', async () => {
      for (const [model, reason] of [
        ['auto', 'only-eligible'],
        ['gpt-4o', 'only-eligible'],
        ['gpt-4o-2024-08-06', 'only-eligible'],
        ['fake/quirky', 'pinned'],
        ['their-name', 'pinned'],
      ]) {
        const { response, received } = await sent(JSON.stringify({ model, messages: MESSAGES }));
        expect(received.body.model).toBe('their-name');
        expect(response.headers.get('x-conduit-model')).toBe('fake/quirky');
        expect(response.headers.get('x-conduit-reason')).toBe(reason);
      }
    });

    test('takes no key, cookie or header of Conduit’s to the upstream', async () => {
      const { received } = await sent(JSON.stringify({ model: 'auto', messages: MESSAGES }), {
        cookie: 'a=b',
        'x-conduit-session': 's',
        'x-conduit-prefer': 'cost',
        'x-conduit-models': 'fake/*',
        'x-conduit-max-usd': '5',
        'x-forwarded-for': '10.0.0.1',
        'openai-beta': 'assistants=v2',
      });
      expect(received.headers.authorization).toBe('Bearer sk-provider-secret');
      expect(received.headers['x-team']).toBe('a');
      expect(received.headers['openai-beta']).toBe('assistants=v2');
      expect(JSON.stringify(received.headers)).not.toContain('conduit');
      for (const name of ['cookie', 'x-forwarded-for']) expect(received.headers).not.toHaveProperty(name);
      expect(received.headers.host).toBe(new URL(gateway.provider.url).host);
    });

    test('takes no key at all to a provider that has none', async () => {
      const { received } = await sent(JSON.stringify({ model: 'plain', messages: MESSAGES }));
      expect(received.headers).not.toHaveProperty('authorization');
    });

    test('may go to a model whose name is not ASCII', async () => {
      for (const streamed of [true, false]) {
        const { response, received } = await sent(
          JSON.stringify({ model: 'far', messages: MESSAGES, stream: streamed }),
          { 'x-conduit-models': encodeURI('plain/模型') },
        );
        expect(received.body.model).toBe('模型');
        expect(decodeURIComponent(response.headers.get('x-conduit-model') ?? '')).toBe('plain/模型');
      }
    });

    test('may have any field name at all', async () => {
      const { received } = await sent(
        '{"model":"plain","messages":[{"role":"user","content":"x"}],"constructor":1,"__proto__":{"x":1},"toString":2}',
      );
      expect(received.text).toBe(
        '{"model":"small","messages":[{"role":"user","content":"x"}],"constructor":1,"__proto__":{"x":1},"toString":2}',
      );
    });
  });
}
