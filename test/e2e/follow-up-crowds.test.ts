import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Message, NOBODY, type Person, send, verdictsOf } from '../support/conversation.ts';
import { answer, type FakeUpstream, fail, piece, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const KEYS = [
  'keys:',
  '  - { name: web, key: key-web }',
  '  - { name: ops, key: key-ops, admin: true }',
  'log: { requests: true }',
].join('\n');
const PEOPLE = 1_000;
const WRITTEN = { timeout: 2_000, interval: 20 };
const STILL_NONE_MS = 100;
const STREAM = { stream: true };

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeEach(async () => {
  upstream = await startFakeUpstream(answer('Here it is.'));
  gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest: KEYS }), { key: 'key-web' });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const user = (content: string): Message => ({ role: 'user', content });
const ask = async (content: string, person: Person, body: object = {}): Promise<string> => {
  const { id, status } = await send(gateway, [user(content)], person, body);
  expect(status).toBe(200);
  return id;
};

/** Every verdict that any of these decisions has. */
async function verdictsOfAll(ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < ids.length; from += 50) {
    const some = await Promise.all(ids.slice(from, from + 50).map((id) => verdictsOf(gateway, id)));
    found.push(...some.flat());
  }
  return found;
}

/** None is left, and none comes. */
async function expectNoVerdict(ids: readonly string[]): Promise<void> {
  await expect.poll(() => verdictsOfAll(ids), WRITTEN).toEqual([]);
  await sleep(STILL_NONE_MS);
  expect(await verdictsOfAll(ids)).toEqual([]);
}

describe('many people who send the same first message', () => {
  const GREETING = 'Hi! What can you do for me?';

  test('say nothing of each other’s answers where nobody is named', async () => {
    const ids: string[] = [];
    // One after the other: at the same time they would be a fan-out.
    for (let i = 0; i < PEOPLE; i++) ids.push(await ask(GREETING, NOBODY));
    await expectNoVerdict(ids);
  });

  test('say nothing of each other’s answers where each is named, and each goes on from their own', async () => {
    const ids: string[] = [];
    for (let i = 0; i < PEOPLE; i += 20) {
      const some = Array.from({ length: 20 }, (_, nth) => ask(GREETING, { user: `person-${i + nth}` }));
      ids.push(...(await Promise.all(some)));
    }
    const goingOn = [user(GREETING), { role: 'assistant', content: 'Here it is.' }, user('Then find me a hotel.')];
    await send(gateway, goingOn, { user: 'person-500' });
    await send(gateway, [user(GREETING)], { user: 'person-600' });
    await expect.poll(() => verdictsOf(gateway, ids[500] as string), WRITTEN).toEqual(['continued']);
    await expect.poll(() => verdictsOf(gateway, ids[600] as string), WRITTEN).toEqual(['regenerated']);
    await expectNoVerdict(ids.filter((_, i) => i !== 500 && i !== 600));
  });

  test('at the same time say nothing of each other’s answers either', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => ask(GREETING, NOBODY)));
    await expectNoVerdict(ids);
  });
});

describe('a template with a field that changes', () => {
  const SENTENCES = [
    'The cat sleeps on the warm roof.',
    'We leave for the coast tomorrow morning.',
    'Nobody has seen my umbrella.',
    'The train was late again.',
    'She plays the cello very well.',
    'Please close the window behind you.',
    'This soup needs more salt.',
    'My brother lives in a small village.',
    'It has been raining for three days.',
    'The museum opens at ten.',
    'He forgot to water the plants.',
    'There is a letter for you.',
  ];
  const TEMPLATES: Record<string, readonly string[]> = {
    translations: SENTENCES.map((sentence) => `Translate to French: ${sentence}`),
    tickets: SENTENCES.map(
      (_, i) => `Summarise the support ticket number ${1040 + i} in two sentences for the report.`,
    ),
    Chinese: SENTENCES.map((_, i) => `请用两句话总结第${1040 + i}号客户投诉工单的主要内容`),
  };
  for (const [name, prompts] of Object.entries(TEMPLATES)) {
    test.each([
      ['by nobody in particular', NOBODY],
      ['by one person', { user: 'batch' }],
    ])(`is no rewording, %s (${name})`, async (_whom, person) => {
      const ids: string[] = [];
      for (const prompt of prompts) ids.push(await ask(prompt, person));
      await expectNoVerdict(ids);
    });
  }

  test('is none behind a long prompt that all have in common', async () => {
    const ids: string[] = [];
    const system = { role: 'system', content: 'You label reviews as good or bad. Answer with one word. '.repeat(20) };
    for (const sentence of SENTENCES) {
      const example = [user('Great shoes!'), { role: 'assistant', content: 'good' }];
      const { id } = await send(gateway, [system, ...example, user(`Review: ${sentence}`)], { user: 'batch' });
      ids.push(id);
    }
    await expectNoVerdict(ids);
  });
});

describe('a fan-out', () => {
  const slowly = stream([piece('One '), 150, piece('answer.'), piece('', 'stop'), 'data: [DONE]\n\n']);

  test.each([2, 5])('of %d equal requests while the first still streams is no verdict', async (many) => {
    upstream.scripts.set('*', slowly);
    const ids = await Promise.all(Array.from({ length: many }, () => ask('Name a star.', { user: 'both' }, STREAM)));
    await expectNoVerdict(ids);
  });

  test('in which the second is sent when the first has begun to answer is none', async () => {
    upstream.scripts.set('*', slowly);
    const first = ask('Name a moon.', { user: 'both' }, STREAM);
    while (upstream.received.length === 0) await sleep(5);
    await sleep(50);
    const second = ask('Name a moon.', { user: 'both' }, STREAM);
    await expectNoVerdict(await Promise.all([first, second]));
  });

  test('in which the second overtakes the first is none', async () => {
    upstream.scripts.set('*', slowly);
    const first = ask('Name a comet.', { user: 'both' }, STREAM);
    while (upstream.received.length === 0) await sleep(5);
    upstream.scripts.set('*', answer('Halley'));
    const second = ask('Name a comet.', { user: 'both' }, STREAM);
    await expectNoVerdict(await Promise.all([first, second]));
  });

  test('of requests for whole answers is none', async () => {
    upstream.scripts.set('*', async (response, received) => {
      await sleep(100);
      await answer('Here it is.')(response, received);
    });
    const ids = await Promise.all([1, 2, 3].map(() => ask('Name a planet.', { user: 'both' })));
    await expectNoVerdict(ids);
  });
});

describe('the official client', () => {
  test('that retries of itself after a failure says nothing', async () => {
    let asked = 0;
    upstream.scripts.set('*', (response, received) => (++asked <= 2 ? fail(500) : answer('Yes.'))(response, received));
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'key-web', maxRetries: 2 });
    const messages = [{ role: 'user' as const, content: 'Are you there?' }];
    await client.chat.completions.create({ model: 'auto', user: 'official', messages });
    const ids = gateway.logged
      .map((line) => JSON.parse(line) as { message: string; decision: string })
      .filter(({ message, decision }) => message === 'request' && decision !== undefined)
      .map(({ decision }) => decision);
    expect(ids.length).toBe(2);
    await expectNoVerdict(ids);
  });
});
