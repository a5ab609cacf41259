import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Family, readMetrics, sumOf } from '../support/strict-metrics.ts';

const KEYS = [
  'keys:',
  '  - { name: web, key: key-web, requests_per_minute: 100 }',
  '  - { name: full, key: key-full, requests_per_minute: 1 }',
  '  - { name: ops, key: key-ops, admin: true }',
].join('\n');
const ask = (text: string, more: object = {}): object => ({
  model: 'auto',
  messages: [{ role: 'user', content: text }],
  ...more,
});

describe('the metrics of a gateway', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  const metrics = async (): Promise<Map<string, Family>> =>
    readMetrics(await (await gateway.get('/metrics', 'key-ops')).text(), 'prometheus');
  const post = async (path: string, body: unknown, headers?: Record<string, string>): Promise<Response> => {
    const response = await gateway.post(path, body, headers);
    await response.clone().text();
    return response;
  };

  beforeAll(async () => {
    upstream = await startFakeUpstream(answer('Hi'));
    gateway = await startTestGateway(
      simpleConfig(upstream.url, ['small', 'large'], { rest: KEYS, router: 'usd_per_day: 5' }),
      { key: 'key-web' },
    );
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  test('are for admins alone', async () => {
    expect((await gateway.get('/metrics', 'none')).status).toBe(401);
    expect((await gateway.get('/metrics')).status).toBe(403);
    expect((await gateway.get('/metrics', 'key-ops')).status).toBe(200);
  });

  test('count requests, tokens, money and times by router and model, streamed, whole and pinned', async () => {
    for (const more of [{}, { stream: true }, { model: 'fake/small' }]) {
      expect((await post('/v1/chat/completions', ask('Count me.', more))).status).toBe(200);
    }
    const now = await vi.waitUntil(async () => {
      const seen = await metrics();
      return sumOf(seen, 'conduit_requests_total') === 3 ? seen : null;
    });
    expect(sumOf(now, 'conduit_requests_total', { router: 'auto', outcome: 'completed' })).toBe(2);
    expect(sumOf(now, 'conduit_requests_total', { router: '-', model: 'fake/small' })).toBe(1);
    expect(sumOf(now, 'conduit_decisions_total', { router: '-', reason: 'pinned' })).toBe(1);
    expect(sumOf(now, 'conduit_responses_total', { route: 'chat/completions', status: '200' })).toBe(3);
    expect(sumOf(now, 'conduit_tokens_total', { kind: 'prompt' })).toBe(30);
    expect(sumOf(now, 'conduit_tokens_total', { kind: 'completion' })).toBe(15);
    expect(sumOf(now, 'conduit_spent_usd_total')).toBeGreaterThan(0);
    // Only a stream has a first byte of its own.
    expect(sumOf(now, 'conduit_first_byte_seconds_count')).toBe(1);
    expect(sumOf(now, 'conduit_request_duration_seconds_count')).toBe(3);
    expect(sumOf(now, 'conduit_overhead_seconds_count')).toBe(3);
    expect(sumOf(now, 'conduit_requests_in_flight')).toBe(0);
    expect(sumOf(now, 'conduit_budget_left_usd', { router: 'auto' })).toBeLessThan(5);
    expect(sumOf(now, 'conduit_store_up', { store: 'state' })).toBe(1);
    expect(sumOf(now, 'conduit_processes')).toBe(1);
    expect(sumOf(now, 'conduit_follow_up_look_ups_total', { router: 'auto', end: 'unknown' })).toBe(0);
  });

  test('count what Conduit refused by itself, and what was passed through', async () => {
    expect((await gateway.get('/v1/models', 'wrong')).status).toBe(401);
    expect((await post('/v1/chat/completions', ask('Hi', { model: 'nonsense' }))).status).toBe(404);
    expect((await post('/v1/chat/completions', `{"model":"${'x'.repeat(21_000_000)}"}`)).status).toBe(413);
    const limited = { authorization: 'Bearer key-full' };
    await post('/v1/chat/completions', ask('Hi', { model: 'fake/small' }), limited);
    expect((await post('/v1/chat/completions', ask('Hi'), limited)).status).toBe(429);
    await post('/v1/embeddings', { model: 'a-name-of-my-own', input: 'Hi' }, { 'x-conduit-provider': 'fake' });
    const now = await vi.waitUntil(async () => {
      const seen = await metrics();
      return sumOf(seen, 'conduit_requests_total', { model: 'fake/*' }) === 1 ? seen : null;
    });
    const of = (route: string, status: string) => sumOf(now, 'conduit_responses_total', { route, status });
    expect(of('models', '401')).toBe(1);
    expect(of('chat/completions', '404')).toBe(1);
    expect(of('chat/completions', '413')).toBe(1);
    expect(of('chat/completions', '429')).toBe(1);
    expect(of('embeddings', '200') + of('embeddings', '404')).toBe(1);
  });

  test('have no series for names that clients make up', async () => {
    await post('/v1/chat/completions', ask('Hi', { model: 'made-up-model' }));
    await post('/v1/embeddings', { model: 'another-made-up', input: 'Hi' }, { 'x-conduit-provider': 'fake' });
    await (await gateway.get('/v1/made_up_route')).text();
    await (await gateway.get('/made_up_page')).text();
    const text = await (await gateway.get('/metrics', 'key-ops')).text();
    expect(text).not.toMatch(/made.up/);
    expect(text).not.toMatch(/dec_|"web"|"ops"/);
  });

  test('count feedback and what follows an answer', async () => {
    const again = { router: 'auto', signal: 'regenerated' };
    const before = sumOf(await metrics(), 'conduit_signals_total', again);
    const messages = [{ role: 'user', content: 'Tell me of rivers in Bohemia, please.' }];
    const first = await post('/v1/chat/completions', { model: 'auto', messages });
    const decision_id = first.headers.get('x-conduit-decision');
    await post('/v1/feedback', { decision_id, signal: 'thumbs', value: 1 });
    await post('/v1/feedback', { decision_id, signal: 'thumbs', value: 1 });
    await post('/v1/chat/completions', { model: 'auto', messages });
    await vi.waitUntil(async () => {
      const seen = await metrics();
      const rated = (status: string) => sumOf(seen, 'conduit_feedback_total', { signal: 'thumbs', status });
      const regenerated = sumOf(seen, 'conduit_signals_total', again) - before;
      return rated('recorded') === 1 && rated('duplicate') === 1 && regenerated === 1;
    });
  });

  test('count every attempt, and a model that rests', async () => {
    const before = await metrics();
    upstream.scripts.set('small', fail(500));
    upstream.scripts.set('large', fail(500));
    for (let i = 0; i < 6; i++) await post('/v1/chat/completions', ask(`Fail ${i}.`));
    const now = await vi.waitUntil(async () => {
      const seen = await metrics();
      return sumOf(seen, 'conduit_model_resting') === 2 ? seen : null;
    });
    const failed = { provider: 'fake', outcome: 'upstream_error' };
    const more = (name: string, labels?: Record<string, string>) =>
      sumOf(now, name, labels) - sumOf(before, name, labels);
    expect(more('conduit_attempts_total', failed)).toBeGreaterThan(6);
    expect(more('conduit_retries_total')).toBe(more('conduit_attempts_total', failed) - 6);
    expect(more('conduit_requests_total', { outcome: 'upstream_error' })).toBe(6);
  });

  test('come in the format that is asked for, both by the letter', async () => {
    const plain = await gateway.get('/metrics', 'key-ops');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    readMetrics(await plain.text(), 'prometheus');
    const open = await fetch(`${gateway.url}/metrics`, {
      headers: {
        authorization: 'Bearer key-ops',
        accept: 'application/openmetrics-text; version=1.0.0,text/plain;q=0.5',
      },
    });
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const families = readMetrics(await open.text(), 'openmetrics');
    expect(families.has('conduit_requests')).toBe(true);
    expect(sumOf(families, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });
});

describe('a strict reader of metrics', () => {
  test.each([
    ['a # TYPE x counter\n', 'no sample'],
    ['# HELP x y\n# TYPE x counter\nx 1\n# HELP x y\n# TYPE x counter\n', 'told twice'],
    ['# HELP x y\n# TYPE x counter\nx{a="1"} 1\nx{a="1"} 2\n', 'there twice'],
    ['# HELP x y\n# TYPE x counter\ny 1\n', 'does not belong'],
    ['# HELP x y\n# TYPE x gauge\nx one\n', 'no number'],
    ['# HELP x y\n# TYPE x histogram\nx_bucket{le="1"} 1\nx_sum 1\nx_count 1\n', 'no whole histogram'],
  ])('refuses what breaks a rule', (text, why) => {
    expect(() => readMetrics(text, 'prometheus')).toThrow(why);
  });
});
