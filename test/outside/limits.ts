/** What a key may ask for and spend, what a router may, and clients that leave. */
import { APIUserAbortError, PermissionDeniedError, RateLimitError } from 'openai';
import { afterEach, describe, expect, test } from 'vitest';
import { piece } from '../support/events.ts';
import { type Gateway, type Platform, startGateway } from './gateway.ts';
import { answer, fail, silence, stream } from './scripts.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];
/** 10 prompt and 5 completion tokens, as the provider tells them. */
const USD = { cheap: 15e-3, dear: 300e-3 };

export function limitsSuite(platform: Platform): void {
  describe('what is spent', () => {
    let gateway: Gateway;
    afterEach(() => gateway.close());

    const start = async (keys: string, router = ''): Promise<void> => {
      const config = (baseUrl: string): string =>
        [
          'keys:',
          `  - { name: web, key: sk-web, ${keys} }`,
          '  - { name: ops, key: sk-ops, admin: true }',
          'providers:',
          `  fake: { base_url: "${baseUrl}" }`,
          'models:',
          '  - { id: fake/cheap, price: { input: 1000, output: 1000 } }',
          '  - { id: fake/dear, price: { input: 20000, output: 20000 } }',
          'routers:',
          `  auto: { models: [fake/dear, fake/cheap], policy: fixed ${router} }`,
        ].join('\n');
      gateway = await startGateway(platform, config, { key: 'sk-web' });
    };
    const ask = (model = 'auto', options = {}) =>
      gateway.client().chat.completions.create({ model, messages: MESSAGES, max_tokens: 5 }, options).withResponse();
    const refused = (promise: Promise<unknown>): Promise<InstanceType<typeof RateLimitError>> =>
      promise.then(
        () => expect.fail('was not refused'),
        (error) => error,
      );
    const spent = async (): Promise<number> => {
      const response = await gateway.get('/v1/routers/auto', 'sk-ops');
      return ((await response.json()) as { budget: { usd_today: number } }).budget.usd_today;
    };

    describe('a key', () => {
      test('beyond its requests a minute raises RateLimitError with retry-after and what is left, and reaches no upstream', async () => {
        await start('requests_per_minute: 3');
        const left: (string | null)[] = [];
        for (let i = 0; i < 3; i++) {
          const { response } = await ask();
          left.push(response.headers.get('x-ratelimit-remaining-requests'));
          expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3');
          expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+m)?\d+s$/);
        }
        expect(left).toEqual(['2', '1', '0']);
        const error = await refused(ask());
        expect(error).toBeInstanceOf(RateLimitError);
        expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
        expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await gateway.provider.received()).toHaveLength(3);
        // Another key has a minute of its own.
        const other = gateway.client('sk-ops').chat.completions;
        expect(await other.create({ model: 'auto', messages: MESSAGES })).toBeTruthy();
      });

      test('has each of its requests counted where they come all at once', async () => {
        await start('requests_per_minute: 10');
        const all = await Promise.allSettled(Array.from({ length: 25 }, () => ask()));
        expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
      });

      test('whose money is gone for today raises RateLimitError until the day ends', async () => {
        await start(`usd_per_day: ${USD.dear * 2.5}`);
        await ask('fake/dear');
        await ask('fake/dear');
        const error = await refused(ask('fake/dear'));
        expect(error).toBeInstanceOf(RateLimitError);
        expect(error).toMatchObject({ code: 'budget_exceeded' });
        const seconds = Number(error.headers.get('retry-after'));
        expect(seconds).toBeGreaterThan(0);
        expect(seconds).toBeLessThanOrEqual(86_400);
        // What a cheaper arm costs is still there.
        expect((await ask('auto')).response.headers.get('x-conduit-model')).toBe('fake/cheap');
      });

      test('has money set aside while answers are on their way, so that many at once do not overspend', async () => {
        // What is set aside is an estimate: 13 tokens, of which three times fit, and four times do not.
        await start(`usd_per_day: ${USD.dear * 3.2}`);
        const all = await Promise.allSettled(Array.from({ length: 20 }, () => ask('fake/dear')));
        expect(all.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(3);
        expect((await gateway.provider.received()).length).toBeLessThanOrEqual(3);
      });

      test('has its money back where nothing answered', async () => {
        await start(`usd_per_day: ${USD.dear * 1.5}`);
        await gateway.provider.tell('*', fail(500));
        await refused(ask('fake/dear'));
        await gateway.provider.tell('*', answer());
        await ask('fake/dear');
      });

      test('whose routes do not list what is asked raises PermissionDeniedError', async () => {
        await start('routes: [models]');
        expect((await gateway.client().models.list()).data.length).toBeGreaterThan(0);
        expect(await refused(ask())).toBeInstanceOf(PermissionDeniedError);
        const feedback = await gateway.post('/v1/feedback', { decision_id: 'x', signal: 'thumbs', value: 1 });
        expect(feedback.status).toBe(403);
        expect(await feedback.json()).toMatchObject({ error: { code: 'route_not_allowed' } });
        expect(await gateway.provider.received()).toHaveLength(0);
      });
    });

    describe('a router whose money is gone for today', () => {
      test('has its cheapest arm left, and the decision says why', async () => {
        await start('', `, usd_per_day: ${USD.dear * 1.5}`);
        expect((await ask()).response.headers.get('x-conduit-model')).toBe('fake/dear');
        const steered = (await ask()).response;
        expect(steered.headers.get('x-conduit-model')).toBe('fake/cheap');
        const decision = await gateway.decisionOf(steered, 'sk-ops');
        expect(decision.candidates.find(({ model }) => model === 'fake/dear')?.ruled_out).toMatch(
          /the router has left/,
        );
        for (let i = 0; i < 40; i++) await ask();
        const { response } = await ask();
        expect(response.headers.get('x-conduit-model')).toBe('fake/cheap');
        expect(response.headers.get('x-conduit-reason')).toBe('budget');
      });

      test('refuses with on_budget: reject', async () => {
        await start('', `, usd_per_day: ${USD.dear * 1.5}, on_budget: reject`);
        await ask();
        let error: unknown;
        for (let i = 0; i < 60 && !error; i++)
          error = await ask().then(
            () => undefined,
            (reason) => reason,
          );
        expect(error).toBeInstanceOf(RateLimitError);
        expect(error).toMatchObject({ code: 'budget_exceeded', message: expect.stringContaining('router') });
      });
    });

    describe('a client that leaves', () => {
      const hungUp = async (): Promise<boolean[]> => (await gateway.provider.received()).map((sent) => sent.hungUp);

      test('in mid-stream closes the upstream request, and pays for what had come by estimate', async () => {
        await start('');
        await gateway.provider.tell('*', stream([piece('Some words that were written '), piece('before')], 'hang'));
        const { data, response } = await gateway
          .client()
          .chat.completions.create({ model: 'auto', messages: MESSAGES, stream: true })
          .withResponse();
        for await (const _chunk of data) break;
        await expect.poll(hungUp).toEqual([true]);
        expect((await gateway.decisionOf(response)).outcome).toMatchObject({
          kind: 'client_abort',
          estimated: true,
          cost_usd: expect.any(Number),
        });
        expect(await spent()).toBeGreaterThan(0);
      });

      test.each([true, false])(
        'before a word has come closes the upstream request, and pays for the prompt (stream: %s)',
        async (streamed) => {
          await start('');
          await gateway.provider.tell('*', silence);
          const cut = new AbortController();
          const asked = gateway
            .client()
            .chat.completions.create({ model: 'auto', messages: MESSAGES, stream: streamed }, { signal: cut.signal })
            .then(
              () => null,
              (error: unknown) => error,
            );
          await expect.poll(async () => (await hungUp()).length).toBe(1);
          cut.abort();
          expect(await asked).toBeInstanceOf(APIUserAbortError);
          await expect.poll(hungUp).toEqual([true]);
          await expect.poll(spent).toBeGreaterThan(0);
          // The next one is served.
          await gateway.provider.tell('*', answer('Still here'));
          expect((await ask()).data.choices[0]?.message.content).toBe('Still here');
        },
      );
    });
  });
}
