/** What a gateway tells of itself: its models, its decisions, what was said of them, and what it has learned. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { questionNumber } from '../support/questions.ts';
import { type Gateway, type Platform, simpleConfig, startGateway } from './gateway.ts';
import { answer, fail } from './scripts.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const KEYS = [
  'keys:',
  '  - { name: web, key: key-web }',
  '  - { name: app, key: key-app }',
  '  - { name: ops, key: key-ops, admin: true }',
].join('\n');

/** An id as it would have been given out then. */
const idOf = (time: number): string => `dec_${time.toString(16).padStart(12, '0')}${'ab'.repeat(10)}`;

interface Learned {
  observations: number;
  labels: number;
  look_ups: Record<'cached' | 'found' | 'unknown' | 'late' | 'failed' | 'hit_rate', number>;
  arms: { model: string; pulls: number; share: number; quality: { mean: number } }[];
}

export function learningSuite(platform: Platform): void {
  describe('a gateway', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      gateway = await startGateway(platform, simpleConfig(['small', 'org/large'], { router: 'answers_to: [gpt-4o]' }));
    });
    afterAll(() => gateway.close());

    test('lists its routers and models as OpenAI does', async () => {
      const { data } = await gateway.client().models.list();
      expect(data.map(({ id, object, owned_by }) => ({ id, object, owned_by }))).toEqual([
        { id: 'auto', object: 'model', owned_by: 'conduit' },
        { id: 'fake/small', object: 'model', owned_by: 'fake' },
        { id: 'fake/org/large', object: 'model', owned_by: 'fake' },
      ]);
      for (const { created } of data) expect(Number.isInteger(created)).toBe(true);
    });

    test('finds one by its id, with slashes as they are or encoded, and by any name that a request may use', async () => {
      for (const id of ['auto', 'fake/small', 'fake/org/large'])
        expect((await gateway.client().models.retrieve(id)).id).toBe(id);
      for (const [path, id] of [
        ['fake/org/large', 'fake/org/large'],
        ['fake%2Forg%2Flarge', 'fake/org/large'],
        ['gpt-4o', 'auto'],
        ['small', 'fake/small'],
      ] as const) {
        expect(await (await gateway.get(`/v1/models/${path}`)).json()).toMatchObject({ id, object: 'model' });
      }
      const unknown = await gateway.get('/v1/models/nonsense');
      expect(unknown.status).toBe(404);
      expect(((await unknown.json()) as { error: { code: string } }).error.code).toBe('model_not_found');
      for (const path of ['%', '%ff', 'a%00b']) expect((await gateway.get(`/v1/models/${path}`)).status).toBe(404);
    });

    test('says that it is alive and ready, without a key', async () => {
      expect(await (await gateway.get('/health')).json()).toEqual({ status: 'ok' });
      const ready = await gateway.get('/ready');
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({ status: 'ready' });
    });
  });

  describe('a decision', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      const models = ['small', 'medium', 'large'];
      gateway = await startGateway(platform, simpleConfig(models, { rest: KEYS }), { key: 'key-web' });
      await gateway.provider.tell('*', answer('An answer'));
    });
    afterAll(() => gateway.close());

    let asked = 0;
    const complete = async (body: object = {}, headers?: Record<string, string>) => {
      const messages = [{ role: 'user', content: questionNumber(asked++) }];
      const response = await gateway.complete({ messages, ...body }, headers);
      const completion = /"id":"(chatcmpl-\d+)"/.exec(await response.text())?.[1];
      return { response, completion, id: response.headers.get('x-conduit-decision') as string };
    };
    const give = async (body: object, headers?: Record<string, string>) =>
      (await gateway.post('/v1/feedback', body, headers)).json() as Promise<{ status?: string }>;
    const learned = async (): Promise<Learned> =>
      (await (await gateway.get('/v1/routers/auto', 'key-ops')).json()) as Learned;

    test('has the shape that it is documented to have', async () => {
      const before = Math.floor(Date.now() / 1000);
      const { response, id } = await complete({ stream: true });
      expect(await give({ decision_id: id, signal: 'rating', value: 4 })).toMatchObject({ status: 'recorded' });
      const decision = await gateway.decisionOf(id);
      expect(decision).toMatchObject({
        object: 'decision',
        id,
        router: 'auto',
        created: expect.any(Number),
        chosen: response.headers.get('x-conduit-model'),
        model: response.headers.get('x-conduit-model'),
        reason: response.headers.get('x-conduit-reason'),
        propensity: Number(response.headers.get('x-conduit-propensity')),
        candidates: ['fake/small', 'fake/medium', 'fake/large'].map((model) => ({
          model,
          eligible: true,
          ruled_out: null,
          propensity: expect.any(Number),
          quality: { mean: expect.any(Number), low: expect.any(Number), high: expect.any(Number) },
          cost_usd: expect.any(Number),
          first_byte_ms: expect.any(Number),
          total_ms: expect.any(Number),
          utility: expect.any(Number),
        })),
        attempts: [
          {
            model: response.headers.get('x-conduit-model'),
            outcome: 'completed',
            status: 200,
            first_byte_ms: expect.any(Number),
            total_ms: expect.any(Number),
          },
        ],
        outcome: {
          kind: 'completed',
          finish_reason: 'stop',
          prompt_tokens: 10,
          completion_tokens: 5,
          cost_usd: expect.any(Number),
        },
        signals: [{ signal: 'rating', source: 'explicit', value: 0.75, weight: 1, at: expect.any(Number) }],
        reward: 0.75,
      });
      const { created } = decision as unknown as { created: number };
      expect(created).toBeGreaterThanOrEqual(before);
      expect(created).toBeLessThanOrEqual(Date.now() / 1000);
    });

    test('has propensities that sum to 1, the chosen arm’s being the one that was told', async () => {
      for (let i = 0; i < 10; i++) {
        const only = { 'x-conduit-models': 'fake/small,fake/large' };
        const { response } = await complete(i % 2 ? { stream: true } : {}, i % 3 ? {} : only);
        const { candidates, chosen, propensity } = await gateway.decisionOf(response);
        expect(candidates.reduce((sum, candidate) => sum + candidate.propensity, 0)).toBeCloseTo(1, 9);
        expect(candidates.find(({ model }) => model === chosen)?.propensity).toBe(propensity);
        for (const candidate of candidates) if (!candidate.eligible) expect(candidate.propensity).toBe(0);
      }
    });

    test('is kept where the upstream failed too', async () => {
      await gateway.provider.tell('*', fail(400));
      const { response } = await complete();
      await gateway.provider.tell('*', answer('An answer'));
      expect(response.status).toBe(400);
      expect(await gateway.decisionOf(response)).toMatchObject({
        attempts: [{ outcome: 'upstream_error', status: 400 }],
        outcome: { kind: 'upstream_error', prompt_tokens: null, cost_usd: 0 },
        signals: [],
        reward: null,
      });
    });

    test('is shown to the key that asked and to an admin, and to nobody else', async () => {
      const { id } = await complete();
      for (const [key, status] of [
        ['key-web', 200],
        ['key-ops', 200],
        ['key-app', 404],
      ] as const) {
        expect((await gateway.get(`/v1/decisions/${id}`, key)).status).toBe(status);
      }
      for (const unknown of ['nonsense', 'dec_1', `dec_${'0'.repeat(32)}`]) {
        const response = await gateway.get(`/v1/decisions/${unknown}`);
        expect(response.status).toBe(404);
        expect(((await response.json()) as { error: { code: string } }).error.code).toBe('decision_not_found');
      }
    });

    test('takes feedback by its own id and by the completion’s, each signal on its own scale', async () => {
      const { id, completion } = await complete({ stream: true });
      expect(await give({ completion_id: completion, signal: 'thumbs', value: 0 })).toEqual({
        object: 'feedback',
        decision_id: id,
        status: 'recorded',
        reward: 0,
      });
      for (const [signal, value, reward] of [
        ['thumbs', 1, 1],
        ['rating', 4, 0.75],
        ['score', 0.3, 0.3],
        ['task_success', true, 1],
      ]) {
        const other = await complete();
        expect(await give({ decision_id: other.id, signal, value })).toMatchObject({ status: 'recorded', reward });
      }
    });

    test('takes feedback by two headers alone', async () => {
      const { id } = await complete();
      const headers = { 'x-conduit-decision': id, 'x-conduit-feedback': 'down', authorization: 'Bearer key-web' };
      const response = await gateway.fetch('/v1/feedback', { method: 'POST', headers });
      expect(await response.json()).toMatchObject({ decision_id: id, status: 'recorded', reward: 0 });
    });

    test('goes by the feedback that came last; the same twice changes nothing', async () => {
      const { id } = await complete();
      const say = (value: number) => give({ decision_id: id, signal: 'thumbs', value });
      expect(await say(1)).toMatchObject({ status: 'recorded', reward: 1 });
      expect(await say(1)).toMatchObject({ status: 'duplicate', reward: 1 });
      expect(await say(0)).toMatchObject({ status: 'revised', reward: 0 });
      expect((await gateway.decisionOf(id)).signals).toMatchObject([{ signal: 'thumbs', value: 0 }]);
    });

    test('is revised by many at once and loses none', async () => {
      const { id } = await complete();
      const given = await Promise.all(
        ['thumbs', 'score', 'task_success', 'rating'].map((signal) =>
          give({ decision_id: id, signal, value: signal === 'task_success' ? true : 1 }),
        ),
      );
      expect(given.map(({ status }) => status)).toEqual(Array(4).fill('recorded'));
      expect((await gateway.decisionOf(id)).signals).toHaveLength(4);
    });

    test('of another key, of more than a day ago, or unknown takes no feedback', async () => {
      const { id } = await complete();
      const rate = (decision_id: string, key = 'key-web') =>
        give({ decision_id, signal: 'thumbs', value: 1 }, { authorization: `Bearer ${key}` });
      expect(await rate(id, 'key-app')).toMatchObject({ error: { code: 'decision_not_found' } });
      expect(await rate('nonsense')).toMatchObject({ error: { code: 'decision_not_found' } });
      const old = idOf(Date.now() - DAY_MS - 1_000);
      expect(await rate(old)).toMatchObject({ error: { code: 'feedback_window_closed' } });
      expect(await rate(idOf(Date.now() - DAY_MS + 60_000))).toMatchObject({ error: { code: 'decision_not_found' } });
      expect(await rate(id, 'key-ops')).toMatchObject({ status: 'recorded' });
    });

    test('changes what has been learned, and what is said of it changes it again instead of adding to it', async () => {
      const before = await learned();
      const { id } = await complete();
      const { model } = await gateway.decisionOf(id);
      const quality = async () => (await learned()).arms.find((arm) => arm.model === model)?.quality.mean as number;
      await expect.poll(async () => (await learned()).observations).toBeCloseTo(before.observations + 1, 3);
      const none = await quality();
      await give({ decision_id: id, signal: 'thumbs', value: 1 });
      await expect.poll(quality).toBeGreaterThan(none);
      await give({ decision_id: id, signal: 'thumbs', value: 0 });
      await expect.poll(quality).toBeLessThan(none);
      const after = await learned();
      expect(after.labels).toBeCloseTo(before.labels + 1, 3);
      expect(after.arms.reduce((sum, arm) => sum + arm.share, 0)).toBeCloseTo(1, 6);
    });

    test('of a conversation stays with the arm that it began with, and tells its turn', async () => {
      const messages = [{ role: 'user', content: questionNumber(asked++) }];
      const next = [...messages, { role: 'assistant', content: 'An answer' }, { role: 'user', content: 'And why?' }];
      const first = await complete({ messages });
      const second = await complete({ messages: next });
      expect(second.response.headers.get('x-conduit-reason')).toBe('sticky');
      expect(second.response.headers.get('x-conduit-model')).toBe(first.response.headers.get('x-conduit-model'));
      expect((await gateway.decisionOf(second.id)).conversation.turn).toBe(1);
      // Another person's is another conversation.
      const other = await complete({ messages: next, user: 'somebody else' });
      expect(other.response.headers.get('x-conduit-reason')).not.toBe('sticky');
    });

    test('is looked for where a request goes on from an answer, and how often it is found is counted', async () => {
      const before = (await learned()).look_ups;
      const question = [{ role: 'user', content: questionNumber(asked++) }];
      const goingOn = [
        { role: 'assistant', content: 'An answer' },
        { role: 'user', content: 'And why?' },
      ];
      const { id } = await complete({ messages: question });
      await gateway.decisionOf(id);
      expect((await learned()).look_ups).toEqual(before);
      await complete({ messages: [...question, ...goingOn] });
      await complete({ messages: [...question, ...goingOn], user: 'somebody who was never here' });
      const { cached, found, unknown, late, failed, hit_rate } = (await learned()).look_ups;
      expect(cached + found).toBe(before.cached + before.found + 1);
      expect(unknown).toBe(before.unknown + 1);
      expect({ late, failed }).toEqual({ late: before.late, failed: before.failed });
      expect(hit_rate).toBeCloseTo((cached + found) / (cached + found + unknown + late + failed), 9);
    });
  });
}
