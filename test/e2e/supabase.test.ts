/** Gateways that keep what they learn in Supabase, and what their clients notice when it is away: nothing. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { lineOf } from '../../src/cli/decision-lines.ts';
import { conduit, directory, type Serving, serve } from '../cli/run-cli.ts';
import { finishedDecision } from '../stores/finished-decision.ts';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig } from '../support/gateway.ts';
import type { Faults } from '../support/postgrest-faults.ts';
import { SERVICE_ROLE_KEY } from '../support/postgrest-server.ts';
import { type SupabaseProject, startSupabaseProject } from '../support/supabase-project.ts';

const PATIENCE = { timeout: 20_000, interval: 100 };
/** What a request may wait for a store, and what a busy machine may add to it. */
const NOT_HELD_UP_MS = 60;

let project: SupabaseProject;
beforeAll(async () => {
  project = await startSupabaseProject();
}, 120_000);
afterAll(() => project?.close());
beforeEach(() =>
  project.database.run(
    'truncate queries, routing_decisions, responses, feedback, implicit_feedback, model_states, log_cursors',
  ),
);

/** A folder with a config: another folder is another machine. */
async function machine(): Promise<string> {
  const upstream = await startFakeUpstream(answer());
  onTestFinished(() => upstream.close());
  const rest = [
    'server: { port: 0, secret: shared }',
    'stores:',
    '  durable: supabase',
    `  supabase: { url: "${project.server.url}", service_role_key: "\${SUPABASE_SERVICE_ROLE_KEY}" }`,
  ].join('\n');
  return directory({ 'conduit.yaml': simpleConfig(upstream.url, ['small', 'large'], { rest }) });
}
const start = (folder: string): Promise<Serving> => serve([], folder, { SUPABASE_SERVICE_ROLE_KEY: SERVICE_ROLE_KEY });

async function ask(serving: Serving, content: string) {
  const response = await fetch(`${serving.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] }),
  });
  await response.arrayBuffer();
  const overheadMs = Number(response.headers.get('x-conduit-overhead-ms'));
  return { status: response.status, id: response.headers.get('x-conduit-decision') as string, overheadMs };
}

async function rate(serving: Serving, id: string, value: number) {
  const response = await fetch(`${serving.url}/v1/feedback`, {
    method: 'POST',
    body: JSON.stringify({ decision_id: id, signal: 'thumbs', value }),
  });
  return { http: response.status, ...((await response.json()) as { status: string }) };
}

const learned = async (serving: Serving) => {
  const { observations, labels } = (await (await fetch(`${serving.url}/v1/routers/auto`)).json()) as {
    observations: number;
    labels: number;
  };
  return { observations, labels };
};
const readiness = async (serving: Serving) => {
  const response = await fetch(`${serving.url}/ready`);
  return { http: response.status, durable: ((await response.json()) as { durable: boolean }).durable };
};
const count = async (table: string): Promise<number> =>
  Number((await project.database.query(`select count(*)::int as n from ${table}`))[0]?.n);

async function stop({ process, ended }: Serving): Promise<void> {
  process.kill('SIGTERM');
  expect((await ended).code).toBe(0);
}

/** Gives what mends it. */
function faulty(faults: Partial<Faults>): () => void {
  const sound = { ...project.server.faults };
  Object.assign(project.server.faults, faults);
  return () => void Object.assign(project.server.faults, sound);
}

describe('a gateway with Supabase', () => {
  test('fills its tables and views, and a machine that is new begins with all that was learned', async () => {
    const first = await start(await machine());
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.push((await ask(first, `question ${i}`)).id);
    for (const [i, id] of ids.entries()) expect(await rate(first, id, i % 2)).toMatchObject({ status: 'recorded' });
    await expect.poll(() => count('feedback'), PATIENCE).toBe(12);
    expect(await count('responses')).toBe(12);
    const [usage] = await project.database.query('select sum(completion_tokens)::int as tokens from usage_by_key');
    expect(Number(usage?.tokens)).toBeGreaterThan(0);
    const [analytics] = await project.database.query(
      'select sum(decisions)::int as decisions, sum(rated)::int as rated from routing_analytics',
    );
    expect(analytics).toEqual({ decisions: 12, rated: 12 });
    const before = await learned(first);
    await stop(first);
    expect(await count('model_states')).toBeGreaterThan(0);

    const other = await start(await machine());
    await expect.poll(() => learned(other), PATIENCE).toEqual(before);
    // Beyond what this machine has ever seen.
    expect(await rate(other, ids[0] as string, 1)).toMatchObject({ http: 200, status: 'revised' });
    expect(await learned(other)).toEqual(before);
    await ask(other, 'one more');
    await stop(other);

    const third = await start(await machine());
    await expect.poll(() => learned(third), PATIENCE).toEqual({ observations: 13, labels: 12 });
  });

  test.each<[string, () => (() => unknown) | Promise<() => unknown>]>([
    ['frozen', () => faulty({ frozen: true })],
    ['failing', () => faulty({ status: 503 })],
    ['full', () => faulty({ diskFull: true })],
    ['slow', () => faulty({ slowMs: 500 })],
    [
      'refusing connections',
      async () => {
        await project.server.refuse();
        return () => project.server.listen();
      },
    ],
  ])('%s, it holds nobody up and misses nothing, not even through a kill -9', async (kind, breaks) => {
    const folder = await machine();
    const first = await start(folder);
    const ids = [(await ask(first, 'warm')).id];
    await expect.poll(() => count('routing_decisions'), PATIENCE).toBe(1);
    const mends = await breaks();
    let mended = false;
    const mend = async (): Promise<void> => {
      if (!mended) await mends();
      mended = true;
    };
    onTestFinished(mend);
    const overheads: number[] = [];
    for (let i = 0; i < 20; i++) {
      const { status, id, overheadMs } = await ask(first, `question ${i}`);
      expect(status).toBe(200);
      overheads.push(overheadMs);
      ids.push(id);
      // It counts once it is on this machine's disk.
      expect(await rate(first, id, 1)).toMatchObject({ http: 200, status: 'recorded' });
    }
    expect(overheads.sort((a, b) => a - b)[10]).toBeLessThan(15);
    expect(overheads.at(-1)).toBeLessThan(NOT_HELD_UP_MS);
    if (kind !== 'slow') {
      await first.said(/the durable store fails: what it misses waits until it is back/);
      expect(await readiness(first)).toEqual({ http: 503, durable: false });
    }
    first.process.kill('SIGKILL');
    const { stderr } = await first.ended;
    expect(stderr.match(/the durable store fails/g)?.length ?? 0).toBeLessThanOrEqual(1);

    const second = await start(folder);
    // A start waits a moment for what was learned before, and goes on without where the machine is busy.
    await expect.poll(() => learned(second), PATIENCE).toEqual({ observations: 21, labels: 20 });
    await mend();
    await expect.poll(() => count('routing_decisions'), PATIENCE).toBe(21);
    expect(await count('feedback')).toBe(20);
    await expect.poll(() => readiness(second), PATIENCE).toEqual({ http: 200, durable: true });
    await stop(second);
  });

  test('away while a machine is new, it is asked again, and what was answered meanwhile is added to what it knows', async () => {
    const first = await start(await machine());
    for (let i = 0; i < 6; i++) await rate(first, (await ask(first, `question ${i}`)).id, 1);
    await expect.poll(() => count('feedback'), PATIENCE).toBe(6);
    await stop(first);
    const mend = faulty({ status: 503 });
    onTestFinished(mend);
    const other = await start(await machine());
    await ask(other, 'one more');
    expect(await learned(other)).toEqual({ observations: 1, labels: 0 });
    mend();
    await expect.poll(() => learned(other), PATIENCE).toEqual({ observations: 7, labels: 6 });
    await stop(other);
  });

  test('with another half-life, at a reload and by `rebuild`, a machine learns anew from all that was ever sent there', async () => {
    const first = await start(await machine());
    for (let i = 0; i < 6; i++) await rate(first, (await ask(first, `question ${i}`)).id, 1);
    await expect.poll(() => count('feedback'), PATIENCE).toBe(6);
    await stop(first);
    const folder = await machine();
    const file = join(folder, 'conduit.yaml');
    const config = readFileSync(file, 'utf8');
    const other = await start(folder);
    await expect.poll(() => learned(other), PATIENCE).toEqual({ observations: 6, labels: 6 });
    await ask(other, 'one more');
    writeFileSync(file, config.replace('routers:\n  auto: { ', 'routers:\n  auto: { half_life: 2d, '));
    other.process.kill('SIGHUP');
    await other.said(/config reloaded/);
    await expect.poll(() => learned(other), PATIENCE).toEqual({ observations: 7, labels: 6 });
    await stop(other);
    const rebuilt = await conduit(['rebuild'], folder, { SUPABASE_SERVICE_ROLE_KEY: SERVICE_ROLE_KEY });
    expect(rebuilt).toMatchObject({ code: 0, stdout: 'auto: 7 decisions, 6 of them rated\n' });
    const again = await start(folder);
    await expect.poll(() => learned(again), PATIENCE).toEqual({ observations: 7, labels: 6 });
    await stop(again);
  });

  test('import goes to it, and says how this machine’s folder takes over what that teaches', async () => {
    const folder = await machine();
    const env = { SUPABASE_SERVICE_ROLE_KEY: SERVICE_ROLE_KEY };
    writeFileSync(join(folder, 'all.jsonl'), [finishedDecision(), finishedDecision()].map(lineOf).join(''));
    for (const said of [
      '2 decisions imported, new or changed; 0 there already',
      '0 decisions imported, new or changed; 2 there already',
    ]) {
      expect(await conduit(['import', 'all.jsonl'], folder, env)).toMatchObject({
        code: 0,
        stdout: `${said}\n`,
        stderr:
          "they are in Supabase: run `conduit rebuild` so that this machine's folder takes over what they teach at the next start\n",
      });
    }
    const used = await conduit(['keys', 'usage', '--json'], folder, env);
    expect(JSON.parse(used.stdout)).toMatchObject({ data: [{ key: 'web', calls: 2, prompt_tokens: 480 }] });
  });

  test('with a wrong key serves, says what to do, and tells nobody the key', async () => {
    const folder = await machine();
    const serving = await serve([], folder, { SUPABASE_SERVICE_ROLE_KEY: 'a-wrong-key' });
    expect((await ask(serving, 'hi')).status).toBe(200);
    expect(await serving.said(/the durable store fails/)).toMatch(/service_role_key/);
    await stop(serving);
    expect((await serving.ended).stderr).not.toContain('a-wrong-key');
  });

  test('two machines that share one project and no Redis both keep everything', async () => {
    const [one, other] = [await start(await machine()), await start(await machine())];
    for (let i = 0; i < 5; i++) {
      await ask(one, `of one ${i}`);
      await ask(other, `of the other ${i}`);
    }
    await expect.poll(() => count('routing_decisions'), PATIENCE).toBe(10);
    await stop(one);
    await stop(other);
    const third = await start(await machine());
    await expect.poll(() => learned(third), PATIENCE).toEqual({ observations: 10, labels: 0 });
  });
});
