import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, piece, sse, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];
const TOOLS = [
  { type: 'function' as const, function: { name: 'look_up', parameters: { type: 'object', properties: {} } } },
];

describe('an answer', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest: '' }));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  let asked = 0;
  /** Asks what nothing before it has asked. */
  const complete = (body: object, headers?: Record<string, string>): Promise<Response> => {
    const messages = [{ role: 'user', content: questionNumber(asked++) }];
    return gateway.post('/v1/chat/completions', { model: 'auto', messages, ...body }, headers);
  };

  test('is what the model said, whole', async () => {
    upstream.scripts.set('*', answer('Hello there, 👍'));
    const completion = await gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES });
    expect(completion.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'Hello there, 👍' },
      finish_reason: 'stop',
    });
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5 });
  });

  test('is what the model said, streamed', async () => {
    upstream.scripts.set('*', answer('Hello there, 👍'));
    let text = '';
    for await (const chunk of await gateway.client.chat.completions.create({
      model: 'auto',
      stream: true,
      messages: MESSAGES,
    })) {
      text += chunk.choices[0]?.delta.content ?? '';
      expect(chunk.usage).toBeUndefined();
    }
    expect(text).toBe('Hello there, 👍');
  });

  test('is byte for byte what the upstream sent, whole: odd spacing, digits and bytes that are no UTF-8 too', async () => {
    const odd =
      '{ "id":"c1" ,\n "choices":[ {"index":0,"message":{"role":"assistant","content":"\\u00e9#"},"finish_reason":"stop"} ], "x":1.0, "seed":12345678901234567890 }';
    const bytes = Buffer.from(odd).map((byte) => (byte === 35 ? 0xff : byte));
    upstream.scripts.set('*', (response) =>
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(bytes),
    );
    const response = await complete({});
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test('is byte for byte what the upstream sent, streamed: comments, CRLF and characters that two chunks share', async () => {
    const text = [
      ': OPENROUTER PROCESSING\n\n',
      piece('Grüße '),
      ': keep-alive\n\n',
      piece('👍').replaceAll('\n', '\r\n'),
      'event: x\nid: 7\n',
      sse({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], logprobs: null }),
      'data: [DONE]\n\n',
    ].join('');
    const bytes = Buffer.from(text);
    // Cut in the middle of the thumb, and of a line end.
    const cuts = [0, 5, bytes.indexOf('👍') + 2, bytes.indexOf('\r\n') + 1, bytes.length];
    const pieces = cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
    for (const asked of [true, undefined]) {
      upstream.scripts.set('*', stream(pieces.flatMap((one) => [one, 1])));
      const response = await complete({ stream: true, ...(asked && { stream_options: { include_usage: true } }) });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      expect(Buffer.from(await response.arrayBuffer()).toString()).toBe(text);
    }
  });

  test('reaches the client chunk by chunk, as it comes', async () => {
    const go = Promise.withResolvers<void>();
    upstream.scripts.set('*', async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('first '));
      await go.promise;
      response.end(`${piece('second')}${piece('', 'stop')}data: [DONE]\n\n`);
    });
    const response = await complete({ stream: true });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe(piece('first '));
    go.resolve();
    expect((await reader?.read())?.value).toContain('second');
    await reader?.cancel();
  });

  test('calls tools, streamed and whole', async () => {
    upstream.scripts.set('*', answer('', { toolCall: '{"city":"Zürich"}' }));
    const whole = await gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES, tools: TOOLS });
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ id: 'call_1', function: { arguments: '{"city":"Zürich"}' } }] },
    });
    const streamed = gateway.client.chat.completions.stream({ model: 'auto', messages: MESSAGES, tools: TOOLS });
    const { choices } = await streamed.finalChatCompletion();
    expect(choices[0]?.message.tool_calls?.[0]).toMatchObject({
      id: 'call_1',
      function: { name: 'look_up', arguments: '{"city":"Zürich"}' },
    });
  });

  test('shows usage to a client that asked, hides it from one that did not, and records it for both', async () => {
    upstream.scripts.set(
      '*',
      answer('Hi', { usage: { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 } }),
    );
    for (const asked of [true, false]) {
      const { data, response } = await gateway.client.chat.completions
        .create({
          model: 'auto',
          stream: true,
          messages: MESSAGES,
          ...(asked && { stream_options: { include_usage: true } }),
        })
        .withResponse();
      const usages = [];
      for await (const chunk of data) if (chunk.usage) usages.push(chunk.usage.prompt_tokens);
      expect(usages).toEqual(asked ? [1_000] : []);
      const decision = await decisionOf(gateway, response);
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
    upstream.scripts.set('*', stream([piece('x'.repeat(400)), piece('', 'stop'), 'data: [DONE]\n\n']));
    const response = await complete({ stream: true });
    await response.text();
    const { outcome } = await decisionOf(gateway, response);
    expect(outcome?.completion_tokens).toBe(100);
    expect(outcome?.cost_usd).toBeGreaterThan(0);
  });

  test('carries Conduit’s headers, and none that the upstream meant for us', async () => {
    upstream.scripts.set('*', (response, received) => {
      response
        .setHeader('set-cookie', 'a=b')
        .setHeader('x-conduit-decision', 'forged')
        .setHeader('x-request-id', 'req_1');
      return answer('Hi')(response, received);
    });
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
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Hi'));
    gateway = await startTestGateway(
      [
        'providers:',
        `  fake: { base_url: "${upstream.url}", api_key: "sk-provider-secret", headers: { x-team: a } }`,
        `  plain: { base_url: "${upstream.url}", stream_usage: false }`,
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
      ].join('\n'),
      { key: 'conduit-key' },
    );
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const sent = async (text: string, headers?: Record<string, string>) => {
    const response = await gateway.post('/v1/chat/completions', text, headers);
    await response.text();
    expect(response.status).toBe(200);
    return { response, received: upstream.received.at(-1)! };
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
    expect(await decisionOf(gateway, response, 'conduit-key')).toMatchObject({
      router: null,
      chosen: 'fake/quirky',
      reason: 'pinned',
      candidates: [],
      outcome: { kind: 'completed' },
    });
  });

  test('is asked for usage where the provider knows it, and only there', async () => {
    const stream = { stream: true, messages: MESSAGES };
    expect((await sent(JSON.stringify({ model: 'auto', ...stream }))).received.body.stream_options).toEqual({
      include_usage: true,
    });
    expect((await sent(JSON.stringify({ model: 'plain', ...stream }))).received.body).not.toHaveProperty(
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
    expect(received.headers.host).toBe(new URL(upstream.url).host);
  });

  test('takes no key at all to a provider that has none', async () => {
    const { received } = await sent(JSON.stringify({ model: 'plain', messages: MESSAGES }));
    expect(received.headers).not.toHaveProperty('authorization');
  });

  test('may go to a model whose name is not ASCII', async () => {
    for (const stream of [true, false]) {
      const { response, received } = await sent(JSON.stringify({ model: 'far', messages: MESSAGES, stream }), {
        'x-conduit-models': encodeURI('plain/模型'),
      });
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
