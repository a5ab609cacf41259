/** A conversation whose beginning is in a provider's cache is known to cost less there, and more anywhere else. */
import { afterEach, expect, test } from 'vitest';
import { estimatePromptTokens } from '../../src/context/tokens.ts';
import { seeded } from '../bandit/evidence.ts';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Decision, decisionOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

/** Two models of the same price, of which what is cached costs a tenth, but for a third that has no such price. */
const config = (more = ''): string => `
providers:
  fake: { base_url: "${upstream.url}", api_key: "sk-provider-secret" }
models:
  - { id: fake/one, price: { input: 10, cached_input: 1, output: 0 } }
  - { id: fake/two, price: { input: 10, cached_input: 1, output: 0 } }
  - { id: fake/three, price: { input: 10, output: 0 } }
routers:
  auto: { models: [fake/one, fake/two, fake/three], sticky: none, policy: random${more} }
`;

const LONG = 'The minutes of the meeting of the board, as they were taken down. '.repeat(400);
interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** Tokens are what the gateway estimates, so that nothing is learned of them. `cached`: how many of the prompt's it says that it had. */
const counted =
  (cached: ((promptTokens: number) => number) | null) =>
  (...[response, received]: Parameters<ReturnType<typeof answer>>): unknown => {
    const { messages } = received.body as { messages: Message[] };
    const promptTokens = estimatePromptTokens({ messages });
    const usage = {
      prompt_tokens: promptTokens,
      completion_tokens: 5,
      ...(cached && { prompt_tokens_details: { cached_tokens: messages.length > 1 ? cached(promptTokens) : 0 } }),
    };
    return answer(`Answer to ${messages.length}`, { usage })(response, received);
  };

async function ask(messages: Message[], model = 'auto'): Promise<{ decision: Decision; content: string }> {
  const { data, response } = await gateway.client.chat.completions.create({ model, messages }).withResponse();
  return { decision: await decisionOf(gateway, response), content: data.choices[0]?.message.content as string };
}

const costs = ({ candidates }: Decision): Record<string, number> =>
  Object.fromEntries(candidates.map(({ model, cost_usd }) => [model, cost_usd]));

test('a long conversation is expected to cost less at the model that it is with, and nothing else is', async () => {
  upstream = await startFakeUpstream(counted(null));
  gateway = await startTestGateway(config(), { random: seeded(1) });
  const opening: Message[] = [{ role: 'user', content: LONG }];
  const first = await ask(opening);
  const { 'fake/one': one, 'fake/two': two, 'fake/three': three } = costs(first.decision);
  expect([one, three]).toEqual([two, two]);

  const goingOn: Message[] = [...opening, { role: 'assistant', content: first.content }];
  const seen = new Set<string>();
  let with_ = first.decision.model;
  for (let turn = 0; turn < 12; turn++) {
    const { decision, content } = await ask([...goingOn, { role: 'user', content: `Go on, ${turn}.` }]);
    expect(decision.reason).not.toBe('sticky');
    const expected = costs(decision);
    const dearest = Math.max(...Object.values(expected));
    for (const [model, usd] of Object.entries(expected)) {
      if (model === with_ && model !== 'fake/three') {
        // About half of what may be cached is, as far as nobody has told.
        expect(usd).toBeLessThan(0.65 * dearest);
        seen.add(model);
      } else expect(usd).toBeGreaterThan(0.95 * dearest);
    }
    goingOn.push({ role: 'user', content: `Go on, ${turn}.` }, { role: 'assistant', content });
    with_ = decision.model;
  }
  expect([...seen].sort()).toEqual(['fake/one', 'fake/two']);
});

test('how much of it is cached is learned from what the provider tells, and shown', async () => {
  upstream = await startFakeUpstream(counted(null));
  upstream.scripts.set(
    'one',
    counted((promptTokens) => promptTokens - 10),
  );
  upstream.scripts.set(
    'two',
    counted(() => 0),
  );
  gateway = await startTestGateway(config().replace('fake/three], sticky: none', 'fake/three], sticky: conversation'), {
    random: seeded(2),
  });
  const shareAt: Record<string, number> = {};
  for (let i = 0; i < 30; i++) {
    const messages: Message[] = [{ role: 'user', content: `${questionNumber(i)} ${LONG}` }];
    const first = await ask(messages);
    expect(first.decision.outcome?.cached_tokens).toBe(first.decision.model === 'fake/three' ? null : 0);
    messages.push({ role: 'assistant', content: first.content }, { role: 'user', content: 'Say more.' });
    const { decision } = await ask(messages);
    const { model, outcome } = decision;
    if (model === 'fake/three') continue;
    expect(outcome?.cached_tokens).toBe(model === 'fake/one' ? (outcome?.prompt_tokens as number) - 10 : 0);
    await gateway.get('/v1/routers/auto');
    const expected = costs(decision);
    shareAt[model] = (expected[model] as number) / (expected['fake/three'] as number);
  }
  expect(shareAt['fake/one']).toBeLessThan(0.3);
  expect(shareAt['fake/two']).toBeGreaterThan(0.75);
});

test('a short conversation is nobody’s to cache', async () => {
  upstream = await startFakeUpstream(counted(null));
  gateway = await startTestGateway(config(), { random: seeded(3) });
  const messages: Message[] = [{ role: 'user', content: 'What is a heron?' }];
  const first = await ask(messages);
  messages.push({ role: 'assistant', content: first.content }, { role: 'user', content: 'And a crane?' });
  const { decision } = await ask(messages);
  const usd = Object.values(costs(decision));
  expect(Math.max(...usd)).toBeLessThan(1.05 * Math.min(...usd));
});
