/** Supabase behind a Redis that Workers share, inside the real workerd: a pass by the minute brings there what is new. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foldFromBytes } from '../../src/bandit/fold-bytes.ts';
import { currentScope, runInScope } from '../../src/edge/scope.ts';
import { createSupabaseStore } from '../../src/stores/supabase.ts';
import worker, { createDrainer, createWorkerApp, openWorker } from '../../src/worker.ts';
import { createAtEdge, request, within } from '../support/edge-redis-store.ts';
import { NO_REDIS, tell, URL_OF_REDIS } from '../workerd-redis/server.ts';
import { calls, configOver, failing, keptOf, rows, SUPABASE, upstream } from './project.ts';

const sink = createSupabaseStore(SUPABASE);
/** Of each test another: what it decides is told from what others do by that. */
let router: string;
let tests = 0;

/** What an isolate does in a request, or rung by the minute, and all that it leaves to do behind it. */
async function asRequest<Result>(work: () => Promise<Result>): Promise<Result> {
  const { scope, ended } = request();
  const result = await runInScope(scope, work);
  await ended();
  return result;
}

const environment = () => ({ CONDUIT_CONFIG_TEXT: configOver(URL_OF_REDIS, router) });

function newIsolate() {
  const start = () =>
    createWorkerApp(openWorker(environment()), {
      fetch: upstream as typeof globalThis.fetch,
      secret: 's',
      defer: (work) => currentScope()?.waitUntil(work),
    });
  let app: ReturnType<typeof start> | undefined;
  const call = (path: string, body?: object) =>
    asRequest(async () => {
      app ??= start();
      const response = await app.fetch(
        new Request(`https://conduit.example/${path}`, {
          method: body ? 'POST' : 'GET',
          ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }),
      );
      return { status: response.status, headers: response.headers, body: await response.json() };
    });
  return {
    call,
    async ask(): Promise<string> {
      const messages = [{ role: 'user', content: `What is ${crypto.randomUUID()}?` }];
      const { status, headers } = await call('v1/chat/completions', { model: router, messages });
      expect(status).toBe(200);
      return headers.get('x-conduit-decision') as string;
    },
    rate: (id: string) => call('v1/feedback', { decision_id: id, signal: 'thumbs', value: 1 }),
  };
}

/** A pass, by an isolate that knows of no other. */
const pass = (): Promise<void> => asRequest(async () => createDrainer(environment())?.());
/** The lease is for a quarter of a minute; passes are a minute apart. */
const aMinuteLater = (): Promise<unknown> => tell('endLeases');

describe.skipIf(NO_REDIS)(`a Redis with Supabase behind it${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  beforeEach(async () => {
    router = `redis-${++tests}`;
    await tell('flush');
  });
  afterEach(() => failing());

  test('has what Workers decide kept there, each once, and what is said of it later', async () => {
    const isolate = newIsolate();
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await isolate.ask());
    await isolate.rate(ids[0] as string);
    await pass();
    expect(await keptOf(router)).toEqual({ decisions: 5, changes: 1 });
    await isolate.rate(ids[1] as string);
    await aMinuteLater();
    await pass();
    await aMinuteLater();
    await pass();
    expect(await keptOf(router)).toEqual({ decisions: 5, changes: 2 });
    const [latest] = await sink.snapshots.read(router);
    expect(foldFromBytes(latest?.bytes as Uint8Array)).toMatchObject({ entries: 5, labels: 1 });
  });

  test('is left to whoever has the lease, as a gateway on Node may', async () => {
    await newIsolate().ask();
    const node = within(createAtEdge(URL_OF_REDIS).store);
    expect(await node.shared.lease('archive', 60_000)).toBe(true);
    const before = await calls('conduit_cursor_of');
    await pass();
    expect(await calls('conduit_cursor_of')).toBe(before);
    expect(await keptOf(router)).toEqual({ decisions: 0, changes: 0 });
  });

  test('keeps what Supabase misses while that is away: requests are answered, and the next pass makes up for it', async () => {
    const isolate = newIsolate();
    await failing({ status: 503 });
    const id = await isolate.ask();
    await pass();
    expect((await isolate.rate(id)).body).toMatchObject({ status: 'recorded' });
    expect((await isolate.call('ready')).body).toMatchObject({ status: 'not_ready', state: true, durable: false });
    await failing();
    await aMinuteLater();
    await pass();
    expect(await keptOf(router)).toEqual({ decisions: 1, changes: 1 });
    expect((await isolate.call('ready')).body).toMatchObject({ status: 'ready', durable: true });
  });

  test('sends nothing twice where a pass died before it heard that a batch was taken', async () => {
    const isolate = newIsolate();
    for (let i = 0; i < 3; i++) await isolate.ask();
    await failing({ cutOff: 1, cutOffOf: 'conduit_ingest' });
    await pass();
    expect(await keptOf(router)).toEqual({ decisions: 3, changes: 0 });
    await failing();
    await aMinuteLater();
    await pass();
    expect(await keptOf(router)).toEqual({ decisions: 3, changes: 0 });
  });

  test('that was lost begins with what Supabase knows, and takes feedback to what only that has', async () => {
    const first = newIsolate();
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await first.ask());
    for (const id of ids.slice(1)) await first.rate(id);
    await pass();
    await tell('flush');
    await pass();
    const next = newIsolate();
    expect((await next.call(`v1/routers/${router}`)).body).toMatchObject({ labels: 4 });
    expect((await next.rate(ids[0] as string)).body).toMatchObject({ status: 'recorded' });
    expect((await next.call(`v1/routers/${router}`)).body).toMatchObject({ labels: 5 });
    await aMinuteLater();
    await pass();
    expect(await rows(`select version, reward from routing_decisions where decision_id = '${ids[0]}'`)).toEqual([
      { version: 2, reward: 1 },
    ]);
    expect(await keptOf(router)).toEqual({ decisions: 5, changes: 5 });
  });

  test('and a Worker that is rung by the minute does nothing where its objects see to it themselves', async () => {
    const before = await calls('conduit_cursor_of');
    await worker.scheduled(
      null,
      { CONDUIT_CONFIG_TEXT: configOver('durable-object', router) },
      { waitUntil: () => {} },
    );
    expect(await calls('conduit_cursor_of')).toBe(before);
  });
});
