import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

let upstream: FakeUpstream;
let asked = 0;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(() => {
  upstream.scripts.clear();
  upstream.scripts.set('*', answer('An answer'));
});
afterAll(() => upstream.close());

const ask = (
  gateway: TestGateway,
  messages: readonly object[],
  body: object = {},
  headers?: Record<string, string>,
): Promise<Response> => gateway.post('/v1/chat/completions', { model: 'auto', messages, ...body }, headers);
const question = (): object[] => [{ role: 'user', content: questionNumber(asked++) }];

describe('a decision', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'medium', 'large']));
  });
  afterAll(() => gateway.close());

  test('has no reward until there is evidence, and no first byte for a whole answer', async () => {
    const response = await ask(gateway, question());
    await response.text();
    const { reward, signals, attempts } = await decisionOf(gateway, response);
    expect({ reward, signals }).toEqual({ reward: null, signals: [] });
    expect(attempts[0]?.first_byte_ms).toBe(null);
  });

  test('weighs cost as the request prefers', async () => {
    const gapOf = async (prefer: string): Promise<number> => {
      const response = await ask(gateway, question(), {}, { 'x-conduit-prefer': prefer });
      await response.text();
      const { candidates } = await decisionOf(gateway, response);
      const [small, , large] = candidates.map(({ quality, utility }) => quality.mean - utility);
      return (large as number) - (small as number);
    };
    // The large model costs three times as much: a person who looks at cost minds it most.
    expect(await gapOf('cost')).toBeGreaterThan(await gapOf('balanced'));
    expect(await gapOf('balanced')).toBeGreaterThan(await gapOf('quality'));
  });

  test('is made once for a hundred requests at a time, each with an answer and an outcome of its own', async () => {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, i) => ask(gateway, question(), { stream: i % 2 === 0 })),
    );
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(texts.every((text) => text.length > 0)).toBe(true);
    const ids = new Set(responses.map((response) => response.headers.get('x-conduit-decision')));
    expect(ids.size).toBe(100);
    for (const response of responses) expect((await decisionOf(gateway, response)).outcome?.kind).toBe('completed');
  });
});

describe('what a router has learned', () => {
  test('has the shape that it is documented to have, and grows with each answer', async () => {
    const gateway = await startTestGateway(simpleConfig(upstream.url));
    for (let i = 0; i < 6; i++) {
      const response = await ask(gateway, question(), { stream: i % 2 === 0 });
      await response.text();
    }
    const router = (await (await gateway.get('/v1/routers/auto')).json()) as {
      arms: { pulls: number; share: number }[];
      budget: { usd_today: number };
    };
    expect(router).toMatchObject({
      object: 'router',
      name: 'auto',
      policy: 'linear-thompson',
      observations: 6,
      arms: ['fake/small', 'fake/large'].map((model) => ({
        model,
        pulls: expect.any(Number),
        share: expect.any(Number),
        quality: { mean: expect.any(Number), low: expect.any(Number), high: expect.any(Number) },
        cost_usd: expect.any(Number),
        first_byte_ms: expect.any(Number),
        resting: false,
      })),
    });
    expect(router.arms.reduce((sum, arm) => sum + arm.pulls, 0)).toBeCloseTo(6, 3);
    expect(router.arms.reduce((sum, arm) => sum + arm.share, 0)).toBeCloseTo(1, 6);
    expect(router.budget.usd_today).toBeGreaterThan(0);
    const unknown = await gateway.get('/v1/routers/nonsense');
    expect(unknown.status).toBe(404);
    expect(((await unknown.json()) as { error: { code: string } }).error.code).toBe('router_not_found');
    await gateway.close();
  });
});

describe('a conversation', () => {
  /** Goes on with a conversation whose every answer is `An answer`, and gives each turn's arm and reason. */
  async function talk(
    gateway: TestGateway,
    turns: number,
    body: object = {},
  ): Promise<{ model: string; reason: string }[]> {
    const messages = question();
    const seen: { model: string; reason: string }[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const response = await ask(gateway, messages, body);
      await response.text();
      seen.push({
        model: response.headers.get('x-conduit-model') as string,
        reason: response.headers.get('x-conduit-reason') as string,
      });
      if (seen.at(-1)?.reason === 'sticky') {
        const { candidates, propensity, chosen } = await decisionOf(gateway, response);
        expect(propensity).toBe(1);
        expect(candidates.map((candidate) => candidate.propensity)).toEqual(
          candidates.map(({ model }) => (model === chosen ? 1 : 0)),
        );
      }
      messages.push({ role: 'assistant', content: 'An answer' }, { role: 'user', content: `And ${turn}?` });
    }
    return seen;
  }

  const arms = ['a', 'b', 'c', 'd', 'e', 'f'];

  test('stays with the arm that it began with, streamed and whole', async () => {
    const gateway = await startTestGateway(simpleConfig(upstream.url, arms, { router: 'policy: random' }));
    const first = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const turns = await talk(gateway, 4, { stream: i % 2 === 0 });
      first.add(turns[0]?.model as string);
      expect(turns[0]?.reason).not.toBe('sticky');
      expect(turns.slice(1)).toEqual(Array(3).fill({ model: turns[0]?.model, reason: 'sticky' }));
    }
    expect(first.size).toBeGreaterThan(1);
    await gateway.close();
  });

  test('draws anew at each turn with sticky: none, but for a tool loop', async () => {
    const gateway = await startTestGateway(
      simpleConfig(upstream.url, arms, { router: 'policy: random, sticky: none' }),
    );
    const turns = (await Promise.all(Array.from({ length: 10 }, () => talk(gateway, 4)))).flat();
    expect(turns.some(({ reason }) => reason === 'sticky')).toBe(false);

    for (let i = 0; i < 10; i++) {
      const messages = question();
      upstream.scripts.set('*', answer('', { toolCall: '{}' }));
      const first = await ask(gateway, messages);
      await first.text();
      upstream.scripts.set('*', answer('An answer'));
      const call = { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{ }' } };
      const loop = [
        ...messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      ];
      const second = await ask(gateway, loop);
      await second.text();
      expect(second.headers.get('x-conduit-reason')).toBe('sticky');
      expect(second.headers.get('x-conduit-model')).toBe(first.headers.get('x-conduit-model'));
    }
    await gateway.close();
  });

  test('leaves its arm where that cannot serve it any more', async () => {
    const gateway = await startTestGateway(simpleConfig(upstream.url, ['a', 'b'], { router: 'policy: random' }));
    const messages = question();
    const first = await ask(gateway, messages);
    await first.text();
    const left = first.headers.get('x-conduit-model') === 'fake/a' ? 'fake/b' : 'fake/a';
    const second = await ask(
      gateway,
      [...messages, { role: 'assistant', content: 'An answer' }, { role: 'user', content: 'And?' }],
      {},
      { 'x-conduit-models': left },
    );
    await second.text();
    expect(second.headers.get('x-conduit-model')).toBe(left);
    expect(second.headers.get('x-conduit-reason')).toBe('only-eligible');
    await gateway.close();
  });

  test('stays with the arm that answered, not with the one that failed', async () => {
    const gateway = await startTestGateway(simpleConfig(upstream.url, ['a', 'b'], { router: 'policy: fixed' }));
    const messages = question();
    upstream.scripts.set('a', fail(500));
    await (await ask(gateway, messages)).text();
    upstream.scripts.delete('a');
    const second = await ask(gateway, [
      ...messages,
      { role: 'assistant', content: 'An answer' },
      { role: 'user', content: 'And?' },
    ]);
    await second.text();
    expect(second.headers.get('x-conduit-model')).toBe('fake/b');
    expect(second.headers.get('x-conduit-reason')).toBe('sticky');
    await gateway.close();
  });

  test('of another person, or another key, is another conversation', async () => {
    const gateway = await startTestGateway(simpleConfig(upstream.url, arms, { router: 'policy: random' }));
    const messages = question();
    await (await ask(gateway, messages, { user: 'one' })).text();
    const next = [...messages, { role: 'assistant', content: 'An answer' }, { role: 'user', content: 'And?' }];
    for (const body of [{ user: 'two' }, {}, { safety_identifier: 'one-more' }]) {
      const response = await ask(gateway, next, body);
      await response.text();
      expect(response.headers.get('x-conduit-reason')).not.toBe('sticky');
    }
    const same = await ask(gateway, next, { user: 'one' });
    await same.text();
    expect(same.headers.get('x-conduit-reason')).toBe('sticky');
    await gateway.close();
  });
});
