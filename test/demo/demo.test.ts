/** The whole demo as a user starts it: a process of its own, seen from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import OpenAI from 'openai';
import { afterEach, expect, test } from 'vitest';

const root = new URL('../..', import.meta.url);
let running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
});

interface Demo {
  child: ChildProcess;
  output: () => { out: string; err: string };
  url: Promise<string>;
  exit: Promise<number | null>;
}

function startDemo(env: Record<string, string>, options = '{ port: 0 }'): Demo {
  const code = `import('./src/cli/demo.ts').then(({ demo }) => demo(${options}))`;
  const child = spawn(process.execPath, ['-e', code], { cwd: root, env: { ...process.env, ...env } });
  running.push(child);
  let out = '';
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      const found = /^conduit listening on (http:\S+)\n/.exec(out);
      if (found) resolve(found[1]!);
    });
    child.once('exit', () => reject(new Error(`never listened: ${out}${err}`)));
  });
  url.catch(() => {});
  return { child, output: () => ({ out, err }), url, exit: once(child, 'exit').then(([status]) => status) };
}

test('the demo listens, serves its people without a failure, sums up and ends by itself', {
  timeout: 60_000,
}, async () => {
  const demo = startDemo({ CONDUIT_DEMO_SECONDS: '4' });
  const url = await demo.url;
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(await demo.exit).toBe(0);
  const { out, err } = demo.output();
  expect(err).not.toContain('Error');
  expect(out).toContain('"model":"auto"');
  const summary = out.slice(out.indexOf('ended after'));
  expect(Number(/([\d,]+) requests, 0 failed/.exec(summary)?.[1]?.replace(',', ''))).toBeGreaterThan(0);
  expect(summary).toMatch(/quality of the last \d+/);
  expect(summary).toMatch(/saved \d+%/);
});

test('a visitor with the official client is answered by the same simulated models, and Ctrl-C ends the demo', {
  timeout: 60_000,
}, async () => {
  const demo = startDemo({});
  const client = new OpenAI({ baseURL: `${await demo.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const answer = await client.chat.completions.create({
    model: 'auto',
    messages: [{ role: 'user', content: 'Hello' }],
  });
  expect(answer.choices[0]?.message.content).toMatch(/^\[simulated answer\]/);
  const learned = async () =>
    (await (await fetch(`${await demo.url}/v1/routers/auto`)).json()) as {
      observations: number;
      labels: number;
      arms: { model: string }[];
    };
  await expect.poll(async () => (await learned()).labels, { timeout: 30_000 }).toBeGreaterThan(0);
  expect((await learned()).arms.every(({ model }) => model.startsWith('simulated/'))).toBe(true);
  demo.child.kill('SIGINT');
  expect(await demo.exit).toBe(0);
  expect(demo.output().out).toContain('ended after');
});

test('a port that somebody asked for and that is taken is an error, and the process ends', {
  timeout: 60_000,
}, async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const demo = startDemo({}, `{ port: ${port} }`);
  expect(await demo.exit).not.toBe(0);
  expect(demo.output().err).toContain('EADDRINUSE');
  other.close();
});
