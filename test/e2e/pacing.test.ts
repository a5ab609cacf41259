/** A router with an average ceiling, as a client sees it: what is spent, on what, and what is said of it. */
import { afterEach, describe, expect, test } from 'vitest';
import { seeded } from '../bandit/evidence.ts';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { decisionOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

interface Budget {
  usd_today: number;
  usd_per_day: number | null;
  usd_per_request: number | null;
  requests_today: number;
  average_usd: number | null;
  usd_per_point: number | null;
}

let upstream: FakeUpstream;
let gateway: TestGateway;
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

/** USD of an answer: 10 prompt and 5 completion tokens, as the fake upstream tells them. */
const USD = { cheap: 15e-5, dear: 300e-5 };
const start = async (router: string): Promise<void> => {
  upstream = await startFakeUpstream(answer());
  const text = [
    'providers:',
    `  fake: { base_url: "${upstream.url}" }`,
    'models:',
    '  - { id: fake/cheap, price: { input: 10, output: 10 } }',
    '  - { id: fake/dear, price: { input: 200, output: 200 } }',
    'routers:',
    `  auto: { models: [fake/cheap, fake/dear], prefer: quality, ${router} }`,
  ].join('\n');
  gateway = await startTestGateway(text, { random: seeded(1) });
};
const budget = async (): Promise<Budget> =>
  ((await (await gateway.get('/v1/routers/auto')).json()) as { budget: Budget }).budget;
const ask = (content: string, model = 'auto') =>
  gateway.client.chat.completions.create({ model, messages: [{ role: 'user', content }] }).withResponse();

describe('a router that may spend so much a request on average', () => {
  test('keeps to it over 300 requests, and asks the dear model where that pays', async () => {
    const ceiling = 0.0012;
    await start(`usd_per_request: ${ceiling}`);
    const random = seeded(2);
    const asked: { isCode: boolean; isDear: boolean }[] = [];
    for (let i = 0; i < 300; i++) {
      const isCode = i % 3 === 0;
      const { data, response } = await ask(
        isCode ? `Fix this:\n\`\`\`python\ndef f_${i}(x):\n    return x[${i}] + {"a": 1}\n\`\`\`` : questionNumber(i),
      );
      const isDear = response.headers.get('x-conduit-model') === 'fake/dear';
      const quality = !isCode ? 0.9 : isDear ? 0.98 : 0.1;
      await gateway.post('/v1/feedback', {
        completion_id: data.id,
        signal: 'thumbs',
        value: random() < quality ? 1 : 0,
      });
      asked.push({ isCode, isDear });
      // Then it has learned from all of them, however busy the machine is.
      if (i % 3 === 0) await budget();
    }
    const spent = await budget();
    const dear = asked.filter(({ isDear }) => isDear).length;
    expect(spent).toMatchObject({
      usd_per_day: null,
      usd_per_request: ceiling,
      requests_today: 300,
      usd_today: expect.closeTo(dear * USD.dear + (300 - dear) * USD.cheap, 9),
      average_usd: expect.closeTo(spent.usd_today / 300, 12),
    });
    expect(spent.usd_today).toBeLessThanOrEqual(ceiling * 300 * 1.02 + USD.dear);
    expect(spent.usd_today).toBeGreaterThan(ceiling * 300 * 0.5);
    const shareOf = (rows: typeof asked): number => rows.filter(({ isDear }) => isDear).length / rows.length;
    const late = asked.slice(200);
    const onCode = shareOf(late.filter(({ isCode }) => isCode));
    expect(onCode).toBeGreaterThan(0.6);
    expect(onCode).toBeGreaterThan(shareOf(late.filter(({ isCode }) => !isCode)) + 0.2);
  });

  test('does not count requests that name their model, nor those that nobody answered', async () => {
    await start('usd_per_request: 1, fallbacks: 0');
    await ask('Hi', 'fake/dear');
    upstream.scripts.set('*', fail(500));
    await ask('Hello').catch(() => {});
    expect(await budget()).toMatchObject({ usd_today: 0, requests_today: 0, average_usd: null, usd_per_point: null });
  });

  test('says of a choice that the budget left no other, and still gets an answer where that one fails', async () => {
    // The dear model costs more than is left of what twenty requests may cost.
    await start(`usd_per_request: ${USD.cheap}`);
    const { response } = await ask('Hi');
    expect(response.headers.get('x-conduit-model')).toBe('fake/cheap');
    expect(response.headers.get('x-conduit-reason')).toBe('budget');
    const decision = await decisionOf(gateway, response);
    expect(decision.propensity).toBe(1);
    expect(decision.candidates[1]?.ruled_out).toMatch(/^may cost \$.*, more than the router has to spare for now$/);
    upstream.scripts.set('cheap', fail(500));
    const other = await ask('Hello');
    expect(other.response.headers.get('x-conduit-model')).toBe('fake/dear');
    expect(other.response.headers.get('x-conduit-reason')).toBe('fallback');
    expect((await budget()).usd_today).toBeCloseTo(USD.cheap + USD.dear, 9);
  });
});
