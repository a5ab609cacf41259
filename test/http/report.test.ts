import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/node.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { StoreUnavailable } from '../../src/stores/ports.ts';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';
import { sha256Hex, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

interface ReportBody {
  object: string;
  router: string;
  baseline: string;
  decisions: { read: number; counted: number; excluded: Record<string, number> };
  labels: { share: number };
  relative_to: string;
  targets: {
    name: string;
    effective_size: number;
    verdict: string;
    estimates: { quality: { doubly_robust: { mean: number; low: number; high: number } } } | null;
    versus_baseline: object | null;
  }[];
}

async function gatewayWith(router: string, rest = ''): Promise<TestGateway> {
  const upstream = await startFakeUpstream(answer('Hi'));
  const gateway = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { router, rest }), {
    key: 'ops-key',
  });
  onTestFinished(async () => {
    await gateway.close();
    await upstream.close();
  });
  return gateway;
}

/** Asks something of its own, so that no question continues another; a thumb goes with it where one is given. */
async function ask(gateway: TestGateway, question: string): Promise<string> {
  const body = { model: 'auto', messages: [{ role: 'user', content: question }] };
  const response = await gateway.post('/v1/chat/completions', body);
  expect(response.status).toBe(200);
  await response.text();
  return response.headers.get('x-conduit-decision') as string;
}

const WORDS = ['apple', 'bridge', 'candle', 'desert', 'engine', 'forest', 'garden', 'harbour', 'island', 'jungle'];
const questionOf = (i: number): string =>
  `${WORDS[i % 10]} number ${i * 7919} and ${WORDS[Math.floor(i / 10) % 10]}: tell me of ${WORDS[(3 * i) % 10]} ${i}?`;

describe('GET /v1/routers/{name}/report', () => {
  test('tells from the log what each arm would have given, and what that would have saved', async () => {
    const gateway = await gatewayWith('policy: random', 'stores: { durable: none }');
    for (let i = 0; i < 450; i++) {
      const id = await ask(gateway, questionOf(i));
      const decision = (await (await gateway.get(`/v1/decisions/${id}`)).json()) as { model: string };
      const value = decision.model === 'fake/small' ? i % 4 > 0 : i % 10 > 0;
      await gateway.post('/v1/feedback', { decision_id: id, signal: 'thumbs', value: value ? 1 : 0 });
    }
    const pinned = { model: 'fake/large', messages: [{ role: 'user', content: 'By name' }] };
    expect((await gateway.post('/v1/chat/completions', pinned)).status).toBe(200);
    const response = await gateway.get('/v1/routers/auto/report?policy=thompson&usd_per_request=0.001');
    expect(response.status).toBe(200);
    const report = (await response.json()) as ReportBody;
    expect(report).toMatchObject({
      object: 'router.report',
      router: 'auto',
      baseline: 'fake/small',
      decisions: { counted: 450, excluded: { pinned: 1, deterministic: 0 } },
      labels: { share: 1 },
      relative_to: 'explicit feedback',
    });
    expect(report.targets.map(({ name }) => name)).toEqual([
      'as logged',
      'always fake/small',
      'always fake/large',
      'cheapest',
      'prefer: cost',
      'prefer: balanced',
      'prefer: quality',
      'prefer: speed',
      'thompson',
      'usd_per_request: 0.001',
    ]);
    const [logged, , large] = report.targets;
    expect(large?.estimates?.quality.doubly_robust.mean).toBeGreaterThan(0.8);
    expect(logged?.versus_baseline).toHaveProperty('savings_share');
  }, 60_000);

  test('says that the log cannot tell while hardly anything is in it, and with nothing in it', async () => {
    const gateway = await gatewayWith('policy: linear-thompson');
    for (const asked of [0, 3]) {
      for (let i = 0; i < asked; i++) await ask(gateway, questionOf(i));
      // Another question than the one before: a report serves for half a minute.
      const report = (await (await gateway.get(`/v1/routers/auto/report?since=${asked + 1}h`)).json()) as ReportBody;
      expect(report.decisions.counted).toBe(asked);
      for (const { verdict, estimates } of report.targets) {
        expect(verdict).toContain('the log cannot tell');
        expect(estimates).toBeNull();
      }
    }
  });

  test('measures against the baseline of the guarantee, where the router gives one', async () => {
    const guarantee = 'guarantee: { baseline: fake/large, quality: 0.9, confidence: 0.9 }';
    const gateway = await gatewayWith(`policy: random, ${guarantee}`);
    const report = (await (await gateway.get('/v1/routers/auto/report')).json()) as ReportBody;
    expect(report.baseline).toBe('fake/large');
    expect(report.targets.map(({ name }) => name).slice(1, 3)).toEqual(['always fake/large', 'always fake/small']);
  });

  test('is for admin keys alone, once there are keys', async () => {
    const gateway = await gatewayWith(
      'policy: random',
      'keys: [{ name: ops, key: ops-key, admin: true }, { name: web, key: web-key }]',
    );
    expect((await gateway.get('/v1/routers/auto/report')).status).toBe(200);
    expect((await gateway.get('/v1/routers/auto/report', 'web-key')).status).toBe(403);
    expect((await gateway.get('/v1/routers/auto/report', 'wrong')).status).toBe(401);
  });

  test.each([
    ['/v1/routers/nonsense/report', 404, 'router_not_found'],
    ['/v1/routers/auto/report?since=yesterday', 400, null],
    ['/v1/routers/auto/report?since=7', 400, null],
    ['/v1/routers/auto/report?prefer=cost', 400, null],
    ['/v1/routers/auto/report?policy=nonsense', 400, null],
    ['/v1/routers/auto/report?usd_per_request=-1', 400, null],
    ['/v1/routers/auto/report?usd_per_point=cheap', 400, null],
    [`/v1/routers/auto/report?${Array.from({ length: 11 }, (_, i) => `usd_per_point=${i + 1}`).join('&')}`, 400, null],
  ])('answers %s with %i', async (path, status, code) => {
    const gateway = await gatewayWith('policy: random');
    const response = await gateway.get(path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', code } });
  });

  test('is 503 with a time to ask again while the store is down, and there once it is back', async () => {
    const text = `${simpleConfig('http://127.0.0.1:1')}\nserver: { host: 127.0.0.1, port: 0 }`;
    const loaded = loadConfig({ text, env: {}, sha256Hex });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const state = createMemoryStore({ now: Date.now });
    let down = true;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const gateway = await startGateway(loaded.config, {
      log,
      state,
      decisions: {
        async readKept(...asked) {
          if (down) throw new StoreUnavailable('the store is down');
          return await state.readKept(...asked);
        },
      },
    });
    onTestFinished(gateway.close);
    const failed = await fetch(`${gateway.url}/v1/routers/auto/report`);
    expect(failed.status).toBe(503);
    expect(failed.headers.get('retry-after')).toBe('1');
    expect(await failed.json()).toMatchObject({ error: { type: 'server_error', code: 'store_unavailable' } });
    down = false;
    expect((await fetch(`${gateway.url}/v1/routers/auto/report`)).status).toBe(200);
  });
});
