/** A thousand streams at once: each client gets its own answer whole, and nothing stays open behind them. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, type FakeUpstream, piece, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const STREAMS = 1_000;
const CHUNKS = 20;
/** Between two chunks of a stream. */
const PACE_MS = 50;

describe('a thousand streams at once', () => {
  const sockets = new Set<Socket>();
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  /** Resolves once each of the streams has begun. */
  let allBegun: Promise<void>;
  let goOn: () => void;

  beforeAll(async () => {
    let begun = 0;
    let tellAllBegun: () => void;
    allBegun = new Promise((resolve) => {
      tellAllBegun = resolve;
    });
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    upstream = await startFakeUpstream();
    upstream.scripts.set('quick', answer('Still here'));
    upstream.scripts.set('paced', async (response, { body }) => {
      sockets.add(response.socket as Socket);
      const [first, ...rest] = eventsFor(body.messages[0].content);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(first);
      begun++;
      if (begun === STREAMS) tellAllBegun();
      await mayGoOn;
      for (const event of rest) {
        await sleep(PACE_MS);
        response.write(event);
      }
      response.end();
    });
    gateway = await startTestGateway(
      simpleConfig(upstream.url, ['paced', 'quick'], { rest: 'log: { requests: true }' }),
    );
  });
  let closed: Promise<void> | undefined;
  const closeGateway = (): Promise<void> => {
    closed ??= gateway.close();
    return closed;
  };
  afterAll(async () => {
    await closeGateway();
    await upstream.close();
  });

  const eventsFor = (nonce: string): string[] => [
    ...Array.from({ length: CHUNKS }, (_, i) => piece(`${nonce} ${i} `)),
    piece('', 'stop'),
    'data: [DONE]\n\n',
  ];
  const nonces = Array.from({ length: STREAMS }, (_, i) => `nonce-${i}-${(i * 7_919) % STREAMS}`);

  const ask = (model: string, content: string): Promise<Response> =>
    gateway.post('/v1/chat/completions', {
      model,
      stream: model !== 'fake/quick',
      messages: [{ role: 'user', content }],
    });

  /** The outcomes that were logged, by decision. */
  function outcomes(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const line of gateway.logged) {
      const { message, decision, outcome } = JSON.parse(line) as Record<string, string>;
      if (message !== 'request' || decision === undefined) continue;
      found.set(decision as string, [...(found.get(decision as string) ?? []), outcome as string]);
    }
    return found;
  }

  test('are all whole, each with its own words, and one outcome is recorded for each', async () => {
    let running = true;
    const answers = Promise.all(
      nonces.map(async (nonce) => {
        const response = await ask('fake/paced', nonce);
        return { decision: response.headers.get('x-conduit-decision') as string, text: await response.text() };
      }),
    ).finally(() => {
      running = false;
    });
    await Promise.race([allBegun, answers]);

    goOn();
    let served = 0;
    while (running) {
      const other = await ask('fake/quick', `and ${served}`);
      expect(await other.text()).toContain('Still here');
      served++;
    }
    expect(served).toBeGreaterThan(1);

    const got = await answers;
    expect(got.map(({ text }) => text)).toEqual(nonces.map((nonce) => eventsFor(nonce).join('')));
    const decisions = new Set(got.map(({ decision }) => decision));
    expect(decisions.size).toBe(STREAMS);
    await expect.poll(() => outcomes().size).toBe(STREAMS + served);
    for (const [decision, kinds] of outcomes()) {
      expect(kinds, decision).toEqual(['completed']);
      decisions.delete(decision);
    }
    expect(decisions.size).toBe(0);
  }, 60_000);

  test('leave no connection to the upstream open behind the gateway', async () => {
    expect(sockets.size).toBe(STREAMS);
    await closeGateway();
    const open = (): number => [...sockets].filter((socket) => !socket.destroyed).length;
    // After four seconds of idling they would be closed anyway.
    await expect.poll(open, { timeout: 2_000 }).toBe(0);
  });
});
