import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createNodeExchange } from '../../src/http/exchange-node.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a body that has been read is nobody’s any more while its answer goes on', async () => {
  const bodies: WeakRef<Uint8Array>[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const exchange = createNodeExchange(incoming, outgoing);
    bodies.push(new WeakRef((await exchange.readBody(1_000_000)) as Uint8Array));
    exchange.begin(200, { 'content-type': 'text/plain' });
    exchange.write(Buffer.from('so far'));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const asked = request({ port: (server.address() as AddressInfo).port, method: 'POST' });
  onTestFinished(() => void asked.destroy());
  asked.on('error', () => {});
  asked.end('x'.repeat(500_000));
  const [response] = await once(asked, 'response');
  await once(response, 'data');
  for (let turn = 0; turn < 10 && bodies[0]?.deref(); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
  }
  expect(bodies).toHaveLength(1);
  expect(bodies[0]?.deref()).toBe(undefined);
});
