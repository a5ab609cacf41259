/** `conduit replay` as a user meets it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { readOptions, type WrittenOptions } from '../../src/cli/replay-options.ts';
import { playRuns } from '../../src/cli/replay-threads.ts';
import { loadConfig } from '../../src/config/load.ts';
import { EXPLORE } from '../../src/config/schema.ts';
import { runSeed } from '../../src/evaluate/seeded-run.ts';
import { linesOf, outcome, PRICES, twoKinds } from '../evaluate/recorded.ts';
import { rowsFrom } from '../evaluate/rows.ts';
import { conduit, directory } from './run-cli.ts';

/** Whole runs of a learner take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const recorded = (rows: readonly unknown[] = twoKinds(60)): string => directory({ 'a.jsonl': linesOf(rows) });
const quick = ['--seeds', '2', '--json'];

describe('conduit replay --json', () => {
  test('says what each policy did, beside what could have been had', async () => {
    const cwd = recorded();
    const { code, stdout, stderr } = await conduit(
      ['replay', 'a.jsonl', '--policy', 'linear-thompson', '--policy', 'cheapest', ...quick],
      cwd,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const close = (value: number) => expect.closeTo(value, 9);
    expect(JSON.parse(stdout)).toEqual({
      file: 'a.jsonl',
      rows: 60,
      references: {
        random: { reward: close(0.6), cost_usd: close(0.00055) },
        best_fixed: { reward: close(0.75), cost_usd: close(0.001) },
        cheapest: { reward: close(0.45), cost_usd: close(0.0001) },
        full_information: { reward: close(0.95), cost_usd: close(0.00055) },
        oracle: { reward: close(0.95), cost_usd: close(0.00055) },
      },
      runs: [
        {
          policy: 'linear-thompson',
          seeds: 2,
          reward: expect.any(Number),
          reward_se: expect.any(Number),
          regret: expect.any(Number),
          cost_usd: expect.any(Number),
          last_third_reward: expect.any(Number),
          shares: { 'p/cheap': expect.any(Number), 'p/dear': expect.any(Number) },
        },
        {
          policy: 'cheapest',
          seeds: 2,
          reward: close(0.45),
          reward_se: close(0),
          regret: close(30),
          cost_usd: close(0.0001),
          last_third_reward: expect.any(Number),
          shares: { 'p/cheap': 1, 'p/dear': 0 },
        },
      ],
    });
  });

  test('runs the default policy where none is named, and each once', async () => {
    const cwd = recorded(twoKinds(4));
    const policies = async (...args: string[]): Promise<string[]> =>
      JSON.parse((await conduit(['replay', 'a.jsonl', ...quick, ...args], cwd)).stdout).runs.map(
        (run: { policy: string }) => run.policy,
      );
    expect(await policies()).toEqual(['linear-thompson']);
    expect(await policies('--policy', 'random', '--policy', 'random')).toEqual(['random']);
  });

  test('keeps to the order of the file with --in-order', async () => {
    const cwd = recorded();
    const args = ['replay', 'a.jsonl', '--policy', 'fixed', '--seeds', '3', '--json', '--in-order'];
    const [run] = JSON.parse((await conduit(args, cwd)).stdout).runs;
    // Every second prompt of the last third, too.
    expect(run).toMatchObject({ last_third_reward: expect.closeTo(0.45, 12), reward_se: expect.closeTo(0, 12) });
  });

  test('says what the best mixture of two models gives under a ceiling', async () => {
    const cwd = recorded();
    const args = ['replay', 'a.jsonl', '--policy', 'cheapest', ...quick, '--usd-per-request'];
    const { references } = JSON.parse((await conduit([...args, '0.00055'], cwd)).stdout);
    expect(references.best_mixture).toEqual({ reward: expect.closeTo(0.6, 9), cost_usd: expect.closeTo(0.00055, 9) });
    expect(JSON.parse((await conduit([...args, '0.00001'], cwd)).stdout).references.best_mixture).toBeNull();
  });

  test('knows what a warm-up file says of its models, and minds no other model', async () => {
    const cwd = recorded(twoKinds(40));
    const others = twoKinds(200).map(({ prices: _, ...line }, i) => ({
      ...line,
      outcomes: { 'p/other': outcome(1, 0.5), ...line.outcomes },
      ...(i === 0 && { prices: { ...PRICES, 'p/other': { input: 9, output: 9 } } }),
    }));
    writeFileSync(join(cwd, 'warm.jsonl'), linesOf(others));
    const reward = async (...args: string[]): Promise<number> =>
      JSON.parse((await conduit(['replay', 'a.jsonl', ...quick, ...args], cwd)).stdout).runs[0].reward;
    const warm = await reward('--warm-up', 'warm.jsonl');
    expect(warm).toBeGreaterThan(await reward());
    expect(warm).toBeGreaterThan(0.88);
  });
});

describe('conduit replay', () => {
  test('prints tables for people, and draws curves where it shall', async () => {
    const cwd = recorded();
    const args = ['replay', 'a.jsonl', '--policy', 'random', '--seeds', '2', '--usd-per-request', '0.00055'];
    const { code, stdout, stderr } = await conduit([...args, '--svg', 'curve.svg'], cwd);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('a.jsonl: 60 prompts, 2 models; policies over 2 seeds');
    expect(stdout).toMatch(/^best fixed +0\.7500 +0\.00100 +p\/dear$/m);
    expect(stdout).toMatch(/^best mixture +0\.6000 +0\.000550 +50\.0% p\/cheap \+ 50\.0% p\/dear$/m);
    expect(stdout).toMatch(/^random( +[\d.]+){5} +[\d.]+%$/m);
    expect(stdout).toMatch(/^p\/cheap +[\d.]+%$/m);
    expect(readFileSync(join(cwd, 'curve.svg'), 'utf8')).toMatch(/^<svg [\s\S]*a\.jsonl[\s\S]*<\/svg>\n$/);
  });

  test('fits 80 columns whatever is compared, with the shares in as many blocks as it takes', async () => {
    const cwd = recorded();
    const policies = ['random', 'cheapest', 'fixed', 'thompson', 'ucb1', 'epsilon-greedy', 'linear-thompson'];
    const args = ['replay', 'a.jsonl', '--seeds', '1', ...policies.flatMap((policy) => ['--policy', policy])];
    const { code, stdout } = await conduit(args, cwd);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.filter((line) => line.startsWith('share of the'))).toHaveLength(2);
    const wide = await conduit(args, cwd, { COLUMNS: '200' });
    expect(wide.stdout.split('\n').filter((line) => line.startsWith('share of the'))).toHaveLength(1);
  });

  test('reads compressed files whatever they are called, and lines as any machine ends them', async () => {
    const text = linesOf(twoKinds(4));
    const cwd = directory({ 'a.jsonl': text, 'windows.jsonl': `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n` });
    writeFileSync(join(cwd, 'squeezed'), gzipSync(text));
    writeFileSync(join(cwd, 'cut-off'), gzipSync(text).subarray(0, 100));
    const references = async (file: string) =>
      JSON.parse((await conduit(['replay', file, ...quick], cwd)).stdout).references;
    const plain = await references('a.jsonl');
    expect(await references('squeezed')).toEqual(plain);
    expect(await references('windows.jsonl')).toEqual(plain);
    expect(await conduit(['replay', 'cut-off'], cwd)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^cut-off: compressed, and damaged or cut off .*\n$/),
    });
  });

  test('takes a text as one, even where it holds what some call the end of a line', async () => {
    const [first] = twoKinds(1);
    const cwd = recorded([{ ...first, messages: [{ role: 'user', content: 'one\u2028two' }] }]);
    expect(await conduit(['replay', 'a.jsonl', ...quick], cwd)).toMatchObject({ code: 0, stderr: '' });
  });

  test('says in one line which line of a file is wrong, or that there is none', async () => {
    const cwd = directory({ 'a.jsonl': `${linesOf(twoKinds(1))}\n{"id":`, 'none.jsonl': '\n' });
    const ended = (file: string) => conduit(['replay', file, '--json'], cwd);
    expect(await ended('a.jsonl')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'a.jsonl:3: not JSON (allowed: one JSON object a line)\n',
    });
    expect((await ended('none.jsonl')).stderr).toBe(
      'none.jsonl: empty (allowed: one JSON object a line, the first one with prices)\n',
    );
    expect((await ended('b.jsonl')).stderr).toBe('b.jsonl: no such file\n');
    expect((await ended('.')).stderr).toBe('.: is a folder\n');
  });

  test('says in one line which option means nothing here, before it runs anything', async () => {
    const cwd = recorded(twoKinds(2));
    writeFileSync(join(cwd, 'others.jsonl'), linesOf(twoKinds(2)).replaceAll('"p/', '"other/'));
    const refused: [args: string[], problem: string][] = [
      [
        ['--prefer', 'speed'],
        '--prefer: speed, but a.jsonl records no latency_s (allowed: quality, balanced, cost, or USD for a point)\n',
      ],
      [['--warm-up', 'b.jsonl'], 'b.jsonl: no such file\n'],
      [
        ['--warm-up', 'others.jsonl'],
        '--warm-up: others.jsonl has none of the models to choose from (p/cheap, p/dear)\n',
      ],
      [['--svg', 'none/curve.svg'], '--svg: none/curve.svg cannot be written (ENOENT)\n'],
    ];
    for (const [args, stderr] of refused)
      expect(await conduit(['replay', 'a.jsonl', ...args], cwd)).toEqual({ code: 1, stdout: '', stderr });
  });
});

test('an option that means nothing is refused with what is allowed', () => {
  const refused: [written: WrittenOptions, problem: RegExp][] = [
    [{ policy: ['thomson'] }, /^--policy: unknown thomson, did you mean thompson\? \(allowed: linear-thompson, /],
    [{ prefer: 'best' }, /^--prefer: best is none \(allowed: quality, balanced, cost, speed, or what/],
    [{ prefer: '-1' }, /^--prefer: -1 is none/],
    [{ usdPerRequest: '0' }, /^--usd-per-request: 0 is wrong \(allowed: a number above 0\)/],
    [{ halfLife: '7' }, /^--half-life: 7 is none \(allowed: a duration above 0/],
    [{ perDay: 'many' }, /^--per-day: many is wrong/],
    [{ seeds: '1.5' }, /^--seeds: 1\.5 is no number of seeds \(allowed: 1 to 10000\)/],
    [{ seeds: '' }, /^--seeds: /],
  ];
  for (const [written, problem] of refused) expect(() => readOptions(written)).toThrow(problem);
});

test('a run is the same on however many threads', async () => {
  const replayed = { rows: rowsFrom(twoKinds(700)), warmUp: [], inOrder: false };
  const { perDay, halfLifeMs, prefer } = readOptions({});
  const other = { ...replayed, rows: replayed.rows.slice(0, 600), inOrder: true };
  const jobs = [1, 2, 3, 4].map((seed) => ({
    replayed: seed < 3 ? replayed : other,
    seed,
    settings: { policy: 'thompson' as const, prefer, explore: EXPLORE, halfLifeMs, perDay },
  }));
  const told: number[] = [];
  const spread = await playRuns(jobs, { threads: 2, onRun: (done) => told.push(done) });
  expect(spread).toEqual(jobs.map((job) => runSeed(job.replayed, job)));
  expect(told).toEqual([1, 2, 3, 4]);
});

test('runs that are called off end at once, and not when the run does that is being played', async () => {
  const { perDay, halfLifeMs, prefer } = readOptions({});
  const settings = { policy: 'linear-thompson' as const, prefer, explore: EXPLORE, halfLifeMs, perDay };
  const replayed = { rows: rowsFrom(twoKinds(2000)), warmUp: [], inOrder: true };
  const ending = new AbortController();
  const told: number[] = [];
  const playing = playRuns([{ replayed, seed: 1, settings }], {
    threads: 1,
    onRun: (done) => told.push(done),
    signal: ending.signal,
  });
  ending.abort(new Error('enough'));
  await expect(playing).rejects.toThrow('enough');
  expect(told).toEqual([]);
});

test('policies run with what a router has that says nothing, but for its preference', () => {
  const loaded = loadConfig({
    text: `
providers: { p: { base_url: "http://127.0.0.1:1/v1" } }
models: [{ id: p/a, price: { input: 0, output: 0 } }]
routers: { auto: { models: [p/a] } }`,
    env: {},
    sha256Hex: (text) => text,
  });
  if (!loaded.ok) throw new Error('the config is wrong');
  const router = loaded.config.routers.get('auto')!;
  expect(EXPLORE).toEqual(router.explore);
  expect(readOptions({})).toMatchObject({
    policies: [router.policy],
    halfLifeMs: router.halfLifeMs,
    prefer: 'quality',
  });
  expect(readOptions({ prefer: '0.0001' }).prefer).toEqual({ usd_per_point: 0.0001 });
});
