/** Inside the real workerd: the dashboard, out of what the Worker bundles, over what Durable Objects keep. */
import { expect, onTestFinished, test } from 'vitest';
import worker, { createWorkerApp, openWorker } from '../../src/worker.ts';
import { eventsOf } from '../support/dashboard.ts';
import { newObjects } from './objects.ts';

const CONFIG = `
server: { secret: s }
keys: [{ name: ops, key: ops-key, admin: true }]
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models: [{ id: fake/small, price: { input: 1, output: 2 } }]
routers: { auto: { models: [fake/small] } }
stores: { state: durable-object }
`;

const upstream = async (): Promise<Response> =>
  Response.json({
    id: 'chatcmpl-1',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 2 },
  });

/** As one isolate has it. */
function isolate(objects: ReturnType<typeof newObjects>) {
  const deferred: Promise<unknown>[] = [];
  const { fetch } = createWorkerApp(openWorker({ CONDUIT_CONFIG_TEXT: CONFIG, CONDUIT_STATE: objects }), {
    secret: 's',
    fetch: upstream,
    defer: (work) => deferred.push(work),
    uplot: { fetch: async () => new Response('var uPlot') },
  });
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(new Request(`https://conduit.example${path}`, init));
  return {
    ask,
    async complete(content: string): Promise<string> {
      const response = await ask('/v1/chat/completions', {
        method: 'POST',
        headers: { authorization: 'Bearer ops-key' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] }),
      });
      await response.text();
      for (let work = deferred.splice(0); work.length > 0; work = deferred.splice(0)) await Promise.all(work);
      return response.headers.get('x-conduit-decision') as string;
    },
  };
}

test('the dashboard is served with its files, signs in by a cookie for https alone, and tells what another isolate does', async () => {
  const objects = newObjects();
  const [one, other] = [isolate(objects), isolate(objects)];
  expect((await one.ask('/dashboard')).status).toBe(401);
  for (const name of ['page.js', 'charts.js', 'page.css', 'uplot.js', 'mark.svg']) {
    expect([name, (await one.ask(`/dashboard/${name}`)).status]).toEqual([name, 200]);
  }
  const signedIn = await one.ask('/dashboard/session', { method: 'POST', body: JSON.stringify({ key: 'ops-key' }) });
  expect(signedIn.status).toBe(204);
  const set = signedIn.headers.get('set-cookie') as string;
  expect(set).toMatch(/; Secure/);
  const cookie = set.split(';')[0] as string;
  // The secret is the same in all isolates.
  expect(await (await other.ask('/dashboard', { headers: { cookie } })).text()).toContain('dashboard/page.js');

  const before = await one.complete('What is one?');
  const events = eventsOf(await one.ask('/dashboard/events?range=minutes', { headers: { cookie } }), () => {});
  onTestFinished(() => void events.response.body?.cancel().catch(() => {}));
  const first = await events.nextWhere('snapshot', ({ log }) => log.whole);
  expect(first.activity.decisions.map(({ id }) => id)).toEqual([before]);
  const later = await other.complete('Where is Rome?');
  const change = await events.nextWhere('change', ({ activity }) => activity.decisions.length > 0);
  expect(change.activity.decisions.map(({ id }) => id)).toEqual([later]);
  expect(change.activity.summary.requests).toBe(2);
});

test('the Worker’s own entry finds uPlot among the static assets that are deployed with it', async () => {
  const { env } = await import('cloudflare:workers');
  const environment = { ...env, CONDUIT_CONFIG_TEXT: CONFIG, CONDUIT_STATE: newObjects() };
  const response = await worker.fetch(new Request('https://conduit.example/dashboard/uplot.js'), environment, {
    waitUntil() {},
  });
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('uPlot');
});
