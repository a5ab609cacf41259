import { afterEach, describe, expect, test } from 'vitest';
import { seeded } from '../bandit/evidence.ts';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

interface RouterView {
  observations: number;
  arms: { model: string; pulls: number; quality: { mean: number } }[];
}

describe('a router', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  afterEach(async () => {
    await gateway.close();
    await upstream.close();
  });

  /** Asks, and rates the answer by what the model is good for; gives the model that answered. */
  const askAndRate = async (content: string, isGood: (model: string) => boolean): Promise<string> => {
    const { data, response } = await gateway.client.chat.completions
      .create({ model: 'auto', messages: [{ role: 'user', content }] })
      .withResponse();
    const model = response.headers.get('x-conduit-model') as string;
    const value = isGood(model) ? 1 : 0;
    await gateway.post('/v1/feedback', { completion_id: data.id, signal: 'thumbs', value });
    // Whoever asks what was learned has it learned first: requests that come as fast as here would be ahead of it.
    await gateway.get('/v1/routers/auto');
    return model;
  };

  test('moves its traffic to the model that people like, though it began by trying all', async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await startTestGateway(
      simpleConfig(upstream.url, ['poor', 'good', 'fair'], { router: 'prefer: quality' }),
      { random: seeded(1) },
    );
    const rate = seeded(2);
    const chance: Record<string, number> = { 'fake/poor': 0.2, 'fake/good': 0.9, 'fake/fair': 0.6 };
    const models: string[] = [];
    for (let i = 0; i < 240; i++)
      models.push(await askAndRate(questionNumber(i), (model) => rate() < (chance[model] ?? 0)));
    expect(new Set(models.slice(0, 30)).size).toBe(3);
    const late = models.slice(-80);
    expect(late.filter((model) => model === 'fake/good').length / late.length).toBeGreaterThan(0.75);
  });

  test('learns which kind of prompt each model is for', async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await startTestGateway(simpleConfig(upstream.url, ['coder', 'writer'], { router: 'prefer: quality' }), {
      random: seeded(3),
    });
    const code = (i: number): string =>
      `Fix this function:\n\`\`\`python\ndef f_${i}(x):\n    return x[${i}] + {"a": 1}\n\`\`\``;
    const prose = (i: number): string => `Write a warm letter to my grandmother about the garden, number ${i}, please.`;
    const right: boolean[] = [];
    for (let i = 0; i < 200; i++) {
      const best = i % 2 === 0 ? 'fake/coder' : 'fake/writer';
      right.push((await askAndRate(i % 2 === 0 ? code(i) : prose(i), (model) => model === best)) === best);
    }
    expect(right.slice(-60).filter(Boolean).length / 60).toBeGreaterThan(0.9);
  });

  test('takes the cheaper of two models that people like equally', async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await startTestGateway(simpleConfig(upstream.url, ['cheap', 'dear'], { router: 'prefer: cost' }), {
      random: seeded(4),
    });
    const models: string[] = [];
    for (let i = 0; i < 150; i++) models.push(await askAndRate(questionNumber(i), () => true));
    const late = models.slice(-50);
    expect(late.filter((model) => model === 'fake/cheap').length / late.length).toBeGreaterThan(0.8);
  });

  test('finds out that a model has become another, and says since when, once', async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await startTestGateway(simpleConfig(upstream.url, ['only']));
    const view = async () =>
      (await (await gateway.get('/v1/routers/auto')).json()) as {
        arms: { quality: { mean: number }; changed_at: number | null }[];
      };
    const began = Math.floor(Date.now() / 1000);
    for (let i = 0; i < 150; i++) await askAndRate(questionNumber(i), () => i % 8 !== 0);
    expect((await view()).arms[0]?.changed_at).toBe(null);
    for (let i = 150; i < 210; i++) await askAndRate(questionNumber(i), () => i % 8 === 0);
    const [arm] = (await view()).arms;
    expect(arm?.quality.mean).toBeLessThan(0.45);
    expect(arm?.changed_at).toBeGreaterThanOrEqual(began);
    expect(arm?.changed_at).toBeLessThanOrEqual(Date.now() / 1000);
    const told = gateway.logged.filter((line) => line.includes('a model has changed'));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0] as string)).toMatchObject({
      router: 'auto',
      arm: 'fake/only',
      shift: expect.any(Number),
    });
  });

  test('believes the latest word: a thumb that is taken back counts as if it had been so from the start', async () => {
    upstream = await startFakeUpstream(answer());
    gateway = await startTestGateway(simpleConfig(upstream.url, ['only']));
    const view = async (): Promise<RouterView> => (await (await gateway.get('/v1/routers/auto')).json()) as RouterView;
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      const { response } = await gateway.client.chat.completions
        .create({ model: 'auto', messages: [{ role: 'user', content: questionNumber(i) }] })
        .withResponse();
      ids.push(response.headers.get('x-conduit-decision') as string);
    }
    const rateAll = async (value: number): Promise<void> => {
      for (const id of ids) await gateway.post('/v1/feedback', { decision_id: id, signal: 'thumbs', value });
    };
    await rateAll(1);
    const liked = await view();
    await rateAll(0);
    const disliked = await view();
    await rateAll(1);
    const likedAgain = await view();
    const mean = (router: RouterView): number => router.arms[0]?.quality.mean ?? Number.NaN;
    expect(mean(liked)).toBeGreaterThan(0.85);
    expect(mean(disliked)).toBeLessThan(0.2);
    expect(mean(likedAgain)).toBeCloseTo(mean(liked), 9);
    expect(likedAgain.observations).toBe(20);
  });
});
