import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  type FakeUpstream,
  piece,
  type Received,
  silence,
  startFakeUpstream,
  stream,
} from '../support/fake-upstream.ts';
import { decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

/** How many clients leave in each window. */
const CLIENTS = 20;

describe('a client that leaves', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    gateway = await startTestGateway(simpleConfig(upstream.url, undefined, { rest: 'log: { requests: true }' }));
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const leave = async (
    streamed: boolean,
    when: (received: Received, response: Promise<Response>) => Promise<unknown>,
  ) => {
    const aborter = new AbortController();
    const before = upstream.received.length;
    const response = fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'auto',
        stream: streamed,
        messages: [{ role: 'user', content: questionNumber(before) }],
      }),
      signal: aborter.signal,
    });
    response.catch(() => {});
    while (upstream.received.length === before) await new Promise((resolve) => setTimeout(resolve, 1));
    const received = upstream.received.at(-1) as Received;
    await when(received, response);
    aborter.abort();
    await received.hungUpAt;
  };

  /** Every decision made since the given position in the log of completions. */
  const completions = (from: number): { decision: string; outcome: string }[] =>
    gateway.logged
      .map((line) => JSON.parse(line) as { message: string; decision: string; outcome: string })
      .filter(({ message, decision }) => message === 'request' && decision !== undefined)
      .slice(from);
  const outcomes = (from: number): string[] => completions(from).map(({ outcome }) => outcome);
  const settledCount = (): number => outcomes(0).length;

  const routerLabels = async (): Promise<number> =>
    ((await (await gateway.get('/v1/routers/auto')).json()) as { labels: number }).labels;

  /** `shows` is what each answer so far says of the model that gave it. */
  const expectAborts = async (from: number, shows: readonly string[]): Promise<void> => {
    await expect.poll(() => settledCount()).toBe(from + CLIENTS);
    expect(outcomes(from)).toEqual(Array(CLIENTS).fill('client_abort'));
    expect(gateway.logged.filter((line) => line.includes('an attempt failed'))).toEqual([]);
    for (const { decision } of completions(from)) {
      const { signals } = await decisionOf(gateway, decision);
      expect(signals.map(({ signal }) => signal)).toEqual(shows);
    }
  };

  test('before the headers closes the upstream request, 20 times of 20, and holds nothing against the model', async () => {
    upstream.scripts.set('*', silence);
    const from = settledCount();
    for (let i = 0; i < CLIENTS; i++) await leave(true, async () => {});
    await expectAborts(from, []);
    expect(await routerLabels()).toBe(0);
  });

  test('in mid-stream closes the upstream request, 20 times of 20, and says something of what had been read', async () => {
    upstream.scripts.set('*', stream([piece('one '), piece('two ')], 'hang'));
    const from = settledCount();
    for (let i = 0; i < CLIENTS; i++) {
      await leave(true, async (_received, response) => {
        const reader = (await response).body?.getReader();
        await reader?.read();
      });
    }
    // Two words are early in any answer.
    await expectAborts(from, ['aborted_early']);
    expect(await routerLabels()).toBe(CLIENTS);
  });

  test('while a whole answer is being made closes the upstream request, 20 times of 20, and holds nothing against the model', async () => {
    upstream.scripts.set('*', silence);
    const from = settledCount();
    const labels = await routerLabels();
    for (let i = 0; i < CLIENTS; i++) await leave(false, async () => {});
    await expectAborts(from, []);
    expect(await routerLabels()).toBe(labels);
  });

  test('leaves the gateway as it was: the next request is served', async () => {
    upstream.scripts.set('*', answer('Still here'));
    const next = await gateway.client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(next.choices[0]?.message.content).toBe('Still here');
  });

  test('at the very end has had the whole answer', async () => {
    upstream.scripts.set('*', stream([piece('all of it'), piece('', 'stop')], 'hang'));
    const from = settledCount();
    await leave(true, async (_received, response) => {
      const reader = (await response).body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (!text.includes('"finish_reason":"stop"')) text += (await reader?.read())?.value ?? '';
    });
    await expect.poll(() => settledCount()).toBe(from + 1);
    expect(outcomes(from)).toEqual(['completed']);
  });
});
