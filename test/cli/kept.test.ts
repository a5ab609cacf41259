/** The commands that work on what is kept, as a user meets them: what they print, where, and how they end. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { lineOf } from '../../src/cli/decision-lines.ts';
import { type DecidedSignal, type DecisionRecord, REASONS } from '../../src/stores/decision-record.ts';
import { finishedDecision } from '../stores/finished-decision.ts';
import { conduit, directory, startConduit } from './run-cli.ts';

const CONFIG = `
providers: { p: { base_url: "http://127.0.0.1:1/v1" } }
models: [{ id: p/a, price: { input: 0, output: 0 } }]
`;

const linesOf = (...decisions: DecisionRecord[]): string => decisions.map(lineOf).join('');

const thumb = (value: number): DecidedSignal => ({ signal: 'thumbs', source: 'explicit', value, weight: 1, at: 5 });

/** A folder in which these decisions are kept. */
async function keeping(...decisions: DecisionRecord[]): Promise<string> {
  const folder = directory({ 'conduit.yaml': CONFIG, 'these.jsonl': linesOf(...decisions) });
  expect(await conduit(['import', 'these.jsonl'], folder)).toMatchObject({ code: 0 });
  return folder;
}

describe('conduit export', () => {
  test('writes to the file that is named, for its own user alone, and to stdout where that is `-` or nothing', async () => {
    const decision = finishedDecision();
    const folder = await keeping(decision);
    expect(await conduit(['export', 'all.jsonl'], folder)).toEqual({
      code: 0,
      stdout: '1 decision exported\n',
      stderr: '',
    });
    expect(readFileSync(join(folder, 'all.jsonl'), 'utf8')).toBe(linesOf(decision));
    expect(statSync(join(folder, 'all.jsonl')).mode & 0o777).toBe(0o600);
    for (const args of [['export'], ['export', '-']]) {
      const stdout = linesOf(decision);
      expect(await conduit(args, folder)).toEqual({ code: 0, stdout, stderr: '1 decision exported\n' });
    }
    expect(existsSync(join(folder, '-'))).toBe(false);
  });

  test('tells programs of the file in JSON, and refuses to mix that with the decisions', async () => {
    const folder = await keeping(finishedDecision());
    const { code, stdout } = await conduit(['export', 'all.jsonl', '--json'], folder);
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 0, document: { file: 'all.jsonl', decisions: 1 } });
    expect(await conduit(['export', '--json'], folder)).toEqual({
      code: 1,
      stdout: '',
      stderr: '--json: what goes to stdout is JSON lines already (allowed: with a file, to tell of it)\n',
    });
  });

  test.each([
    ['no/such/folder.jsonl', 'ENOENT'],
    ['a-folder', 'EISDIR'],
    ['/dev/full', 'ENOSPC'],
  ])('to %s, which cannot be written, says so in a line', async (file, code) => {
    const folder = await keeping(finishedDecision());
    mkdirSync(join(folder, 'a-folder'));
    const stderr = `${file} cannot be written (${code})\n`;
    expect(await conduit(['export', file], folder)).toEqual({ code: 1, stdout: '', stderr });
  });
});

describe('conduit import', () => {
  test.each([
    ['none.jsonl', 'none.jsonl: no such file\n'],
    ['a-folder', 'a-folder: is a folder\n'],
  ])('of %s says only what is wrong with it', async (file, stderr) => {
    const folder = directory({ 'conduit.yaml': CONFIG });
    mkdirSync(join(folder, 'a-folder'));
    expect(await conduit(['import', file], folder)).toEqual({ code: 1, stdout: '', stderr });
  });

  test('reads a file that begins with a byte order mark', async () => {
    const folder = directory({
      'conduit.yaml': CONFIG,
      'all.jsonl': `\uFEFF${linesOf(finishedDecision(), finishedDecision())}`,
    });
    expect(await conduit(['import', 'all.jsonl'], folder)).toMatchObject({
      code: 0,
      stdout: '2 decisions imported, new or changed; 0 there already\n',
      stderr: '',
    });
  });

  test('takes decisions whatever they were made for', async () => {
    const all = REASONS.map((reason) => ({ ...finishedDecision(), reason }));
    const folder = directory({ 'conduit.yaml': CONFIG, 'all.jsonl': linesOf(...all) });
    expect(await conduit(['import', 'all.jsonl'], folder)).toMatchObject({
      code: 0,
      stdout: `${all.length} decisions imported, new or changed; 0 there already\n`,
    });
  });

  test('takes what `conduit export | gzip` made, from a file and from a pipe, and says where it is cut off', async () => {
    const whole = gzipSync(linesOf(...Array.from({ length: 600 }, () => finishedDecision())));
    const folder = directory({ 'conduit.yaml': CONFIG });
    writeFileSync(join(folder, 'all.jsonl.gz'), whole);
    const taken = '600 decisions imported, new or changed; 0 there already\n';
    expect(await conduit(['import', 'all.jsonl.gz'], folder)).toEqual({ code: 0, stdout: taken, stderr: '' });

    const piped = startConduit(['import', '-', '--json'], folder);
    piped.process.stdin.end(whole);
    expect(JSON.parse((await piped.ended).stdout)).toEqual({ file: '-', imported: 0, known: 600, next: null });

    writeFileSync(join(folder, 'half.gz'), whole.subarray(0, whole.length / 2));
    const { code, stderr } = await conduit(['import', 'half.gz'], folder);
    expect(code).toBe(1);
    expect(stderr).toContain('half.gz: compressed, and damaged or cut off (unexpected end of file)\n');
  });

  test('takes what a release before there were labels has exported, as its rewards teach it', async () => {
    const { label, labelBefore, turn, retry, sketch, prefixTokens, worthBefore, outcome, ...rest } = finishedDecision();
    const { cachedTokens, ...told } = outcome as NonNullable<typeof outcome>;
    const known = { ...rest, outcome: told };
    const earlier = { object: 'decision', format: 1, ...known };
    const lines = [
      { ...earlier, rewardBefore: null },
      { ...earlier, version: 3, id: `${known.id.slice(0, -1)}f`, signals: [thumb(0.5)], reward: 0.5, rewardBefore: 1 },
    ];
    const folder = directory({
      'conduit.yaml': CONFIG,
      'all.jsonl': lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    expect(await conduit(['import', 'all.jsonl'], folder)).toMatchObject({ code: 0 });
    const nothing = { quality: null, weight: 0, shown: 0, next: 0, share: 0 };
    const exported = (await conduit(['export'], folder)).stdout.trim().split('\n');
    expect(exported.map((line) => JSON.parse(line))).toMatchObject([
      {
        ...rest,
        format: 3,
        outcome: { ...told, cachedTokens: null },
        label: nothing,
        labelBefore: null,
        turn: 0,
        retry: 0,
        sketch: null,
        prefixTokens: null,
        worthBefore: null,
      },
      {
        version: 3,
        reward: 0.5,
        label: { ...nothing, quality: 0.5, weight: 1 },
        labelBefore: { ...nothing, quality: 1, weight: 1 },
      },
    ]);
  });

  test('takes what a release before changes were kept has exported', async () => {
    const { prefixTokens, worthBefore, outcome, ...known } = finishedDecision();
    const { cachedTokens, ...told } = outcome as NonNullable<typeof outcome>;
    const line = JSON.stringify({ object: 'decision', format: 2, ...known, outcome: told });
    const folder = directory({ 'conduit.yaml': CONFIG, 'all.jsonl': line });
    expect(await conduit(['import', 'all.jsonl'], folder)).toMatchObject({ code: 0 });
    const after = { ...known, outcome: { ...told, cachedTokens: null }, prefixTokens: null, worthBefore: null };
    expect(JSON.parse((await conduit(['export'], folder)).stdout)).toEqual({ object: 'decision', format: 3, ...after });
  });

  test.each([
    [{ format: 4 }, 'format: not one of these (allowed: 1 to 3)'],
    [{ worthBefore: 1 }, 'worthBefore: '],
    [{ prefixTokens: -1 }, 'prefixTokens: '],
    [{ key: '\u001b[2J' }, 'key: a name with control characters'],
    [{ turn: -1 }, 'turn: '],
    [{ retry: 0.5 }, 'retry: '],
    [{ sketch: 'x'.repeat(65) }, 'sketch: '],
    [{ label: { quality: 1, weight: 1, shown: 256, next: 0, share: 1 } }, 'label.shown: '],
    [{ label: { quality: 1, weight: 1, shown: 0, next: 0, share: 1.5 } }, 'label.share: '],
    [{ labelBefore: 0.5 }, 'labelBefore: '],
  ])('says where a line is wrong that has %o', async (wrong, where) => {
    const line = JSON.stringify({ ...JSON.parse(lineOf(finishedDecision())), ...wrong });
    const folder = directory({ 'conduit.yaml': CONFIG, 'all.jsonl': line });
    const { code, stderr } = await conduit(['import', 'all.jsonl'], folder);
    expect(code).toBe(1);
    expect(stderr).toContain(`all.jsonl:1: ${where}`);
  });

  test('tells programs in JSON what it took, and a broken line still in one line of text', async () => {
    const folder = await keeping(finishedDecision());
    writeFileSync(
      join(folder, 'more.jsonl'),
      `${readFileSync(join(folder, 'these.jsonl'))}${linesOf(finishedDecision())}`,
    );
    const { code, stdout, stderr } = await conduit(['import', 'more.jsonl', '--json'], folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ file: 'more.jsonl', imported: 1, known: 1, next: null });
    writeFileSync(join(folder, 'broken.jsonl'), '{');
    expect(await conduit(['import', 'broken.jsonl', '--json'], folder)).toEqual({
      code: 1,
      stdout: '',
      stderr: '0 decisions imported, new or changed; 0 there already\nbroken.jsonl:1: not JSON\n',
    });
  });

  test('ends on Ctrl-C while it waits for more, keeps what it has, and says so', async () => {
    const folder = directory({ 'conduit.yaml': CONFIG });
    const importing = startConduit(['import', '-'], folder);
    importing.process.stdin.write(linesOf(...Array.from({ length: 1000 }, () => finishedDecision())));
    // An empty database is less than half as large.
    const database = join(folder, '.conduit', 'conduit.sqlite-wal');
    await vi.waitFor(() => expect(statSync(database).size).toBeGreaterThan(500_000), 20_000);
    importing.process.kill('SIGINT');
    // npm hands it on once more.
    importing.process.kill('SIGINT');
    const { code, stdout, stderr } = await importing.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const said =
      /^([\d,]+) decisions imported, new or changed; 0 there already\ninterrupted: what was imported stays; run it again for the rest\n$/;
    const imported = Number(said.exec(stderr)?.[1]?.replace(',', ''));
    expect(imported).toBeGreaterThan(0);
    expect((await conduit(['export'], folder)).stdout.trim().split('\n')).toHaveLength(imported);
  });

  test('names the line in which a signal is there twice, and keeps what stands before it', async () => {
    const good = finishedDecision({ signals: [thumb(1), { ...thumb(0), source: 'implicit' }], reward: 1 });
    const folder = directory({
      'conduit.yaml': CONFIG,
      'all.jsonl': linesOf(good, finishedDecision({ signals: [thumb(1), thumb(0)] })),
    });
    expect(await conduit(['import', 'all.jsonl'], folder)).toMatchObject({
      code: 1,
      stderr:
        '1 decision imported, new or changed; 0 there already\nall.jsonl:2: signals: two of one name and source\n',
    });
    expect((await conduit(['export'], folder)).stdout).toBe(linesOf(good));
  });
});

describe('conduit rebuild', () => {
  test('says of each router what it learned from, for people and as JSON', async () => {
    const folder = await keeping(finishedDecision());
    expect(await conduit(['rebuild'], folder)).toEqual({
      code: 0,
      stdout: 'auto: 1 decision, 0 of them rated; 1 of another encoder count without their context\n',
      stderr: '',
    });
    const { stdout } = await conduit(['rebuild', '--json'], folder);
    expect(JSON.parse(stdout)).toEqual({ routers: [{ router: 'auto', decisions: 1, rated: 0, other_encoder: 1 }] });
  });
});

describe('without a config', () => {
  test('they work on what a gateway keeps that takes its config from the keys in the environment', async () => {
    const decision = finishedDecision();
    const env = { OPENAI_API_KEY: 'sk-x' };
    const folder = directory({ 'all.jsonl': linesOf(decision) });
    expect(await conduit(['import', 'all.jsonl'], folder, env)).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, '.conduit', 'conduit.sqlite'))).toBe(true);
    expect((await conduit(['export'], folder, env)).stdout).toBe(linesOf(decision));
    expect(await conduit(['rebuild'], folder, env)).toMatchObject({ code: 0, stderr: '' });
  });

  test('and without keys they say what is missing', async () => {
    for (const args of [['export'], ['rebuild'], ['import', 'all.jsonl']]) {
      const { code, stderr } = await conduit(args, directory());
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'there is no conduit.yaml here and no provider key in the environment: name one with --config\n',
      });
    }
  });
});

test('beside a Redis nothing durable is configured unless it is named', async () => {
  const stores = 'server: { secret: s }\nstores: { state: "redis://127.0.0.1:1" }\n';
  const folder = directory({ 'conduit.yaml': CONFIG + stores });
  for (const args of [['export'], ['rebuild'], ['import', 'all.jsonl']]) {
    expect(await conduit(args, folder)).toMatchObject({
      code: 1,
      stderr: 'nothing durable is configured: stores.durable is none (allowed: embedded, supabase)\n',
    });
  }
});
