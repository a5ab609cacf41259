/** What a team must be able to rely on: nothing leaks, nothing said is lost, nothing broken looks whole. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, fail, piece, sse, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const MESSAGES = [{ role: 'user' as const, content: 'my private diagnosis' }];

describe('a gateway between', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  beforeEach(async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await startTestGateway(simpleConfig(upstream.url));
  });
  afterEach(async () => {
    await gateway.close();
    await upstream.close();
  });

  const said = {
    error: { message: "Invalid prompt 'my private diagnosis' with key sk-provider-secret", code: 'bad_prompt' },
  };

  test('logs neither the prompt nor the key that an upstream repeats in its error', async () => {
    for (const status of [400, 500]) {
      upstream.scripts.set('*', fail(status, said));
      const response = await gateway.post('/v1/chat/completions', { model: 'auto', messages: MESSAGES });
      const text = await response.text();
      expect(response.status).toBe(status === 400 ? 400 : 502);
      expect(text).toContain('my private diagnosis');
      expect(text).not.toContain('sk-provider-secret');
    }
    expect(gateway.logged.join('\n')).toContain('bad_prompt');
    expect(gateway.logged.join('\n')).not.toMatch(/diagnosis|sk-provider-secret/);
  });

  test('gives a thumb in a session to its latest answer, not to the failure that came after it', async () => {
    const headers = { 'x-conduit-session': 'support-1' };
    const first = await gateway.post('/v1/chat/completions', { model: 'auto', messages: MESSAGES }, headers);
    const id = first.headers.get('x-conduit-decision');
    await first.text();
    upstream.scripts.set('*', fail(500));
    const second = { model: 'auto', messages: [{ role: 'user', content: 'and then?' }] };
    await (await gateway.post('/v1/chat/completions', second, headers)).text();
    upstream.scripts.set('*', answer());
    const third = { model: 'auto', messages: [{ role: 'user', content: 'thanks' }] };
    await (await gateway.post('/v1/chat/completions', third, { ...headers, 'x-conduit-feedback': 'up' })).text();
    await expect
      .poll(async () => ((await (await gateway.get(`/v1/decisions/${id}`)).json()) as { reward: number | null }).reward)
      .toBe(1);
  });

  test('stays with the arm of a named session, whatever messages it sends', async () => {
    const headers = { 'x-conduit-session': 'agent-7' };
    const models = new Set<string | null>();
    for (let i = 0; i < 8; i++) {
      const messages = [{ role: 'user', content: `step ${i}` }];
      const response = await gateway.post('/v1/chat/completions', { model: 'auto', messages }, headers);
      await response.text();
      models.add(response.headers.get('x-conduit-model'));
    }
    expect(models.size).toBe(1);
  });

  test('takes feedback by the completion id while the answer is still streaming', async () => {
    upstream.scripts.set('*', stream([piece('Going on')], 'hang'));
    const aborter = new AbortController();
    const { data } = await gateway.client.chat.completions
      .create({ model: 'auto', stream: true, messages: MESSAGES }, { signal: aborter.signal })
      .withResponse();
    const chunk = (await data[Symbol.asyncIterator]().next()).value;
    const response = await gateway.post('/v1/feedback', { completion_id: chunk.id, signal: 'thumbs', value: 1 });
    expect(await response.json()).toMatchObject({ status: 'recorded', reward: 1 });
    aborter.abort();
  });

  test('does not take a stream for whole while one of its choices is unfinished', async () => {
    const choice = (index: number, content: string, finish_reason: string | null = null): string =>
      sse({ id: 'chatcmpl-n', choices: [{ index, delta: { content }, finish_reason }] });
    upstream.scripts.set('*', stream([choice(0, 'one'), choice(1, 'an'), choice(0, '', 'stop')]));
    const response = await gateway.post('/v1/chat/completions', {
      model: 'auto',
      stream: true,
      n: 2,
      messages: MESSAGES,
    });
    const text = await response.text();
    expect(text).toContain('"code":"upstream_drop"');
    expect(text).not.toContain('[DONE]');
  });
});
