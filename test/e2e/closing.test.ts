/** A gateway that is asked to close does so, whatever hangs. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from '../../src/node.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { answer, type FakeUpstream, piece, type Script, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import { sha256Hex, simpleConfig } from '../support/gateway.ts';

interface Started {
  upstream: FakeUpstream;
  gateway: RunningGateway;
  logged: string[];
}

async function start(script: Script, options: GatewayOptions): Promise<Started> {
  const upstream = await startFakeUpstream(script);
  onTestFinished(() => upstream.close());
  const loaded = loadConfig({ text: `server: { port: 0 }\n${simpleConfig(upstream.url)}`, env: {}, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const logged: string[] = [];
  const write = (_fields: object, message: string): void => void logged.push(message);
  const log = { debug: write, info: write, warn: write, error: write };
  return { upstream, logged, gateway: await startGateway(loaded.config, { log, ...options }) };
}

const ask = ({ gateway }: Started): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
  });

test('a store that never answers does not keep it open', async () => {
  const never = (): Promise<never> => new Promise(() => {});
  const state = { ...createMemoryStore({ now: Date.now }), remember: never, readHealth: never, add: never };
  const started = await start(answer(), { state, limits: { settleMs: 50 } });
  expect(await (await ask(started)).text()).toContain('[DONE]');
  await started.gateway.close();
  expect(started.logged).toContain('what was still to be written is lost: the store does not answer');
});

test('an answer that never ends is cut off when the time is over, and so is its upstream request', async () => {
  const started = await start(stream([piece('on and on')], 'hang'), { limits: { drainMs: 50 } });
  const reader = (await ask(started)).body?.getReader();
  await reader?.read();
  const cut = expect(reader?.read()).rejects.toThrow('terminated');
  await started.gateway.close();
  await cut;
  await started.upstream.received[0]?.hungUpAt;
  expect(started.logged).toContain('answers still in flight were cut off');
});

test('what an answer taught is written before it is closed', async () => {
  const state = createMemoryStore({ now: Date.now });
  const started = await start(answer(), { state });
  const response = await ask(started);
  const id = response.headers.get('x-conduit-decision') as string;
  const closing = started.gateway.close();
  await response.text();
  await closing;
  expect(await state.recall(id)).toMatchObject({ id, outcome: { kind: 'completed' } });
  expect(started.logged.filter((line) => /lost|cut off/.test(line))).toEqual([]);
});

test('a connection that has asked for nothing does not keep it open, and closing twice is closing once', async () => {
  const { gateway } = await start(answer(), {});
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const gone = once(socket, 'close');
  await Promise.all([gateway.close(), gateway.close()]);
  await gone;
  await gateway.close();
});
