/**
 * The snippets of docs/clients.md, and of the README on switching a client over, run as they stand there. Those of packages
 * that this repository has run always; with CONDUIT_CLIENTS=FOLDER, which has `node_modules` and a Python environment `venv`
 * with what the page says to install, all of them do.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Decision, decisionOf, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const root = join(import.meta.dirname, '../..');

/** All of a section's blocks of one language, as one program. */
function programOf(section: string, language: string, page = 'docs/clients.md'): string {
  const sections = readFileSync(join(root, page), 'utf8').split(/^## /m);
  const text = sections.find((one) => one.startsWith(`${section}\n`));
  if (text === undefined) throw new Error(`${page} has no section '${section}'`);
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))];
  return blocks
    .map((block) => block[1] as string)
    .join('\n')
    .replaceAll('http://127.0.0.1:8787', gateway.url);
}

const ANSWER = 'One with many arms';
let upstream: FakeUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await startFakeUpstream(answer(ANSWER));
  gateway = await startTestGateway(simpleConfig(upstream.url));
});

afterEach(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Runs a program in a folder of its own, in which `modules` are found; gives what it printed. Fails where it does. */
function run(command: string, file: string, program: string, modules?: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-clients-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, file), program);
  if (modules !== undefined) symlinkSync(modules, join(folder, 'node_modules'));
  return new Promise((resolve, reject) => {
    const args = command === 'bash' ? ['-euo', 'pipefail', file] : [file];
    execFile(command, args, { cwd: folder, timeout: 60_000 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stdout}\n${stderr}`)) : resolve(stdout),
    );
  });
}

/** The decision that a program has printed first, once it has been rated. */
async function ratedIn(printed: string): Promise<Decision> {
  const id = /dec_[0-9a-f]{32}/.exec(printed)?.[0];
  if (id === undefined) throw new Error(`no decision is in:\n${printed}`);
  return decisionOf(gateway, id);
}

const thumbUp = { signal: 'thumbs', source: 'explicit', value: 1 };
/** Feedback in a header that was about nothing known is logged, and nothing else tells. */
const lost = (): string[] => gateway.logged.filter((line) => line.includes('feedback in a header'));

describe('with what this repository has', () => {
  test('the OpenAI SDK in TypeScript', async () => {
    const program = programOf('OpenAI SDK, TypeScript', 'ts');
    const printed = await run(process.execPath, 'hello.ts', program, join(root, 'node_modules'));
    expect(printed).toContain(ANSWER);
    const { model, signals } = await ratedIn(printed);
    expect(printed).toContain(model);
    expect(signals).toMatchObject([thumbUp, { signal: 'continued' }]);
    expect(lost()).toEqual([]);
    expect(upstream.received.at(-1)?.body).toMatchObject({ safety_identifier: 'user-42' });
  });

  test('the README, whose thumb and whose question why take the id that its client prints', async () => {
    const section = 'Switch a client over';
    const client = programOf(section, 'js', 'README.md');
    const printed = await run(process.execPath, 'hello.mjs', client, join(root, 'node_modules'));
    expect(printed).toContain(ANSWER);
    const id = /dec_[0-9a-f]{32}/.exec(printed)?.[0] as string;
    const shell = programOf(section, 'bash', 'README.md').replaceAll('dec_…', id);
    const answered = await run('bash', 'hello.sh', shell);
    expect(answered).toMatch(/^x-conduit-decision: dec_/m);
    const told = `"id":"${id}"`;
    expect(answered.slice(answered.indexOf(told))).toContain('"signal":"thumbs"');
    expect((await ratedIn(id)).signals).toContainEqual(expect.objectContaining(thumbUp));
  });

  test('curl', async () => {
    const printed = await run('bash', 'hello.sh', programOf('curl', 'bash'));
    expect(printed).toMatch(/^x-conduit-model: fake\/(small|large)/m);
    expect(printed).toContain('data: [DONE]');
    expect(printed).toContain('"object":"feedback"');
    const last = JSON.parse(printed.slice(printed.lastIndexOf('{"object":"decision"'))) as Decision;
    expect(last.signals).toMatchObject([thumbUp]);
  });
});

const folder = process.env.CONDUIT_CLIENTS ?? '';

describe.skipIf(folder === '')('with what the page says to install', () => {
  const python = (section: string): Promise<string> =>
    run(join(folder, 'venv/bin/python'), 'hello.py', programOf(section, 'python'));
  const javascript = (section: string): Promise<string> =>
    run(process.execPath, 'hello.mjs', programOf(section, 'js'), join(folder, 'node_modules'));

  test('the OpenAI SDK in Python', async () => {
    const { signals } = await ratedIn(await python('OpenAI SDK, Python'));
    expect(signals).toMatchObject([thumbUp, { signal: 'continued' }]);
    expect(lost()).toEqual([]);
  });

  test('LangChain in Python', async () => {
    const { signals } = await ratedIn(await python('LangChain, Python'));
    expect(signals.map(({ signal }) => signal).sort()).toEqual(['continued', 'thumbs']);
    expect(lost()).toEqual([]);
  });

  test('LangChain in JavaScript', async () => {
    const printed = await javascript('LangChain, JavaScript');
    expect(printed).toMatch(/chatcmpl-\d+ (small|large)/);
    expect(upstream.received.map(({ body }) => body.user)).toEqual(['user-42', 'user-42', 'user-42']);
    expect(lost()).toEqual([]);
  });

  test('LlamaIndex', async () => {
    const printed = await python('LlamaIndex');
    expect(printed).toMatch(/chatcmpl-\d+ (small|large)/);
    expect(printed).toContain('"status":"recorded"');
  });

  test('the Vercel AI SDK', async () => {
    const { signals } = await ratedIn(await javascript('Vercel AI SDK'));
    expect(signals).toMatchObject([thumbUp]);
    expect(upstream.received.at(-1)?.body).toMatchObject({ user: 'user-42', stream: true });
  });
});
