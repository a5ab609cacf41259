import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newDecisionId } from '../../src/routing/decision.ts';
import { answer, type FakeUpstream, silence, sse, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

interface Answered {
  decision: string;
  completion: string;
  text: string;
}

describe('feedback', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  let asked = 0;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    const keys = [
      'keys:',
      '  - { name: web, key: key-web }',
      '  - { name: app, key: key-app }',
      '  - { name: ops, key: key-ops, admin: true }',
    ].join('\n');
    gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest: keys }), {
      key: 'key-web',
    });
  });
  beforeEach(() => {
    upstream.scripts.set('*', answer('An answer'));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const complete = async (body: object = {}, headers: Record<string, string> = {}): Promise<Answered> => {
    const messages = [{ role: 'user', content: questionNumber(asked++) }];
    const response = await gateway.post('/v1/chat/completions', { model: 'auto', messages, ...body }, headers);
    const text = await response.text();
    expect(response.status).toBe(200);
    const completion = /"id":"(chatcmpl-\d+)"/.exec(text)?.[1] as string;
    return { decision: response.headers.get('x-conduit-decision') as string, completion, text };
  };
  const give = async (body: unknown, headers?: Record<string, string>) => {
    const response = await gateway.post('/v1/feedback', body, headers);
    const { error, ...rest } = (await response.json()) as { error?: { param: string; code: string } } & Record<
      string,
      unknown
    >;
    return { status: response.status, headers: response.headers, error, body: rest };
  };
  const labels = async () => {
    const router = (await (await gateway.get('/v1/routers/auto', 'key-ops')).json()) as {
      labels: number;
      observations: number;
      arms: { model: string; pulls: number; quality: { mean: number } }[];
    };
    return router;
  };

  describe('by POST', () => {
    test('reaches the decision by its own id and by the completion’s', async () => {
      const first = await complete();
      expect((await give({ decision_id: first.decision, signal: 'thumbs', value: 1 })).body).toEqual({
        object: 'feedback',
        decision_id: first.decision,
        status: 'recorded',
        reward: 1,
      });
      const second = await complete({ stream: true });
      expect((await give({ completion_id: second.completion, signal: 'thumbs', value: 0 })).body).toEqual({
        object: 'feedback',
        decision_id: second.decision,
        status: 'recorded',
        reward: 0,
      });
      const { signals, reward } = await decisionOf(gateway, second.decision);
      expect(signals).toEqual([
        {
          signal: 'thumbs',
          source: 'explicit',
          value: 0,
          weight: 1,
          at: expect.any(Number),
          reward_before: null,
          reward_after: 0,
        },
      ]);
      expect(reward).toBe(0);
    });

    test('takes each signal on its own scale', async () => {
      for (const [signal, value, reward] of [
        ['thumbs', 1, 1],
        ['thumbs', 0, 0],
        ['rating', 1, 0],
        ['rating', 4, 0.75],
        ['rating', 5, 1],
        ['score', 0, 0],
        ['score', 0.3, 0.3],
        ['task_success', true, 1],
        ['task_success', false, 0],
      ]) {
        const { decision } = await complete();
        expect((await give({ decision_id: decision, signal, value, comment: 'why' })).body).toMatchObject({
          status: 'recorded',
          reward,
        });
      }
    });

    test('with the two headers alone needs no body', async () => {
      const { decision } = await complete();
      const headers = { 'x-conduit-decision': decision, 'x-conduit-feedback': 'down' };
      const response = await fetch(`${gateway.url}/v1/feedback`, {
        method: 'POST',
        headers: { ...headers, authorization: 'Bearer key-web' },
      });
      expect(await response.json()).toEqual({
        object: 'feedback',
        decision_id: decision,
        status: 'recorded',
        reward: 0,
      });
      for (const missing of [{ 'x-conduit-decision': decision }, { 'x-conduit-feedback': 'up' }, {}]) {
        expect((await give('', missing as Record<string, string>)).status).toBe(400);
      }
    });

    test('that comes later takes the earlier one’s place; the same twice changes nothing', async () => {
      const { decision } = await complete();
      const say = async (value: number, more: object = {}) =>
        (await give({ decision_id: decision, signal: 'thumbs', value, ...more })).body;
      expect(await say(1)).toMatchObject({ status: 'recorded', reward: 1 });
      expect(await say(1)).toMatchObject({ status: 'duplicate', reward: 1 });
      expect(await say(0)).toMatchObject({ status: 'revised', reward: 0 });
      expect(await say(0)).toMatchObject({ status: 'duplicate', reward: 0 });
      expect(await say(0, { comment: 'rude' })).toMatchObject({ status: 'revised', reward: 0 });
      expect(await say(0)).toMatchObject({ status: 'duplicate' });
      expect((await decisionOf(gateway, decision)).signals).toEqual([
        {
          signal: 'thumbs',
          source: 'explicit',
          value: 0,
          weight: 1,
          at: expect.any(Number),
          comment: 'rude',
          reward_before: null,
          reward_after: 0,
        },
      ]);
    });

    test('of another signal stands beside the first', async () => {
      const { decision } = await complete();
      await give({ decision_id: decision, signal: 'thumbs', value: 1 });
      expect((await give({ decision_id: decision, signal: 'rating', value: 1 })).body).toMatchObject({
        status: 'recorded',
      });
      const { signals, reward } = await decisionOf(gateway, decision);
      expect(signals.map(({ signal }) => signal)).toEqual(['thumbs', 'rating']);
      expect(reward).toBeGreaterThan(0);
      expect(reward).toBeLessThan(1);
    });

    test('with an idempotency key is carried out once, whatever else the repeat says', async () => {
      const { decision } = await complete();
      const key = { decision_id: decision, signal: 'score', idempotency_key: 'k1' };
      expect((await give({ ...key, value: 0.2 })).body).toMatchObject({ status: 'recorded', reward: 0.2 });
      expect((await give({ ...key, value: 0.9 })).body).toMatchObject({ status: 'duplicate', reward: 0.2 });
      expect((await give({ ...key, value: 0.9, idempotency_key: 'k2' })).body).toMatchObject({
        status: 'revised',
        reward: 0.9,
      });
    });

    test('changes what has been learned, and a revision changes it again instead of adding to it', async () => {
      const { decision } = await complete();
      const { model } = await decisionOf(gateway, decision);
      const quality = async () => (await labels()).arms.find((arm) => arm.model === model)?.quality.mean as number;
      const before = await labels();
      const none = await quality();
      await give({ decision_id: decision, signal: 'thumbs', value: 1 });
      const up = await quality();
      await give({ decision_id: decision, signal: 'thumbs', value: 0 });
      const down = await quality();
      expect(up).toBeGreaterThan(none);
      expect(down).toBeLessThan(none);
      const after = await labels();
      expect(after.labels).toBeCloseTo(before.labels + 1, 6);
      expect(after.observations).toBeCloseTo(before.observations, 6);
      await give({ decision_id: decision, signal: 'thumbs', value: 1 });
      expect(await quality()).toBeCloseTo(up, 6);
    });

    test('about another key’s answer, or one that nobody knows, is a 404; an admin may rate any', async () => {
      const { decision, completion } = await complete();
      const unknown = newDecisionId(Date.now(), (bytes) => 'ab'.repeat(bytes));
      for (const [name, id, key] of [
        ['decision_id', decision, 'key-app'],
        ['completion_id', completion, 'key-app'],
        ['decision_id', unknown, 'key-web'],
        ['decision_id', 'nonsense', 'key-web'],
        ['completion_id', 'chatcmpl-nonsense', 'key-web'],
      ] as const) {
        const { status, error } = await give(
          { [name]: id, signal: 'thumbs', value: 1 },
          { authorization: `Bearer ${key}` },
        );
        expect({ status, ...error }).toMatchObject({ status: 404, param: name, code: 'decision_not_found' });
      }
      expect((await gateway.get(`/v1/decisions/${decision}`, 'key-app')).status).toBe(404);
      expect((await gateway.get(`/v1/decisions/${unknown}`, 'key-web')).status).toBe(404);
      // An admin is told whose it is.
      expect(await decisionOf(gateway, decision, 'key-ops')).toMatchObject({ key: 'web', signals: [] });
      for (const [name, id] of Object.entries({ decision_id: decision, completion_id: completion })) {
        const { status } = await give({ [name]: id, signal: 'thumbs', value: 1 }, { authorization: 'Bearer key-ops' });
        expect(status).toBe(200);
      }
    });

    test('about a decision of more than a day ago is a 410', async () => {
      const old = newDecisionId(Date.now() - DAY_MS - 1_000, (bytes) => '00'.repeat(bytes));
      const { status, error } = await give({ decision_id: old, signal: 'thumbs', value: 1 });
      expect({ status, ...error }).toMatchObject({ status: 410, code: 'feedback_window_closed' });
      const young = newDecisionId(Date.now() - DAY_MS + 60_000, (bytes) => '00'.repeat(bytes));
      expect((await give({ decision_id: young, signal: 'thumbs', value: 1 })).status).toBe(404);
    });

    test('that is not understood is a 400 that names the field', async () => {
      const { decision } = await complete();
      const good = { decision_id: decision, signal: 'thumbs', value: 1 };
      for (const [body, param] of [
        [{ ...good, value: 2 }, 'value'],
        [{ ...good, value: 0.5 }, 'value'],
        [{ ...good, value: '1' }, 'value'],
        [{ ...good, value: null }, 'value'],
        [{ ...good, signal: 'rating', value: 0 }, 'value'],
        [{ ...good, signal: 'rating', value: 5.1 }, 'value'],
        [{ ...good, signal: 'rating', value: true }, 'value'],
        [{ ...good, signal: 'score', value: -0.1 }, 'value'],
        [{ ...good, signal: 'task_success', value: 1 }, 'value'],
        [{ ...good, signal: 'applause' }, 'signal'],
        [{ decision_id: decision, value: 1 }, 'signal'],
        [{ signal: 'thumbs', value: 1 }, 'decision_id'],
        [{ ...good, completion_id: 'x' }, 'decision_id'],
        [{ ...good, decision_id: 5 }, 'decision_id'],
        [{ ...good, comment: 5 }, 'comment'],
        [{ ...good, comment: 'x'.repeat(10_001) }, 'comment'],
        [{ ...good, idempotency_key: {} }, 'idempotency_key'],
      ] as const) {
        const { status, error } = await give(body);
        expect({ status, param: error?.param }).toEqual({ status: 400, param });
      }
      for (const body of ['{', '[]', '5']) expect((await give(body)).status).toBe(400);
      expect((await give({ ...good, comment: 'x'.repeat(70_000) })).status).toBe(413);
      expect((await decisionOf(gateway, decision)).signals).toEqual([]);
    });

    test('before the answer has ended goes into its first evidence', async () => {
      const started = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      upstream.scripts.set('*', async (response, received) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: {"id":"c","choices":[{"index":0,"delta":{"content":"so far"}}]}\n\n');
        started.resolve();
        await go.promise;
        response.end('data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n');
        void received;
      });
      const response = await gateway.post('/v1/chat/completions', {
        model: 'auto',
        stream: true,
        messages: [{ role: 'user', content: questionNumber(asked++) }],
      });
      await started.promise;
      const id = response.headers.get('x-conduit-decision') as string;
      expect((await give({ decision_id: id, signal: 'thumbs', value: 1 })).body).toMatchObject({
        status: 'recorded',
        reward: 1,
      });
      expect((await give({ decision_id: id, signal: 'thumbs', value: 1 })).body).toMatchObject({ status: 'duplicate' });
      const before = await labels();
      go.resolve();
      await response.text();
      expect(await decisionOf(gateway, id)).toMatchObject({ reward: 1, outcome: { kind: 'completed' } });
      expect((await labels()).labels).toBeCloseTo(before.labels + 1, 6);
    });

    test('about a pinned model’s answer is kept and teaches nothing', async () => {
      const { decision } = await complete({ model: 'fake/small' });
      const before = await labels();
      expect((await give({ decision_id: decision, signal: 'thumbs', value: 1 })).body).toMatchObject({
        status: 'recorded',
        reward: 1,
      });
      expect(await labels()).toEqual(before);
    });
  });

  describe('in a header', () => {
    const rewardOf = async (id: string) => (await decisionOf(gateway, id)).reward;

    test('says up, down and their kin in many words', async () => {
      for (const [word, reward] of [
        ['up', 1],
        ['Thumbs-Up', 1],
        ['+1', 1],
        ['1', 1],
        ['true', 1],
        ['👍', 1],
        ['👍🏽', 1],
        ['👍️', 1],
        ['down', 0],
        ['thumbs-down', 0],
        ['-1', 0],
        ['0', 0],
        ['false', 0],
        ['👎', 0],
        ['0.25', 0.25],
        ['1.0', 1],
      ] as const) {
        const { decision } = await complete();
        // Headers hold bytes: clients send UTF-8 that is read as Latin-1, or percent-encode it.
        const bytes = Buffer.from(word, 'utf8').toString('latin1');
        const spellings = bytes === word ? [word] : [bytes, encodeURIComponent(word)];
        for (const spelling of spellings) {
          const headers = { 'x-conduit-feedback': spelling, 'x-conduit-decision': decision };
          await complete({}, headers);
          expect(await rewardOf(decision)).toBe(reward);
        }
      }
    });

    for (const stream of [false, true]) {
      test(`without a decision goes to the latest answer of the same conversation, ${stream ? 'streamed' : 'whole'}`, async () => {
        const messages = [{ role: 'user', content: questionNumber(asked++) }];
        upstream.scripts.set('*', answer('  The first answer, with 👍 \n'));
        const first = await complete({ messages, stream });
        const talk = [
          ...messages,
          { role: 'assistant', content: '  The first answer, with 👍 \n' },
          { role: 'user', content: 'And?' },
        ];
        upstream.scripts.set('*', answer('The second answer'));
        const second = await complete({ messages: talk, stream }, { 'x-conduit-feedback': 'up' });
        expect(await rewardOf(first.decision)).toBe(1);
        expect(await rewardOf(second.decision)).toBe(null);
        const longer = [
          ...talk,
          { role: 'assistant', content: [{ type: 'text', text: 'The second answer' }] },
          { role: 'user', content: 'Hm' },
        ];
        const third = await complete({ messages: longer, stream }, { 'x-conduit-feedback': 'down' });
        expect(await rewardOf(second.decision)).toBe(0);
        expect(await rewardOf(first.decision)).toBe(1);
        expect(await rewardOf(third.decision)).toBe(null);
      });

      test(`goes to the tool call that the conversation went on from, ${stream ? 'streamed' : 'whole'}`, async () => {
        const messages = [{ role: 'user', content: questionNumber(asked++) }];
        upstream.scripts.set('*', answer('', { toolCall: '{"city": "Zürich"}' }));
        const first = await complete({ messages, stream });
        // Clients write the arguments anew.
        const call = { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"city":"Zürich"}' } };
        const loop = [
          ...messages,
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        ];
        upstream.scripts.set('*', answer('It rains'));
        await complete({ messages: loop, stream }, { 'x-conduit-feedback': 'up' });
        expect(await rewardOf(first.decision)).toBe(1);
      });
    }

    test('goes to the same question’s answer where it is asked again', async () => {
      const messages = [{ role: 'user', content: questionNumber(asked++) }];
      const first = await complete({ messages });
      await complete({ messages }, { 'x-conduit-feedback': 'down' });
      expect(await rewardOf(first.decision)).toBe(0);
    });

    test('goes to the session’s latest answer where a session is named', async () => {
      const session = { 'x-conduit-session': `s${asked}` };
      const first = await complete({}, session);
      const second = await complete({}, session);
      await complete({}, { ...session, 'x-conduit-feedback': 'up' });
      expect(await rewardOf(second.decision)).toBe(1);
      expect(await rewardOf(first.decision)).toBe(null);
    });

    test('passes over a request that nothing answered', async () => {
      const session = { 'x-conduit-session': `s${asked}` };
      const messages = [{ role: 'user', content: questionNumber(asked++) }];
      const first = await complete({ messages }, session);
      upstream.scripts.set('*', stream([': keep-alive\n\n', sse({ error: { message: 'overloaded' } })]));
      const again = { model: 'auto', messages, stream: true };
      expect((await gateway.post('/v1/chat/completions', again, session)).status).toBe(502);
      upstream.scripts.set('*', answer('An answer'));
      await complete({ messages }, { ...session, 'x-conduit-feedback': 'down' });
      expect(await rewardOf(first.decision)).toBe(0);
    });

    test('reaches nobody else’s answer to the same words', async () => {
      const messages = [{ role: 'user', content: questionNumber(asked++) }];
      const one = await complete({ messages });
      const other = { authorization: 'Bearer key-app' };
      await complete({ messages }, { ...other, 'x-conduit-feedback': 'down' });
      await complete({ messages, user: 'somebody' }, { 'x-conduit-feedback': 'down' });
      await complete({ messages }, { 'x-conduit-session': 'another', 'x-conduit-feedback': 'down' });
      await complete({ messages }, { ...other, 'x-conduit-feedback': 'down', 'x-conduit-decision': one.decision });
      expect(await rewardOf(one.decision)).toBe(null);
    });

    test('about nothing known does not fail the completion that it came with', async () => {
      const unknown = newDecisionId(Date.now(), (bytes) => 'cd'.repeat(bytes));
      await complete({}, { 'x-conduit-feedback': 'up' });
      await complete({}, { 'x-conduit-feedback': 'up', 'x-conduit-decision': unknown });
      expect(gateway.logged.some((line) => line.includes('no decision known here'))).toBe(true);
    });

    test('does not wait for the answer that it came with', async () => {
      const { decision } = await complete();
      const asking = Promise.withResolvers<void>();
      upstream.scripts.set('*', (response, received) => {
        asking.resolve();
        return silence(response, received);
      });
      const aborter = new AbortController();
      const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: questionNumber(asked++) }] });
      const headers = { authorization: 'Bearer key-web', 'x-conduit-feedback': 'up', 'x-conduit-decision': decision };
      const waiting = fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        body,
        headers,
        signal: aborter.signal,
      }).catch(() => {});
      await asking.promise;
      expect(await rewardOf(decision)).toBe(1);
      aborter.abort();
      await waiting;
    });
  });
});
