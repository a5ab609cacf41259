import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const GUARANTEE = 'guarantee: { baseline: fake/large, quality: 0.9, confidence: 0.9 }';
const MESSAGES = [{ role: 'user', content: 'What is the capital of France?' }];

describe('a router with a guarantee', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Paris'));
    gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { router: GUARANTEE }));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const ask = (headers?: Record<string, string>): Promise<Response> =>
    gateway.post('/v1/chat/completions', { model: 'auto', messages: MESSAGES }, headers);
  const answered = async (score: number): Promise<string> => {
    const response = await ask();
    await gateway.post('/v1/feedback', {
      decision_id: response.headers.get('x-conduit-decision'),
      signal: 'score',
      value: score,
    });
    return response.headers.get('x-conduit-model') as string;
  };
  const promised = async (): Promise<Record<string, unknown>> =>
    ((await (await gateway.get('/v1/routers/auto')).json()) as { guarantee: Record<string, unknown> }).guarantee;

  test('begins with its baseline, warm-up or not, and says why', async () => {
    const response = await ask();
    expect(response.headers.get('x-conduit-model')).toBe('fake/large');
    expect(response.headers.get('x-conduit-reason')).toBe('guarantee');
    const decision = await decisionOf(gateway, response);
    expect(decision).toMatchObject({ chosen: 'fake/large', reason: 'guarantee', propensity: 1 });
    expect(decision.candidates[0]).toMatchObject({ model: 'fake/small', eligible: false, propensity: 0 });
    expect(decision.candidates[0]?.ruled_out).toMatch(/^guarantee: it may take 0\.\d+ off a surplus of 0\.0/);
  });

  test('says what it promises and by how much that holds', async () => {
    expect(await promised()).toEqual({
      baseline: 'fake/large',
      quality: 0.9,
      confidence: 0.9,
      holds_by: expect.any(Number),
      relative_to: 'implicit signals',
    });
  });

  test('answers by another model where the key or a header rules the baseline out', async () => {
    const response = await ask({ 'x-conduit-models': 'fake/small' });
    expect(response.headers.get('x-conduit-model')).toBe('fake/small');
    expect(response.headers.get('x-conduit-reason')).toBe('only-eligible');
  });

  test('asks a model that was held back where the baseline fails', async () => {
    upstream.scripts.set('large', fail(500));
    const response = await ask();
    upstream.scripts.delete('large');
    expect(response.status).toBe(200);
    expect(response.headers.get('x-conduit-model')).toBe('fake/small');
    expect(response.headers.get('x-conduit-reason')).toBe('fallback');
  });

  test('does not stay with a model in a conversation, but in a loop of tool calls', async () => {
    const small = { 'x-conduit-models': 'fake/small' };
    const asked = [{ role: 'user', content: 'And that of Spain?' }];
    const send = (messages: object[], headers?: Record<string, string>): Promise<Response> =>
      gateway.post('/v1/chat/completions', { model: 'auto', messages }, headers);
    await send(asked, small);
    const next = [...asked, { role: 'assistant', content: 'Paris' }, { role: 'user', content: 'Are you sure?' }];
    const response = await send(next);
    expect(response.headers.get('x-conduit-model')).toBe('fake/large');
    expect(response.headers.get('x-conduit-reason')).toBe('guarantee');

    const looked = [{ role: 'user', content: 'Look up the capital of Italy.' }];
    upstream.scripts.set('small', answer('', { toolCall: '{}' }));
    const called = (await (await send(looked, small)).json()) as { choices: { message: object }[] };
    upstream.scripts.delete('small');
    const result = { role: 'tool', tool_call_id: 'call_1', content: 'Rome' };
    const resumed = await send([...looked, called.choices[0]!.message, result]);
    expect(resumed.headers.get('x-conduit-model')).toBe('fake/small');
    expect(resumed.headers.get('x-conduit-reason')).toBe('sticky');
  });

  test('tries others once good answers have paid for it', async () => {
    const models: string[] = [];
    for (let i = 0; i < 300; i++) {
      models.push(await answered(1));
      // Whoever asks what was learned has it learned first.
      if (i % 10 === 0) await promised();
    }
    expect(models.slice(0, 10)).not.toContain('fake/small');
    expect(models).toContain('fake/small');
    expect(await promised()).toMatchObject({ relative_to: 'explicit feedback', holds_by: expect.any(Number) });
    expect((await promised()).holds_by).toBeGreaterThanOrEqual(0);
  }, 30_000);
});
