import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send } from '../support/conversation.ts';
import { answer, type FakeUpstream, piece, type Script, sse, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Decision, decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

/** How fast an answer is, is the test machine's. */
const LATENCY_OFF = 'signals: { latency: off }';
const WRITTEN = { timeout: 2_000, interval: 10 };

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startTestGateway(simpleConfig(upstream.url, ['only'], { router: LATENCY_OFF }));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

type Signal = Decision['signals'][number];

let asked = 0;
/** What is seen of one answer to a question of its own. */
async function signsOf(script: Script, body: object = {}, through = gateway): Promise<Signal[]> {
  upstream.scripts.set('*', script);
  const messages = [{ role: 'user', content: `Question ${asked++}` }];
  const { id } = await send(through, messages, { user: `person ${asked}` }, body);
  await expect.poll(async () => (await decisionOf(through, id)).outcome, WRITTEN).not.toBeNull();
  return (await decisionOf(through, id)).signals;
}

/** Declines in the field that is there for it, whole or in a stream. */
const refuse =
  (refusal: string): Script =>
  (response, { body }) => {
    const head = { id: 'chatcmpl-refused', created: 1, model: body.model };
    const part = { role: 'assistant', content: null, refusal };
    const choice = { index: 0, finish_reason: 'stop' };
    if (body.stream) {
      const chunk = (of: object): string => sse({ ...head, object: 'chat.completion.chunk', choices: [of] });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ index: 0, delta: part, finish_reason: null }));
      response.end(`${chunk({ ...choice, delta: {} })}data: [DONE]\n\n`);
    } else {
      const whole = { ...head, object: 'chat.completion', choices: [{ ...choice, message: part }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole));
    }
  };

const ADDRESS = {
  type: 'object',
  properties: { street: { type: 'string' }, number: { type: 'integer' } },
  required: ['street', 'number'],
  additionalProperties: false,
};
const JSON_WANTED = { response_format: { type: 'json_object' } };
const ADDRESS_WANTED = {
  response_format: { type: 'json_schema', json_schema: { name: 'address', strict: true, schema: ADDRESS } },
};
const tool = (name: string) => ({ type: 'function', function: { name, parameters: ADDRESS } });
const TOOLS = { tools: [tool('look_up')] };
const OTHER_TOOLS = { tools: [tool('send_letter')] };
const GOOD = '{"street":"Elm","number":4}';

const TELLING: [sign: string, what: string, script: Script, body: object][] = [
  ['refusal', 'declines in so many words', refuse('I cannot help with that.'), {}],
  ['empty', 'has no words', answer(''), {}],
  ['length', 'was cut off at the most tokens', answer('It began when the', { finish: 'length' }), {}],
  ['content_filter', 'was filtered', answer('The way to', { finish: 'content_filter' }), {}],
  ['repetition', 'says the same sentence on and on', answer('I am going round in circles. '.repeat(200)), {}],
  ['repetition', 'says the same on and on in Chinese', answer('我一直在说同样的话。 '.repeat(200)), {}],
  ['invalid_json', 'is no JSON though it was asked for', answer('Sure! Here you are.'), JSON_WANTED],
  ['invalid_json', 'is JSON that does not end', answer('{"street":"Elm",'), JSON_WANTED],
  ['invalid_json', 'lacks what the schema requires', answer('{"street":"Elm"}'), ADDRESS_WANTED],
  ['invalid_json', 'has a type that the schema forbids', answer('{"street":"Elm","number":"4"}'), ADDRESS_WANTED],
  ['invalid_tool_call', 'calls with arguments that do not parse', answer('', { toolCall: '{"street":' }), TOOLS],
  ['invalid_tool_call', 'calls with arguments that do not fit', answer('', { toolCall: '{"street":4}' }), TOOLS],
  ['invalid_tool_call', 'calls a tool that is not there', answer('', { toolCall: GOOD }), OTHER_TOOLS],
];

const FINE: [what: string, script: Script, body: object][] = [
  ['a few words', answer('A few words.'), {}],
  ['one word', answer('No'), {}],
  [
    'a table, whose lines are much alike',
    answer(Array.from({ length: 60 }, (_, i) => `| ${i} | ${i * i} |\n`).join('')),
    {},
  ],
  ['the JSON that was asked for', answer('{"any":["thing"]}'), JSON_WANTED],
  ['JSON that fits the schema', answer(GOOD), ADDRESS_WANTED],
  ['a call that fits its schema', answer('', { toolCall: GOOD }), TOOLS],
  ['words where a tool could have been called', answer('I need no tool for that.'), TOOLS],
];

describe.each([
  ['in a stream', { stream: true }],
  ['whole', {}],
])('an answer that comes %s', (_how, how) => {
  test.each(TELLING)('is marked %s where it %s', async (sign, _what, script, body) => {
    const signs = await signsOf(script, { ...body, ...how });
    expect(signs).toContainEqual(
      expect.objectContaining({ signal: sign, source: 'implicit', value: 0, reward_before: null }),
    );
  });

  test.each(FINE)('is not marked where it is %s', async (_what, script, body) => {
    expect(await signsOf(script, { ...body, ...how })).toEqual([]);
  });
});

describe('a person who stops an answer in mid-stream', () => {
  const WORDS = 400;
  /** One that knows no other answers than those of the usual length. */
  let usual: TestGateway;
  beforeAll(async () => {
    usual = await startTestGateway(simpleConfig(upstream.url, ['only'], { router: LATENCY_OFF }));
  });
  afterAll(() => usual.close());

  /** Some 2,400 characters, no two words alike. */
  const word = (i: number): string => `w${(i * 7919).toString(36).padStart(4, '0')} `;
  const usage = { prompt_tokens: 10, completion_tokens: 600, total_tokens: 610 };
  const usualAnswer = answer(Array.from({ length: WORDS }, (_, i) => word(i)).join(''), { usage });

  /** Reads so many words of an answer of the usual length, then leaves. */
  const leaveAfter = async (words: number): Promise<string[]> => {
    upstream.scripts.set('*', async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < words; i++) response.write(piece(word(i)));
    });
    const aborter = new AbortController();
    const body = {
      model: 'auto',
      stream: true,
      user: `leaves after ${words}`,
      messages: [{ role: 'user', content: `Question ${10_000 + words}` }],
    };
    const response = await fetch(`${usual.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: aborter.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes(JSON.stringify(word(words - 1)))) text += (await reader?.read())?.value ?? '';
    aborter.abort();
    const id = response.headers.get('x-conduit-decision') as string;
    await expect.poll(async () => (await decisionOf(usual, id)).outcome?.kind, WRITTEN).toBe('client_abort');
    const { signals } = await decisionOf(usual, id);
    return signals.map(({ signal }) => signal).filter((signal) => signal.startsWith('aborted'));
  };

  test('leaves at the first word, midway or late', async () => {
    const how = { stream: true, stream_options: { include_usage: true } };
    for (let i = 0; i < 40; i++) await signsOf(usualAnswer, how, usual);
    // Whoever asks what was learned has it learned first.
    await fetch(`${usual.url}/v1/routers/auto`);
    expect(await leaveAfter(1)).toEqual(['aborted_early']);
    expect(await leaveAfter(WORDS / 2)).toEqual(['aborted_midway']);
    expect(await leaveAfter(WORDS - 10)).toEqual(['aborted_late']);
  });
});
