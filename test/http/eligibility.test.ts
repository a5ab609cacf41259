import OpenAI, { BadRequestError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { decisionOf, startTestGateway, type TestGateway } from '../support/gateway.ts';

const MESSAGES = [{ role: 'user', content: 'Hi' }];
const IMAGE = [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
    ],
  },
];
const AUDIO = [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }] }];
const TOOLS = [{ type: 'function', function: { name: 'f', parameters: {} } }];
const SCHEMA = { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } };

describe('an arm', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Hi'));
    const arm = (name: string, more: string): string => `  - { id: fake/${name}, ${more} }`;
    gateway = await startTestGateway(
      [
        'providers:',
        `  fake: { base_url: "${upstream.url}" }`,
        'models:',
        arm(
          'all',
          'price: { input: 1, output: 1 }, supports: [tools, images, json_schema, reasoning, audio], context: 1000000',
        ),
        arm('dear', 'price: { input: 1000, output: 1000 }, supports: [tools, images, json_schema, reasoning, audio]'),
        arm('bare', 'price: { input: 1, output: 1 }, supports: []'),
        arm('short', 'price: { input: 1, output: 1 }, supports: [], context: 1000, max_output: 500'),
        arm('strict', 'price: { input: 1, output: 1 }, supports: [], params: { drop: [n, logprobs] }'),
        'routers:',
        '  auto: { models: [fake/all, fake/bare] }',
        '  bare: { models: [fake/bare, fake/short, fake/strict] }',
        '  short: { models: [fake/all, fake/short] }',
        '  strict: { models: [fake/all, fake/strict] }',
        '  priced: { models: [fake/all, fake/dear] }',
        '  limited: { models: [fake/all, fake/dear], max_usd_per_request: 0.01 }',
        'keys:',
        '  - { name: all, key: key-all }',
        '  - { name: some, key: key-some, models: ["fake/b*"] }',
        '  - { name: no, key: key-no, models: ["other/*"] }',
      ].join('\n'),
      { key: 'key-all' },
    );
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const ask = (body: object, headers?: Record<string, string>): Promise<Response> =>
    gateway.post('/v1/chat/completions', { model: 'auto', messages: MESSAGES, ...body }, headers);

  /** That this arm alone was eligible, and why the other was not. */
  async function expectOnly(
    model: string,
    ruledOut: RegExp,
    body: object,
    headers?: Record<string, string>,
  ): Promise<void> {
    const response = await ask(body, headers);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-conduit-model')).toBe(model);
    expect(response.headers.get('x-conduit-reason')).toBe('only-eligible');
    expect(response.headers.get('x-conduit-propensity')).toBe('1');
    const { candidates } = await decisionOf(gateway, response, headers?.authorization?.slice('Bearer '.length));
    expect(candidates).toHaveLength(2);
    for (const candidate of candidates) {
      const eligible = candidate.model === model;
      expect(candidate).toMatchObject({ eligible, propensity: eligible ? 1 : 0 });
      if (eligible) expect(candidate.ruled_out).toBe(null);
      else expect(candidate.ruled_out).toMatch(ruledOut);
    }
  }

  /** The 400 that says what ruled out each arm. */
  async function expectNone(
    reasons: Record<string, string>,
    body: object,
    headers?: Record<string, string>,
  ): Promise<void> {
    const before = upstream.received.length;
    const response = await ask(body, headers);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string; code: string; type: string } };
    expect(error).toMatchObject({ code: 'no_eligible_model', type: 'invalid_request_error' });
    for (const [model, why] of Object.entries(reasons)) expect(error.message).toContain(`${model}: ${why}`);
    expect(upstream.received.length).toBe(before);
  }

  test('without tools, images, audio, JSON schemas or reasoning answers no request that needs them', async () => {
    await expectOnly('fake/all', /tools/, { tools: TOOLS });
    await expectOnly('fake/all', /images/, { messages: IMAGE });
    await expectOnly('fake/all', /audio/, { messages: AUDIO });
    await expectOnly('fake/all', /audio/, { modalities: ['text', 'audio'] });
    await expectOnly('fake/all', /json_schema/, { response_format: SCHEMA });
    await expectOnly('fake/all', /reasoning/, { reasoning_effort: 'high' });
  });

  test('answers a request that needs none of it', async () => {
    for (const body of [{ tools: [] }, { response_format: { type: 'json_object' } }, { reasoning_effort: 'none' }]) {
      expect((await ask({ model: 'bare', ...body })).status).toBe(200);
    }
  });

  test('whose params drop n or logprobs answers no request that asks for them', async () => {
    await expectOnly('fake/all', /n$/, { model: 'strict', n: 2 });
    await expectOnly('fake/all', /logprobs/, { model: 'strict', logprobs: true });
  });

  test('whose context is too short for the prompt with the output asked for is not asked', async () => {
    const long = [{ role: 'user', content: 'some words '.repeat(1_000) }];
    await expectOnly('fake/all', /context of 1000 tokens/, { model: 'short', messages: long });
    await expectOnly('fake/all', /at most 500 output tokens/, { model: 'short', max_tokens: 501 });
    const half = [{ role: 'user', content: 'some words '.repeat(400) }];
    await expectOnly('fake/all', /context of 1000 tokens/, {
      model: 'short',
      messages: half,
      max_completion_tokens: 499,
    });
  });

  test('that the header or the key does not name is not asked', async () => {
    await expectOnly('fake/bare', /x-conduit-models/, {}, { 'x-conduit-models': 'fake/bare' });
    await expectOnly('fake/bare', /x-conduit-models/, {}, { 'x-conduit-models': ' other/x , fake/b* ' });
    await expectOnly('fake/bare', /key/, {}, { authorization: 'Bearer key-some' });
  });

  test('that is expected to cost more than the limit is not asked', async () => {
    await expectOnly('fake/all', /more than \$0\.01/, { model: 'priced' }, { 'x-conduit-max-usd': '0.01' });
    await expectOnly('fake/all', /more than \$0\.01/, { model: 'limited' });
    await expectOnly(
      'fake/all',
      /more than \$0\.001/,
      { model: 'limited', max_tokens: 100 },
      { 'x-conduit-max-usd': '0.001' },
    );
    await expectOnly('fake/all', /more than \$0\.01/, { model: 'limited' }, { 'x-conduit-max-usd': '50' });
  });

  test('is missing where every arm is ruled out, and the answer says by what', async () => {
    await expectNone(
      {
        'fake/bare': 'does not support tools',
        'fake/short': 'does not support tools',
        'fake/strict': 'does not support tools',
      },
      { model: 'bare', tools: TOOLS },
    );
    await expectNone({ 'fake/bare': 'does not support images' }, { model: 'bare', messages: IMAGE });
    await expectNone({ 'fake/bare': 'does not support json_schema' }, { model: 'bare', response_format: SCHEMA });
    await expectNone({ 'fake/all': 'not in x-conduit-models' }, {}, { 'x-conduit-models': 'fake/other' });
    await expectNone(
      { 'fake/all': 'the key does not allow', 'fake/bare': 'the key does not allow' },
      {},
      { authorization: 'Bearer key-no' },
    );
    await expectNone(
      { 'fake/all': 'expected to cost', 'fake/dear': 'expected to cost' },
      { model: 'priced' },
      { 'x-conduit-max-usd': '0' },
    );
  });

  test('that is missing raises the official client’s BadRequestError', async () => {
    const client = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: 'key-all',
      maxRetries: 0,
      defaultHeaders: { 'x-conduit-models': 'nobody/nothing' },
    });
    const error = await client.chat.completions
      .create({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] })
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ status: 400, code: 'no_eligible_model' });
  });
});
