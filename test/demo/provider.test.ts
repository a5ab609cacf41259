/** The simulated provider, asked as any OpenAI-compatible one is. */
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MODELS } from '../../src/demo/models.ts';
import { type Billed, LABEL, type SimulatedProvider, startSimulatedProvider } from '../../src/demo/providers.ts';

const [model] = MODELS;
const messages = [{ role: 'user' as const, content: 'Hello' }];
let billed: Billed[];
let provider: SimulatedProvider;
let client: OpenAI;

beforeEach(async () => {
  billed = [];
  provider = await startSimulatedProvider((one) => billed.push(one));
  client = new OpenAI({ baseURL: provider.url, apiKey: 'none', maxRetries: 0 });
});
afterEach(() => provider.close());

test('a whole answer says that it is simulated, tells its usage and is billed for just that', async () => {
  const answer = await client.chat.completions.create({ model: model!.name, messages, user: 'me' });
  expect(answer.choices[0]?.message.content?.startsWith(LABEL)).toBe(true);
  expect(answer.choices[0]?.finish_reason).toBe('stop');
  expect(billed).toMatchObject([
    {
      model,
      promptTokens: answer.usage?.prompt_tokens,
      completionTokens: answer.usage?.completion_tokens,
      part: 1,
      user: 'me',
    },
  ]);
});

test('a streamed answer comes in pieces, with usage only where it was asked for', async () => {
  const read = async (include_usage: boolean) => {
    const stream = await client.chat.completions.create({
      model: model!.name,
      messages,
      stream: true,
      stream_options: { include_usage },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return { chunks, text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('') };
  };
  const { chunks, text } = await read(true);
  expect(chunks.length).toBeGreaterThan(3);
  expect(text.startsWith(LABEL)).toBe(true);
  expect(chunks.at(-1)?.usage?.completion_tokens).toBe(billed[0]?.completionTokens);
  expect((await read(false)).chunks.every((chunk) => !chunk.usage)).toBe(true);
});

test('who leaves is billed for a part of the answer', async () => {
  const stream = await client.chat.completions.create({ model: MODELS.at(-1)!.name, messages, stream: true });
  let seen = 0;
  for await (const _ of stream) if (++seen === 3) break;
  await expect.poll(() => billed.length).toBe(1);
  expect(billed[0]?.part).toBeGreaterThan(0);
  expect(billed[0]?.part).toBeLessThan(1);
});

test('who asks for JSON gets JSON, and who sets a limit gets no more', async () => {
  const json = await client.chat.completions.create({
    model: model!.name,
    messages,
    response_format: { type: 'json_object' },
  });
  expect(JSON.parse(json.choices[0]?.message.content ?? '').answer).toContain(LABEL);
  const short = await client.chat.completions.create({ model: model!.name, messages, max_tokens: 5 });
  expect(short.usage?.completion_tokens).toBe(5);
  expect(short.choices[0]?.finish_reason).toBe('length');
});

test('an unknown model is refused as OpenAI refuses it', async () => {
  await expect(client.chat.completions.create({ model: 'gpt-5', messages })).rejects.toBeInstanceOf(
    OpenAI.NotFoundError,
  );
});
