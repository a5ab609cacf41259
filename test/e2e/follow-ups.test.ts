import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOBODY, type Person, play, send, verdictsOf } from '../support/conversation.ts';
import { CONVERSATIONS } from '../support/conversations.ts';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Decision, decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const KEYS = [
  'keys:',
  '  - { name: web, key: key-web }',
  '  - { name: app, key: key-app }',
  '  - { name: ops, key: key-ops, admin: true }',
].join('\n');

/** By then a verdict that is due has been written; and one that is not due would have been, this long after the answer. */
const WRITTEN = { timeout: 2_000, interval: 10 };
const STILL_NONE_MS = 100;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  // How fast an answer is, is the test machine's.
  const router = 'signals: { latency: off }';
  gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { router, rest: KEYS }), {
    key: 'key-web',
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const decided = (id: string): Promise<Decision> => decisionOf(gateway, id, 'key-ops');
const signalOf = async (id: string, name: string) => (await decided(id)).signals.find(({ signal }) => signal === name);
const written = async (id: string, name: string): Promise<Decision['signals'][number]> => {
  await expect.poll(() => signalOf(id, name), WRITTEN).toBeDefined();
  return (await signalOf(id, name)) as Decision['signals'][number];
};

describe('what people do next', () => {
  test.each(CONVERSATIONS)('$name', async (conversation) => {
    const ids = await play(conversation, gateway, upstream);
    const due = conversation.turns.map(({ gets }) => (gets ? [gets] : []));
    const verdicts = () => Promise.all(ids.map((id) => verdictsOf(gateway, id)));
    await expect.poll(verdicts, WRITTEN).toEqual(due);
    await sleep(STILL_NONE_MS);
    expect(await verdicts()).toEqual(due);
  });
});

describe('an answer that was refused', () => {
  test('is not asked for from the same arm again', async () => {
    const turns = [
      { says: 'Suggest a motto for our club.', answer: 'Onwards!' },
      { says: 'A funnier one, please.', answer: 'Sideways!' },
      { again: true, answer: 'Backwards!' },
    ] as const;
    const ids = await play({ name: 'the arm that was refused', turns }, gateway, upstream);
    const [, refused, next] = await Promise.all(ids.map(decided));
    expect(next?.model).not.toBe(refused?.model);
    const candidate = next?.candidates.find(({ model }) => model === refused?.model);
    expect(candidate).toMatchObject({ eligible: false, ruled_out: expect.stringMatching(/./) });
    expect(next?.candidates.some(({ eligible }) => eligible)).toBe(true);
  });

  test('is made anew all the same where no other arm is left', async () => {
    const alone = await startTestGateway(simpleConfig(upstream.url, ['only']));
    const turns = [{ says: 'Suggest a motto for our club.' }, { again: true }, { again: true }] as const;
    const ids = await play({ name: 'one arm alone', turns }, alone, upstream);
    const last = await decisionOf(alone, ids[2] as string);
    expect(last.model).toBe('fake/only');
    expect(last.candidates).toMatchObject([{ eligible: true, ruled_out: null }]);
    await alone.close();
  });

  test('counts among the answers of its conversation', async () => {
    const turns = [
      { says: 'What shall I bring to the party?', answer: 'Bread.' },
      { again: true, answer: 'Salad.' },
      { again: true, answer: 'Cake.' },
      { says: 'Which kind of cake do most people like?', answer: 'Carrot cake.' },
      { rewords: 'Which kind of cake do most children like?', answer: 'Chocolate cake.' },
      { says: 'How long does it bake?' },
    ] as const;
    const ids = await play({ name: 'how many answers came before', turns }, gateway, upstream);
    const places = (await Promise.all(ids.map(decided))).map(({ conversation }) => conversation);
    expect(places).toEqual([
      { turn: 0, retry: 0 },
      { turn: 1, retry: 1 },
      { turn: 2, retry: 2 },
      { turn: 3, retry: 0 },
      { turn: 4, retry: 1 },
      { turn: 5, retry: 0 },
    ]);
  });
});

describe('a verdict', () => {
  const regenerated = async (question: string, as: Person) => {
    const ids = await play({ name: question, as, turns: [{ says: question }, { again: true }] }, gateway, upstream);
    return written(ids[0] as string, 'regenerated');
  };

  test('weighs at most half where a single question is repeated and nobody is named', async () => {
    const named = await regenerated('What is a quark?', { user: 'somebody' });
    const unnamed = await regenerated('What is a lepton?', NOBODY);
    expect(named.weight).toBeGreaterThan(0);
    expect(unnamed.weight).toBeLessThanOrEqual(named.weight / 2);
  });

  test('tells the reward before and after it, and what speaks against an answer lowers what speaks for it', async () => {
    const after: Record<string, number> = {};
    for (const [verdict, turns] of Object.entries({
      continued: [{ says: 'Name a good book.' }, { says: 'And another by the same author?' }],
      regenerated: [{ says: 'Name a good film.' }, { again: true }],
    } as const)) {
      const ids = await play({ name: `the reward of ${verdict}`, turns }, gateway, upstream);
      const signal = await written(ids[0] as string, verdict);
      expect(signal).toMatchObject({ source: 'implicit', reward_before: null, reward_after: expect.any(Number) });
      expect((await decided(ids[0] as string)).reward).toBe(signal.reward_after);
      expect((await decided(ids[1] as string)).reward).toBeNull();
      after[verdict] = signal.reward_after as number;
    }
    expect(after.regenerated).toBeLessThan(after.continued as number);
  });

  test('of a tool loop weighs nothing', async () => {
    const name = 'an agent that comes back';
    const calls = [
      { id: 'call_z1', type: 'function' as const, function: { name: 'look_up', arguments: '{"city":"Lima"}' } },
    ];
    const turns = [{ says: 'How warm is it in Lima?', answer: { calls } }, { returns: ['19'] }] as const;
    const ids = await play({ name, turns }, gateway, upstream);
    expect(await written(ids[0] as string, 'resumed')).toMatchObject({ weight: 0, source: 'implicit' });
    expect((await decided(ids[0] as string)).reward).toBeNull();
  });

  test.each([1, 0])('gives way to a thumb of %d, before it or after it', async (value) => {
    const thumb = (id: string) =>
      gateway.post('/v1/feedback', { decision_id: id, signal: 'thumbs', value }).then(({ status }) => status);
    const question = (when: string) => `Which gloves are best for ${value} degrees, ${when}?`;
    const next = { role: 'user', content: 'Where can I buy them?' };
    const settled = async (id: string): Promise<void> => {
      const { signals, reward } = await decided(id);
      expect(reward).toBe(value);
      expect(signals.find(({ signal }) => signal === 'continued')).toMatchObject({ weight: 0, source: 'implicit' });
      expect(signals.find(({ signal }) => signal === 'thumbs')).toMatchObject({ reward_after: value, value });
    };
    for (const when of ['first the thumb', 'then the thumb']) {
      upstream.scripts.set('*', answer('Thick ones.'));
      const asked = [{ role: 'user', content: question(when) }];
      const person = { user: `thumb ${value}, ${when}` };
      const { id } = await send(gateway, asked, person);
      if (when === 'first the thumb') expect(await thumb(id)).toBe(200);
      await send(gateway, [...asked, { role: 'assistant', content: 'Thick ones.' }, next], person);
      await written(id, 'continued');
      if (when === 'then the thumb') {
        expect(await thumb(id)).toBe(200);
        // As they are told at one time, since what a signal is worth changes with all that is learned.
        const { signals } = await decided(id);
        const rewards = signals.map(({ reward_before, reward_after }) => [reward_before, reward_after]);
        expect(rewards).toEqual([
          [null, expect.any(Number)],
          [rewards[0]?.[1], value],
        ]);
      }
      await settled(id);
    }
  });

  test('that is switched off is not given, and others are', async () => {
    const router = 'signals: { regenerated: off }';
    const deaf = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { router, rest: KEYS }), {
      key: 'key-web',
    });
    const turns = [{ says: 'Name a tree.' }, { again: true }, { says: 'Thanks!' }] as const;
    const ids = await play({ name: 'no regenerated', turns }, deaf, upstream);
    await expect.poll(() => verdictsOf(deaf, ids[1] as string), WRITTEN).toEqual(['continued']);
    await sleep(STILL_NONE_MS);
    expect(await verdictsOf(deaf, ids[0] as string)).toEqual([]);
    await deaf.close();
  });
});

describe('with the official client', () => {
  const clientOf = (maxRetries: number): OpenAI =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'key-web', maxRetries });

  test('a conversation that sends the answer back as it came is continued', async () => {
    upstream.scripts.set('*', answer('A lot of patience.'));
    const client = clientOf(0);
    const asked = [{ role: 'user' as const, content: 'What does a cactus need?' }];
    const { data, response } = await client.chat.completions
      .create({ model: 'auto', user: 'official', messages: asked })
      .withResponse();
    const said = data.choices[0]?.message as OpenAI.ChatCompletionMessage;
    const messages = [...asked, said, { role: 'user' as const, content: 'And water?' }];
    await client.chat.completions.create({ model: 'auto', user: 'official', messages });
    await written(response.headers.get('x-conduit-decision') as string, 'continued');
  });

  test('the same question again is a verdict, since the client says that it is no retry of its own', async () => {
    upstream.scripts.set('*', answer('A lot of light.'));
    const client = clientOf(2);
    const ask = () =>
      client.chat.completions
        .create({ model: 'auto', user: 'official', messages: [{ role: 'user', content: 'What does a fern need?' }] })
        .withResponse();
    const { response } = await ask();
    await ask();
    await written(response.headers.get('x-conduit-decision') as string, 'regenerated');
  });

  test('a stream that is read to its end and asked for again is regenerated', async () => {
    upstream.scripts.set('*', answer('A lot of room to grow.'));
    const messages = [{ role: 'user' as const, content: 'What does a fig tree need?' }];
    const ids: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { data, response } = await clientOf(0)
        .chat.completions.create({ model: 'auto', user: 'official', messages, stream: true })
        .withResponse();
      for await (const _chunk of data);
      ids.push(response.headers.get('x-conduit-decision') as string);
    }
    await written(ids[0] as string, 'regenerated');
    expect(await verdictsOf(gateway, ids[1] as string)).toEqual([]);
  });
});
