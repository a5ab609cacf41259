/** What a gateway with nothing else installed still knows after it was stopped, killed, or moved. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { conduit, directory, type Serving, serve } from '../cli/run-cli.ts';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };

async function prepare(stores = '{ durable: embedded }', more: { router?: string; server?: string } = {}) {
  const upstream = await startFakeUpstream(answer());
  onTestFinished(() => upstream.close());
  return { upstream, folder: directory({ 'conduit.yaml': configText(upstream, stores, more) }) };
}

const configText = (
  upstream: FakeUpstream,
  stores: string,
  { router, server = '{ port: 0 }' }: { router?: string; server?: string } = {},
) =>
  simpleConfig(upstream.url, ['small', 'large'], {
    ...(router !== undefined && { router }),
    rest: `server: ${server}\nstores: ${stores}`,
  });

const post = (serving: Serving, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${serving.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function ask(
  serving: Serving,
  content: string,
  earlier: object[] = [],
  headersSent: Record<string, string> = {},
) {
  const messages = [...earlier, { role: 'user', content }];
  const response = await post(serving, '/v1/chat/completions', { model: 'auto', messages }, headersSent);
  expect(response.status).toBe(200);
  const { id, choices } = (await response.json()) as { id: string; choices: { message: object }[] };
  return { id, said: choices[0]?.message as object, headers: response.headers };
}

const rate = async (serving: Serving, by: object, value: number) =>
  (await post(serving, '/v1/feedback', { ...by, signal: 'thumbs', value })).json();

const routerOf = async (serving: Serving) =>
  (await (await fetch(`${serving.url}/v1/routers/auto`)).json()) as {
    observations: number;
    labels: number;
    arms: { model: string; pulls: number; quality: object }[];
    budget: { usd_today: number; requests_today: number; average_usd: number };
  };

/** But for what only the process itself has seen of the models' health. */
const learned = ({ arms, ...rest }: Awaited<ReturnType<typeof routerOf>>) => ({
  ...rest,
  arms: arms.map(({ model, pulls, quality }) => ({ model, pulls, quality })),
});

async function kill({ process, ended }: Serving): Promise<void> {
  process.kill('SIGKILL');
  await ended;
}

async function stop({ process, ended }: Serving): Promise<void> {
  process.kill('SIGTERM');
  expect((await ended).code).toBe(0);
}

describe('a gateway with a folder', () => {
  test('killed with -9 right after feedback was taken, knows all of it at the next start', async () => {
    const { folder } = await prepare();
    const first = await serve(['--config', 'conduit.yaml'], folder);
    const asked: { id: string | null; value: number }[] = [];
    for (let i = 0; i < 20; i++) {
      const { headers } = await ask(first, questionNumber(i));
      const one = { id: headers.get('x-conduit-decision'), value: i % 2 };
      expect(await rate(first, { decision_id: one.id }, one.value)).toMatchObject({ status: 'recorded' });
      asked.push(one);
    }
    const before = await routerOf(first);
    await kill(first);

    const second = await serve(['--config', 'conduit.yaml'], folder);
    const after = await routerOf(second);
    expect(after.budget.usd_today).toBeCloseTo(before.budget.usd_today, 12);
    expect(after.budget.average_usd).toBeCloseTo(before.budget.average_usd, 12);
    expect(after.budget.requests_today).toBe(20);
    expect(learned({ ...after, budget: before.budget })).toEqual(learned(before));
    expect(before).toMatchObject({ observations: 20, labels: 20 });
    expect(before.budget.usd_today).toBeGreaterThan(0);
    for (const { id, value } of asked) {
      expect(await rate(second, { decision_id: id }, value)).toMatchObject({ status: 'duplicate', reward: value });
    }
  });

  test.each([
    ['a stop', stop],
    ['kill -9', kill],
  ])('after %s goes on with a conversation, and takes feedback by the answer’s own id', async (_, end) => {
    const { folder } = await prepare();
    const first = await serve(['--config', 'conduit.yaml'], folder);
    const question = { role: 'user', content: 'hi' };
    const { id, said, headers } = await ask(first, 'hi');
    // Feedback brings it to the disk at once: killed before, it would be there within a moment or not at all.
    await rate(first, { decision_id: headers.get('x-conduit-decision') }, 0);
    await end(first);
    const second = await serve(['--config', 'conduit.yaml'], folder);
    const next = await ask(second, 'and now?', [question, said]);
    expect(next.headers.get('x-conduit-reason')).toBe('sticky');
    expect(next.headers.get('x-conduit-model')).toBe(headers.get('x-conduit-model'));
    expect(await rate(second, { completion_id: id }, 1)).toMatchObject({
      status: 'revised',
      decision_id: headers.get('x-conduit-decision'),
    });
  });

  test('after a restart takes feedback in a header on the next request of the conversation', async () => {
    const { folder } = await prepare();
    const first = await serve(['--config', 'conduit.yaml'], folder);
    const { said } = await ask(first, 'hi');
    await stop(first);
    const second = await serve(['--config', 'conduit.yaml'], folder);
    expect(await routerOf(second)).toMatchObject({ observations: 1, labels: 0 });
    await ask(second, 'and now?', [{ role: 'user', content: 'hi' }, said], { 'x-conduit-feedback': 'up' });
    await expect.poll(async () => (await routerOf(second)).labels, PATIENCE).toBe(1);
    await stop(second);
    // Once, and for good.
    const third = await serve(['--config', 'conduit.yaml'], folder);
    expect(await routerOf(third)).toMatchObject({ observations: 2, labels: 1 });
  });

  test('keeps it beside its config, for its own user alone', async () => {
    const { folder } = await prepare();
    const serving = await serve(['--config', join(folder, 'conduit.yaml')], '/');
    await serving.said(/what is learned is kept in .*\.conduit$/);
    const kept = join(folder, '.conduit');
    expect(statSync(kept).mode & 0o777).toBe(0o700);
    for (const name of ['conduit.sqlite', 'secret']) expect(statSync(join(kept, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(kept, 'secret'), 'utf8')).toMatch(/^[0-9a-f]{64}$/);
  });

  test('shared by two gateways is a clear error for the second; with no folder named it serves, and says what is missing', async () => {
    const { folder, upstream } = await prepare('{ durable: embedded, folder: kept }');
    const first = await serve(['--config', 'conduit.yaml'], folder);
    const second = await conduit(['serve', '--config', 'conduit.yaml'], folder);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^cannot start: .*kept is in use by process \d+: .*stores\.folder/m);

    const unasked = directory({ 'conduit.yaml': configText(upstream, '{ state: memory }') });
    const [one, other] = [await serve([], unasked), await serve([], unasked)];
    await ask(one, 'hi');
    await ask(other, 'hi');
    await other.said(/nothing outlives this process until its folder can be used/);
    await other.said(/what is learned is kept in memory: .* only the last 10,000 answers take feedback/);
    await stop(first);
    // It gets the folder of the one that ends, with all that both have learned.
    await stop(one);
    await other.said(/the durable store is there now/);
    await expect.poll(async () => (await routerOf(other)).observations, PATIENCE).toBe(2);
    await kill(other);
    const after = await serve([], unasked);
    expect((await routerOf(after)).observations).toBe(2);
  });

  test.each([
    ['router', { router: 0.0003, key: 1 }],
    ['key', { router: 1, key: 0.0003 }],
  ])('after a restart refuses the very first request where the %s has spent its day’s money', async (owner, usd) => {
    const { folder } = await prepare(
      `{ durable: embedded }\nkeys: [{ name: web, key: ck-web, usd_per_day: ${usd.key} }]`,
      { router: `usd_per_day: ${usd.router}, on_budget: reject` },
    );
    const body = { model: 'auto', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
    const askAs = (serving: Serving) => post(serving, '/v1/chat/completions', body, { authorization: 'Bearer ck-web' });
    const first = await serve([], folder);
    expect((await askAs(first)).status).toBe(200);
    await expect.poll(async () => (await askAs(first)).status, { ...PATIENCE, interval: 1 }).toBe(429);
    await stop(first);

    const second = await serve([], folder);
    const refused = await askAs(second);
    expect(refused.status).toBe(429);
    const { error } = (await refused.json()) as { error: { code: string; message: string } };
    expect(error).toMatchObject({ code: 'budget_exceeded', message: expect.stringContaining(owner) });
  });

  test('shared by workers through their primary, killed and started again, knows what they all learned', async () => {
    const { folder } = await prepare('{ durable: embedded }', { server: '{ port: 0, workers: 2 }' });
    const first = await serve([], folder);
    for (let i = 0; i < 10; i++) {
      const { headers } = await ask(first, questionNumber(i));
      await rate(first, { decision_id: headers.get('x-conduit-decision') }, 1);
    }
    await expect.poll(async () => (await routerOf(first)).labels, PATIENCE).toBe(10);
    await kill(first);
    const second = await serve([], folder);
    await expect.poll(async () => (await routerOf(second)).labels, PATIENCE).toBe(10);
  });

  test('learns anew from all that is kept where evidence fades otherwise, while it serves and at a start', async () => {
    const { folder, upstream } = await prepare();
    const first = await serve([], folder);
    for (let i = 0; i < 5; i++) await ask(first, questionNumber(i));
    await stop(first);
    const change = (halfLife: string): void =>
      writeFileSync(
        join(folder, 'conduit.yaml'),
        configText(upstream, '{ durable: embedded }', { router: `half_life: ${halfLife}` }),
      );
    change('3d');
    const second = await serve([], folder);
    expect((await routerOf(second)).observations).toBe(5);
    change('2d');
    second.process.kill('SIGHUP');
    await second.said(/config reloaded/);
    await expect.poll(async () => (await routerOf(second)).observations, PATIENCE).toBe(5);
  });
});

describe('several workers with a folder', () => {
  const WORKERS = '{ port: 0, workers: 2 }';
  const prepareWorkers = () => prepare('{ durable: embedded }', { server: WORKERS });

  /** What each of the workers says: connections go to them in turn. */
  const fromAll = async <Value>(serving: Serving, path: string): Promise<{ status: number; body: Value }[]> => {
    const all: { status: number; body: Value }[] = [];
    for (let i = 0; i < 4; i++) {
      const response = await fetch(`${serving.url}${path}`, { headers: { connection: 'close' } });
      all.push({ status: response.status, body: (await response.json()) as Value });
    }
    return all;
  };
  const observations = async (serving: Serving): Promise<number[]> => {
    const all = await fromAll<{ observations: number }>(serving, '/v1/routers/auto');
    return all.map(({ body }) => body.observations);
  };
  const readiness = async (serving: Serving): Promise<object[]> => {
    const all = await fromAll<{ durable: boolean | null }>(serving, '/ready');
    return all.map(({ status, body }) => ({ status, durable: body.durable }));
  };
  /** What is done to the database behind the gateway's back. */
  const database = (folder: string): DatabaseSync => {
    const opened = new DatabaseSync(join(folder, '.conduit', 'conduit.sqlite'), { timeout: 5_000 });
    onTestFinished(() => opened.close());
    return opened;
  };

  test('keep what a router decides that a new config has brought, and lose nothing where evidence fades otherwise', async () => {
    const { folder, upstream } = await prepareWorkers();
    const first = await serve([], folder);
    for (let i = 0; i < 5; i++) await ask(first, questionNumber(i));
    await stop(first);
    const second = await serve([], folder);
    expect(await observations(second)).toEqual([5, 5, 5, 5]);
    // A half-life for the one router, and another router behind it.
    const router = 'half_life: 2d }\n  extra: { models: [fake/small, fake/large]';
    writeFileSync(
      join(folder, 'conduit.yaml'),
      configText(upstream, '{ durable: embedded }', { router, server: WORKERS }),
    );
    second.process.kill('SIGHUP');
    await second.said(/config reloaded/);
    expect(await observations(second)).toEqual([5, 5, 5, 5]);

    const asked = await post(second, '/v1/chat/completions', {
      model: 'extra',
      messages: [{ role: 'user', content: 'hi' }],
    });
    await asked.arrayBuffer();
    const rated = await rate(second, { decision_id: asked.headers.get('x-conduit-decision') }, 1);
    expect(rated).toMatchObject({ status: 'recorded' });
    await kill(second);
    const third = await serve([], folder);
    const [extra] = await fromAll<object>(third, '/v1/routers/extra');
    expect(extra?.body).toMatchObject({ observations: 1, labels: 1 });
    expect(await observations(third)).toEqual([5, 5, 5, 5]);
  });

  test('serve while it cannot be read, and know what was learned before once it can', async () => {
    const { folder } = await prepareWorkers();
    const first = await serve([], folder);
    for (let i = 0; i < 5; i++) await ask(first, questionNumber(i));
    await stop(first);
    const sql = database(folder);
    sql.exec(`delete from model_states; update routing_decisions set idempotency_keys = '['`);
    const second = await serve([], folder);
    await ask(second, 'hi');
    await second.said(/workers serve without it, and it is tried again/);
    sql.exec(`update routing_decisions set idempotency_keys = '[]'`);
    await expect.poll(() => observations(second), PATIENCE).toEqual([6, 6, 6, 6]);
    await stop(second);
    expect((await second.ended).stderr).not.toMatch(/a worker/);
  });

  test('say of feedback that cannot be kept now that it should be given again, and that they are not ready', async () => {
    const { folder } = await prepareWorkers();
    const serving = await serve([], folder);
    const { headers } = await ask(serving, 'hi');
    const thumb = { decision_id: headers.get('x-conduit-decision'), signal: 'thumbs', value: 1 };
    expect(await readiness(serving)).toEqual(Array(4).fill({ status: 200, durable: true }));
    const sql = database(folder);
    sql.exec('begin immediate');
    const refused = await post(serving, '/v1/feedback', thumb);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ error: { code: 'store_unavailable' } });
    expect(await readiness(serving)).toEqual(Array(4).fill({ status: 503, durable: false }));
    sql.exec('rollback');
    await expect.poll(() => readiness(serving), PATIENCE).toEqual(Array(4).fill({ status: 200, durable: true }));
    expect((await post(serving, '/v1/feedback', thumb)).status).toBe(200);
  });

  test('say that nothing is kept where nothing is', async () => {
    const { folder } = await prepare('{ durable: none }', { server: WORKERS });
    expect(await readiness(await serve([], folder))).toEqual(Array(4).fill({ status: 200, durable: null }));
  });
});

describe('what is kept can be taken elsewhere', () => {
  test('exported as JSON lines, imported into another folder and rebuilt, it teaches the same', async () => {
    const { folder, upstream } = await prepare();
    const first = await serve([], folder);
    for (let i = 0; i < 12; i++) {
      const { headers } = await ask(first, questionNumber(i));
      await rate(first, { decision_id: headers.get('x-conduit-decision') }, i % 2);
    }
    const before = await routerOf(first);
    const whileItRuns = await conduit(['export'], folder);
    expect(whileItRuns).toMatchObject({ code: 0, stderr: '12 decisions exported\n' });
    const inUse = await conduit(['rebuild'], folder);
    expect(inUse).toMatchObject({ code: 1, stdout: '' });
    expect(inUse.stderr).toMatch(/is in use by process \d+: stop the gateway first\n$/);
    await stop(first);

    const exported = await conduit(['export', 'all.jsonl'], folder);
    expect(exported).toMatchObject({ code: 0, stdout: '12 decisions exported\n' });
    const lines = readFileSync(join(folder, 'all.jsonl'), 'utf8');
    expect((await conduit(['export'], folder)).stdout).toBe(lines);
    expect(whileItRuns.stdout).toBe(lines);
    expect(JSON.parse(lines.split('\n')[0] as string)).toMatchObject({ object: 'decision', router: 'auto', reward: 0 });

    const other = directory({
      'conduit.yaml': configText(upstream, '{ durable: embedded }'),
      'all.jsonl': lines,
      'bad.jsonl': `${lines.split('\n')[0]}\n{"object":"decision","format":1,"id":"dec_1"}\n`,
    });
    const bad = await conduit(['import', 'bad.jsonl'], other);
    expect(bad).toMatchObject({
      code: 1,
      stderr: '1 decision imported, new or changed; 0 there already\nbad.jsonl:2: id: not the id of a decision\n',
    });
    for (const said of [
      '11 decisions imported, new or changed; 1 there already\n',
      '0 decisions imported, new or changed; 12 there already\n',
    ]) {
      expect(await conduit(['import', 'all.jsonl'], other)).toMatchObject({ code: 0, stdout: said });
    }
    expect(await conduit(['rebuild'], other)).toMatchObject({
      code: 0,
      stdout: 'auto: 12 decisions, 12 of them rated\n',
    });
    const second = await serve([], other);
    const after = await routerOf(second);
    expect(after.arms.map(({ model, pulls }) => [model, pulls])).toEqual(
      before.arms.map(({ model, pulls }) => [model, pulls]),
    );
    expect(after).toMatchObject({ observations: 12, labels: 12 });
  });

  test('read again and again while the gateway is under traffic, which notices nothing of it', async () => {
    const { folder } = await prepare();
    const serving = await serve([], folder);
    let isOver = false;
    let asked = 0;
    const asking = [1, 2, 3, 4].map(async () => {
      for (; !isOver; asked++) await ask(serving, questionNumber(asked));
    });
    const ids = (lines: string): string[] =>
      lines.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { id: string }).id]));
    const exported: number[] = [];
    try {
      for (let i = 0; i < 4; i++) {
        const answered = asked;
        const { code, stdout } = await conduit(['export'], folder);
        expect(code).toBe(0);
        exported.push(new Set(ids(stdout)).size);
        expect(exported.at(-1)).toBeLessThanOrEqual(asked + 4);
        // What was answered before is there but for the last batch.
        if (i > 0) expect(exported.at(-1)).toBeGreaterThan(0.5 * answered);
        expect((await conduit(['report', '--json'], folder)).code).toBe(0);
      }
    } finally {
      isOver = true;
      await Promise.all(asking);
    }
    expect(exported).toEqual([...exported].sort((one, other) => one - other));
    expect(new Set(exported).size).toBeGreaterThan(1);
    expect(await (await fetch(`${serving.url}/ready`)).json()).toMatchObject({ status: 'ready' });
    process.kill(serving.process.pid as number, 'SIGTERM');
    const { code, stderr } = await serving.ended;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/"level":[45]0/);
    expect(new Set(ids((await conduit(['export'], folder)).stdout)).size).toBe(asked);
  });

  test('nothing is exported, imported or rebuilt where nothing is kept', async () => {
    const { folder } = await prepare('{ durable: none }');
    for (const command of [['export'], ['rebuild'], ['import', 'x.jsonl']]) {
      const { code, stderr } = await conduit(command, folder);
      expect(code).toBe(1);
      expect(stderr).toBe('nothing durable is configured: stores.durable is none (allowed: embedded, supabase)\n');
    }
    expect(existsSync(join(folder, '.conduit'))).toBe(false);
  });
});
