/** A provider on a port of this machine that is told over another one what to do, and asked what it has received. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, fail, type Script, silence, startFakeUpstream, stream } from '../support/fake-upstream.ts';
import type { Told } from './scripts.ts';

export interface RunningProvider {
  /** The `base_url` of a provider, and where to tell it what to do. */
  urls: ProviderUrls;
  close(): Promise<void>;
}

export interface ProviderUrls {
  base: string;
  control: string;
}

export async function startProvider(): Promise<RunningProvider> {
  const upstream = await startFakeUpstream();
  const hungUp = new Set<object>();
  const control = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    if (request.method === 'PUT') {
      const [model, told] = JSON.parse(text) as [string, Told];
      upstream.scripts.set(model, scriptOf(told));
    }
    if (request.method === 'DELETE') {
      upstream.scripts.clear();
      upstream.received.length = 0;
    }
    for (const one of upstream.received) void one.hungUpAt.then(() => hungUp.add(one));
    // So that those which have hung up by now are among them.
    await null;
    const sent = upstream.received.map((one) => {
      const { path, headers, body } = one;
      return { path, headers, text: one.text, body, hungUp: hungUp.has(one) };
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(sent));
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  return {
    urls: { base: upstream.url, control: `http://127.0.0.1:${(control.address() as AddressInfo).port}` },
    async close() {
      control.closeAllConnections();
      await new Promise((resolve) => control.close(resolve));
      await upstream.close();
    },
  };
}

function scriptOf(told: Told): Script {
  switch (told.does) {
    case 'answer': {
      const { content, toolCall, usage, headers = {} } = told;
      const says = answer(content, { ...(toolCall && { toolCall }), ...(usage !== undefined && { usage }) });
      return (response, received) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        return says(response, received);
      };
    }
    case 'fail':
      return fail(told.status, told.body, told.headers);
    case 'send':
      return (response) =>
        response.writeHead(200, { 'content-type': told.type }).end(Buffer.from(told.base64, 'base64'));
    case 'stream':
      return stream(
        told.pieces.map((one) => (typeof one === 'object' ? Buffer.from(one.base64, 'base64') : one)),
        told.then,
      );
    case 'wait': {
      const then = scriptOf(told.then);
      return async (response, received) => {
        await sleep(told.ms);
        return then(response, received);
      };
    }
    case 'nothing':
      return silence;
  }
}
